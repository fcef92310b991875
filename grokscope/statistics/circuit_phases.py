"""Memorisation, circuit formation, cleanup: where one phase ends and the next begins, by rule.

The published borders (1,400, 9,400 and 14,000 steps of one run) are drawn by eye. Ours are levels of two curves that
any run has, test loss and the squared norm of the weights. Other levels give their uncertainty:

    memorisation ends       at the onset, the largest test loss before generalisation (`transitions.phases`)
    circuit formation ends  where the test loss has fallen to half of that maximum: cleanup makes it fall
    cleanup ends            where the squared norm has made nine tenths of its fall from there to its lowest level

In a run that stops while its norm still falls, the end of cleanup is too early.
Source of the phases: Nanda et al. 2023, arXiv:2301.05217, section 5.2; the rules are ours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from grokscope.errors import Missing
from grokscope.statistics.transitions import first_held

# Shares of the largest test loss, and of the fall of the squared norm: the rule's, then those of the ends of its range.
LOSS = (0.5, 0.75, 0.25)
NORM = (0.9, 0.8, 0.95)


@dataclass(frozen=True, kw_only=True)
class Border:
    """A step, and its range by other levels."""

    at: int
    low: int
    high: int


@dataclass(frozen=True, kw_only=True)
class CircuitPhases:
    """The ends of the three phases; cleanup is Missing where the norm does not fall after circuit formation."""

    memorization: int
    formation: Border
    cleanup: Border | Missing

    @property
    def in_order(self) -> bool:
        """Whether each phase ends after the one before it."""
        end = None if isinstance(self.cleanup, Missing) else self.cleanup.at
        return self.memorization < self.formation.at and (end is None or self.formation.at < end)


def circuit_phases(
    steps: ArrayLike,
    *,
    test_loss: ArrayLike,
    squared_norm: ArrayLike,
    onset_at: int | None,
    stable: int = 3,
) -> CircuitPhases | Missing:
    """The borders of the phases of one run.

    steps, test_loss [nats], squared_norm [1]: one value an evaluation. onset_at: as `transitions.phases` finds it.
    stable: a level counts where it is kept for so many evaluations, so that spikes do not count.

    `Missing` for a run that has not memorised and generalised, or whose test loss does not fall to a quarter. Raises
    ValueError for series of unequal length.
    """
    at, loss, norm = (np.asarray(series, dtype=np.float64) for series in (steps, test_loss, squared_norm))
    if not at.shape == loss.shape == norm.shape or at.ndim != 1:
        raise ValueError(f"expected series of one length, got shapes {at.shape}, {loss.shape} and {norm.shape}")
    if onset_at is None:
        return Missing("the run has no onset: it has not memorised first and generalised later")
    after = at >= onset_at
    largest = loss[after][0]
    formation = _border(at[after], -loss[after], [-share * largest for share in LOSS], stable)
    if formation is None:
        return Missing("the test loss does not fall to a quarter of its maximum")
    later = at >= formation.at
    return CircuitPhases(memorization=onset_at, formation=formation, cleanup=_cleanup(at[later], norm[later], stable))


def _cleanup(at: np.ndarray, norm: np.ndarray, stable: int) -> Border | Missing:
    start = norm[0]
    # The lowest level that is held: the median of as many evaluations as count as held.
    windows = np.lib.stride_tricks.sliding_window_view(norm, stable) if len(norm) >= stable else norm[None]
    end = float(np.median(windows, axis=-1).min())
    if not end < start:
        return Missing("the squared norm does not fall after circuit formation")
    border = _border(at, -norm, [share * (start - end) - start for share in NORM], stable)
    return border or Missing(f"the squared norm does not stay low for {stable} evaluations")


def _border(at: np.ndarray, curve: np.ndarray, levels: list[float], stable: int) -> Border | None:
    """Where a curve first holds each of three levels: the rule's, and the ends of its range."""
    steps = [step for level in levels if (step := first_held(at, curve, level, stable=stable)) is not None]
    return Border(at=steps[0], low=steps[1], high=steps[2]) if len(steps) == len(levels) else None
