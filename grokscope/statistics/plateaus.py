"""A change between two plateaus: when each share of it was made, and how sure that is.

A share needs a whole, and the whole is known only where the series has come to rest before and after. A sigmoid that is
cut one to three widths after its middle ends at .73 to .95 of its height. "Half of the change" is then dated early, the
earlier the wider the sigmoid; of two sigmoids with one middle the wider seems to lead.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from grokscope.errors import Missing
from grokscope.statistics.contrasts import WINDOW, _levels, _series, half_change
from grokscope.statistics.series import Steps, Values

# A plateau begins REACH times as far from the middle as the points where EDGE and 1 - EDGE of the change are made. Of a
# logistic curve that is 2.5 * ln 9 = 5.5 widths, where .4 % is still to come: half of the change is then dated at most
# .02 widths early (simulated in the tests; at a factor of 2.2 a noise of .5 % shows the bias).
EDGE, REACH = 0.1, 2.5


@dataclass(frozen=True, kw_only=True, eq=False)
class Change:
    """A series as the rise that fits it best, from 0 at its first plateau to 1 at its last.

    steps: the middle of each level (the median of `window` evaluations). fit: of the levels, non-decreasing. residuals:
    of the evaluations, enlarged by what the fit took of them. first, last: which levels lie on the plateaus.
    """

    steps: Steps
    fit: Values
    residuals: Values
    first: np.ndarray
    last: np.ndarray
    window: int

    @property
    def x(self) -> Values:
        """ln of the steps."""
        return np.log(np.maximum(self.steps, 1))

    def made(self, shares: Sequence[float]) -> Float[np.ndarray, " share"]:
        """ln of the steps, interpolated, at which these shares of the change are made."""
        return _reached(self.x, self.fit, shares)

    def step(self, share: float) -> int:
        """The first evaluated step by which a share is made."""
        return int(self.steps[min(np.searchsorted(self.fit, share), len(self.steps) - 1)])

    def resampled(
        self, shares: Sequence[float], draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "draw share"]:
        """`made` of `draws` series with the same rise and resampled residuals, each between plateaus of its own.

        Residuals are drawn in blocks of two windows, which keeps their correlation.
        """
        n, block = len(self.residuals), 2 * self.window
        clean, x = _spread(self.fit, n, self.window), self.x
        starts = rng.integers(0, n - block + 1, size=(draws, -(-n // block)))
        places = (starts[:, :, None] + np.arange(block)).reshape(draws, -1)[:, :n]
        reached = np.empty((draws, len(shares)))
        for row, place in zip(reached, places, strict=True):
            drawn = _levels(clean + self.residuals[place], self.window)
            row[:] = _reached(x, _rise(_scaled(drawn, self.first, self.last)), shares)
        return reached


def change(steps: ArrayLike, values: ArrayLike, *, window: int = WINDOW) -> Change | Missing:
    """The change of a series from its first plateau to its last one, whatever its direction.

    The first plateau lies before x_half - REACH (x_half - x_EDGE), the last one after x_half + REACH (x_(1-EDGE) -
    x_half). x_share is where the non-decreasing curve of least squares makes a share of the change (Barlow et al. 1972,
    "Statistical Inference under Order Restrictions"); noise moves it neither way. A plateau has at least `window`
    evaluations. x is ln step or the step, whichever makes the change more symmetric: a sigmoid of the one is no sigmoid
    of the other. The shares depend on the levels of the plateaus, and these on where they lie: so both are found twice.

    steps, values: as in `half_change`. `Missing` as there, and without either plateau. Raises ValueError as there.
    """
    moved = half_change(steps, values, window=window)
    if isinstance(moved, Missing):
        return moved
    at, series = _series(steps, values, window, 0.95)
    levels, middles = _levels(series, window), at[window // 2 : len(at) - window // 2]
    x = np.log(np.maximum(middles, 1))
    first, last = np.arange(len(levels)) < 1, np.arange(len(levels)) >= len(levels) - 1
    for _ in range(2):
        until, since = _plateaus(x, _rise(_scaled(levels, first, last)))
        for count, name in (((at <= until).sum(), "first"), ((at >= since).sum(), "last")):
            if count < window:
                return Missing(f"it does not come to rest at its {name} level: {count} evaluations, needs {window}")
        first, last = middles <= max(until, middles[0]), middles >= min(since, middles[-1])
        if levels[first].mean() == levels[last].mean():
            return Missing("it ends at the level at which it begins")
    fit = _rise(_scaled(levels, first, last))
    low, high = levels[first].mean(), levels[last].mean()
    residuals = (series - low) / (high - low) - _spread(fit, len(series), window)
    freedom = max(len(series) - len(np.unique(fit)), 1)
    residuals = (residuals - residuals.mean()) * math.sqrt(len(series) / freedom)
    return Change(steps=middles, fit=fit, residuals=residuals, first=first, last=last, window=window)


def _scaled(levels: Values, first: np.ndarray, last: np.ndarray) -> Values:
    low, high = levels[first].mean(), levels[last].mean()
    return (levels - low) / (high - low)


def _spread(fit: Values, n: int, window: int) -> Values:
    """A fit of the levels at all evaluations."""
    return np.interp(np.arange(n), np.arange(window // 2, n - window // 2), fit)


def _plateaus(x: Values, fit: Values) -> tuple[float, float]:
    """The step at which the first plateau ends, and the one at which the last begins."""
    places = _reached(x, fit, (EDGE, 0.5, 1 - EDGE))
    linear = _skew(np.exp(places)) < _skew(places)
    early, half, late = np.exp(places) if linear else places
    edges = np.array([half - REACH * (half - early), half + REACH * (late - half)])
    until, since = edges if linear else np.exp(edges)
    return float(until), float(since)


def _skew(places: Values) -> float:
    before, after = np.maximum(np.diff(places), 1e-12)
    return abs(math.log(after / before))


def _rise(values: Values) -> Values:
    from scipy.optimize import isotonic_regression

    return isotonic_regression(values).x


def _reached(x: Values, fit: Values, shares: Sequence[float]) -> Float[np.ndarray, " share"]:
    """Where a non-decreasing curve first reaches levels, by straight lines between its points."""
    # The first of its points at each level, and the one before.
    after = np.clip(np.searchsorted(fit, shares), 1, len(fit) - 1)
    low, high = fit[after - 1], fit[after]
    part = np.clip((np.asarray(shares) - low) / np.where(high > low, high - low, 1), 0, 1)
    return x[after - 1] + part * (x[after] - x[after - 1])
