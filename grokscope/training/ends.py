"""Where a finished pack ended, and whether it goes on to another end."""

import math
from collections.abc import Sequence
from pathlib import Path

from grokscope.errors import GrokscopeError
from grokscope.runs.config import RunConfig
from grokscope.runs.identity import ENDS, run_ids
from grokscope.runs.store import checkpoints
from grokscope.runs.store.documents import read_pack
from grokscope.runs.store.events import NON_FINITE, finished_at, read_events
from grokscope.runs.store.series import read_series
from grokscope.training.schedule import Schedule, is_evaluated

SEEN = ("test_accuracy", "fresh_accuracy")


def goes_on(folder: Path, configs: Sequence[RunConfig], *, extend: bool) -> bool:
    """Whether a finished pack is to be trained on, because its configs now ask for a later end than it has.

    GrokscopeError if they do and extend is false, or if it cannot go on.
    """
    asked = {name: getattr(configs[0], name) for name in ENDS}
    known = read_pack(folder)["runs"][0]["config"]
    same = asked == {name: known.get(name) for name in ENDS}
    end = finished_at(folder) or 0
    if (same and not extend) or has_ended(folder, configs, end):
        return False
    wanted = ", ".join(f"{name} = {value}" for name, value in asked.items() if value != known.get(name))
    if not extend:
        raise GrokscopeError(
            f"run {folder.name} ended at step {end}, before the end that is asked for ({wanted}); --extend "
            f"(extend=True) lets it go on from there"
        )
    if checkpoints.load_resume(folder) is None:
        raise GrokscopeError(f"run {folder.name} cannot go on: the optimizer's state at its end was not kept")
    return True


def has_ended(folder: Path, configs: Sequence[RunConfig], end: int) -> bool:
    """Whether a pack that was trained to step `end` ends there, or before, by the rules of these configs."""
    ended = end >= configs[0].max_steps or len(_lost(folder)) == len(configs)
    return ended or replayed(folder, configs, end, stop=True).has_generalised


def replayed(folder: Path, configs: Sequence[RunConfig], end: int, *, stop: bool = False) -> Schedule:
    """The schedule after the evaluations that a pack in a folder had until step `end`.

    stop: at the evaluation at which its stop rule ends the run. An evaluation at the end alone, between two of the
    schedule, counts for nothing: a run that goes on is one that never ended there.
    """
    schedule = Schedule(configs[0])
    ids = run_ids(folder.name, len(configs))
    lost = _lost(folder)
    series = read_series([folder], [f"behaviour.{name}" for name in (*SEEN, "train_loss")])
    values = {key: dict(zip(steps.tolist(), found.tolist(), strict=True)) for key, (steps, found) in series.items()}
    for step in sorted({step for of_run in values.values() for step in of_run}):
        if step > end or not is_evaluated(step, configs[0].evaluate_every):
            continue
        alive = [run for run in ids if step <= lost.get(run, math.inf)]
        schedule.see([
            {name: values.get((run, f"behaviour.{name}"), {}).get(step, math.nan) for name in SEEN} for run in alive
        ])  # fmt: skip
        if stop and schedule.has_generalised:
            break
    return schedule


def _lost(folder: Path) -> dict[str, int]:
    """Run -> the step at which its loss was not finite."""
    return {event["run"]: event["step"] for event in read_events(folder) if event["event"] == NON_FINITE}
