"""Writes one pack into the store; and puts a killed pack back to where it can go on."""

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
from grokscope.runs.identity import run_ids
from grokscope.runs.store import checkpoints, events
from grokscope.runs.store.documents import read_pack, write_document
from grokscope.runs.store.journal import Journal, Measured
from grokscope.runs.store.lock import hold
from grokscope.runs.store.mirror import publish
from grokscope.runs.store.segments import count_rows, recover, rewind, seal
from grokscope.runs.store.status import read_status, write_status

# Length of a journal from which it is sealed [bytes]: reading a live one takes 10 ms a MB. Sealed at every resume point
# instead, a run of 40,000 steps would be 160 files, and a store of a million runs mostly tiny ones.
SEALED_AT = 2_000_000


class Writer:
    """The one writer of a pack's folder. The resume point is saved before the journal is sealed, so no sealed row is
    ever ahead of it, and what a resumed run measures again is dropped first."""

    def __init__(self, folder: Path, configs: Sequence[RunConfig | None], journal: Journal) -> None:
        self.folder = folder
        self.ids = run_ids(folder.name, len(configs))
        self._configs = configs
        self._journal = journal
        self._rows = 0  # how many the pack has, for the resume point

    def describe(self, device: torch.device | None, *, unknown: Collection[str] = (), **more: Any) -> None:
        """pack.json: what was trained, with what, on what. unknown: fields of the configs that nobody knows; they are
        null, and so is a config or a device of which nothing is known."""
        about = {
            "pack": self.folder.name,
            "runs": [
                {
                    "run": run,
                    "config": None if config is None else config.plain | dict.fromkeys(unknown),
                }
                for run, config in zip(self.ids, self._configs, strict=True)
            ],
            **_circumstances(device),
            **more,
        }
        write_document(self.folder / "pack.json", about)

    def record(self, rows: Sequence[Measured]) -> None:
        self._rows += len(rows) - len(self._journal.append(rows))

    def event(self, replica: int, step: int, name: str, **more: Any) -> None:
        events.append_event(self.folder, {"run": self.ids[replica], "step": step, "event": name, **more})

    def events(self) -> list[dict[str, Any]]:
        return events.read_events(self.folder)

    def status(self, state: str, step: int, **more: Any) -> None:
        write_status(self.folder, state=state, step=step, **more)

    def checkpoint(self, step: int, tensors: Mapping[str, Tensor]) -> None:
        checkpoints.save(self.folder, step, tensors)

    def save(self, step: int, state: Mapping[str, Tensor], **more: Any) -> None:
        """The resume point, then, once the journal is long, the seal. It knows how many rows and events there are."""
        counts = {"rows": self._rows, "events": len(self.events())}
        checkpoints.save_resume(self.folder, state, {"step": step, **counts, **more})
        if self._journal.size > SEALED_AT:
            self.seal()
        with suppress(StoreError):  # a network that is away for a while; it is sent the next time
            publish(self.folder, rarely=True)

    def seal(self) -> None:
        seal(self.folder, self._journal)

    def resume(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """The resume point, if any; what was written after it is dropped, to be written again.

        StoreError where rows or events are gone that were there when it was saved: the run would go on with a hole.
        """
        point = checkpoints.load_resume(self.folder)
        if point is not None:
            self._complete(point[1])
        step = point[1]["step"] if point else -1
        rewind(self.folder, self._journal, step)
        self._rows = count_rows(self.folder, step)
        events.truncate_events_after(self.folder, step)
        checkpoints.remove_after(self.folder, step)
        return point

    def changed(self, device: torch.device) -> dict[str, list[Any]]:
        """What is not as it was when the pack was begun, and may change bits: name -> [then, now]."""
        if not (self.folder / "pack.json").exists():
            return {}
        about, now = read_pack(self.folder), _circumstances(device)
        versions = about.get("versions", {})
        then = {"threads": about.get("threads"), "device": about.get("device"), "torch": versions.get("torch")}
        here = {"threads": now["threads"], "device": now["device"], "torch": now["versions"]["torch"]}
        return {name: [then[name], here[name]] for name in here if then[name] != here[name]}

    def _complete(self, more: Mapping[str, Any]) -> None:
        step = more["step"]
        for name, count in (
            ("rows", count_rows(self.folder, step)),
            ("events", sum(event["step"] <= step for event in self.events())),
        ):
            if count < (then := more.get(name, 0)):
                raise StoreError(
                    f"{self.folder} has lost {then - count} of the {then} {name} that it had at step {step}, from "
                    f"which it would go on; grokscope doctor --repair has it trained anew from step 0"
                )

    def finish(self, step: int) -> None:
        """Marks every replica as finished, in the synced events; only then is the resume point not needed any more."""
        self.seal()
        for replica in range(len(self.ids)):
            self.event(replica, step, events.FINISHED)
        (self.folder / "resume.safetensors").unlink(missing_ok=True)


def _circumstances(device: torch.device | None) -> dict[str, Any]:
    packages = ("grokscope", "torch", "numpy")
    return {
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
        "device": None if device is None else str(device),
        "threads": None if device is None else torch.get_num_threads(),
    }


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
