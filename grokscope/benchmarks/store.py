"""Reading a large store: the list of runs, a query over all, a phase diagram.

The store is made of stubs, packs that nobody trained: their files are those of real packs, their numbers are drawn.
Each reading is timed in this process, after one that is not counted: starting Python and importing takes half a second
more.
"""

import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from grokscope.benchmarks.base import durations, summary, table, timed
from grokscope.recipes.base import recipe
from grokscope.runs.config import RunConfig, pack_id
from grokscope.runs.identity import run_ids
from grokscope.runs.store import jsonl
from grokscope.runs.store.checksum import BLANK, stamped
from grokscope.runs.store.documents import document
from grokscope.runs.store.events import FINISHED
from grokscope.runs.store.segments import engine, segment_path

RUNS = 1_000  # asked for: 10^6 numbers over 1,000 runs
BARS = {"list runs": 1.0, "query": 1.0, "phase diagram": 2.0}
CURVES = ("train_accuracy", "test_accuracy", "train_loss", "test_loss")
EVALUATED, SERIES = 125, 8  # of a run; four of the series are the curves of behaviour
TEMPLATE = "0123456789ab"  # as long as a pack's id
SUMMARY = {
    "memorized_at": 100, "onset_at": 900, "generalized_at": 2_000, "delay": 1_900, "grokked": True,
    "lost_at": None, "notes": [],
    "train_accuracy": 1.0, "test_accuracy": 1.0, "fresh_accuracy": 1.0, "train_loss": 1e-6, "test_loss": 1e-5,
}  # fmt: skip


def store(*, rounds: int = 3, seconds: float = 0.0) -> dict[str, Any]:  # noqa: ARG001  a turn is one reading
    """Seconds of each reading of a store of 1,000 runs as packs of one and as packs of 40, and its bar."""
    rows = []
    for replicas in (1, 40):
        with TemporaryDirectory() as folder:
            place = Path(folder)
            build(place, RUNS // replicas, replicas)
            for name, act in readings(place).items():
                taken = durations({"seconds": lambda act=act: timed(act)}, rounds=rounds, warm=True)
                rows.append(summary(taken) | {"name": f"{name}, packs of {replicas}", "bar": BARS[name]})
    return table(rows)


def readings(place: Path) -> dict[str, Callable[[], Any]]:
    """The readings that are timed, by name."""
    from grokscope.report.figures.phase_diagram import phase_diagram
    from grokscope.report.study.cells import phases_over
    from grokscope.runs.listing import summaries
    from grokscope.runs.run import runs
    from grokscope.runs.store.query import query

    sql = "select run, max(value), count(*) from metrics where measure = 'behaviour.test_accuracy' group by run"
    return {
        "list runs": lambda: list(summaries(place)),
        "query": lambda: query(place, sql),
        "phase diagram": lambda: phase_diagram(phases_over(runs(place), x="weight_decay", y="learning_rate")),
    }


def build(place: Path, n_packs: int, replicas: int) -> None:
    """Writes stub packs of ten rates and ten decays."""
    base = recipe("quickstart", max_steps=20_000)
    for number in range(n_packs):
        fields = {"weight_decay": float(1 + number % 10), "learning_rate": 1e-3 * (1 + number // 10 % 10)}
        stub(place, [base.replace(seed=number * replicas + replica, **fields) for replica in range(replicas)])


def stub(place: Path, configs: Sequence[RunConfig], *, evaluated: int = EVALUATED, series: int = SERIES) -> Path:
    """One pack as if it had been trained: description, status, events and one segment, without waiting for the disk."""
    pack = pack_id(configs)
    folder, ids = place / pack, run_ids(pack, len(configs))
    (folder / "metrics").mkdir(parents=True)
    raw = [config.plain for config in configs]
    last = 25 * (evaluated - 1)
    about = {"pack": pack, "runs": [{"run": run, "config": fields} for run, fields in zip(ids, raw, strict=True)]}
    status = {"state": "done", "step": last, "heartbeat": time.time(), "train_seconds": 9.0, "measure_seconds": 1.0}
    (folder / "pack.json").write_bytes(document(about))
    (folder / "status.json").write_bytes(document(status | {"runs": dict.fromkeys(ids, SUMMARY)}))
    events = [jsonl.HEADER, *({"run": run, "step": last, "event": FINISHED} for run in ids)]
    (folder / "events.jsonl").write_bytes(jsonl.summed([jsonl.encode(event) for event in events]))
    (folder / "journal.jsonl").write_bytes(jsonl.summed([jsonl.encode({"segment": 2, "sealed": [1]})]))
    template = _segment(len(configs), evaluated, series)
    segment_path(folder, 1).write_bytes(stamped(template.replace(TEMPLATE.encode(), pack.encode())))
    return folder


@cache
def _segment(replicas: int, evaluated: int, series: int) -> bytes:
    """A Parquet file of the pack TEMPLATE, whose id can be replaced by another of the same length.

    For that it has no compression, no checksums of pages and no Bloom filter. Writing each file anew would take a
    hundred times as long as all the rest.
    """
    ids = run_ids(TEMPLATE, replicas)
    names = ([f"behaviour.{curve}" for curve in CURVES] + [f"weights.stub_{k}" for k in range(series)])[:series]
    rng = np.random.default_rng(0)
    steps = np.tile(25 * np.arange(evaluated), series * replicas)
    columns = {
        "run": np.repeat(np.array(ids, object), series * evaluated),
        "step": steps,
        "measure": np.tile(np.repeat(np.array(names, object), evaluated), replicas),
        "view": np.full(len(steps), "", object),
        "value": np.clip(steps / rng.uniform(500, 2_500) + rng.normal(0, 0.01, len(steps)), 0, 1),
    }
    cursor = engine()
    cursor.register("incoming", columns)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "seg.parquet"
        cursor.execute(
            f"COPY incoming TO '{path}' (FORMAT parquet, COMPRESSION uncompressed, WRITE_BLOOM_FILTER false, "
            f"KV_METADATA {{grokscope: '{BLANK}'}})"
        )
        cursor.unregister("incoming")
        return path.read_bytes()
