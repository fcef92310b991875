"""Verdicts: right as often as they say, by the rules of claims, parts, controls and looks."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import Fit, Means, Prediction, Sample, Shares, Text, Theory, Times
from grokscope.predictions.cards import Claim, Row, Scorecard
from grokscope.predictions.evidence import Evidence
from grokscope.predictions.verdict import judged
from grokscope.statistics.looks import PROTOCOL, Looks
from grokscope.statistics.regions import NOWHERE, Region, above, below, within

TEXT: Text = {"en": "claim", "zh": "主张"}
LOOKS = Looks(sizes=PROTOCOL)


def arms(n: int = 80, control: int | None = None, first: int = 0) -> Any:
    """Runs that know their seed alone."""

    def runs(number: int) -> tuple[Any, ...]:
        return tuple(SimpleNamespace(config=SimpleNamespace(seed=first + i)) for i in range(number))

    return Arms([
        Arm(family="base", name="base", runs=runs(n)),
        Arm(family="control", name="control", runs=runs(n if control is None else control)),
    ])  # fmt: skip


def means(values: Any, arm: str = "base", **about: Any) -> Callable[..., Means]:
    """The statistic whose number of a seed is the value at its place."""
    return lambda given: Means({(run.config.seed,): values[run.config.seed] for run in given[arm]}, **about)


def shares(values: Any) -> Callable[..., Shares]:
    return lambda given: Shares({(run.config.seed,): values[run.config.seed] for run in given["base"]})


def row(statistic: Callable[..., Sample | Missing], claim: int = 0, **fields: Any) -> Prediction:
    about: dict[str, Any] = {
        "supports": above(0.5), "refutes": below(0), "arms": ("base",), "readings": (), "claim": TEXT, "measured": TEXT,
        "id": f"claim.{claim}", "statistic": statistic,
    }  # fmt: skip
    return Prediction(**(about | fields))


def verdicts(*rows: Prediction, of: Any = None, looks: Looks | None = None) -> tuple[list[Claim], list[Row]]:
    """The rows read no answers: `Prediction.answers` needs subjects, which these runs are not."""
    theory = Theory(id="made", title=TEXT, source="made", predictions=rows)
    return judged(theory, of if of is not None else arms(), looks)


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Prediction, "answers", lambda _, given: given)


def one(*rows: Prediction, n: int = 80, looks: Looks | None = None) -> Claim:
    return verdicts(*rows, of=arms(n), looks=looks)[0][0]


NOISE = np.random.default_rng(1).normal(0, 0.05, 80)
STRONG, LOW, BETWEEN = 2 + NOISE, -2 + NOISE, 0.25 + NOISE


def test_a_claim_is_supported_falls_short_or_is_refuted_by_where_its_interval_lies() -> None:
    assert [one(row(means(x))).verdict for x in (STRONG, BETWEEN, LOW)] == ["supported", "falls_short", "refuted"]
    wide = 0.5 + 20 * NOISE
    assert (one(row(means(wide))).verdict, one(row(means(wide))).reason) == ("undecided", "between")
    assert one(row(means(LOW), refutes=NOWHERE)).verdict == "falls_short"


def test_a_claim_knows_how_many_seeds_each_of_its_arms_has() -> None:
    control = {"control": means(NOISE, "control"), "untrained": means(NOISE)}
    claim = verdicts(row(means(STRONG), controls=control), of=arms(7, control=3), looks=LOOKS)[0][0]
    assert claim.seeds == {"base": 7, "control": 3}  # step 0 of the base needs no run of its own
    claim = verdicts(row(means(STRONG), arms=("base", "nothing"), along=("control",)), of=arms(7, control=3))[0][0]
    assert claim.seeds == {"base": 7, "nothing": 0, "control": 3}


def test_an_ideal_clock_stands_beside_a_row_and_decides_nothing() -> None:
    (claim,), (found,) = verdicts(row(means(STRONG), clock=means(LOW)))
    (plain,), _ = verdicts(row(means(STRONG)))
    assert claim.looks == plain.looks
    assert claim.verdict == "supported"
    assert found.clock is not None
    assert found.clock.effect == pytest.approx(LOW.mean())
    assert found.clock.low is not None
    assert found.clock.low < LOW.mean()
    _, (found,) = verdicts(row(means(STRONG), clock=lambda _: Missing("it carries no frequency")))
    assert found.clock is not None
    assert (found.clock.effect, found.clock.missing) == (None, "it carries no frequency")


def test_all_parts_must_hold_and_one_that_falls_is_enough() -> None:
    parts = [row(means(STRONG), part=name) for name in "abc"]
    assert one(*parts).verdict == "supported"
    claim, rows = verdicts(*parts[:2], row(means(LOW), part="c"))
    assert (claim[0].verdict, [r.verdict for r in rows]) == ("refuted", ["supported", "supported", "refuted"])
    open_part = row(means(0.5 + 20 * NOISE), part="c")
    assert one(*parts[:2], open_part).verdict == "undecided"


def beyond(p: float, n: int = 10) -> np.ndarray:
    """Symmetric numbers, whose mean lies beyond .5 with a p-value: below 0 for short of it."""
    from scipy.stats import t

    centred = np.tile([-1.0, 1.0], n // 2)
    return 0.5 + np.sign(p) * centred.std(ddof=1) / np.sqrt(n) * float(t.isf(abs(p) / 2, n - 1)) + centred


def test_support_costs_no_correction_over_parts_and_a_fall_does() -> None:
    """Twelve parts with p = .04 each support together; one of twelve that falls with p = .04 decides nothing."""
    assert one(*(row(means(beyond(0.04)), part=str(i)) for i in range(12)), n=10).verdict == "supported"
    assert one(row(means(beyond(-0.04))), n=10).verdict == "falls_short"
    mixed = [beyond(-0.04), *[beyond(0.04)] * 11]
    assert one(*(row(means(x), part=str(i)) for i, x in enumerate(mixed)), n=10).verdict == "undecided"


def test_a_control_must_stay_behind() -> None:
    def controlled(values: Any, **fields: Any) -> Claim:
        return one(row(means(STRONG), controls={"control": means(values, "control")}, **fields))

    assert controlled(STRONG[::-1] - 1).verdict == "supported"
    level = controlled(STRONG + 20 * NOISE[::-1])
    assert (level.verdict, level.reason) == ("undecided", "control")
    ahead = controlled(STRONG[::-1] + 1)
    assert (ahead.verdict, ahead.reason) == ("falls_short", "control")
    inside = controlled(STRONG[::-1] + 1, supports=within(1.5, 2.5), refutes=NOWHERE)
    assert inside.verdict == "supported"  # the control misses the middle by more


def test_a_control_without_an_answer_blocks_support_but_not_a_fall() -> None:
    silent = {"control": lambda _: Missing("it has no window")}
    blocked = one(row(means(STRONG), controls=silent))
    assert (blocked.verdict, blocked.reason) == ("undecided", "no_control")
    assert one(row(means(LOW), controls=silent)).verdict == "refuted"
    fit = Fit(value=2.0, n=20, intervals=lambda _: (1.5, 2.5))
    assert one(row(lambda _: fit, controls={"control": lambda _: fit})).reason == "no_control"


@pytest.mark.parametrize("kind", ["times", "fit"])
def test_a_statistic_of_all_runs_together_decides_nothing_where_a_seed_is_missing(kind: str) -> None:
    """No worst value could stand for the seed, as it does for means and shares."""
    sooner, later = np.linspace(1, 2, 80), np.linspace(5, 6, 80)

    def statistic(given: Any) -> Sample:
        here = [run.config.seed for run in given["base"]]
        if kind == "fit":
            return Fit(value=2.0, n=len(here), intervals=lambda _: (1.5, 2.5))
        (t, u), came = (side[here] for side in (sooner, later)), np.ones(len(here), bool)
        return Times(treated=(t, came), others=(u, came))

    claim = row(statistic, supports=above(1))
    assert one(claim, looks=LOOKS).verdict == "supported"
    every = arms(80)
    gap = every.with_arms(every["base"].having(run for run in every["base"] if run.config.seed != 7))
    (found,), (part,) = verdicts(claim, of=gap, looks=LOOKS)
    assert (found.verdict, part.missing) == ("undecided", "seed 7 has no run in the arm base")


def test_controls_are_paired_by_seed_not_by_place() -> None:
    """Each seed is ahead of its own control by 1, and seeds differ by 100: by place a missing seed would shift all."""
    far = 100.0 * np.arange(80)
    claim = row(means(far + 1.5), supports=above(0.5), controls={"control": means(far, "control")})
    every = arms(80)
    without = Arms([every["base"], every["control"].having(run for run in every["control"] if run.config.seed != 3)])
    rows = verdicts(claim, of=without)[1]
    control = rows[0].controls[0]
    assert control.ahead == pytest.approx(1.5)
    assert "seed 3" not in rows[0].missing
    assert (control.ahead_low, control.ahead_high) == (-np.inf, np.inf)  # all alike, and nothing bounds them
    noisy = row(means(far + 1.5 + NOISE), controls={"control": means(far, "control")})
    low = verdicts(noisy, of=without)[1][0].controls[0].ahead_low
    assert low is not None
    assert 1.4 < low < 1.5


def test_a_missing_seed_counts_against_the_claim() -> None:
    lost = Missing("it never memorised")
    full, lacking = (1.0,) * 40, (*(1.0,) * 30, *(lost,) * 10)
    assert one(row(shares(full), supports=above(0.8), refutes=below(0.5)), n=40).verdict == "supported"
    claims, rows = verdicts(row(shares(lacking), supports=above(0.8), refutes=below(0.5)), of=arms(40))
    assert (claims[0].verdict, rows[0].lacking, rows[0].missing) == ("undecided", 10, "it never memorised")
    assert rows[0].effect == 1
    # And no verdict against it rests on seeds without an answer.
    few_fall = (*(0.0,) * 8, *(lost,) * 32)
    assert one(row(shares(few_fall), supports=above(0.8), refutes=below(0.5)), n=40).verdict == "undecided"


def test_a_seed_that_no_arm_has_counts_as_one_without_an_answer() -> None:
    """Leaving a seed out never helps: not even in every arm that the claim reads."""

    def without(*left: int) -> Any:
        return arms(40).having(lambda arm: [run for run in arm if run.config.seed not in left])

    failing = (*(1.0,) * 35, 0.0, 0.0, 0.0, 0.0, 1.0)
    some = row(shares(failing), supports=above(0.8), refutes=below(0.5))
    looks = Looks(sizes=(40,))
    assert verdicts(some, looks=looks, of=arms(40))[0][0].verdict == "undecided"
    claims, rows = verdicts(some, looks=looks, of=without(35, 36, 37, 38))
    assert (claims[0].verdict, rows[0].effect, rows[0].n, rows[0].lacking) == ("undecided", 1.0, 36, 4)
    assert rows[0].missing == "seed 35 has no run"


def test_a_missing_number_within_bounds_may_be_any_of_these() -> None:
    """A rank correlation that is not known may be -1."""
    values = [*(0.95 + 0.01 * NOISE[:19]), Missing("lost")]
    assert one(row(means(values), supports=above(0.7)), n=20).verdict == "supported"
    assert one(row(means(values, bounds=(-1.0, 1.0)), supports=above(0.7)), n=20).verdict == "undecided"


def test_a_missing_number_is_as_far_outside_as_any_that_is_known() -> None:
    near = [*(0.6 + NOISE[:19]), Missing("lost")]
    assert one(row(means(0.6 + NOISE[:20])), n=20).verdict == "supported"
    assert one(row(means(near)), n=20).verdict == "supported"
    spread = [*(0.6 + NOISE[:18]), -3.0, Missing("lost")]
    assert one(row(means(spread)), n=20).verdict == "undecided"


def test_equal_seeds_are_bounded_by_what_bounds_their_values() -> None:
    equal = [1.0] * 80
    assert one(row(means(equal))).verdict == "undecided"  # nothing says how far another seed could lie
    assert one(row(means(equal, bounds=(0.0, 1.0)))).verdict == "supported"
    assert one(row(means(equal[:4], bounds=(0.0, 1.0))), n=4).reason == "few"


def test_what_was_not_run_or_cannot_be_is_not_tested() -> None:
    absent = one(row(means(STRONG), arms=("base", "elsewhere")))
    assert (absent.verdict, absent.reason, absent.missing) == ("not_tested", "not_run", "no run of the arm elsewhere")
    why: Text = {"en": "p = 113 takes a night", "zh": "p = 113 需一夜"}
    assert one(row(means(STRONG), untested=why)).verdict == "not_tested"
    mixed = one(row(means(LOW), part="a"), row(means(STRONG), part="b", untested=why))
    assert (mixed.verdict, mixed.reason, mixed.missing) == ("not_tested", "untested", "p = 113 takes a night")
    # What nothing can test costs the others nothing.
    open_claims = [row(means(STRONG), claim=i, untested=why) for i in (1, 2, 3)]
    assert one(row(means(beyond(0.04))), *open_claims, n=10).verdict == "supported"
    no_answer = one(row(lambda _: Missing("nothing was measured")))
    assert (no_answer.verdict, no_answer.missing) == ("undecided", "nothing was measured")


def test_looks_decide_early_what_is_beyond_doubt_and_keep_it() -> None:
    turned = np.where(np.arange(80) < 10, STRONG, LOW)  # it turns after the first look
    claim = one(row(means(turned)), looks=LOOKS)
    assert (claim.verdict, claim.n, [look.n for look in claim.looks]) == ("supported", 10, [10])
    late = one(row(means(0.6 + 6 * NOISE)), looks=LOOKS)
    assert [look.n for look in late.looks] == [10, 20, 40, 80][: len(late.looks)]
    assert sum(look.level for look in late.looks) <= 0.05 + 1e-12
    assert [round(level, 6) for level in LOOKS.levels] == [0.000781, 0.002344, 0.009375, 0.0375]


def test_a_look_waits_for_every_arm_of_its_claim() -> None:
    claim = row(means(STRONG), controls={"control": means(STRONG[::-1] - 1, "control")})
    assert verdicts(claim, of=arms(20, control=10), looks=LOOKS)[0][0].n == 10
    waiting = verdicts(claim, of=arms(20, control=9), looks=LOOKS)[0][0]
    assert (waiting.verdict, waiting.reason) == ("not_tested", "few")


def test_a_look_waits_for_every_arm_of_a_family_also_those_without_a_run() -> None:
    """Else it would be a look at another quantity: the trend over some of the values."""
    family = [Arm(family="size", name=f"size/{n}", value=n, runs=arms(20)["base"].runs) for n in (1, 2)]
    empty = Arm(family="size", name="size/3", value=3)
    trend = row(means(STRONG), along=("size",))
    assert verdicts(trend, of=arms(20).with_arms(*family), looks=LOOKS)[0][0].n == 10
    waiting = verdicts(trend, of=arms(20).with_arms(*family, empty), looks=LOOKS)[0][0]
    assert (waiting.verdict, waiting.reason) == ("not_tested", "few")


def test_a_claim_that_waits_for_its_seeds_shares_the_level_so_that_no_decision_is_taken_back() -> None:
    """.0007 is below the level of the first look, .00078, and above its quarter."""
    others = [row(means(0.5 + 20 * NOISE, "control"), claim=i, arms=("control",)) for i in (1, 2, 3)]
    narrow = row(means(beyond(7e-4)))
    alone = verdicts(narrow, of=arms(10), looks=LOOKS)[0][0]
    assert (alone.verdict, alone.looks[0].level) == ("supported", pytest.approx(LOOKS.levels[0]))
    for there in (0, 5, 10):  # the others have no run, too few, or their seeds
        claim = verdicts(narrow, *others, of=arms(10, control=there), looks=LOOKS)[0][0]
        assert (claim.verdict, claim.looks[0].level) == ("undecided", pytest.approx(LOOKS.levels[0] / 4))


def test_looks_count_from_their_first_seed() -> None:
    looks = Looks(sizes=(10, 20), first=1000)
    claim = row(lambda given: Means({(r.config.seed,): STRONG[r.config.seed - 1000] for r in given["base"]}))
    assert verdicts(claim, of=arms(20, first=1000), looks=looks)[0][0].n == 10
    assert verdicts(claim, of=arms(20, first=0), looks=looks)[0][0].verdict == "not_tested"
    with pytest.raises(ValueError, match="growing numbers"):
        Looks(sizes=(10, 10))


def test_the_newest_wording_of_each_part_is_judged_and_earlier_ones_stand_beside() -> None:
    changed: Any = {"changed": TEXT}
    rows = (
        row(means(LOW), part="a"), row(means(STRONG), part="a", version=3, **changed),
        row(means(STRONG), part="b", version=2, **changed), row(means(LOW), part="gone", until=2),
    )  # fmt: skip
    claims, judged_rows = verdicts(*rows)
    assert [(claim.current, claim.version, claim.verdict) for claim in claims] == [
        (True, 3, "supported"), (False, 1, "refuted")
    ]  # fmt: skip
    assert [r.current for r in judged_rows] == [False, True, True, False]
    assert claims[0].parts == ("claim.0/a v3", "claim.0/b v2")


def test_open_claims_share_the_level_of_a_theory() -> None:
    """p = .04 alone decides; beside three claims without an effect it does not."""
    assert one(row(means(beyond(0.04))), n=10).verdict == "supported"
    others = [row(means(0.5 + 20 * NOISE), claim=i) for i in (1, 2, 3)]
    beside = one(row(means(beyond(0.04))), *others, n=10)
    assert beside.verdict == "undecided"
    assert beside.looks[0].level == pytest.approx(0.05 / 4)


def drawn(kind: str, rng: np.random.Generator) -> list[Prediction]:
    """Four claims whose truth is the edge of the supporting region: of all that must not be supported the worst."""
    rows = []
    for i in range(4):
        if kind == "normal":
            rows.append(row(means(rng.normal(0.5, 1, 80)), i))
        elif kind == "uniform":
            rows.append(row(means(rng.random(80)), i))
        elif kind == "logarithms":  # of exponential times: the mean of their logarithms is -.5772
            rows.append(row(means(rng.exponential(np.exp(0.5772156649), 80), geometric=True), i, supports=above(1)))
        elif kind == "shares":
            rows.append(row(shares((rng.random(80) < 0.8).astype(float).tolist()), i, supports=above(0.8)))
        elif kind == "constant":  # nearly always the same: a bounded number that is 0 in one seed of twelve
            values = np.where(rng.random(80) < 1 / 12, 0.0, 1.0).tolist()
            rows.append(row(means(values, bounds=(0.0, 1.0)), i, supports=above(11 / 12)))
        else:
            rows.append(_hazard(rng, i))
    return rows


def _hazard(rng: np.random.Generator, claim: int) -> Prediction:
    times = rng.exponential(size=(2, 80))

    def statistic(given: Any) -> Times:
        here = [run.config.seed for run in given["base"]]
        (t, s), (u, v) = ((side[here], side[here] < 1.5) for side in times)
        return Times(treated=(t, s), others=(u, v))

    return row(statistic, claim, supports=above(1), refutes=below(1))


KINDS = ("normal", "uniform", "logarithms", "shares", "constant", "hazard")


def false_support(kind: str, theories: int) -> float:
    """Share of theories in which any claim is supported, over all looks, though none is true."""
    rng = np.random.default_rng(0)
    found = [
        any(claim.verdict == "supported" for claim in verdicts(*drawn(kind, rng), looks=LOOKS)[0])
        for _ in range(theories)
    ]
    return float(np.mean(found))


@pytest.mark.parametrize("kind", KINDS)
def test_a_theory_without_a_true_claim_is_seldom_given_one(kind: str) -> None:
    """At most .05 over all looks, and Monte Carlo error: 25 theories, standard error .044."""
    assert false_support(kind, 25) <= 0.05 + 2.5 * 0.044


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_theory_without_a_true_claim_is_seldom_given_one_long(kind: str) -> None:
    """The same of 1,000 theories: standard error .007."""
    found = false_support(kind, 1000)
    print(f"\n{kind}: {found:.3f}")
    assert found <= 0.05 + 3 * 0.007


@pytest.mark.parametrize(("planned", "told"), [(5, 11), (10.2, 11), (40, 40), (Missing("no effect"), "no effect")])
def test_more_seeds_than_those_that_left_it_open_would_decide(planned: Any, told: Any) -> None:
    found = Evidence(value=1, n=10, intervals=None, needed=lambda *_: planned)
    assert found.decides(above(0.5), 0.05) == told


@pytest.mark.slow
def test_planned_seeds_decide_as_often_as_the_protocol_says() -> None:
    """A share of 1.0 against .8 is decided at 40 seeds; .95 by 80 in 90 %; a mean one deviation inside at 40."""
    rng = np.random.default_rng(2)
    alone = Looks(sizes=PROTOCOL)
    sure = [one(row(shares([1.0] * 80), supports=above(0.8)), looks=alone) for _ in range(2)]
    assert {claim.n for claim in sure} == {40}
    most = [
        one(row(shares((rng.random(80) < 0.95).astype(float).tolist()), supports=above(0.8)), looks=alone).verdict
        for _ in range(200)
    ]
    assert most.count("supported") / 200 >= 0.9 - 3 * 0.021
    inside = [one(row(means(rng.normal(1.5, 1, 80))), looks=alone) for _ in range(200)]
    assert np.mean([claim.verdict == "supported" and claim.n <= 40 for claim in inside]) >= 0.9


def test_a_scorecard_goes_to_json_and_back(tmp_path: Any) -> None:
    never, always = np.array([5.0] * 6), np.array([1.0, 2, 3, 1, 2, 3])
    open_ended = Times(treated=(always, always > 0), others=(never, never < 0))
    claims, rows = verdicts(
        row(lambda _: open_ended, 0, supports=above(1), refutes=Region(())),
        row(lambda _: Missing("none"), 1),
        row(means(STRONG), 2, controls={"control": means(STRONG - 1, "control")}),
    )
    card = Scorecard(claims=tuple(claims), rows=tuple(rows), runs={"base": 6})
    assert rows[0].high == np.inf
    path = card.save(tmp_path / "deep" / "scorecard.json")
    assert Scorecard.load(path) == card
    assert card.counts()["supported"] == 1
    assert card.verdicts()["made", "claim.1"] == "undecided"
    path.write_text("[1]")
    with pytest.raises(ValueError, match="no scorecard"):
        Scorecard.load(path)
