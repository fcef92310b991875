"""What many tests share: a tiny run that takes seconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grokscope.recipes.base import recipe
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run
from grokscope.studies.experiment import train

TINY: dict[str, Any] = {
    "p": 11,
    "train_fraction": 0.5,
    "d_model": 16,
    "n_heads": 2,
    "d_mlp": 24,
    "max_steps": 60,
    "checkpoint_every": 25,
}


def tiny(**fields: Any) -> RunConfig:
    """A config that trains in a fraction of a second."""
    own = {"task": {"p"}, "model": {"d_model", "n_heads", "d_mlp"}}
    kept = {name for name in TINY if all(field not in fields or name not in names for field, names in own.items())}
    return recipe("quickstart", **({name: TINY[name] for name in kept} | fields))


@pytest.fixture(name="tiny")
def tiny_fixture() -> Callable[..., RunConfig]:
    return tiny


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run; tests must not write into it."""
    return train(tiny(), store=tmp_path_factory.mktemp("store"), progress=False)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"
