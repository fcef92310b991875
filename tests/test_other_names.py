"""What the field calls tasks, models, losses and optimizers: an unknown name is answered with the one here, and with
settings that run."""

import re
import shlex
from typing import Any

import pytest
import torch

from grokscope.cli.run import assignment
from grokscope.recipes.base import recipe
from grokscope.registry import ALSO_CALLED, component, names
from grokscope.runs.fields import COMPONENTS
from grokscope.training.pack import Pack

NAMES = [
    (kind, family, other)
    for kind, family in COMPONENTS.items()
    for one in names(family)
    for other in component(family, one).also_called
]
SMALL = {"p": 11, "n_samples": 40, "train_fraction": 0.5, "d_model": 8, "n_heads": 2, "d_mlp": 8, "max_steps": 1}


def advised(kind: str, name: str) -> dict[str, Any]:
    """The settings that the message for an unknown name says to type."""
    with pytest.raises(ValueError) as error:
        recipe("quickstart", **{kind: name})
    text = str(error.value)
    assert text.startswith(f"unknown {kind} {name!r}. Here it is {kind}=")
    return dict(assignment(word) for word in shlex.split(text.partition(": ")[2]) if word != "--set")


@pytest.mark.parametrize(("kind", "family", "name"), NAMES)
def test_the_advice_for_another_name_trains(kind: str, family: str, name: str) -> None:
    settings = advised(kind, name)
    config = recipe("quickstart", **settings)  # as it is typed, at full size
    small = {field: value for field, value in SMALL.items() if hasattr(config, field) and field not in settings}
    pack = Pack([config.replace(**small)], device=torch.device("cpu"))
    pack.advance(keep=True)
    assert bool(pack.alive.all())
    for field, value in settings.items():
        assert config.replace(**{field: value}) == config


def test_no_name_stands_for_two_things_or_hides_a_component() -> None:
    plain = [(family, re.sub(r"\W|_", "", name)) for _, family, name in NAMES]
    assert len(set(plain)) == len(plain)
    assert [name for _, family, name in NAMES if name in names(family)] == []
    assert set(COMPONENTS.values()) == ALSO_CALLED


@pytest.mark.parametrize(
    ("kind", "name", "settings"),
    [
        ("task", "modular_multiplication", {"task": "binary_operation", "operation": "multiplication"}),
        ("task", "modular_subtraction", {"task": "binary_operation", "operation": "subtraction"}),
        ("task", "modular_division", {"task": "binary_operation", "operation": "division"}),
        ("task", "S5", {"task": "group_operation", "group": "S5"}),
        ("task", "s_5", {"task": "group_operation", "group": "S5"}),
        ("task", "parity", {"task": "sparse_parity", "model": "mlp"}),
        ("model", "OneLayerTransformer", {"model": "transformer"}),
        ("loss", "MSELoss", {"loss": "mse"}),
        ("optimizer", "SGD-momentum", {"optimizer": "sgd", "momentum": 0.9}),
    ],
)
def test_names_of_the_field(kind: str, name: str, settings: dict[str, Any]) -> None:
    assert advised(kind, name) == settings


def test_words_for_operations_are_the_published_ones() -> None:
    by_word = recipe("quickstart", task="binary_operation", operation="multiplication")
    assert by_word == recipe("quickstart", task="binary_operation", operation="x*y")
    assert by_word.operation == "x*y"


@pytest.mark.parametrize(("kind", "name", "near"), [("optimizer", "AdamW", "adamw"), ("model", "Transformer", "tran")])
def test_capitals_do_not_hide_a_name(kind: str, name: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"Did you mean '{near}"):
        recipe("quickstart", **{kind: name})
