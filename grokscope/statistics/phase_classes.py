"""Four phases of learning (comprehension, grokking, memorisation, confusion) of one run or a table of runs.

    train reached   test reached   test - train
    yes             yes            < delay        comprehension (also where the test set comes first)
    yes             yes            >= delay       grokking
    yes             no                            memorisation
    no              either                        confusion

Reached: the accuracy was at its threshold at some step, not later than the limit.

Source: Liu et al. 2022, arXiv:2205.10343, table 1: thresholds of 90 %, within 1e5 steps, delay 1e3 steps. Departures:
there a delay of exactly 1e3 belongs to no phase; here it is grokking. There a run that generalises without ever fitting
its training set has no phase; here it is confusion. Some published figures use 2e3 (figure 5 a) or 60 % on the test set
(MNIST).
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray

from grokscope.errors import require_finite
from grokscope.statistics.transitions import Phases

CLASSES = ("comprehension", "grokking", "memorisation", "confusion")
# Options with which `Run.phases` (`transitions.phases`) gives the published steps: the first evaluation at 90 %,
# whatever follows it.
PUBLISHED: dict[str, Any] = {"train_threshold": 0.9, "test_threshold": 0.9, "stable": 1}


def classify(
    train_step: ArrayLike | Sequence[Any] | None,
    test_step: ArrayLike | Sequence[Any] | None,
    *,
    limit: float | None = None,
    delay: float = 1e3,
    never: float | None = None,
) -> NDArray[np.str_]:
    """The phase of each run, elementwise; an array of the shape of the steps (no dimension for single numbers).

    train_step, test_step: the step at which each accuracy reached its threshold; any shape, the same for both. Never
    reached: None, infinity, or the value `never`, such as the index of the last step in the released tables (99,999 of
    1e5 steps), or NaN if never=nan. limit: later steps count as never reached; None: no limit [steps].
    delay: test - train from which a run has grokked [steps].

    Raises ValueError for unequal shapes, negative steps, NaN without never=nan, other than numbers, and a limit or
    delay below 0.
    """
    for name, value in (("limit", limit), ("delay", delay)):
        if value is not None and not value >= 0:
            raise ValueError(f"{name} must not be below 0, got {value}")
    train = reached("train_step", train_step, limit=limit, never=never)
    test = reached("test_step", test_step, limit=limit, never=never)
    if train.shape != test.shape:
        raise ValueError(f"train_step has shape {train.shape}, test_step {test.shape}: expected one shape")
    fitted, generalised = np.isfinite(train), np.isfinite(test)
    both = fitted & generalised
    require_finite(delay=delay)
    late = np.zeros(train.shape, dtype=bool)
    late[both] = test[both] - train[both] >= delay
    return np.select([~fitted, ~generalised, late], [CLASSES[3], CLASSES[2], CLASSES[1]], CLASSES[0])


def classify_phases(runs: Iterable[Phases], *, limit: float | None = None, delay: float = 1e3) -> NDArray[np.str_]:
    """The phase of each run from its `Phases`: memorized_at and generalized_at, None where never reached.

    The thresholds are those of the phases: `run.phases(**PUBLISHED)` has the published ones, `run.phases()` our
    stricter ones (99 % and 95 %, kept for three evaluations).
    """
    steps = [(run.memorized_at, run.generalized_at) for run in runs]
    return classify([train for train, _ in steps], [test for _, test in steps], limit=limit, delay=delay)


def counts(classes: ArrayLike) -> dict[str, int]:
    """How many runs each phase has, all four in order. ValueError for an unknown phase."""
    tally = Counter(np.asarray(classes).ravel().tolist())
    for name in tally:
        if name not in CLASSES:
            raise ValueError(f"{name!r} is no phase; known are {', '.join(CLASSES)}")
    return {name: tally[name] for name in CLASSES}


def reached(
    name: str, table: Any, *, limit: float | None = None, never: float | None = None
) -> Float[np.ndarray, "..."]:
    """A table of steps with infinity where the threshold was never reached; ValueError as `classify`."""
    plain = table.detach().cpu().tolist() if hasattr(table, "detach") else table
    try:
        raw = np.asarray(plain, dtype=object)
        # A ragged table has lists for its elements.
        steps = np.array([math.inf if step is None else float(step) for step in raw.ravel()]).reshape(raw.shape)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a table of numbers, None where never reached: {error}") from None
    unknown = np.isnan(steps)
    if unknown.any():
        if never is None or not math.isnan(never):
            raise ValueError(
                f"{name} holds NaN at {_place(unknown)}: say never=nan if that means never reached, or use None"
            )
        steps[unknown] = math.inf
    if (steps < 0).any():
        raise ValueError(f"{name} holds {steps[steps < 0][0]:g} at {_place(steps < 0)}: steps are 0 or more")
    if never is not None and not math.isnan(never):
        steps[steps == never] = math.inf
    if limit is not None:
        steps[steps > limit] = math.inf
    return steps


def _place(where: NDArray[np.bool_]) -> str:
    """The index of the first True."""
    index = tuple(int(i) for i in np.argwhere(where)[0])
    return f"index {index}" if index else "its only value"
