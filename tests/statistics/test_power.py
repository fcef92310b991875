"""How many seeds decide: with that number the share of verdicts is the planned one, with one seed less it is not."""

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.statistics.intervals import mean_ends, share_intervals
from grokscope.statistics.power import (
    power_of_mean,
    power_of_share,
    seeds_for_hazard,
    seeds_for_mean,
    seeds_for_share,
)
from grokscope.statistics.regions import Region, above, below, outside, p_inside, within
from grokscope.statistics.survival import hazard_ratio


@pytest.mark.parametrize(
    ("mean", "region"),
    [(1.0, above(0)), (-1.0, outside(-0.2, 5)), (0.1, within(-0.9, 0.8)), (0.3, above(0)), (4.0, above(0))],
)
def test_a_planned_mean_is_decided_with_the_planned_power(mean: float, region: Region) -> None:
    n = seeds_for_mean(mean, 1.2, region)
    assert not isinstance(n, Missing)
    low, high = mean_ends(np.random.default_rng(1).normal(mean, 1.2, size=(20_000, n)), 0.95)
    decided = np.mean([region.contains(*ends) for ends in zip(low, high, strict=True)])
    ends = next(part for part in region.parts if part[0] <= mean <= part[1])
    planned = power_of_mean(mean, 1.2, ends, n)
    assert decided == pytest.approx(planned, abs=0.025)  # two samples of draws; Student's beyond 50 seeds
    assert planned >= 0.8
    assert n == 5 or power_of_mean(mean, 1.2, ends, n - 1) < 0.8


def test_shares() -> None:
    assert seeds_for_share(1.0, above(0.8)) == 17
    assert seeds_for_share(0.0, below(0.5)) == 6
    n = seeds_for_share(0.95, above(0.8))
    assert not isinstance(n, Missing)
    k = np.random.default_rng(1).binomial(n, 0.95, size=4000)
    inside = {hits: p_inside(share_intervals(hits, n), above(0.8)) <= 0.05 for hits in range(n + 1)}
    decided = np.mean([inside[hits] for hits in k.tolist()])
    planned = float(power_of_share(0.95, (0.8, np.inf), np.array([n]))[0])
    assert planned >= 0.8
    assert decided == pytest.approx(planned, abs=0.025)


def test_a_planned_hazard_ratio_is_decided_with_about_the_planned_power() -> None:
    """Exponential times, a fifth censored; Schoenfeld's formula is of large samples: .8 within .06."""
    rng = np.random.default_rng(2)
    n = seeds_for_hazard(2.5, 0.8, above(1))
    assert not isinstance(n, Missing)
    decided = []
    for _ in range(300):
        times = np.concatenate([rng.exponential(1 / 2.5, n), rng.exponential(1, n)])
        treated, limit = np.arange(2 * n) < n, np.quantile(times, 0.8)
        hazard = hazard_ratio(np.minimum(times, limit), times <= limit, treated)
        decided.append(not isinstance(hazard, Missing) and hazard.low > 1)
    assert np.mean(decided) == pytest.approx(0.8, abs=0.06 + 4 * 0.023)


def test_what_no_number_decides() -> None:
    for answer in (
        seeds_for_mean(0.4, 1.0, outside(0.2, 0.5)),
        seeds_for_share(0.7, outside(0.5, 0.8)),
        seeds_for_mean(1.0, 0.0, above(0)),
        seeds_for_mean(1e-6, 1.0, above(0)),
        seeds_for_hazard(0.0, 0.5, below(1)),
    ):
        assert isinstance(answer, Missing)
