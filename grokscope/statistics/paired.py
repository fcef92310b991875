"""What one alarm has before another on the same runs, with a p-value that Holm's procedure can take."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.statistics.intervals import FEWEST, Effect, mean_effect, mean_intervals
from grokscope.statistics.multiplicity import holm

DRAWS, SEED = 9_999, 0


@dataclass(frozen=True, kw_only=True)
class Difference:
    """effect: the mean difference and its interval. p: two-sided, that the two are alike. adjusted: by Holm, over all
    the differences of its kind; None until `adjusted` was asked."""

    effect: Effect
    p: float
    adjusted: float | None = None


def in_lead(differences: Sequence[float]) -> Difference | Missing:
    """The mean of one number a run. `Missing` for fewer than 5 runs."""
    if len(differences) < FEWEST:
        return Missing(f"{len(differences)} runs have both; a difference needs {FEWEST}")
    values = np.sort(np.asarray(differences, np.float64))
    return Difference(effect=mean_effect(values), p=_flipped([values]))


def in_gain(seen: Sequence[int], quiet: Sequence[int], *, level: float = 0.95) -> Difference | Missing:
    """The difference of two gains (sensitivity less false alarms) on the same runs.

    seen: of each run that generalised, 1 if this alarm alone saw it, -1 if the other alone did, else 0. quiet: of each
    that did not, 1 if the other alone cried wolf, -1 if this one alone did, else 0. The effect is the sum of the two
    means; its interval joins theirs:   d -+ sqrt((d_1 - l_1)^2 + (d_2 - l_2)^2)

    Source of the interval: Zou & Donner 2008, Stat. Med. 27, 1693. `Missing` for fewer than 5 runs of a kind.
    """
    both = [np.sort(np.asarray(kind, np.float64)) for kind in (seen, quiet)]
    if min(map(len, both)) < FEWEST:
        return Missing(f"{len(seen)} and {len(quiet)} runs have both; a difference needs {FEWEST} of each kind")
    means = [float(kind.mean()) for kind in both]
    ends = [mean_intervals(kind, bounds=(-1, 1))(level) for kind in both]
    down, up = (math.hypot(*(mean - end[side] for mean, end in zip(means, ends, strict=True))) for side in (0, 1))
    value = sum(means)
    effect = Effect(value=value, low=max(value - down, -2.0), high=min(value + up, 2.0), n=sum(map(len, both)))
    return Difference(effect=effect, p=_flipped(both))


def adjusted(differences: Mapping[Any, Difference]) -> dict[Any, Difference]:
    """The same differences with Holm's p-values over all of them."""
    levels = holm([one.p for one in differences.values()])
    return {key: replace(one, adjusted=p) for (key, one), p in zip(differences.items(), levels, strict=True)}


def _flipped(kinds: Sequence[Float[np.ndarray, " run"]]) -> float:
    """The two-sided p-value of the sum of the means of some kinds of runs, by drawing the sign of each run's difference
    anew: which of the two alarms is which does not matter if they are alike. The given signs are one of the draws.

    Source: Fisher 1935, The Design of Experiments, section 21.
    """
    rng = np.random.default_rng(SEED)
    found = abs(sum(float(kind.mean()) for kind in kinds))
    drawn = np.zeros(DRAWS)
    for kind in kinds:
        different = kind[kind != 0]  # signs of 0 change nothing
        drawn += (rng.integers(0, 2, (DRAWS, len(different))) * 2 - 1) @ different / len(kind)
    return float((1 + (np.abs(drawn) >= found - 1e-12).sum()) / (1 + DRAWS))
