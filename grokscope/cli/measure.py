"""`grokscope measure`: measure stored checkpoints."""

import sys
from pathlib import Path
from typing import Annotated

import tyro

from grokscope.cli._options import Flag, Json, RunName, Store
from grokscope.cli.base import emit, find_run

GROUP = "Look"


def measure(
    name: tyro.conf.Positional[RunName] = "latest",
    *,
    only: Annotated[str, tyro.conf.arg(metavar="ID,ID")] = "",
    again: Flag = False,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Measure the stored checkpoints of a run; numbers in the store are not measured again.

    For instance: grokscope measure latest --only circuits.excluded_loss,weights.norm

    Args:
        only: ids of measures (grokscope list measures), taken at all checkpoints; by default those of cost cheap and
            heavy at all checkpoints, those of cost final at the last.
        again: measure numbers in the store again, such as after a change of a definition.
    """
    from grokscope.measures.analyses.checkpoints import measure_checkpoints

    run = find_run(name, store)
    chosen = [id_.strip() for id_ in only.split(",") if id_.strip()]
    missing = measure_checkpoints(run, only=chosen, again=again)
    rows, last = run.rows(), {}
    for step, id_, view, value in zip(
        rows.steps.tolist(), rows.measures, rows.views, rows.values.tolist(), strict=True
    ):
        if not chosen or id_ in chosen:
            last[f"{id_}[{view}]" if view else id_] = {"step": step, "value": value}
    if json:
        emit({"run": run.id, "checkpoints": run.checkpoints, "last": last, "missing": missing})
        return
    for measure_view, number in last.items():
        print(f"{measure_view:<48} {number['value']:.6g}  (step {number['step']})")
    for id_, reason in missing.items():
        print(f"{id_}: no answer: {reason}", file=sys.stderr)
