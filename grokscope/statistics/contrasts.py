"""Does a series change, in which direction and when: contrasts between levels, and their signs over many seeds.

A level is the median of `window` evaluations in a row, so that spikes of fewer than half of them do not move it. A
contrast counts only beyond the series' own fluctuation at that width. Windows count evaluations, not steps, so that
unequal spacing does not matter.
"""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float, Int
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from grokscope.errors import Missing
from grokscope.statistics.intervals import share_intervals

Steps: TypeAlias = Int[np.ndarray, "evaluation"]
Values: TypeAlias = Float[np.ndarray, "evaluation"]
Sign: TypeAlias = Literal[-1, 0, 1]

# Evaluations in the median of a level: two may be spikes. As wide as the blow-ups that `transitions` ignores.
WINDOW = 5
# The standard deviation of a normal law over its median absolute deviation.
MAD = 1.4826
# Relative rounding of float32, in which series are often stored: less is no fluctuation.
ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class LowHighMid:
    """The levels of one series at three times, in its unit, and whether they differ beyond its fluctuation.

    low: at t_mem. high: the largest level between, reached at step `high_at`. mid: the mean from t_gen on. signs: of
    high - low, high - mid and mid - low; 1 or -1 beyond the margin at level `level`, 0 within it. noise: standard
    deviation of a level. half_rise_at: first step at which half of the rise from low to high is made; None where the
    first sign is not 1.
    """

    low: float
    high: float
    mid: float
    high_at: int
    half_rise_at: int | None
    signs: tuple[Sign, Sign, Sign]
    noise: float

    @property
    def supports(self) -> bool:
        """Low, then high, then mid: all three contrasts are above 0 beyond the fluctuation."""
        return self.signs == (1, 1, 1)

    @property
    def reversed(self) -> bool:
        """Some contrast is below 0 beyond the fluctuation."""
        return -1 in self.signs


