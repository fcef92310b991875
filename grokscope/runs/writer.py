"""Writes one pack into the store, and takes a killed pack back to its resume point."""

import platform
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from grokscope.errors import GrokscopeError, StoreError
from grokscope.runs import own_data, plugged
from grokscope.runs.config import RunConfig
from grokscope.runs.identity import ENDS, run_ids
from grokscope.runs.store import checkpoints, events
from grokscope.runs.store.documents import read_pack, write_document
from grokscope.runs.store.journal import Journal, Measured
from grokscope.runs.store.lock import hold
from grokscope.runs.store.mirror import publish
from grokscope.runs.store.segments import count_rows, recover, rewind, seal
from grokscope.runs.store.status import read_status, write_status

# A longer journal is sealed [bytes]: reading a live one takes 10 ms a MB. With a seal at every resume point a run of
# 40,000 steps would be 160 files, and a store of a million runs mostly tiny ones.
SEALED_AT = 2_000_000


# Which checkpoints of a pack are kept: of the whole schedule, or the first and the last.
Kept: TypeAlias = Literal["all", "ends"]


class Writer:
    """The one writer of a pack's folder. It saves the resume point before it seals the journal, so no sealed row is
    ahead of it; and it drops the rows that a resumed run measures again."""

    def __init__(self, folder: Path, configs: Sequence[RunConfig | None], journal: Journal, kept: Kept = "all") -> None:
        self.folder = folder
        self._kept = kept
        self._last: tuple[int, dict[str, Tensor]] | None = None  # a checkpoint that may be the last one
        self.ids = run_ids(folder.name, len(configs))
        self._configs = configs
        self._journal = journal
        self._rows = 0  # of the pack, for the resume point

    def describe(self, device: torch.device | None, *, unknown: Collection[str] = (), **more: Any) -> None:
        """Writes pack.json (configs, plugins, versions, device) and the data that somebody gave. unknown: fields
        of the configs that nobody knows; they become null, and so does an unknown config or device."""
        own_data.keep(self.folder, self._configs)
        about = {
            "pack": self.folder.name,
            "runs": [
                {"run": run, "config": None if config is None else config.plain | dict.fromkeys(unknown)}
                for run, config in zip(self.ids, self._configs, strict=True)
            ],
            **_circumstances(device),
            **({"checkpoints": self._kept} if self._kept != "all" else {}),
            **({"plugins": plugins} if (plugins := plugged.described(self._configs)) else {}),
            **more,
        }
        write_document(self.folder / "pack.json", about)

    def reopen(self) -> None:
        """Makes a finished pack one that has stopped at its resume point, the end."""
        unfinished = [event for event in self.events() if event["event"] != events.FINISHED]
        events.replace_events(self.folder, unfinished)

    def note_ends(self) -> None:
        """Writes into pack.json where the configs now say that the pack ends, if it was another step or rule."""
        about, moved = read_pack(self.folder), False
        for run, config in zip(about["runs"], self._configs, strict=True):
            ends = {} if config is None else {name: getattr(config, name) for name in ENDS}
            if ends != {name: run["config"][name] for name in ends}:
                run["config"] |= ends
                moved = True
        if moved:
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
        if self._kept == "ends" and step:
            self._last = step, {name: tensor.detach().clone() for name, tensor in tensors.items()}
        else:
            checkpoints.save(self.folder, step, tensors)

    def save(self, step: int, state: Mapping[str, Tensor], **more: Any) -> None:
        """Saves the resume point, with the number of rows and events; then seals a long journal."""
        counts = {"rows": self._rows, "events": len(self.events())}
        checkpoints.save_resume(self.folder, state, {"step": step, **counts, **more})
        if self._journal.size > SEALED_AT:
            self.seal()
        with suppress(StoreError):  # no network for a while: the next call sends it
            publish(self.folder, rarely=True)

    def seal(self) -> None:
        seal(self.folder, self._journal)

    def resume(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """The resume point, if any. Everything written after it is dropped, to be written again.

        StoreError if rows or events from before it are lost: the run would continue with a hole.
        """
        point = checkpoints.load_resume(self.folder)
        if point is not None:
            self._require_complete(point[1])
        step = point[1]["step"] if point else -1
        rewind(self.folder, self._journal, step)
        self._rows = count_rows(self.folder, step)
        events.truncate_events_after(self.folder, step)
        checkpoints.remove_after(self.folder, step)
        return point

    def changed(self, device: torch.device) -> dict[str, list[Any]]:
        """The circumstances that differ from the start of the pack, and may change bits: name -> [then, now]."""
        if not (self.folder / "pack.json").exists():
            return {}
        about, now = read_pack(self.folder), _circumstances(device)
        versions = about.get("versions", {})
        pairs = {name: [about.get(name), now[name]] for name in ("threads", "device")}
        pairs["torch"] = [versions.get("torch"), now["versions"]["torch"]]
        pairs |= plugged.changed(about.get("plugins", ()), self._configs)
        return {name: [then, here] for name, (then, here) in pairs.items() if then != here}

    def _require_complete(self, about: Mapping[str, Any]) -> None:
        """StoreError unless the rows and events that the resume point counted exist. about: its metadata."""
        step = about["step"]
        events_before = sum(event["step"] <= step for event in self.events())
        for name, count in (("rows", count_rows(self.folder, step)), ("events", events_before)):
            if count < (then := about.get(name, 0)):
                raise StoreError(
                    f"{self.folder} has lost {then - count} of the {then} {name} that it had at step {step}, where it "
                    f"would continue; after grokscope doctor --repair it is trained again from step 0"
                )

    def finish(self, step: int, *, extendable: bool = False) -> None:
        """Marks every replica as finished, in the synced events; only then is the resume point removed, unless it is
        the end and the pack may go on from there, and all checkpoints become one file. Killed in between, the pack is
        finished, and its files stay as they are."""
        self.seal()
        if self._last is not None and self._last[0] == step:
            checkpoints.save(self.folder, *self._last)
        for replica in range(len(self.ids)):
            self.event(replica, step, events.FINISHED)
        if not extendable:
            checkpoints.remove_resume(self.folder)
        with suppress(StoreError):  # a full disk: the files of the checkpoints are as good
            checkpoints.seal(self.folder)


def kept_of(folder: Path, new: Kept = "all") -> Kept:
    """Which checkpoints a pack keeps; new: of one that has not begun."""
    if not (folder / "pack.json").exists():
        return new
    return "ends" if read_pack(folder).get("checkpoints") == "ends" else "all"


def _circumstances(device: torch.device | None) -> dict[str, Any]:
    packages = ("grokscope", "torch", "numpy")
    return {
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
        "device": None if device is None else str(device),
        "threads": None if device is None else torch.get_num_threads(),
    }


@contextmanager
def open_writer(
    folder: Path, configs: Sequence[RunConfig | None], *, resume: bool, kept: Kept = "all"
) -> Iterator[Writer]:
    """The writer of a pack's folder, with its lock. A started pack continues only with resume.

    configs: of its replicas; None if nobody knows what was trained. kept: checkpoints; a started pack goes on as it
    began.
    """
    with hold(folder):
        if (folder / "pack.json").exists() and not resume:
            raise GrokscopeError(
                f"run {folder.name} has started and stopped at step {read_status(folder).get('step', 0)}; continue it "
                f"with --resume (resume=True), or remove {folder} to start again"
            )
        try:
            yield Writer(folder, configs, recover(folder), kept_of(folder, kept))
        except BaseException:
            with suppress(StoreError):  # the error that ended the training is the one to report
                publish(folder)
            raise
        publish(folder)
