"""What points stand for, where that is not their label: the hour that a text speaks of, when its label is a word."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import grokscope as gs
from tests.watch.networks import P, pairs, plain

HOURS, TEXTS, WORDS = 12, 8, 50
HOUR = torch.arange(HOURS).repeat_interleave(TEXTS)
GENERATOR = torch.Generator().manual_seed(0)
WORD = torch.randint(WORDS, (len(HOUR),), generator=GENERATOR)
VIEW = "hidden/class_means"


def texts() -> Tensor:
    """Features of which two go round with the hour."""
    angle = 2 * math.pi * HOUR / HOURS
    noise = 0.05 * torch.randn(len(HOUR), 6, generator=torch.Generator().manual_seed(1))
    return torch.cat([torch.stack([angle.cos(), angle.sin()], dim=1), noise], dim=1)


def network() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, WORDS))
    nn.init.eye_(model[0].weight)
    return model


def watched(truth: Any, store: Path, **options: Any) -> Any:
    options = {"labels": WORD, "sites": {"hidden": "0"}, "measures": [], "train": HOUR < 9} | options
    return gs.watch(network(), options.pop("inputs", texts()), truth=truth, store=store, **options)


def test_clouds_are_compared_with_what_the_points_stand_for(tmp_path: Path) -> None:
    betti, equivariance = gs.measures()["manifold.betti"], gs.measures()["manifold.equivariance"]
    with watched((f"cyclic({HOURS})", HOUR), tmp_path) as watch:
        live = watch.snapshot()
        assert live.structural.view("hidden", "class_means").shape == (HOURS, 8)
        assert live.structural.logits.shape == (len(HOUR), WORDS)
        assert betti(live, view=VIEW)[1] == 1
        assert equivariance(live, view=VIEW) > 0.95
        watch.step(1)
    again = watch.run.snapshot()  # from the store alone
    assert betti(again, view=VIEW)[1] == 1
    assert equivariance(again, view=VIEW) == pytest.approx(equivariance(live, view=VIEW), abs=1e-6)
    # The label stays the word: accuracy is of words, and no circuit of the hours is sought in logits of words.
    right = network()(texts()).argmax(1) == WORD
    assert gs.measures()["behaviour.train_accuracy"](again) == right[HOUR < 9].double().mean().item()
    assert isinstance(gs.measures()["circuits.logit_explained"](again), gs.Missing)


def test_hours_in_another_order_are_no_circle_of_the_group(tmp_path: Path) -> None:
    shuffled = torch.randperm(HOURS, generator=torch.Generator().manual_seed(2))[HOUR]
    with watched((f"cyclic({HOURS})", shuffled), tmp_path) as watch:
        assert gs.measures()["manifold.equivariance"](watch.snapshot(), view=VIEW) < 0.5


def test_elements_alone_have_means_and_no_known_space(tmp_path: Path) -> None:
    with watched(HOUR, tmp_path) as watch:
        seen = watch.snapshot()
        assert watch.run.config.truth == "unknown"
    assert seen.structural.view("hidden", "class_means").shape == (HOURS, 8)
    assert not seen.structural.task.truth.known
    numbers = {name: watch.run.config.plain[name] for name in ("n_classes", "truth")}
    assert numbers == {"n_classes": WORDS, "truth": "unknown"}


def test_a_regression_has_elements_too(tmp_path: Path) -> None:
    numbers = torch.randn(len(HOUR), WORDS, generator=torch.Generator().manual_seed(3))
    with watched((f"cyclic({HOURS})", HOUR), tmp_path, labels=numbers) as watch:
        assert gs.measures()["manifold.equivariance"](watch.snapshot(), view=VIEW) > 0.95


def test_elements_go_with_their_points(tmp_path: Path) -> None:
    """Through the order of a task, a draw of some points, splits, and points whose label is ignored."""
    x, y = pairs()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(4))
    first = x[:, 0]
    with gs.watch(plain(), x[order], y[order], truth=first[order], store=tmp_path, measures=[], most=40) as watch:
        task = watch.task
    assert task.structure is not None
    assert torch.equal(task.structure.elements, task.inputs[:, 0])
    splits = {"train": (texts()[:60], WORD[:60]), "test": (texts()[60:], WORD[60:])}
    of = {"train": HOUR[:60], "test": HOUR[60:]}
    ignored = WORD.clone()
    ignored[:5] = -100
    for given in (
        {"inputs": splits, "labels": None, "train": None, "truth": of},
        {"labels": ignored, "truth": HOUR},
    ):
        with watched(given.pop("truth"), tmp_path, **given) as watch:
            structure = watch.task.structure
        assert structure is not None
        kept = HOUR if given["labels"] is None else HOUR[5:]
        assert torch.equal(structure.elements, kept)


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        (HOUR[:-1], "one whole number a point, of 96; got (95,)"),
        (HOUR.float(), "one whole number a point"),
        (-HOUR, "whole numbers from 0 on, got -11"),
        (("cyclic(5)", HOUR), "has 5 elements"),
        (("cycle", HOUR), "unknown truth 'cycle'"),
        (object(), "what the points stand for"),
        (7, "what the points stand for"),
    ],
)
def test_what_does_not_fit_is_one_line(truth: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as error:
        watched(truth, tmp_path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_splits_without_what_one_of_them_stands_for_are_one_line(tmp_path: Path) -> None:
    x, y = pairs(P)
    with pytest.raises(ValueError, match="by split, as the inputs: train, test"):
        gs.watch(plain(), {"train": (x, y), "test": (x, y)}, truth={"train": y}, store=tmp_path)


def test_a_task_of_ones_own_has_them(tmp_path: Path) -> None:
    x, y = pairs()
    task = gs.task(x, y, truth=(f"cyclic({P})", x[:, 0]))
    run = gs.train(gs.recipe("quickstart", task=task, max_steps=2, d_model=8, n_heads=1, d_mlp=8), store=tmp_path)
    again = gs.load(run.folder).snapshot()
    assert again.task.structure is not None
    assert torch.equal(again.task.structure.elements, x[:, 0])
    other = gs.task(x, y, truth=f"cyclic({P})")
    assert gs.recipe("quickstart", task=other).plain["path_hash"] != run.config.plain["path_hash"]