def low_high_mid(
    steps: ArrayLike,
    values: ArrayLike,
    *,
    memorized_at: int | None,
    generalized_at: int | None,
    window: int = WINDOW,
    level: float = 0.95,
) -> LowHighMid | Missing:
    """Contrasts of a series (attention entropy): at memorisation, at its maximum before generalisation, and after.

        L_i = median(values[i : i + window]),   low = L at t_mem
        high = max L_i over the windows that follow the first and end before t_gen,   mid = mean over [t_gen, end]
        s = MAD-estimate of sd(L) from (L_(i-window) - 2 L_i + L_(i+window)) / sqrt(6)

    The maximum of a series is never below its first value, and the maximum of noise is nearly always above its mean.
    Taken literally (window=1 and any positive difference) two of the three signs say nothing, and half of all flat
    noisy series would be low-high-mid. So high excludes low's evaluations, and can be lower. And a contrast has a sign
    only beyond z s sqrt(2), or z s sqrt(1 + window/n_after) against mid. z is the normal quantile of `level`; for
    contrasts with the maximum it is shared among the windows of which it is the largest (Bonferroni). s is taken at the
    distance of one window, so that it includes noise that is correlated over fewer evaluations; for slower noise widen
    the window. Of flat series of 200 evaluations 0 % (white), 1 % (correlation 0.5 from one evaluation to the next) and
    9 % (0.9) have all three signs; taken literally 54, 52 and 45 %.

    steps: (evaluation,), strictly increasing. values: (evaluation,), NaN where there is none. half_rise_at is the
    middle evaluation of the first window, low's excluded, whose level is at least (low + high)/2; high_at that of the
    highest.

    Source: the project's predictions, attention.low_high_mid and attention.rise_before; the margin is ours.

    `Missing` without memorized_at and generalized_at in this order, and with fewer than two windows between them or one
    from t_gen on. Raises ValueError for a window that is not odd and positive, and bad series.
    """
    at, series = _series(steps, values, window, level)
    if memorized_at is None or generalized_at is None or generalized_at <= memorized_at:
        return Missing(f"no time between memorisation ({memorized_at}) and generalisation ({generalized_at})")
    between = (at >= memorized_at) & (at < generalized_at)
    after = series[at >= generalized_at]
    if between.sum() < 2 * window:
        return Missing(f"{between.sum()} evaluations between memorisation and generalisation, needs {2 * window}")
    if len(after) < window:
        return Missing(f"{len(after)} evaluations after generalisation, needs {window}")
    noise = _noise(series[at >= memorized_at], window)
    assert noise is not None, "three windows are there"
    levels, middles = _levels(series[between], window), at[between][window // 2 :]
    low, later = levels[0], levels[window:]
    top = int(later.argmax())
    high, mid = later[top], after.mean()
    chosen, to_mid = _z(level, len(later)), math.sqrt(1 + window / len(after))
    first = _sign(high - low, chosen * noise * math.sqrt(2))
    risen = int(np.flatnonzero(later >= (low + high) / 2)[0]) if first == 1 else None
    return LowHighMid(
        low=float(low),
        high=float(high),
        mid=float(mid),
        high_at=int(middles[window + top]),
        half_rise_at=None if risen is None else int(middles[window + risen]),
        signs=(first, _sign(high - mid, chosen * noise * to_mid), _sign(mid - low, _z(level) * noise * to_mid)),
        noise=noise,
    )


def half_change(
    steps: ArrayLike, values: ArrayLike, *, window: int = WINDOW, level: float = 0.95, share: float = 0.5
) -> int | Missing:
    """First step at which half, or a `share`, of the change from the first to the last level of a series is made.

        L_i = median(values[i : i + window]),   min{i: (L_i - L_first) / (L_last - L_first) >= share}

    It is the step of the middle evaluation of that window: of a jump, exactly the first evaluation after it. Excursions
    beyond the last level, and all that follows, do not matter.

    steps, values, window, level, and the margin of a change between two levels: as in `low_high_mid`.

    `Missing` with fewer than three windows, or without a change beyond the series' own fluctuation.
    """
    at, series = _series(steps, values, window, level)
    noise = _noise(series, window)
    if noise is None:
        return Missing(f"{len(series)} evaluations; {3 * window} are needed to tell a change from fluctuation")
    levels = _levels(series, window)
    change = levels[-1] - levels[0]
    if not _sign(change, _z(level) * noise * math.sqrt(2)):
        return Missing(f"no change beyond fluctuation: {change:.3g} from first to last, fluctuation {noise:.3g}")
    made = np.flatnonzero((levels - levels[0]) / change >= share)
    return int(at[made[0] + window // 2])


@dataclass(frozen=True, kw_only=True)
class Share:
    """k of n, with its interval."""

    value: float
    low: float
    high: float
    k: int
    n: int


def share(k: int, n: int, *, level: float = 0.95) -> Share:
    """k of n with the exact interval, the p for which neither tail of the binomial is below (1 - level)/2.

    Source: `intervals.share_intervals`. Raises ValueError unless 0 <= k <= n and n > 0.
    """
    low, high = share_intervals(k, n)(level)
    return Share(value=k / n, low=low, high=high, k=k, n=n)


def _levels(series: Values, window: int) -> Float[np.ndarray, "window"]:
    return np.median(sliding_window_view(series, window), axis=1)


def _noise(series: Values, window: int) -> float | None:
    """Standard deviation of a level: second differences remove a trend, their median absolute deviation a jump."""
    if len(series) < 3 * window:
        return None
    levels = _levels(series, window)
    bends = levels[2 * window :] - 2 * levels[window:-window] + levels[: -2 * window]
    return max(float(MAD * np.median(np.abs(bends)) / math.sqrt(6)), ROUNDING * float(np.abs(levels).max()))


def _z(level: float, n: int = 1) -> float:
    """Two-sided normal quantile of a level shared by n comparisons."""
    from scipy.special import ndtri

    return -float(ndtri((1 - level) / (2 * n)))


def _sign(contrast: float, margin: float) -> Sign:
    return 1 if contrast > margin else -1 if contrast < -margin else 0


def _series(steps: ArrayLike, values: ArrayLike, window: int, level: float) -> tuple[Steps, Values]:
    if window < 1 or window % 2 == 0:
        raise ValueError(f"window must be an odd number of evaluations, got {window}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    at, series = np.asarray(steps), np.asarray(values, dtype=np.float64)
    if at.ndim != 1 or at.shape != series.shape:
        raise ValueError(f"expected one value a step, got steps of shape {at.shape} and values of {series.shape}")
    if (np.diff(at) <= 0).any():
        raise ValueError("steps must be strictly increasing; sort them, drop repeats")
    known = np.isfinite(series)
    return at[known], series[known]
