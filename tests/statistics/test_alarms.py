"""Alarms whose answer is known: one that sees it, one that knows nothing, one that cries wolf."""

import math

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.statistics.alarms import Judged, Rule, Series, at_age, auroc, judged, within_cells
from grokscope.statistics.intervals import Effect

STEPS = np.arange(0, 1001, 10)


def run(values: np.ndarray, *, seed: int, grokked: bool, cell: str = "", generalised: int = 800) -> Series:
    about = {"memorised": 100, "generalised": generalised if grokked else None, "end": 1000}
    return Series(steps=STEPS, values=np.asarray(values, float), seed=seed, cell=cell, **about)


def many(of: object, n: int = 40) -> list[Series]:
    """n runs that grok and n that do not; of(grokked, rng) gives the series."""
    made = []
    for seed in range(2 * n):
        grokked = seed % 4 < 2  # each half of the seeds has both
        made.append(run(of(grokked, np.random.default_rng(seed)), seed=seed, grokked=grokked))  # type: ignore[operator]
    return made


def sees_it(grokked: bool, rng: np.random.Generator) -> np.ndarray:
    """Rises at 600 in the runs that grok."""
    return 0.1 * rng.normal(size=len(STEPS)) + (STEPS >= 600) * grokked


def test_an_alarm_that_sees_it() -> None:
    found = judged(many(sees_it))
    assert isinstance(found, Judged)
    assert (found.sensitivity.k, found.sensitivity.n, found.false_alarms.k, found.false_alarms.n) == (40, 40, 0, 40)
    assert found.lead.steps[0] == pytest.approx(200, abs=10)
    assert found.lead.share[0] == pytest.approx(200 / 700, abs=0.02)
    assert found.lead.log[0] == pytest.approx(math.log(800 / 600), abs=0.02)
    assert found.sensitivity.low == pytest.approx(0.912, abs=1e-3)  # 40 of 40
    assert found.per_1000 == 0
    assert all(rule.rising for rule in found.rules)


def test_noise_knows_nothing_on_other_seeds() -> None:
    """Chosen and judged on the same runs it would look good."""
    gains = []
    for first in range(0, 400, 80):

        def noise(grokked: bool, rng: np.random.Generator, first: int = first) -> np.ndarray:
            return np.random.default_rng(10_000 + first + int(rng.integers(1 << 30))).normal(size=len(STEPS))

        found = judged(many(noise))
        assert isinstance(found, Judged)
        gains.append(found.gain)
    assert abs(float(np.mean(gains))) < 0.15


def test_what_rises_in_all_runs_cries_wolf() -> None:
    found = judged(many(lambda grokked, rng: STEPS / 1000 + 0.01 * rng.normal(size=len(STEPS))))
    assert isinstance(found, Judged)
    assert found.gain < 0.15


def test_only_the_past_counts() -> None:
    """The same series with another future has the same alarm; after generalising there is none."""
    rule = Rule(level=0.5, rising=True, in_a_row=2)
    values = np.where(STEPS >= 600, 1.0, 0.0)
    assert rule.alarm(run(values, seed=0, grokked=True)) == 610
    other = np.where(STEPS > 610, -9.0, values)
    assert rule.alarm(run(other, seed=0, grokked=True)) == 610
    assert rule.alarm(run(np.where(STEPS >= 800, 1.0, 0.0), seed=0, grokked=True)) is None
    early = np.where(STEPS < 100, 1.0, 0.0)
    assert rule.alarm(run(early, seed=0, grokked=True)) is None  # not at risk yet
    assert rule.alarm(run(np.full(len(STEPS), np.nan), seed=0, grokked=True)) is None
    assert Rule(level=0.5, rising=False, in_a_row=1).alarm(run(values, seed=0, grokked=True)) == 100


