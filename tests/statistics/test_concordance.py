"""Quantities that know the time that is left, that do not, and forecasts that know nothing of the network."""

import dataclasses

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.statistics.alarms import Series
from grokscope.statistics.concordance import concordance, of_dummies, with_remaining_time
from grokscope.statistics.intervals import Effect


def value(found: Effect | Missing) -> float:
    assert isinstance(found, Effect)
    return found.value


def literal(values: np.ndarray, times: np.ndarray, reached: np.ndarray) -> float:
    """Pair by pair, as Harrell et al. have it."""
    right = pairs = 0.0
    for i in range(len(values)):
        for j in range(len(values)):
            if reached[i] and (times[i] < times[j] or (times[i] == times[j] and i != j and not reached[j])):
                pairs += 1
                right += 1.0 if values[i] > values[j] else 0.5 if values[i] == values[j] else 0.0
    return right / pairs


def test_it_is_that_of_the_definition() -> None:
    rng = np.random.default_rng(0)
    values, times = rng.integers(0, 5, 30).astype(float), rng.integers(1, 8, 30).astype(float)
    reached = rng.random(30) < 0.6
    assert value(concordance(values, times, reached)) == pytest.approx(literal(values, times, reached), rel=1e-12)


def test_what_knows_the_time_and_what_does_not() -> None:
    rng = np.random.default_rng(1)
    times, reached = rng.random(80), rng.random(80) < 0.7
    assert value(concordance(-times, times, reached)) == 1.0
    assert value(concordance(times, times, reached)) == 0.0
    assert value(concordance(np.zeros(80), times, reached)) == 0.5
    noise = concordance(rng.random(80), times, reached)
    assert isinstance(noise, Effect)
    assert noise.low < 0.5 < noise.high  # pyright: ignore[reportOperatorIssue]


def test_a_censored_run_makes_no_pair_with_a_later_one() -> None:
    """Only of the five events and what is known to come after each of them."""
    times = np.array([1.0, 2, 3, 4, 5, 0.5])
    reached = np.array([True] * 5 + [False])
    values = np.array([5.0, 4, 3, 2, 1, 99])
    assert value(concordance(values, times, reached)) == 1.0


def test_too_few_events_have_no_answer() -> None:
    assert isinstance(concordance(np.arange(9.0), np.arange(9.0), np.arange(9) < 4), Missing)
    assert isinstance(concordance(np.arange(6.0), np.full(6, 2.0), np.full(6, True)), Missing)


def runs(values: object, n: int = 40) -> list[Series]:
    """Two settings, generalised at about 400 and 800 of 1000 steps; memorised at 100. values(t_gen, steps)."""
    rng, made = np.random.default_rng(2), []
    steps = np.arange(0, 1001, 10)
    for seed in range(n):
        late = seed % 2
        t_gen = int(400 + 400 * late + rng.integers(-40, 41))
        about = {"memorised": 100, "generalised": t_gen, "end": 1000, "seed": seed, "cell": str(late)}
        made.append(Series(steps=steps, values=np.asarray(values(t_gen, steps), float), **about))  # type: ignore[operator]
    return made


def test_a_series_and_the_forecasts() -> None:
    knowing = runs(lambda t_gen, steps: steps / t_gen)
    assert value(with_remaining_time(knowing, 0.5)) == 1.0
    dummies = of_dummies(knowing, 0.5)
    assert value(dummies["setting"]) == pytest.approx(0.75, abs=0.15)  # it knows the setting, half of the pairs
    assert value(dummies["waiting"]) <= 0.55  # made of all others: later for those who are sooner, if anything
    alone = [dataclasses.replace(run, cell=str(run.seed)) for run in knowing]
    assert isinstance(of_dummies(alone, 0.5)["setting"], Missing)  # a run is no forecast of itself
    assert isinstance(with_remaining_time(knowing[:3], 0.5), Missing)
    assert isinstance(of_dummies([], 0.5)["setting"], Missing)
