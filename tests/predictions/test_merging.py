"""A ledger that a study goes on from: what it knows is not trained again, and what was trained twice stays once."""

from dataclasses import replace
from typing import Any

import pytest

from grokscope.errors import StoreError
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import Prediction, Theory
from grokscope.predictions.ledger import Ledger
from grokscope.predictions.merging import grown, merged, whole
from grokscope.predictions.readings import Fact
from grokscope.statistics.regions import above, below
from tests.predictions.lines import line, run, small


def again(seeds: tuple[int, ...], **fields: Any) -> Ledger:
    """The same seeds in other runs."""
    about = [line(seed, **{"run": f"again-{seed}", "value": 5.0} | fields) for seed in seeds]
    runs = tuple(replace(run(seed), id=f"again-{seed}") for seed in seeds)
    return Ledger(arms=Arms([Arm(family="base", name="base", runs=runs)]), places={"base": 0}, lines=tuple(about))


def without_answer(seeds: tuple[int, ...], lacking: int) -> Ledger:
    """A ledger in which nobody has taken the reading of one seed."""
    ledger = small(seeds)
    never = {"value": None, "missing": "not taken", "digest": ""}
    return replace(ledger, lines=tuple(replace(one, **never) if one.seed == lacking else one for one in ledger.lines))


def test_a_seed_is_whole_once_each_of_its_readings_was_taken() -> None:
    assert whole(small((0, 1, 2))) == {"base": {0, 1, 2}}
    assert whole(without_answer((0, 1, 2), lacking=1)) == {"base": {0, 2}}
    answerless = small((3,), value=None, missing="no transition")  # taken, and there is none
    assert whole(answerless) == {"base": {3}}


def test_readings_of_step_0_are_of_the_runs_of_the_base() -> None:
    ledger = small((0, 1))
    start = line(1, "untrained", run="base-1", value=None, missing="not taken", digest="")
    assert whole(replace(ledger, lines=(*ledger.lines, start))) == {"base": {0}}


def test_a_seed_that_was_trained_twice_stays_once() -> None:
    known = small((0, 1))
    both = grown(known, again((1, 2)))
    assert [one.id for one in both.arms["base"]] == ["base-0", "base-1", "again-2"]
    assert [one.value for one in both.lines] == [0, 1 / 7, 5.0]
    with pytest.raises(StoreError, match="it is there twice"):
        merged(known, again((1, 2)))
    assert grown(both, again((1, 2))) == both


def test_a_whole_seed_replaces_one_that_lacks_readings_and_not_the_other_way_round() -> None:
    known = without_answer((0, 1), lacking=1)
    assert [one.id for one in grown(known, again((0, 1))).arms["base"]] == ["base-0", "again-1"]
    less = again((0, 1), value=None, missing="not taken", digest="")
    assert grown(known, less) == known


def test_an_arm_that_is_new_comes_last() -> None:
    other = Ledger(arms=Arms([Arm(family="a", name="a", runs=(run(0, "a"),))]), places={"a": 0}, lines=(line(0, "a"),))
    assert list(grown(small(), other).arms) == ["base", "a"]


def test_other_definitions_are_refused() -> None:
    with pytest.raises(StoreError, match="taken with another definition"):
        grown(small((0,)), again((1,), digest="bbb"))


def test_a_row_that_is_newer_than_the_ledger_is_lacking() -> None:
    """Its readings were never taken of the runs that stand there."""
    text: Any = {"en": "claim", "zh": "主张"}
    about: dict[str, Any] = {
        "claim": text,
        "measured": text,
        "arms": ("base",),
        "readings": (Fact("unit", lambda _: 1.0),),
    }
    about |= {"statistic": lambda _: None, "supports": above(0), "refutes": below(-1)}
    old, new = (Prediction(id=f"made.{name}", **about) for name in ("one", "two"))
    known = [Theory(id="made", title=text, source="", predictions=(old,))]
    later = [Theory(id="made", title=text, source="", predictions=(old, new))]
    assert whole(small((0, 1)), known) == {"base": {0, 1}}
    assert whole(small((0, 1)), later) == {"base": set()}
    again_ = again((0, 1))
    more = tuple(replace(one, claim="made.two") for one in again_.lines)
    newer = replace(again_, lines=(*again_.lines, *more))
    assert [one.id for one in grown(small((0, 1)), newer, later).arms["base"]] == ["again-0", "again-1"]
    assert grown(small((0, 1)), newer, known) == small((0, 1))
