"""The runs of a store as `grokscope list` shows them, without torch: a thousand runs in a second.

The status of a finished pack has the phases and last values of its runs. The numbers are read if the status does not
have them (a run that goes on, was killed, or has lost its status) or does not fit its checksum.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.outcomes import current_status, outcomes, summary
from grokscope.runs.store.catalogue import OnDamage, oldest_first, packs
from grokscope.runs.store.documents import read_pack
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.status import read_status


def summaries(store: Path, *, on_damage: OnDamage = lambda _: None) -> Iterator[dict[str, Any]]:
    """`Run.summary` of every run, oldest first. A pack that cannot be read is left out, and reported to on_damage."""
    for folder in oldest_first(packs(store)):
        try:
            yield from _summaries(folder)
        except StoreError as error:
            on_damage(error)


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
