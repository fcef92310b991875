"""Verdicts: right as often as they say, and undecided for the reasons they give."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import Means, Prediction, Sample, Shares, Test, Text, Theory, Times
from grokscope.predictions.cards import Row, Scorecard
from grokscope.predictions.verdict import judged
from grokscope.statistics.regions import Region, above, below

TEXT: Text = {"en": "claim", "zh": "主张"}
RUN: Any = SimpleNamespace(config=None)  # statistics made up here look at no run
ARMS: Any = Arms([Arm(family=name, name=name, runs=(RUN,)) for name in ("base", "control")])


def row(sample: Sample | Missing, number: int = 0, **fields: Any) -> Prediction:
    about: dict[str, Any] = {
        "supports": above(0.5), "refutes": below(0), "arms": ("base",), "readings": (), "claim": TEXT, "measured": TEXT,
        "id": f"row.{number}",
    }  # fmt: skip
    return Prediction(statistic=lambda _: sample, **(about | fields))


def verdicts(*rows: Prediction) -> list[Row]:
    return judged(Theory(id="made", title=TEXT, source="made", predictions=rows), ARMS)


def means(values: Any) -> Means:
    return Means(tuple(float(value) for value in values))


def share_of(draws: int, make: Callable[[np.random.Generator], list[Prediction]], verdict: str, first: int) -> float:
    """Share of the first rows of theories drawn anew that have a verdict."""
    rng = np.random.default_rng(0)
    found = [one.verdict == verdict for _ in range(draws) for one in verdicts(*make(rng))[:first]]
    return float(np.mean(found))


def no_effect(kind: str, n: int) -> Callable[[np.random.Generator], list[Prediction]]:
    """Four rows whose truth is the end of the supporting region: of all that should not be supported the worst."""

    def make(rng: np.random.Generator) -> list[Prediction]:
        if kind == "means":
            return [row(means(rng.normal(0.5, 1, n)), number) for number in range(4)]
        if kind == "shares":
            drawn = rng.random((4, n)) < 0.8
            return [row(Shares(tuple(map(float, one))), i, supports=above(0.8)) for i, one in enumerate(drawn)]
        times = rng.exponential(size=(4, 2, n))
        seen = times < 1.5
        return [
            row(Times(treated=(t[0], s[0]), others=(t[1], s[1])), number, supports=above(1), refutes=below(1))
            for number, (t, s) in enumerate(zip(times, seen, strict=True))
        ]

    return make


@pytest.mark.parametrize(("kind", "n"), [("means", 5), ("means", 10), ("shares", 20), ("times", 12)])
def test_without_an_effect_few_rows_are_supported(kind: str, n: int) -> None:
    """At most .05 of the rows, and Monte Carlo error: 30 theories of four rows, standard error .02."""
    assert share_of(30, no_effect(kind, n), "supported", 4) <= 0.05 + 4 * 0.02


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "n"), [("means", 5), ("means", 10), ("shares", 20), ("shares", 40), ("times", 12)])
def test_without_an_effect_few_rows_are_supported_long(kind: str, n: int) -> None:
    """The same from 1,000 theories: standard error .0034."""
    assert share_of(1000, no_effect(kind, n), "supported", 4) <= 0.05 + 4 * 0.0034


@pytest.mark.slow
def test_a_planted_effect_is_found_with_the_power_that_was_planned() -> None:
    """The seeds that an undecided row asks for decide it with a probability of .8 or a little more.

    One row with an effect of 1.2 standard deviations beyond its region beside three without any. In the plan the spread
    is known; the interval is the wider of two, which costs a little power.
    """
    pilot = verdicts(row(means(0.5 + 1.2 * np.array([-0.6, 0.4, 1.0, 1.6, 2.6]) / 1.0), 0))[0]
    assert pilot.verdict == "undecided"
    assert isinstance(pilot.needed, int)
    mean, sd = pilot.effect, 1.2 * np.std([-0.6, 0.4, 1.0, 1.6, 2.6], ddof=1)
    assert mean is not None
    rng = np.random.default_rng(1)
    found = [verdicts(row(means(rng.normal(mean, sd, pilot.needed)), 0))[0].verdict for _ in range(600)]
    assert np.mean([one == "supported" for one in found]) == pytest.approx(0.8, abs=0.05 + 4 * 0.016)


def test_an_effect_beyond_doubt_is_supported_or_refuted() -> None:
    sure, never = verdicts(row(means([1.0, 1.1, 0.9, 1.05, 0.95, 1.0]), 0), row(means(-np.arange(1.0, 7)), 1))
    assert (sure.verdict, sure.reason) == ("supported", "inside")
    assert sure.low is not None
    assert sure.low > 0.5
    assert never.verdict == "refuted"


def test_four_seeds_decide_nothing() -> None:
    found = verdicts(row(means([9.0, 9.1, 9.2, 9.05])))[0]
    assert (found.verdict, found.reason, found.n) == ("undecided", "few", 4)
    assert found.effect == pytest.approx(9.0875)


def test_when_most_seeds_have_no_answer_nothing_is_decided() -> None:
    values = (*map(float, range(9, 15)), *[Missing("no answer")] * 7)
    found = verdicts(row(Means(values)))[0]
    assert (found.verdict, found.reason, found.n, found.lacking) == ("undecided", "lacking", 6, 7)
    assert found.missing == "no answer"


def test_no_answer_at_all_says_why() -> None:
    found = verdicts(row(Missing("nothing was measured")))[0]
    assert (found.verdict, found.reason, found.missing) == ("undecided", "no_answer", "nothing was measured")
    absent = verdicts(row(means([1.0]), arms=("base", "elsewhere")))[0]
    assert absent.missing == "no run of the arm elsewhere"


def test_what_a_control_shows_too_is_no_evidence() -> None:
    strong = means([2.0, 2.1, 1.9, 2.05, 1.95, 2.02])
    shown = verdicts(row(strong, controls={"control": lambda _: means([0.9, 1.2, 0.8, 1.0, 1.1])}))[0]
    assert (shown.verdict, shown.reason) == ("undecided", "control")
    assert shown.controls[0].shows
    silent = verdicts(row(strong, controls={"control": lambda _: means([0.1, 0.2, 0.0, 0.1, 0.1])}))[0]
    assert silent.verdict == "supported"
    none = verdicts(row(strong, controls={"control": lambda _: Missing("it has no window")}))[0]
    assert none.verdict == "supported"
    not_run = verdicts(row(strong, controls={"never run": lambda _: strong}))[0]
    assert (not_run.verdict, not_run.reason) == ("undecided", "no_control")


def test_a_control_does_not_save_what_is_refuted() -> None:
    low = means([-2.0, -2.1, -1.9, -2.05, -1.95, -2.0])
    assert verdicts(row(low, controls={"never run": lambda _: low}))[0].verdict == "refuted"


def test_a_row_pays_for_the_others_of_its_version_only() -> None:
    """p = .03 alone is decided; beside three rows without effect it is not, unless these are another version."""
    from scipy.stats import t

    centred = np.array([-1.0, -0.5, 0.0, 0.5, 1.0, -0.8, 0.8])
    error = centred.std(ddof=1) / np.sqrt(7)
    sample = means(centred + 0.5 + error * t.isf(0.0125, 6))
    flat = [means([0.4, 0.6, 0.5, 0.3, 0.7])] * 3
    alone = verdicts(row(sample, 0))[0]
    assert alone.verdict == "supported"
    beside = verdicts(row(sample, 0), *(row(one, 1 + i) for i, one in enumerate(flat)))[0]
    assert beside.verdict == "undecided"
    assert beside.p is not None
    assert beside.adjusted == pytest.approx(4 * beside.p, rel=1e-6)
    apart = verdicts(row(sample, 0), *(row(one, 1 + i, version=2, changed=TEXT) for i, one in enumerate(flat)))[0]
    assert apart.verdict == "supported"


def test_shares_want_seventeen_of_seventeen_and_say_so() -> None:
    ten = verdicts(row(Shares((1.0,) * 10), supports=above(0.8), refutes=below(0.5)))[0]
    assert (ten.verdict, ten.reason, ten.needed) == ("undecided", "between", 17)
    assert verdicts(row(Shares((1.0,) * 17), supports=above(0.8), refutes=below(0.5)))[0].verdict == "supported"


def test_an_effect_in_neither_region_has_no_number_of_seeds() -> None:
    found = verdicts(row(means([0.2, 0.3, 0.25, 0.3, 0.2])))[0]
    assert found.verdict == "undecided"
    assert "neither region" in str(found.needed)


def test_a_test_refutes_only_with_power() -> None:
    def of(p: float, power: float | Missing) -> str:
        return verdicts(row(Test(value=0.3, n=10, p=p, level=0.01, power=power)))[0].verdict

    assert of(0.001, 0.9) == "supported"
    assert of(0.02, 0.9) == "refuted"  # .05, but not the .01 that the row asks for
    assert of(0.3, 0.5) == "undecided"
    assert of(0.3, Missing("unknown")) == "undecided"


def test_a_claim_of_several_parts_holds_if_all_do() -> None:
    strong, low = means([2.0, 2.1, 1.9, 2.05, 1.95, 2.0]), means([-2.0, -2.1, -1.9, -2.05, -1.95, -2.0])
    rows = verdicts(
        row(strong, 0, part="a"), row(strong, 0, part="b"), row(strong, 1, part="a"), row(low, 1, part="b")
    )  # fmt: skip
    card = Scorecard(rows=tuple(rows), runs={"base": 6})
    assert card.verdicts() == {("made", "row.0", 1): "supported", ("made", "row.1", 1): "refuted"}
    assert card.counts() == {"supported": 3, "refuted": 1, "undecided": 0}


def test_a_scorecard_goes_to_json_and_back(tmp_path: Any) -> None:
    never, always = np.array([5.0] * 6), np.array([1.0, 2, 3, 1, 2, 3])
    open_ended = Times(treated=(always, always > 0), others=(never, never < 0))
    rows = verdicts(
        row(open_ended, 0, supports=above(1), refutes=Region(())), row(Missing("none"), 1),
        row(means([1.0] * 6), 2, version=2, changed=TEXT, controls={"control": lambda _: means([0.0] * 6)}),
    )  # fmt: skip
    card = Scorecard(rows=tuple(rows), runs={"base": 6})
    assert rows[0].high == np.inf
    path = card.save(tmp_path / "deep" / "scorecard.json")
    assert Scorecard.load(path) == card
    path.write_text("[1]")
    with pytest.raises(ValueError, match="no scorecard"):
        Scorecard.load(path)
