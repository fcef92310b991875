"""No stable state in between: the statistics of the prediction on runs that are made up."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import Means, Test
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
        found.append(Arm(family="p", value=p, name=f"p={p}", runs=tuple(Subject(run=run) for run in runs)))
    return Arms(found)


def base(arm: Arm[Subject]) -> Any:
    return Arms([Arm(family="base", name="base", runs=arm.runs)])


def statistic(part: str, version: int = 1) -> Any:
    row = next(row for row in TRANSITION if (row.part, row.version) == (part, version))
    return lambda arms: row.statistic(row.answers(arms))


@pytest.mark.parametrize("version", [1, 2])
def test_the_slope_is_that_of_the_widths(version: int) -> None:
    """Widths about as p^-1, known to the 25 steps that evaluations are apart: .05 of the smallest in a logarithm."""
    widths = {17: 1020, 31: 560, 59: 294}
    found = statistic("passage", version)(arms(widths))
    assert isinstance(found, Means)
    for seed, value in enumerate(found.values):
        exact = np.array([width * (1 + 0.03 * seed) for width in widths.values()])
        t_gen = 2000 + exact * np.log(9) / (2 * np.log(4))  # where the share passes .9
        slope = np.polyfit(np.log(list(widths)), np.log(exact / t_gen), 1)[0]
        assert value == pytest.approx(slope, abs=0.1)
    flat = statistic("passage", version)(arms({17: 500, 31: 500, 59: 500}))
    assert [float(value) for value in flat.values] == pytest.approx([0.0] * 6, abs=0.1)
    assert isinstance(statistic("passage")(arms({17: 500, 31: 500})), Missing)


def test_two_humps_are_told_from_one() -> None:
    two = statistic("two humps")(base(arms({17: 300})["p=17"]))
    one = statistic("two humps")(base(arms({17: 12_000})["p=17"]))
    assert isinstance(two, Test)
    assert isinstance(one, Test)
    assert two.p < 0.01
    assert one.p > 0.05


def test_rank_correlation_needs_something_to_rank() -> None:
    assert rank_correlation(np.array([1, 2, 3, 4]), np.array([10, 20, 30, 35])) == pytest.approx(1)
    assert isinstance(rank_correlation(np.array([1, 1, 1]), np.array([1, 2, 3])), Missing)


class Shape:
    """A run of a task with these Betti numbers, whose class means measure others."""

    checkpoints = (0, 10)

    def __init__(self, task: tuple[int, ...], measured: tuple[float, float]) -> None:
        truth = type("Truth", (), {"betti": task})
        self.task, self.measured = type("Task", (), {"truth": truth}), measured


def shapes(right: int) -> Any:
    """Three tasks with seven runs each, of which so many measure what their task has and the others a segment."""
    found = []
    for family, name, betti in (("base", "base", (1, 1)), ("task", "task=torus", (1, 2)), ("task", "task=two", (2, 2))):
        runs = [Shape(betti, betti if seed < right else (1, 0)) for seed in range(7)]
        found.append(Arm(family=family, name=name, runs=tuple(Reading(run) for run in runs)))
    return Arms(found)


class Reading:
    """Answers of a run: what its class means measure, and what its task has."""

    def __init__(self, run: Shape) -> None:
        self.run = run

    def __getitem__(self, reading: Any) -> float:
        of = self.run.task.truth.betti if reading in EXPECTED else self.run.measured
        return float(of[EXPECTED.index(reading) if reading in EXPECTED else reading.instrument.element])


def test_topologies_that_follow_the_task_are_told_from_chance() -> None:
    all_right, none = match(shapes(7)), match(shapes(0))
    assert isinstance(all_right, Test)
    assert isinstance(none, Test)
    assert (all_right.value, all_right.n) == (1.0, 21)
    assert all_right.p < 0.001
    assert none.p == 1
    assert not isinstance(none.power, Missing)
    assert none.power > 0.8
    assert isinstance(match(Arms([shapes(7)["base"]])), Missing)


def test_the_rows_are_judged_together() -> None:
    from grokscope.predictions.base import Theory

    title: Any = {"en": "made", "zh": "虚构"}
    found = arms({17: 1020, 31: 560, 59: 294})
    rows = judged(
        Theory(id="manifold", title=title, source="here", predictions=TRANSITION),
        found.with_arms(*base(found["p=17"]).values()),
    )
    passages = [row for row in rows if row.part == "passage"]
    assert [row.verdict for row in passages] == ["supported", "supported"]
