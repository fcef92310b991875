"""The arms of the study of lazy and rich training, and its summary, from runs made up and trained."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.statistics.survival import Median
from grokscope.studies.lazy_rich import ARMS, PLANS, _during, arms, delays, plan, study, summarise
from grokscope.training.pack import Pack

STEPS = np.arange(0, 1001, 10)


class Made:
    """A run whose losses become low at chosen steps (None: never)."""

    steps = 1000

    def __init__(self, t_train: float | None, t_test: float | None) -> None:
        self._at = {"train/loss": t_train, "test/loss": t_test}

    def series(self, name: str) -> Any:
        at = self._at[name]
        return STEPS, np.where((np.inf if at is None else at) <= STEPS, 0.1, 3.0)


@pytest.mark.parametrize("scale", PLANS)
def test_the_arms_are_packs_of_values_times_seeds(scale: Any) -> None:
    of = plan(scale)
    found = arms(of)
    assert tuple(found) == ARMS
    assert [(c.output_scale, c.seed) for c in found["alpha"]] == [(a, s) for a in of.alphas for s in of.seeds]
    assert [(c.n_train, c.seed) for c in found["samples"]] == [(n, s) for n in of.samples for s in of.seeds]
    for pack in found.values():
        assert Pack([c.replace(n_train=20) for c in pack[:2]], device=torch.device("cpu")).n_replicas == 2
        assert all(c.weight_decay == 0 and c.centred and c.is_plain_descent and c.data_seed == c.seed for c in pack)
    # The rate times the squared scale is one and the same: a lazier network is no slower one.
    assert len({round(c.rate * c.output_scale**2, 9) for c in found["alpha"]}) == 1
    assert len(plan("laptop").seeds) >= 5


def test_a_run_that_never_generalises_is_censored() -> None:
    runs: Any = [Made(100, 400), Made(100, 500), Made(100, None), Made(50, 60), Made(200, 100), Made(None, None)]
    found = delays((1.0, 2.0), runs)
    assert found.t_test[0].tolist() == [400, 500, np.inf]
    first, second = found.delay
    assert isinstance(first, Median)
    assert isinstance(second, Median)
    assert first.value == 400  # 300, 400 and more than 900
    assert second.value == 0  # 10, and 0 where test is first; the third has no training loss to count from
    assert [some.k for some in found.generalised] == [2, 2]
    (never,) = delays((1.0,), [Made(None, None)]).delay  # pyright: ignore[reportArgumentType]
    assert isinstance(never, Missing)


def test_the_rise_is_counted_between_the_ends_of_the_fall() -> None:
    steps = np.arange(101.0)
    test = np.interp(steps, [0, 50, 60, 100], [1, 1, 0, 0])  # from about 51 to 59: a fifth of 40 steps of rise
    at, alignments = np.array([0.0, 40.0, 80.0, 100.0]), np.array([1.0, 1.0, 2.0, 2.0])
    assert _during(steps, test, at, alignments) == pytest.approx(0.2, abs=0.03)
    assert isinstance(_during(steps, test + 1, at, alignments), Missing)
    assert isinstance(_during(steps, test, at, -alignments), Missing)


def test_a_tiny_study_is_trained_once_and_summarised(tmp_path: Path) -> None:
    found = study(scale="tiny", store=tmp_path, progress=False)
    assert set(found.delays) == {"alpha", "samples"}
    assert found.figure["kernel regression"].n == 2  # pyright: ignore
    assert found.figure["linearised test loss at the end"].value > 0  # pyright: ignore
    assert "figure 1, test loss at the end" in str(found)
    again = study(scale="tiny", store=tmp_path, only=["alpha"], progress=False)
    assert again.delays["alpha"].t_train.tolist() == found.delays["alpha"].t_train.tolist()
    assert not again.figure


def test_bad_input_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown scale 'paper'"):
        plan("paper")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="unknown arm 'alpah'"):
        study(scale="tiny", store=tmp_path, only=["alpah"])


def test_a_run_that_is_not_there_takes_its_seed_with_it() -> None:
    of = plan("tiny")
    runs: Any = [Made(100, 400 + 100 * c.seed) for c in arms(of)["alpha"]]
    for run, config in zip(runs, arms(of)["alpha"], strict=True):
        run.config = config
    found = summarise(of, {"alpha": [runs[3], runs[2], runs[1]]})
    assert found.delays["alpha"].t_test.tolist() == [[500], [500]]
    assert "left out of alpha: seed 0 has no run in the arm of 0.5" in str(found)
