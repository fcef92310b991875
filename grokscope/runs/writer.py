"""Writes one pack into the store; and puts a killed pack back to where it can go on."""

import json
import platform
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grokscope.errors import GrokscopeError, StoreError
from grokscope.runs.config import RunConfig
from grokscope.runs.store import checkpoints, events
from grokscope.runs.store.atomic import write_atomic
from grokscope.runs.store.journal import Journal, Row
from grokscope.runs.store.lock import hold
from grokscope.runs.store.mirror import publish
from grokscope.runs.store.segments import recover, rewind, seal
from grokscope.runs.store.status import read_status, write_status

# Length of a journal from which it is sealed [bytes]: reading a live one takes 10 ms a MB. Sealed at every resume point
# instead, a run of 40,000 steps would be 160 files, and a store of a million runs mostly tiny ones.
SEALED_AT = 2_000_000


def run_ids(pack: str, n_replicas: int) -> list[str]:
    """Ids of a pack's replicas: the pack's own for a pack of one, else numbered."""
    return [pack] if n_replicas == 1 else [f"{pack}-{replica}" for replica in range(n_replicas)]


class Writer:
    """The one writer of a pack's folder. The resume point is saved before the journal is sealed, so no sealed row is
    ever ahead of it, and what a resumed run measures again is dropped first."""

    def __init__(self, folder: Path, configs: Sequence[RunConfig | None], journal: Journal) -> None:
        self.folder = folder
        self.ids = run_ids(folder.name, len(configs))
        self._configs = configs
        self._journal = journal

    def describe(self, device: torch.device | None, *, unknown: Collection[str] = (), **more: Any) -> None:
        """pack.json: what was trained, with what, on what. unknown: fields of the configs that nobody knows; they are
        null, and so is a config or a device of which nothing is known."""
        packages = ("grokscope", "torch", "numpy")
        about = {
            "pack": self.folder.name,
            "runs": [
                {
                    "run": run,
                    "config": None if config is None else json.loads(config.model_dump_json()) | dict.fromkeys(unknown),
                }
                for run, config in zip(self.ids, self._configs, strict=True)
            ],
            "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
            "device": None if device is None else str(device),
            "threads": None if device is None else torch.get_num_threads(),
            **more,
        }
        write_atomic(self.folder / "pack.json", json.dumps(about, indent=1).encode())

    def record(self, rows: Sequence[Row]) -> None:
        self._journal.append(rows)

    def event(self, replica: int, step: int, name: str, **more: Any) -> None:
        events.append_event(self.folder, {"run": self.ids[replica], "step": step, "event": name, **more})

    def events(self) -> list[dict[str, Any]]:
        return events.read_events(self.folder)

    def status(self, state: str, step: int, **more: Any) -> None:
        write_status(self.folder, state=state, step=step, **more)

    def checkpoint(self, step: int, tensors: Mapping[str, Tensor]) -> None:
        checkpoints.save(self.folder, step, tensors)

    def save(self, step: int, state: Mapping[str, Tensor], **more: Any) -> None:
        """The resume point, then, once the journal is long, the seal."""
        checkpoints.save_resume(self.folder, state, {"step": step, **more})
        if self._journal.size > SEALED_AT:
            self.seal()
        with suppress(StoreError):  # a network that is away for a while; it is sent the next time
            publish(self.folder, rarely=True)

    def seal(self) -> None:
        seal(self.folder, self._journal)

    def resume(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """The resume point, if any; what was written after it is dropped, to be written again."""
        point = checkpoints.load_resume(self.folder)
        step = point[1]["step"] if point else -1
        rewind(self.folder, self._journal, step)
        events.truncate_events_after(self.folder, step)
        checkpoints.remove_after(self.folder, step)
        return point

    def finish(self, step: int) -> None:
        """Marks every replica as finished, in the synced events; only then is the resume point not needed any more."""
        self.seal()
        for replica in range(len(self.ids)):
            self.event(replica, step, events.FINISHED)
        (self.folder / "resume.safetensors").unlink(missing_ok=True)


@contextmanager
def open_writer(folder: Path, configs: Sequence[RunConfig | None], *, resume: bool) -> Iterator[Writer]:
    """The writer of a pack's folder, which it holds alone. A pack that was begun is gone on with only if asked.

    configs: of its replicas; None where nobody knows what was trained.
    """
    with hold(folder):
        if (folder / "pack.json").exists() and not resume:
            raise GrokscopeError(
                f"run {folder.name} was begun and stopped at step {read_status(folder).get('step', 0)}; go on with "
                f"--resume (resume=True), or remove {folder} to start again"
            )
        try:
            yield Writer(folder, configs, recover(folder))
        except BaseException:
            with suppress(StoreError):  # what ended the training is what is said
                publish(folder)
            raise
        publish(folder)
