"""From a study, or from runs, to a scorecard."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from grokscope.predictions.arms import Arms, runs_of, sorted_into_arms
from grokscope.predictions.families import placed, read_arms, told_by
from grokscope.predictions.verdict import Scorecard, judged, subjects
from grokscope.registry import unknown
from grokscope.runs.run import Run
from grokscope.runs.store.segments import digests
from grokscope.theories.base import families, theories


class Studied(Protocol):
    """A study: what has its runs by arm."""

    def runs(self) -> Mapping[str, Sequence[Run]]: ...


def judge(runs: Run | Mapping[str, Sequence[Run]] | Iterable[Run] | Studied, theory: str | None = None) -> Scorecard:
    """The scorecard of a theory, or of all, for trained runs.

    runs: a run; or a study; or arm -> the runs of its seeds, as a study has them; or runs in any order, which are
    sorted into arms by what their configs differ in from the one that groks (`sorted_into_arms`). Rows whose arms are
    not there say so.

    Raises ValueError for an unknown theory and for no run.
    """
    if isinstance(runs, Run):
        arms = arms_of([runs])
    else:
        arms = arms_of(runs if isinstance(runs, Mapping | Iterable) else runs.runs())
    if not runs_of(arms):
        raise ValueError("expected the runs of at least one arm, got none")
    known = theories()
    if theory is not None and theory not in known:
        raise ValueError(unknown("theory", theory, known))
    chosen, looked_at = known.values() if theory is None else [known[theory]], subjects(arms)
    return Scorecard(
        rows=tuple(row for one in chosen for row in judged(one, looked_at)),
        runs={name: len(arm) for name, arm in arms.items()},
        segments={folder.name: digests(folder) for folder in sorted({run.folder for run in runs_of(arms)})},
    )


def arms_of(runs: Any) -> Arms[Run]:
    """The arms of runs that are named by arm, or sorted by what their configs change."""
    if isinstance(runs, Arms):
        return runs
    known = families()
    if isinstance(runs, Mapping):
        return placed(read_arms(runs, known), known, lambda run: run.config)
    return placed(sorted_into_arms(runs, told_by(known)), known, lambda run: run.config)