def test_an_alarm_that_was_on_before_the_run_memorised_is_told_apart() -> None:
    rule = Rule(level=0.5, rising=True, in_a_row=2)

    def early(values: np.ndarray) -> bool:
        return rule.early(run(values, seed=0, grokked=True))

    assert early(np.ones(len(STEPS)))
    assert not early(np.where(STEPS >= 100, 1.0, 0.0))  # it rings as soon as the run is at risk, and not before
    assert not early(np.where(STEPS >= 90, 1.0, 0.0))  # one value before: not an alarm yet
    assert early(np.where(STEPS >= 80, 1.0, 0.0))
    assert not early(np.where((STEPS <= 50) | (STEPS >= 400), 1.0, 0.0))  # off again by then
    assert not early(np.where((STEPS < 100) | (STEPS >= 400), 1.0, 0.0))
    assert not early(np.where(STEPS < 110, 1.0, 0.0))  # no alarm while at risk
    about = {"memorised": 100, "generalised": 800, "end": 1000, "seed": 0, "cell": ""}
    assert not rule.early(Series(steps=np.array([90, 100, 110]), values=np.ones(3), **about))  # one value before
    assert not rule.early(Series(steps=np.array([80, 90]), values=np.ones(2), **about))  # none while at risk
    found = judged(many(lambda grokked, _: np.full(len(STEPS), float(grokked))))
    assert isinstance(found, Judged)
    assert (found.sensitivity.k, found.early.k, found.early.n, found.early_false.k) == (40, 40, 40, 0)
    late = judged(many(sees_it))
    assert isinstance(late, Judged)
    assert (late.early.k, late.early_false.k) == (0, 0)
    assert (sum(late.seen), sum(late.cried)) == (40, 0)


def test_a_miss_is_a_lead_of_nothing() -> None:
    def half(grokked: bool, rng: np.random.Generator) -> np.ndarray:
        seen = grokked and rng.random() < 0.5
        return sees_it(seen, rng)

    found = judged(many(half, 60))
    assert isinstance(found, Judged)
    assert found.sensitivity.value == pytest.approx(0.5, abs=0.2)
    assert found.logs.count(0.0) == found.sensitivity.n - found.sensitivity.k


def test_halves_without_both_kinds_have_no_answer() -> None:
    alone = [one for one in many(sees_it) if one.generalised is not None]
    assert isinstance(judged(alone), Missing)
    other = np.random.default_rng(0)
    alternate = [run(sees_it(seed % 2 == 0, other), seed=seed, grokked=seed % 2 == 0) for seed in range(4)]
    assert isinstance(judged(alternate), Missing)  # every other seed, so each half has one kind


def test_an_area_and_its_interval() -> None:
    rng = np.random.default_rng(0)
    found = auroc(rng.normal(1, 1, 400), rng.normal(0, 1, 400))
    assert isinstance(found, Effect)
    assert found.value == pytest.approx(0.760, abs=0.03)  # Phi(1 / sqrt 2)
    assert not isinstance(found.low, Missing)
    assert not isinstance(found.high, Missing)
    assert found.low < 0.760 < found.high
    assert found.high - found.low == pytest.approx(0.066, abs=0.02)  # Hanley & McNeil 1982: 1.96 x 2 x .0169
    ties = auroc([1.0, 1.0, 1.0], [1.0, 1.0])
    assert isinstance(ties, Effect)
    assert ties.value == 0.5
    assert isinstance(auroc([1.0], [2.0, 3.0]), Missing)


def test_the_interval_of_a_skewed_area_is_scipys() -> None:
    """Without the correction for skew the lower end is .775."""
    from scipy.stats import bootstrap

    positive, negative = np.append(np.full(9, 9.0), 0.5), np.array([1.0, 2, 3, 4, 0, 0, 0, 8])

    def area(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
        a, b = a[..., :, None], b[..., None, :]
        return ((a > b) + 0.5 * (a == b)).mean((-2, -1))

    theirs = bootstrap((positive, negative), area, vectorized=True, n_resamples=5000, rng=np.random.default_rng(0))
    found = auroc(positive.tolist(), negative.tolist())
    assert isinstance(found, Effect)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.03)


def test_ages_are_counted_from_memorising_and_only_while_at_risk() -> None:
    early = run(STEPS.astype(float), seed=0, grokked=True, generalised=300)
    late, never = (run(STEPS.astype(float), seed=1, grokked=grokked, generalised=900) for grokked in (True, False))
    # Median delay (200 + 800) / 2 = 500; at half of it, step 350, the first has generalised.
    assert at_age([early, late, never], 0.5) == ([350.0], [350.0])


def test_within_a_cell_the_setting_says_nothing() -> None:
    """A quantity that only tells the cells apart."""
    runs = [
        run(
            np.full(len(STEPS), float(cell == "b")),
            seed=seed,
            grokked=(seed % 10 < (9 if cell == "b" else 1)),
            cell=cell,
        )
        for cell in ("a", "b")
        for seed in range(20)
    ]
    a, b = at_age(runs, 0.5)
    pooled = auroc(a, b)
    assert isinstance(pooled, Effect)
    assert pooled.value == pytest.approx(0.9)
    assert within_cells(runs, 0.5) == (0.5, 2 * 18 * 2)
