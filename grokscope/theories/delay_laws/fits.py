"""Lines through runs or medians as samples: an effect of all runs together, with its intervals."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.base import Answers, Fit, Sample
from grokscope.predictions.rows import times
from grokscope.statistics.linearity import linearity
from grokscope.statistics.slopes import Slope


def fitted(line: Slope | Missing, n: int, of: str = "slope") -> Sample | Missing:
    """The slope or the intercept of a line. n: seeds."""
    if isinstance(line, Missing):
        return line
    return Fit(value=getattr(line, of), n=n, intervals=getattr(line, f"{of}s"))


def rising(
    places: Sequence[float], arms: Sequence[Sequence[Answers]], of: Callable[[np.ndarray], np.ndarray] = np.asarray
) -> Sample | Missing:
    """The share of the way that medians over arms vary which a rising line explains. of: what is read of t_gen. An arm
    from which half of the runs never come has no median."""
    kept, found = [], []
    for place, arm in zip(places, arms, strict=True):
        t_gen, reached = times(arm)
        if reached.mean() > 0.5:
            kept.append(place)
            found.append(np.where(reached, of(t_gen), math.inf))
    line = linearity(kept, found)
    if isinstance(line, Missing):
        return line
    return Fit(value=line.value, n=min(map(len, arms)), intervals=line.intervals)
