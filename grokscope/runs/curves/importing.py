"""Curves made elsewhere become a run in the store: series, phases and a report; no weights and no config.

What was trained, and how, nobody says: pack.json holds `null` for the config, and asking for it is an error.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from grokscope.runs.curves.columns import OTHERS
from grokscope.runs.curves.series import BY_PHASES, Curves, read_curves
from grokscope.runs.run import Run
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.journal import Measured
from grokscope.runs.writer import open_writer


def import_curves(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    percent: bool = False,
    store: str | Path = "runs",
) -> Run:
    """The run that holds the curves of a file; the same file read in the same way is the same run.

    path: a table (csv, tsv, jsonl, json, npz) or a folder of TensorBoard. columns, percent, errors: as `read_curves`.
    """
    found = read_curves(path, columns or {}, percent=percent)
    about = {
        "file": found.file,
        "format": "curves",
        "sha256": found.sha256,
        "columns": dict(found.columns),
        "percent": percent,
        "remarks": list(found.remarks),
    }
    folder = Path(store) / hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]
    if finished_at(folder) is None:
        _write(folder, found, about)
    return Run(folder)


def _write(folder: Path, found: Curves, about: Mapping[str, object]) -> None:
    end = max(int(steps[-1]) for steps, _ in found.curves.values())
    with open_writer(folder, [None], resume=True) as writer:  # one that was killed is written again
        writer.resume()
        writer.describe(None, imported=about)
        (run,) = writer.ids
        for name, (steps, values) in found.curves.items():
            measure = name if name in OTHERS else f"behaviour.{name}"
            pairs = zip(steps.tolist(), values.tolist(), strict=True)
            writer.record(
                [Measured(run=run, step=step, measure=measure, view="", value=value) for step, value in pairs]
            )
        writer.finish(end)
        phases = Run(folder).phases()
        last = dict.fromkeys(BY_PHASES) | {name: float(values[-1]) for name, (_, values) in found.curves.items()}
        outcome = phases.as_dict() | {"notes": [str(note) for note in phases.notes]} | last
        writer.status("done", end, train_seconds=None, measure_seconds=None, runs={run: outcome})
