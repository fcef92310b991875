"""When a run generalises for good, and what becomes of it afterwards: the event of a race.

    t_gen = the first evaluation from which accuracy stays >= level for at least FEWEST evaluations and SPAN steps

`transitions.phases` asks for three evaluations; a race asks for more, so that a peak on the way is no arrival. A run
that does not arrive by its budget is censored there, also one that diverged before: it would not have arrived.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from grokscope.statistics.held import ROUNDING
from grokscope.statistics.series import as_shares, as_steps

LEVEL, FEWEST, SPAN = 0.95, 5, 500


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Steps, None where it never came. first: the first evaluation at the level, whatever follows. t_gen: see above.
    Of the evaluations after t_gen: below, the share under the level; lowest, the lowest accuracy; collapse: the first
    one under it; stay: the longest stretch at it [steps]. final: the last accuracy, None without an evaluation."""

    first: int | None
    t_gen: int | None
    below: float | None
    lowest: float | None
    collapse: int | None
    stay: int | None
    final: float | None


def arrival(steps: ArrayLike, accuracy: ArrayLike, *, level: float = LEVEL, stays: bool = True) -> Arrival:
    """The arrival of one run, from its evaluations (evaluation,): whole increasing steps, shares of 1; NaN is none.
    stays: as above; else the first evaluation at the level is t_gen.

    ValueError for unequal lengths, steps that do not increase and accuracies that are no shares.
    """
    at, values = as_steps(steps), as_shares("accuracy", accuracy)
    if at.size != values.size:
        raise ValueError(f"expected one accuracy a step, got {values.size} and {at.size} steps")
    known = ~np.isnan(values)
    at, above = at[known], values[known] >= level - ROUNDING
    values = values[known]
    final = float(values[-1]) if values.size else None
    first = int(at[np.argmax(above)]) if above.any() else None
    place = _sustained(at, above) if stays else int(np.argmax(above)) if above.any() else None
    if place is None:
        return Arrival(first=first, t_gen=None, below=None, lowest=None, collapse=None, stay=None, final=final)
    after, held = at[place:], above[place:]
    lost = after[~held]
    return Arrival(
        first=first,
        t_gen=int(at[place]),
        below=float((~held).mean()),
        lowest=float(values[place:].min()),
        collapse=int(lost[0]) if lost.size else None,
        stay=_longest(after, held),
        final=final,
    )


def _sustained(at: np.ndarray, above: np.ndarray) -> int | None:
    """The first evaluation from which all within FEWEST evaluations and SPAN steps are above; the last of these must
    have been made."""
    for place in np.flatnonzero(above).tolist():
        end = max(int(np.searchsorted(at, at[place] + SPAN)), place + FEWEST - 1)
        if end >= at.size:
            return None
        if above[place : end + 1].all():
            return place
    return None


def _longest(at: np.ndarray, held: np.ndarray) -> int:
    """Steps of the longest stretch without an evaluation below the level."""
    longest, start = 0, None
    for step, holds in zip(at.tolist(), held.tolist(), strict=True):
        if not holds:
            start = None
            continue
        start = step if start is None else start
        longest = max(longest, step - start)
    return longest
