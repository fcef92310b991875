"""The runs of a store as `grokscope list` shows them, without torch: a hundred thousand finished ones in a second.

The status of a finished pack has the phases and last values of its runs; the catalogue has a copy (`store.finished`).
The numbers are read if the status does not have them (a run that goes on, was killed, or has lost its status) or does
not fit its checksum.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from heapq import merge
from pathlib import Path
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.outcomes import FINAL, PHASES, current_status, outcomes, summary
from grokscope.runs.store.catalogue import OnDamage, written
from grokscope.runs.store.documents import read_pack
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.finished import Catalogued, current
from grokscope.runs.store.segments import engine
from grokscope.runs.store.status import read_status
from grokscope.runs.store.tables import LISTED, RUNS, SECONDS, fetched

_FROM = {name: ("summary", name) for name in PHASES} | {name: ("summary", name.replace("/", "_")) for name in FINAL}
_FROM |= {name: (LISTED, name) for name in ("notes", "imported", "written", *SECONDS)}
_FROM |= {name: ("fixed", name) for name in ("run", "step", "replica")}


def summaries(store: Path, *, on_damage: OnDamage = lambda _: None) -> Iterator[dict[str, Any]]:
    """`Run.summary` of every run, oldest first. A pack that cannot be read is left out, and reported to on_damage."""
    store = Path(store)
    found = current(store, RUNS)
    known = _catalogued(store, found)
    if not found.others:
        return (one for _, one in known)
    times = sorted((written(folder), folder) for folder in found.others)
    others = ((at, one) for at, folder in times for one in _told(folder, on_damage))
    return (one for _, one in merge(known, others, key=lambda pair: pair[0]))


def _catalogued(store: Path, found: Catalogued) -> Iterator[tuple[int, dict[str, Any]]]:
    """When its pack was written, and the summary of each run of the catalogue, in this order."""
    cursor = engine()
    relation = found.relation(cursor)
    if relation is None:
        return iter(())
    order = '"listed:written", pack, "fixed:replica"'
    columns = fetched(cursor, relation, {"pack": ("", "pack"), **_FROM}, order)
    root = str(store / "_")[:-1]
    notes = {text: json.loads(text) for text in set(columns["notes"])}
    phases = [columns[name] for name in PHASES if name != "notes"]
    return (
        (
            at,
            {
                "run": run, "dir": root + pack, "state": "done",
                "grokked": grokked, "memorized_at": memorized, "onset_at": onset, "generalized_at": generalized,
                "delay": delay, "lost_at": lost, "notes": [*notes[said]],
                "imported": imported, "steps": steps, "steps_per_second": steps / trained if trained else None,
                "measure_seconds": measured, "train_seconds": trained,
                "final": dict(zip(FINAL, final, strict=True)),
            },
        )
        for at, run, pack, (grokked, memorized, onset, generalized, delay, lost), said, imported, steps, measured, trained, final in zip(
            columns["written"], columns["run"], columns["pack"], zip(*phases, strict=True), columns["notes"],
            columns["imported"], columns["step"], columns["measure_seconds"], columns["train_seconds"],
            zip(*(columns[name] for name in FINAL), strict=True), strict=True,
        )
    )  # fmt: skip


def _told(folder: Path, on_damage: OnDamage) -> list[dict[str, Any]]:
    try:
        return _summaries(folder)
    except StoreError as error:
        on_damage(error)
        return []


def _summaries(folder: Path) -> list[dict[str, Any]]:
    end, about = finished_at(folder), read_pack(folder)
    status = current_status(folder, end)

    def listed(by_run: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
        ids = [run["run"] for run in about["runs"]]
        return [summary(folder, about, run, status, by_run[run]) for run in ids]

    if end is not None and read_status(folder).get("state") == "done":
        with suppress(KeyError):  # the status does not have everything
            return listed(status.get("runs", {}))
    return listed(outcomes(folder, about["runs"]))
