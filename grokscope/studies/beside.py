"""Measures the checkpoints of a pack in a process of its own while it trains.

The steps of one network are many small operations under Python's lock, so a training leaves half of a second core idle.
"""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import torch

from grokscope.errors import StoreError
from grokscope.measures.analyses.checkpoints import Answer, stored_views, taken
from grokscope.measures.base import measures
from grokscope.registry import component, use, used
from grokscope.runs.run import load_pack
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.snapshots import Snapshots
from grokscope.runs.store.journal import Measured
from grokscope.studies.worker import Worker, environment

# Seconds of training before the process starts, which takes two by itself: a short training needs none.
PATIENCE = 4.0
NOTHING: dict[str, Any] = {"rows": [], "missing": {}}


@contextmanager
def beside(folder: Path) -> Iterator["Beside | None"]:
    """Measures the pack in the folder within the block; None where there is one core alone."""
    if torch.get_num_threads() == 1:
        yield None
        return
    helper = Beside(folder)
    try:
        yield helper
    finally:
        helper.end()


class Beside:
    """Takes the heavy measures of checkpoint after checkpoint. Each checkpoint belongs to whoever takes it first: this
    one, or the caller of `begun`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken: dict[tuple[str, int], Future[Answer]] = {}
        self._taking = threading.Lock()
        self._looks: SimpleQueue[bool] = SimpleQueue()
        self._ended = False
        self._started = time.monotonic()
        self._worker: Worker | None = None
        self._thread = threading.Thread(target=self._work, daemon=True, name="grokscope-beside")

    def look(self) -> None:
        """There may be new checkpoints. First called when a resumed pack stands at its resume point."""
        if self._worker is None and time.monotonic() - self._started > PATIENCE:
            self._worker = Worker("grokscope.studies.beside:measured", environment(1))
            self._thread.start()
        self._looks.put(True)

    def begun(self, run: str, step: int) -> Future[Answer] | None:
        """The answer to come where this one has taken the checkpoint, None where nobody had: it is the caller's now."""
        with self._taking:
            if (run, step) in self._taken:
                return self._taken[run, step]
            self._taken[run, step] = Future()
        return None

    def end(self) -> None:
        """Ends the process, also in the middle of a checkpoint."""
        self._ended = True
        self._looks.put(False)
        if self._worker is not None:
            self._worker.kill()
            self._thread.join()
            self._worker.end()

    def _work(self) -> None:
        assert self._worker is not None
        try:
            runs = load_pack(self._folder)
            heavy = [measure.id for measure in measures().values() if measure.cost == "heavy"]
            stored = {(run.id, step) for run in runs for step, name in stored_views(run) if name in heavy}
            about = {"folder": str(self._folder), "measures": heavy, "plugins": used()}
            while self._looks.get():
                for run, step in [(one, at) for one in runs for at in one.checkpoints]:
                    if self._ended or (run.id, step) in stored or self.begun(run.id, step) is not None:
                        continue
                    said = self._worker.ask({**about, "replica": run.replica, "step": step}) or NOTHING
                    self._taken[run.id, step].set_result((said["rows"], said["missing"]))
        except (StoreError, OSError):  # the pack is gone; the training says so
            pass
        finally:
            with self._taking:
                for future in self._taken.values():
                    if not future.done():
                        future.set_result(([], {}))


def measured(question: dict[str, Any]) -> dict[str, Any]:
    """What the process does: the heavy measures of one checkpoint, but those that look at the run's last one, which is
    to come. A measure that fails is left out, too: whoever takes it again meets the error."""
    for plugin in question["plugins"]:
        use(**plugin)
    run = _pack(Path(question["folder"]))[question["replica"]]
    snapshots = Snapshots([run.snapshot(question["step"]).replace(final=_unknown)])
    rows: list[Measured] = []
    missing: dict[str, str] = {}
    for name in question["measures"]:
        reasons: dict[str, str] = {}
        with suppress(Exception):
            rows += list(taken([run.id], question["step"], [component("measures", name)], snapshots, reasons))
            missing |= reasons
    return {"rows": rows, "missing": missing}


def _unknown() -> Snapshot:
    raise LookupError("the training goes on")


_pack = cache(load_pack)
