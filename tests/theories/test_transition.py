"""No stable state in between: the statistics of the prediction on runs that are made up."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import Means, Theory
from grokscope.predictions.rows import rank_correlation
from grokscope.predictions.subject import Subject
from grokscope.predictions.verdict import judged
from grokscope.theories.manifold.topology import EXPECTED, match
from grokscope.theories.manifold.transition import TRANSITION
from tests.report.study.made import Made


def arms(widths: Mapping[int, float], seeds: int = 6) -> Any:
    """Arms p=..., whose passages take these steps, a little different from seed to seed."""
    found: list[Arm[Subject]] = []
    for p, width in widths.items():
        runs: list[Any] = [Made(width * (1 + 0.03 * seed)) for seed in range(seeds)]
        for seed, run in enumerate(runs):
            run.config = type("Config", (), {"p": p, "seed": seed, "model_dump": lambda _, p=p: {"p": p}})()
        own: Any = tuple(Subject(run=run) for run in runs)
        found.append(Arm(family="p", value=p, name=f"p={p}", also=(("wide", p),), runs=own))
    return Arms(found)


def base(arm: Arm[Subject]) -> Any:
    return Arms([Arm(family="base", name="base", runs=arm.runs)])


def statistic(part: str, version: int = 1) -> Any:
    row = next(row for row in TRANSITION if (row.part, row.version) == (part, version))
    return lambda arms: row.statistic(row.answers(arms))


@pytest.mark.parametrize("version", [1, 2, 3])
def test_the_slope_is_that_of_the_widths(version: int) -> None:
    """Widths about as p^-1, known to the 25 steps that evaluations are apart: .05 of the smallest in a logarithm."""
    widths = {17: 1020, 31: 560, 59: 294}
    found = statistic("passage", version)(arms(widths))
    assert isinstance(found, Means)
    for seed, value in enumerate(found.values.values()):
        exact = np.array([width * (1 + 0.03 * seed) for width in widths.values()])
        t_gen = 2000 + exact * np.log(9) / (2 * np.log(4))  # where the share passes .9
        over = t_gen - 100 if version == 3 else t_gen  # memorised at step 100
        slope = np.polyfit(np.log(list(widths)), np.log(exact / over), 1)[0]
        assert value == pytest.approx(slope, abs=0.1)
    flat = statistic("passage", version)(arms({17: 500, 31: 500, 59: 500}))
    assert [float(value) for value in flat.values.values()] == pytest.approx([0.0] * 6, abs=0.1)
    assert isinstance(statistic("passage")(arms({17: 500, 31: 500})), Missing)


def test_rank_correlation_needs_something_to_rank() -> None:
    assert rank_correlation(np.array([1, 2, 3, 4]), np.array([10, 20, 30, 35])) == pytest.approx(1)
    assert isinstance(rank_correlation(np.array([1, 1, 1]), np.array([1, 2, 3])), Missing)


@pytest.mark.parametrize(
    ("widths", "verdict"),
    [({17: 1020, 31: 560, 59: 294}, "supported"), ({17: 294, 31: 560, 59: 1020}, "refuted")],
)
def test_a_passage_that_shortens_is_supported_and_one_that_grows_refuted(
    widths: Mapping[int, float], verdict: str
) -> None:
    title: Any = {"en": "made", "zh": "虚构"}
    found = arms(widths, seeds=20)
    theory = Theory(id="manifold", title=title, source="here", predictions=TRANSITION)
    passages, _ = judged(theory, found.with_arms(*base(found["p=17"]).values()))
    assert [(claim.version, claim.verdict) for claim in passages] == [(3, verdict), (1, verdict), (2, verdict)]


class Shape:
    """Answers of a run of a task with these Betti numbers, whose class means measure others."""

    def __init__(self, seed: int, task: tuple[int, ...], measured: tuple[float, float]) -> None:
        self.config: Any = type("Config", (), {"seed": seed, "random_labels": False, "model_dump": lambda _: {}})()
        self.task, self.measured = task, measured

    def __getitem__(self, reading: Any) -> float:
        if reading in EXPECTED:
            return float(self.task[EXPECTED.index(reading)])
        return self.measured[reading.instrument.element]


def shapes(right: int) -> Any:
    """Three tasks with seven runs each, of which so many measure what their task has and the others a segment."""
    found: list[Arm[Any]] = []
    for family, name, betti in (("base", "base", (1, 1)), ("task", "task=torus", (1, 2)), ("task", "task=two", (2, 2))):
        runs = [Shape(seed, betti, betti if seed < right else (1, 0)) for seed in range(7)]
        found.append(Arm(family=family, name=name, runs=tuple(runs)))
    return Arms(found)


def test_topologies_that_follow_the_task_agree_more_than_by_chance() -> None:
    """Three right answers of three agree wholly, by chance in 3 / 9; the same answer everywhere never agrees."""
    for right, value in ((7, 2 / 3), (0, 0.0)):
        found = match(shapes(right))
        assert isinstance(found, Means)
        assert list(found.values.values()) == pytest.approx([value] * 7)
        assert found.bounds == (-1, 1)
    alone = match(Arms([shapes(7)["base"]]))
    assert isinstance(alone, Means)
    assert all(isinstance(value, Missing) for value in alone.values.values())
