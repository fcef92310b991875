"""Curves made elsewhere become a run in the store: series, phases and a report, without weights or a config.

What was trained is not known: pack.json has `null` for the config, and `Run.config` is an error.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from grokscope.runs.curves.columns import OTHERS
from grokscope.runs.curves.series import read_curves
from grokscope.runs.outcomes import outcomes
from grokscope.runs.run import Run
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.journal import Measured
from grokscope.runs.writer import open_writer
from grokscope.statistics.series import Curve


def import_curves(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    percent: bool = False,
    store: str | Path = "runs",
) -> Run:
    """The run of the curves of a file; the same file read in the same way is the same run.

    path: a table (csv, tsv, jsonl, json, npz) or a folder of TensorBoard. columns, percent, errors: as `read_curves`.
    """
    table = read_curves(path, columns or {}, percent=percent)
    about = {
        "file": table.file,
        "format": "curves",
        "sha256": table.sha256,
        "columns": dict(table.columns),
        "percent": percent,
        "remarks": list(table.remarks),
    }
    folder = Path(store) / hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]
    if finished_at(folder) is None:
        _write(folder, table.curves, about)
    return Run(folder)


def _write(folder: Path, curves: Mapping[str, Curve], about: Mapping[str, object]) -> None:
    end = max(int(steps[-1]) for steps, _ in curves.values())
    with open_writer(folder, [None], resume=True) as writer:  # an import that was killed is written again
        writer.resume()
        writer.describe(None, imported=about)
        (run,) = writer.ids
        for name, (steps, values) in curves.items():
            measure = name if name in OTHERS else f"behaviour.{name}"
            pairs = zip(steps.tolist(), values.tolist(), strict=True)
            writer.record(
                [Measured(run=run, step=step, measure=measure, view="", value=value) for step, value in pairs]
            )
        writer.finish(end)
        last = {name: float(values[-1]) for name, (_, values) in curves.items()}
        outcome = outcomes(folder, [{"run": run, "config": None}])[run] | last
        writer.status("done", end, train_seconds=None, measure_seconds=None, runs={run: outcome})
