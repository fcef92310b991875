"""The run of a watch in the store: what is known of the training, its numbers, events and checkpoints."""

import contextlib
import hashlib
import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grokscope.models.watched import OUTPUTS, RECORDED, WatchedOptions
from grokscope.registry import unknown as unknown_name
from grokscope.runs.config import RunConfig
from grokscope.runs.outcomes import outcomes
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.split import packed
from grokscope.runs.store.documents import read_pack
from grokscope.runs.store.events import NON_FINITE
from grokscope.runs.store.journal import Measured
from grokscope.runs.writer import Writer, open_writer
from grokscope.tasks.table import fields_of

# Fields of a config that a watch knows by itself; the others are known if the user says them.
SEEN = {"task", "model", "loss", "dtype", "output_scale", "centred", "linearised", "random_labels", "n_train"}
MOST_WEIGHTS = 1 << 25  # bytes of weights that a checkpoint holds
MOST_OUTPUTS = 1 << 26  # bytes of outputs that a checkpoint holds
MOST_DISK = 1 << 30  # bytes of all checkpoints of a watch
STATUS_SECONDS = 1.0


def config_of(snapshot: Snapshot, network: str, known: Mapping[str, Any]) -> tuple[RunConfig, list[str]]:
    """The config of a watched run, and the names of its fields that nobody knows. known: fields of a config that the
    user says (learning_rate, weight_decay, seed, ...). ValueError for one that is none."""
    fields = fields_of(snapshot.task) | {"model": "watched", "network": network, "loss": snapshot.loss_name}
    double = any(tensor.dtype == torch.float64 for tensor in snapshot.params.values())
    fields["dtype"] = "float64" if double else "float32"
    if snapshot.task.train is None:
        fields["n_train"] = int(snapshot.train_mask.sum())
    names = RunConfig(**fields).plain
    for name in known:
        if name not in names:
            raise ValueError(unknown_name("field of a config", name, names))
        if name in SEEN or name in fields:
            raise ValueError(f"config: {name} is what the watch sees itself")
    config = RunConfig(**fields, **known)
    options = {name for field in ("task", "model", "loss") for name in config.options(field).model_dump()}
    return config, sorted(set(config.plain) - SEEN - options - set(known) - set(WatchedOptions.model_fields))


class Stored:
    """Writes one watched run. Its id is new for every watch."""

    def __init__(
        self, store: Path, config: RunConfig, unknown: Sequence[str], train: Tensor, about: Mapping[str, Any]
    ) -> None:
        once = json.dumps([config.plain, time.time_ns(), os.getpid(), os.urandom(8).hex()], sort_keys=True)
        self.folder = store / hashlib.sha256(f"watched {once}".encode()).hexdigest()[:12]
        self._stack = contextlib.ExitStack()
        self._writer: Writer = self._stack.enter_context(open_writer(self.folder, [config], resume=False))
        device = torch.device(about.get("device", "cpu"))
        watched = {"step": about.get("start", 0), "unknown": list(unknown), "train_mask": packed(train), **about}
        self._writer.describe(device, unknown=unknown, watched=watched)
        self.about_pack = read_pack(self.folder)  # kept, as the store may go while the training goes on
        self._known: set[str] = set()
        self._disk = 0
        self.left_out: list[int] = []  # steps of checkpoints that there was no room for
        self._told = 0.0

    @property
    def run(self) -> str:
        return self.folder.name

    def numbers(self, step: int, values: Mapping[tuple[str, str], float]) -> None:
        """Records (measure, view) -> value; what is not finite is left out."""
        self._writer.record(
            [
                Measured(run=self.run, step=step, measure=name, view=view, value=value)
                for (name, view), value in values.items()
                if math.isfinite(value)
            ]
        )

    def event(self, step: int, name: str) -> None:
        """Records an event once."""
        if name not in self._known:
            self._known.add(name)
            self._writer.event(0, step, name)

    @property
    def lost(self) -> bool:
        """Whether a number of the training was not finite."""
        return NON_FINITE in self._known

    def checkpoint(self, step: int, snapshot: Snapshot) -> None:
        """Keeps the activations of a step, and small weights, while there is room."""
        small = sum(t.nbytes for t in snapshot.params.values()) <= MOST_WEIGHTS
        tensors = dict(snapshot.params) if small else {}
        sites = {name: snapshot.activations[name] for name in snapshot.model.sites}
        tensors |= {f"{RECORDED}{name}": tensor for name, tensor in sites.items()}
        if snapshot.outputs.nbytes <= MOST_OUTPUTS:
            tensors[OUTPUTS] = snapshot.outputs
        size = sum(t.nbytes for t in tensors.values())
        if self._disk + size > MOST_DISK:
            self.left_out.append(step)
            return
        self._disk += size
        self._writer.checkpoint(step, {name: tensor.detach().contiguous()[None] for name, tensor in tensors.items()})

    def status(self, step: int, *, seconds: tuple[float, float]) -> None:
        """Writes how far it is, at most once a second. seconds: of the training, and of the watch."""
        if time.monotonic() - self._told > STATUS_SECONDS:
            self._told = time.monotonic()
            self._writer.status("running", step, train_seconds=seconds[0], measure_seconds=seconds[1])

    def finish(self, step: int, *, seconds: tuple[float, float], ended: bool) -> None:
        """Marks the run as ended, with what became of it; of a training that did not come to its end as failed."""
        if ended:
            self._writer.finish(step)
        else:
            self._writer.seal()
        outcome = outcomes(self.folder, read_pack(self.folder)["runs"])
        self._writer.status(
            "done" if ended else "failed", step, train_seconds=seconds[0], measure_seconds=seconds[1], runs=outcome
        )

    def release(self) -> None:
        """Lets go of the run's folder."""
        self._stack.close()
