"""`grokscope measure`: measure stored checkpoints."""

import sys
from pathlib import Path
from typing import Annotated

import tyro

from grokscope.cli.base import Json, RunName, Store, emit, find_run


def measure(
    run: tyro.conf.Positional[RunName] = "latest",
    *,
    only: Annotated[str, tyro.conf.arg(metavar="ID,ID")] = "",
    again: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Measure the stored checkpoints of a run; what the store has already is left as it is.

    Args:
        only: ids of measures (grokscope list measures); all of them by default.
        again: measure anew what is there already, such as after a definition has changed.
    """
    from grokscope.studies.measuring import measure_checkpoints

    found = find_run(run, store)
    chosen = [name.strip() for name in only.split(",") if name.strip()]
    missing = measure_checkpoints(found, only=chosen, again=again)
    rows = found.rows()
    last = {}
    for step, name, view, value in zip(
        rows.steps.tolist(), rows.measures, rows.views, rows.values.tolist(), strict=True
    ):
        if not chosen or name in chosen:
            last[f"{name}[{view}]" if view else name] = {"step": step, "value": value}
    if json:
        emit({"run": found.id, "checkpoints": found.checkpoints, "last": last, "missing": missing})
        return
    for name, number in last.items():
        print(f"{name:<48} {number['value']:.6g}  (step {number['step']})")
    for name, reason in missing.items():
        print(f"{name}: no answer: {reason}", file=sys.stderr)
