"""Does softmax collapse stop grokking, and what lifts it? The arms of Prieto et al. 2025 and their controls.

Source: arXiv:2501.04697, figures 1, 2, 4 and 6. A run that never generalises is said to be one, never dropped.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grokscope.predictions.shared import MORE_STABILITY, STABILITY, put_back
from grokscope.registry import unknown
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run
from grokscope.statistics.contrasts import Share, share

ARMS = {**STABILITY, **MORE_STABILITY}


def arms(
    base: RunConfig, *, names: Iterable[str] = tuple(ARMS), seeds: Sequence[int] = range(5)
) -> dict[str, list[RunConfig]]:
    """Name -> one pack of seeds. base: a network that memorises, such as `recipes.prieto2025`; what makes an arm is
    set, and what would make another one is put back first.

    ValueError for an unknown arm and without a seed.
    """
    if not seeds or len(set(seeds)) < len(list(seeds)):
        raise ValueError(f"seeds must be different ones, at least one; got {list(seeds)}")
    plain = put_back(base)
    found = {}
    for name in names:
        if name not in ARMS:
            raise ValueError(unknown("arm", name, ARMS))
        found[name] = [plain.replace(**ARMS[name], seed=seed) for seed in seeds]
    return found


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the runs of one arm: an array is one value a run.

    memorized_at, generalized_at: steps, NaN where never. test_accuracy: at the end, and the best (`peak`). collapse:
    the largest collapse rate on the way, in the dtype of the arm's softmax, and the step at which it first passed one
    half (NaN: never). norm: of the weights, at the end over that at the start. generalised: the share that did, exact.
    """

    n: int
    memorized_at: np.ndarray
    generalized_at: np.ndarray
    test_accuracy: np.ndarray
    peak: np.ndarray
    collapse: np.ndarray
    collapsed_at: np.ndarray
    norm: np.ndarray
    generalised: Share


def outcome(runs: Sequence[Run]) -> Outcome:
    """Of the runs of one arm, as their series have it."""
    if not runs:
        raise ValueError("an arm needs at least one run, got none")
    rows = [_of(run) for run in runs]
    columns: Mapping[str, np.ndarray] = {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}
    reached = int(np.isfinite(columns["generalized_at"]).sum())
    return Outcome(n=len(runs), generalised=share(reached, len(runs)), **columns)


def _of(run: Run) -> dict[str, float]:
    phases = run.phases()
    accuracy, norm = run.series("test/accuracy")[1], run.series("weights.norm")[1]
    steps, collapse = run.series("stability.collapse_rate", f"dtype={run.config.softmax_dtype}")
    above = steps[collapse > 0.5]
    return {
        "memorized_at": np.nan if phases.memorized_at is None else phases.memorized_at,
        "generalized_at": np.nan if phases.generalized_at is None else phases.generalized_at,
        "test_accuracy": accuracy[-1],
        "peak": accuracy.max(),
        "collapse": collapse.max(),
        "collapsed_at": above[0] if len(above) else np.nan,
        "norm": norm[-1] / norm[0],
    }
