"""Slingshots: a spike of the training loss together with a jump of the weights' norm.

Late in training an adaptive optimizer can leave the minimum in a few steps: the norm grows, the loss rises by orders
of magnitude and falls again, and the network ends somewhere else. A slingshot may then be the cause of generalisation;
so a run reports whether it had any.

Source: Thilak et al. 2022, arXiv:2206.04817, who find them by eye in the norm of the last layer; the rule is ours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from grokscope.statistics.held import LARGEST_LOSS
from grokscope.statistics.series import Steps, Values, as_series, as_steps

# Evaluations by which the norm may lead the loss, if the spike itself is no longer.
LEAD = 5
# Intervals that the norm's drift needs.
FEWEST = 3


@dataclass(frozen=True, kw_only=True)
class Slingshot:
    """One spike with its jump.

    start, end: the last evaluation before the peak, and the first after it, at which the loss is below half of its
    height, in logarithms. loss_factor: the loss at the peak over the higher of the lows before and after it.
    norm_growth: by how much the norm grew beyond its drift, relative to its value before.
    """

    start: int
    peak: int
    end: int
    loss_factor: float
    norm_growth: float


def slingshots(
    steps: ArrayLike,
    *,
    norm: ArrayLike,
    train_loss: ArrayLike,
    factor: float = 10.0,
    jump: float = 0.02,
    longest: float | None = None,
    noise: float = 5.0,
    floor: float = 1e-10,
) -> list[Slingshot]:
    """The slingshots of a run, in order; none on smooth series.

    A spike is a peak of log(train_loss) whose prominence is at least log(factor): its height over the higher of the
    lowest values before and after it, as far as the next higher peak. So a loss that rises and stays, or a run that
    ends on the rise, has none. A spike is narrow: the loss is above half of the height for at most `longest` steps.
    It is a slingshot if the norm grows with it: log(norm) gains log(1 + jump) more than its drift. The norm may lead
    the loss. So its gain begins as many evaluations before the start as the spike is long (at least 5), and ends at the
    end. The drift is the mean slope over as many evaluations before that. Neither reaches back beyond the end of the
    spike before: they share what lies in between. With fewer than 3 intervals for the drift there is no slingshot.

    factor [1], jump [1], longest [steps; by default a tenth of the series]. noise: height and gain must also exceed so
    many times the spread of the same quantity over the whole series (1.4826 median absolute deviations): of the change
    of log(train_loss) in as many evaluations, and of the gain of log(norm). floor: losses below it, which may be
    exactly 0, count as it [nats].

    Series are one-dimensional, one value an evaluation; steps whole and increasing. Where norm or loss is NaN there is
    no evaluation. Raises ValueError for anything else, and for a factor <= 1 or a jump, longest, noise or floor that is
    negative (floor: or 0).
    """
    if not (factor > 1 and jump >= 0 and noise >= 0 and floor > 0 and (longest is None or longest >= 0)):
        given = f"factor {factor}, jump {jump}, longest {longest}, noise {noise}, floor {floor}"
        raise ValueError(f"expected factor > 1, jump, longest and noise >= 0, floor > 0; got {given}")
    at, log_norm, log_loss = _series(steps, norm, train_loss, floor)
    if at.size < 3:
        return []
    widest = float(at[-1] - at[0]) / 10 if longest is None else longest
    taken, after = [], 0
    for start, peak, end, height in _spikes(at, log_loss, np.log(factor), widest, noise):
        before = max((after + start) // 2, start - max(end - start, LEAD))
        context = min(before - after, end - before)
        after = end
        if context < FEWEST:
            continue
        gains = _gains(at, log_norm, context, end - before)
        gain = float(gains[before - context])
        if gain >= max(np.log1p(jump), noise * _spread(gains)):
            first, top, last = (int(at[place]) for place in (start, peak, end))
            growth, loss_factor = float(np.expm1(gain)), float(np.exp(height))
            taken.append(Slingshot(start=first, peak=top, end=last, loss_factor=loss_factor, norm_growth=growth))
    return taken


def _series(steps: ArrayLike, norm: ArrayLike, loss: ArrayLike, floor: float) -> tuple[Steps, Values, Values]:
    """Steps, log(norm) and log(loss) where both have a value."""
    at, norms, losses = as_steps(steps), as_series("norm", norm), as_series("train_loss", loss)
    for name, series in (("norm", norms), ("train_loss", losses)):
        if series.size != at.size:
            raise ValueError(f"{name} has {series.size} values for {at.size} steps: expected one value a step")
    known = ~np.isnan(norms) & ~np.isnan(losses)
    at, norms, losses = at[known], norms[known], losses[known]
    if (norms <= 0).any() or np.isinf(norms).any():
        raise ValueError("norm must be positive and finite: it is the norm of all weights")
    return at, np.log(norms), np.log(np.clip(losses, floor, LARGEST_LOSS))


def _spikes(
    at: Steps, log_loss: Values, least: float, longest: float, noise: float
) -> list[tuple[int, int, int, float]]:
    """(start, peak, end, height) of the spikes, in order; of those that overlap, the highest."""
    if (log_loss - np.minimum.accumulate(log_loss)).max() < least:  # most runs: the import takes a second
        return []
    from scipy.signal import find_peaks, peak_prominences

    peaks, _ = find_peaks(log_loss, prominence=least)
    heights = peak_prominences(log_loss, peaks)[0]
    taken: list[tuple[int, int, int, float]] = []
    for peak, height in sorted(zip(peaks.tolist(), heights.tolist(), strict=True), key=lambda spike: -spike[1]):
        low = log_loss <= log_loss[peak] - height / 2
        start, end = int(np.flatnonzero(low[:peak])[-1]), peak + int(np.flatnonzero(low[peak:])[0])
        if any(start < other[2] and other[0] < end for other in taken):
            continue
        changes = log_loss[end - start :] - log_loss[: start - end]
        if at[end] - at[start] <= longest and height >= noise * _spread(changes):
            taken.append((start, peak, end, height))
    return sorted(taken)


def _gains(at: Steps, log_norm: Values, context: int, intervals: int) -> Values:
    """The gain of log(norm) over `intervals` beyond the drift over the `context` before, wherever both fit."""
    start, before, end = (slice(i, len(at) - context - intervals + i) for i in (0, context, context + intervals))
    drift = (log_norm[before] - log_norm[start]) / (at[before] - at[start])
    return log_norm[end] - log_norm[before] - np.maximum(drift, 0.0) * (at[end] - at[before])


def _spread(values: Values) -> float:
    """Standard deviation, by the median absolute deviation of a normal distribution."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))
