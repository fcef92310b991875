"""Predictions that are written short: which numbers of which runs they take."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import Means, Shares, Times
from grokscope.predictions.readings import Reading, Series
from grokscope.predictions.rows import (
    FIRST_NORM,
    GENERALISED,
    GROKKED,
    MEMORISED,
    RANKED_T_GEN,
    T_GEN,
    T_MEM,
    along,
    last,
    over,
    per_group,
    per_seed,
    rank_correlation,
    sooner,
)
from grokscope.predictions.subject import NOTHING
from grokscope.runs.store.rows import Rows
from grokscope.statistics.regions import above, below

ONE, OTHER, IDEAL = (Series(name, lambda _: 0.0, ()) for name in ("one", "other", "ideal"))
TEXT = {"en": "x", "zh": "x"}
ABOUT: dict[str, Any] = {
    "id": "made.row", "claim": TEXT, "measured": TEXT, "supports": above(1.0), "refutes": below(0.5)
}  # fmt: skip


class Run(dict[Reading, Any]):
    def __init__(self, seed: int, values: dict[Reading, Any]) -> None:
        super().__init__(values)
        self.config: Any = SimpleNamespace(seed=seed)


def arms(family: str = "made", **values: list[dict[Reading, Any]]) -> Arms[Any]:
    """Arms of a family by name, the numbers of their runs by seed; the value of an arm is its place."""
    return Arms(
        Arm(family=family, value=place, name=name, runs=[Run(seed, own) for seed, own in enumerate(runs)])
        for place, (name, runs) in enumerate(values.items())
    )


def ended(**phases: Any) -> Any:
    """A run of 300 steps whose norm goes from 5 over 4 to 2, one of another view beside it."""
    views = np.array(["", "other", "", "", "other"])
    values = np.array([5.0, 9.0, 4.0, 2.0, 8.0])
    rows = Rows(steps=np.array([0, 0, 100, 300, 300]), values=values, runs=views, measures=views, views=views)
    known = {"memorized_at": None, "generalized_at": None, "grokked": False, "last_at": 300} | phases
    return SimpleNamespace(
        phases=SimpleNamespace(**known), rows=lambda name: rows if name == "weights.norm" else NOTHING
    )


def test_a_time_that_was_not_reached_is_the_end_and_for_ranks_twice_the_end() -> None:
    never, at_once, late = ended(), ended(memorized_at=0, generalized_at=0), ended(memorized_at=20, generalized_at=200)
    assert [reading.of(never) for reading in (T_MEM, T_GEN, RANKED_T_GEN)] == [300, 300, 600]
    assert [reading.of(at_once) for reading in (T_MEM, T_GEN, RANKED_T_GEN)] == [0, 0, 0]
    assert [reading.of(late) for reading in (T_MEM, T_GEN, RANKED_T_GEN)] == [20, 200, 200]
    assert [reading.of(never) for reading in (MEMORISED, GENERALISED, GROKKED)] == [0, 0, 0]
    assert [reading.of(at_once) for reading in (MEMORISED, GENERALISED, GROKKED)] == [1, 1, 0]
    assert GROKKED.of(ended(grokked=True)) == 1


def test_the_first_and_the_last_number_of_a_series_and_of_one_of_its_views() -> None:
    assert FIRST_NORM.of(ended()) == 5
    assert last("weights.norm").of(ended()) == 2
    assert last("weights.norm", "other").of(ended()) == 8
    assert last("weights.norm", "other").measures == ("weights.norm[other]",)
    absent = last("behaviour.margin").of(ended())
    assert isinstance(absent, Missing)
    assert "behaviour.margin" in absent.reason


def test_ranks_and_ratios_without_an_answer_say_so() -> None:
    rising = np.array([1.0, 2.0, 4.0])
    assert rank_correlation(rising, -np.exp(rising)) == pytest.approx(-1)
    assert rank_correlation(rising, np.array([2.0, 1.0, 3.0])) == pytest.approx(0.5)
    for one, other in ((rising, np.ones(3)), (np.ones(3), rising)):
        assert isinstance(rank_correlation(one, other), Missing)
    assert over(6, 3) == 2
    assert isinstance(over(6, 0), Missing)


def test_one_number_a_seed_of_an_arm_and_of_its_controls() -> None:
    row = per_seed(
        ONE, OTHER, of=lambda one, other: one - other, arm="mine", controls=("theirs",), clock=(IDEAL,), **ABOUT
    )  # fmt: skip
    of = arms(
        mine=[{ONE: 5.0, OTHER: 1.0, IDEAL: 9.0}, {ONE: Missing("none"), OTHER: 1.0, IDEAL: 7.0}],
        theirs=[{ONE: 2.0, OTHER: 3.0}],
    )
    assert row.arms == ("mine",)
    assert row.readings == (ONE, OTHER, IDEAL)
    assert row.statistic(of) == Means({(0,): 4.0, (1,): Missing("none")})
    assert row.controls["theirs"](of) == Means({(0,): -1.0})
    assert row.clock is not None
    assert row.clock(of) == Means({(0,): 8.0, (1,): 6.0})
    alone = per_seed(ONE, arm="mine", controls=(), bounds=(0.0, 9.0), geometric=True, **ABOUT)
    assert alone.clock is None
    assert alone.statistic(of) == Means({(0,): 5.0, (1,): Missing("none")}, bounds=(0.0, 9.0), geometric=True)
    assert per_seed(ONE, share=True, arm="theirs", controls=(), **ABOUT).statistic(of) == Shares({(0,): 2.0})


def test_one_number_a_seed_from_several_arms_in_their_order() -> None:
    of = arms(few=[{ONE: 1.0}, {ONE: 2.0}], many=[{ONE: 5.0}])
    row = per_group(lambda many, few: many / few, ONE, arms=("many", "few"), **ABOUT)
    found = row.statistic(of)
    assert isinstance(found, Means)
    assert found.values[0,] == 5
    assert isinstance(found.values[1,], Missing)  # its seed lacks the arm "many"
    assert isinstance(per_group(lambda *_: 1.0, ONE, arms=("many",), share=True, **ABOUT).statistic(of), Shares)


def test_a_family_is_read_along_its_values_where_it_has_enough() -> None:
    of = arms(low=[{ONE: 1.0}], middle=[{ONE: 3.0}], high=[{ONE: 2.0}])

    def peak(values: np.ndarray, runs: Any) -> float:
        return float(values[np.argmax([run[ONE] for run in runs])])

    about: dict[str, Any] = {"lacking": "only {} values"}
    assert along("made", peak, fewest=3, **about)(of) == Means({(0,): 1.0})
    assert along("made", peak, fewest=4, **about)(of) == Missing("only 3 values")
    assert along("made", peak, fewest=3, kind=Shares, **about)(of) == Shares({(0,): 1.0})


def test_times_of_two_arms_with_what_never_came() -> None:
    of = arms(treated=[{T_GEN: 100.0, GENERALISED: 1.0}], others=[{T_GEN: 300.0, GENERALISED: 0.0}] * 2)
    found = sooner("treated", "others", **ABOUT).statistic(of)
    assert isinstance(found, Times)
    assert [[*map(list, side)] for side in (found.treated, found.others)] == [
        [[100], [True]], [[300, 300], [False, False]]
    ]  # fmt: skip
