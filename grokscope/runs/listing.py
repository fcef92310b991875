"""The runs of a store as `grokscope list` shows them, from what their packs say of themselves.

A finished pack has the phases and last values of its runs in its status; so that a thousand runs are listed in a second
and without torch. Where the status does not say (a run that goes on, was killed, or has lost it) or does not fit its
checksum, the numbers are read.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.store.catalogue import OnDamage, oldest_first, packs
from grokscope.runs.store.documents import read_pack
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.status import read_status

PHASES = ("grokked", "memorized_at", "onset_at", "generalized_at", "delay", "lost_at", "notes")
SECONDS = ("measure_seconds", "train_seconds")
FINAL = ("train/loss", "train/accuracy", "test/loss", "test/accuracy")


def summaries(store: Path, *, on_damage: OnDamage = lambda _: None) -> Iterator[dict[str, Any]]:
    """`Run.summary` of every run, oldest first. A pack that cannot be read hides no other: it is left out, and said."""
    for folder in oldest_first(packs(store)):
        try:
            known = _told(folder)
            yield from _read(folder) if known is None else known
        except StoreError as error:
            on_damage(error)


def _told(folder: Path) -> list[dict[str, Any]] | None:
    """From the status alone; None where that does not have everything, or not for certain."""
    end, status = finished_at(folder), read_status(folder)
    about = read_pack(folder)
    runs = [one["run"] for one in about["runs"]]
    if end is None or status.get("state") != "done":
        return None
    try:
        seconds = status.get("train_seconds")
        return [
            {
                "run": run,
                "dir": str(folder),
                "state": "done",
                **{name: status["runs"][run][name] for name in PHASES},
                "imported": about.get("imported", {}).get("file"),
                "steps": end,
                "steps_per_second": end / seconds if seconds else None,
                **{name: status.get(name) for name in SECONDS},
                "final": {name: status["runs"][run][name.replace("/", "_")] for name in FINAL},
            }
            for run in runs
        ]
    except KeyError:
        return None


def _read(folder: Path) -> list[dict[str, Any]]:
    from grokscope.runs.run import load_pack

    return [run.summary() for run in load_pack(folder)]
