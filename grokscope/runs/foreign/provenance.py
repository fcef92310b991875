"""What is known of an imported run, and its entry in the store."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from grokscope.runs.config import RunConfig, options_of, pack_id
from grokscope.runs.foreign.networks import Fitted
from grokscope.runs.run import Run
from grokscope.runs.split import packed
from grokscope.runs.store.events import finished_at
from grokscope.runs.writer import open_writer

# Fields that say how the weights are read and measured; they are known for all weights.
READ = {"task", "model", "loss", "dtype", "output_scale", "centred", "linearised", "random_labels"}
# Options of a model that say how its initial weights were drawn, not what it computes.
STARTED = {"init", "scale_W_in_by", "embed_init", "embed_scale", "weight_std"}


class Checkpoint(NamedTuple):
    """Weights at a step. step: None if it is not known; they are stored at step 0."""

    step: int | None
    params: dict[str, Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class Origin:
    """The file, the options of the import (given), the notes, and the training inputs, None if they are not known."""

    file: str
    format: str
    sha256: str
    notes: list[str]
    given: dict[str, Any]
    train_mask: Tensor | None


class Known(NamedTuple):
    """The config of an imported run, and the names of its fields that are known."""

    config: RunConfig
    fields: set[str]


def configured(
    network: Fitted,
    fields: Mapping[str, Any],
    facts: Mapping[str, Any],
    *,
    started: Mapping[str, Any],
    split: Tensor | None,
) -> Known:
    """The config of the run, and which of its fields are known.

    fields: as asked for. facts: as the file, or a config beside it, states them. started: options of initial weights in
    the format's own code; they stand in for unknown ones. Known are the stated fields, and those that say how the
    weights are read and measured. Without a split every input counts as trained on.
    """
    stated = _stated(network, fields, facts)
    own = network.of_task | network.model.settings.model_dump()
    dtype = str(next(iter(network.states[-1].values())).dtype).removeprefix("torch.")
    given = stated | dict(started) | dict(fields)
    given |= {name: value for name, value in own.items() if name not in STARTED}
    given |= {"task": network.task_name, "model": network.model_name, "dtype": dtype}
    sizes = {"train_fraction", "n_train"} & set(fields)
    if not sizes:
        given["n_train"] = network.task.n_inputs if split is None else int(split.sum())
    config = RunConfig(**given)
    config.train_mask(network.task)  # ValueError for a split that the task does not allow
    options = [config.options(field) for field in ("task", "model", "loss")]
    known = {*fields, *stated, *READ} | ({name for option in options for name in option.model_dump()} - STARTED)
    known |= {"seed", "split", *sizes} if sizes else set()
    return Known(config, known | ({"n_train"} if split is not None else set()))


def _stated(network: Fitted, fields: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that are fields of this run. A momentum without betas means SGD."""
    sgd = "momentum" in facts and "betas" not in facts and "optimizer" not in fields
    optimizer = {"optimizer": "sgd"} if sgd else {}
    named = {"task": network.task_name, "model": network.model_name, "loss": "cross_entropy", "optimizer": "adamw"}
    named |= {name: fields[name] for name in named if name in fields} | optimizer
    valid = set(RunConfig.model_fields).union(*(options.model_fields for options in options_of(named)))
    return {name: value for name, value in facts.items() if name in valid} | optimizer


def written(store: Path, known: Known, checkpoints: Sequence[Checkpoint], origin: Origin) -> Run:
    """The run in the store. A run that is there already gains what this file knows."""
    tensors = {at.step or 0: {name: tensor.contiguous() for name, tensor in at.params.items()} for at in checkpoints}
    folder, last = store / _id(known.config, tensors, origin.train_mask), max(tensors)
    done = finished_at(folder) is not None
    about = _about(known, checkpoints, origin)
    before = Run(folder).about["imported"] if done else None
    if before:
        about = _merged(before, about)
    if about != before:
        with open_writer(folder, [known.config], resume=True) as writer:
            if not done:  # an import that was killed is written again
                writer.resume()
            writer.describe(torch.device("cpu"), unknown=about["unknown"], imported=about)
            if not done:
                for step, params in tensors.items():
                    writer.checkpoint(step, {name: tensor[None] for name, tensor in params.items()})
                writer.finish(last)
                writer.status("done", last)
    return Run(folder)


def _about(known: Known, checkpoints: Sequence[Checkpoint], origin: Origin) -> dict[str, Any]:
    """What pack.json says of the import. unknown: fields that nobody states; stand_ins: those of them that are not at
    their default, with the value that stands in."""
    config, fields = known.config, known.config.plain
    unknown = sorted(set(fields) - known.fields)
    usual = RunConfig(task=config.task, model=config.model, loss=config.loss, optimizer=config.optimizer).plain
    source = {"file": origin.file, "format": origin.format, "sha256": origin.sha256}
    given = {name: value for name, value in origin.given.items() if value is not None}
    return source | {
        "sources": [source],
        "step": checkpoints[-1].step,
        "given": {name: _plain(value) for name, value in given.items()},
        "notes": origin.notes,
        "unknown": unknown,
        "stand_ins": {name: fields[name] for name in unknown if fields[name] != usual[name]},
        **({} if origin.train_mask is None else {"train_mask": packed(origin.train_mask)}),
    }


def _plain(value: Any) -> Any:
    """An option in JSON's types: a path as text, a mask or indices as "…", since `train_mask` holds them."""
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Path):
        return str(value)
    return value if isinstance(value, str | int | float | list | dict) else "…"


def _merged(before: Mapping[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """What is known after a second import: the later file wins, and what any file knows is known."""
    sources = list(before.get("sources", [{name: before[name] for name in ("file", "format", "sha256")}]))
    sources += [source for source in now["sources"] if source not in sources]
    unknown = [name for name in now["unknown"] if name in before.get("unknown", now["unknown"])]
    stand_ins = {name: value for name, value in now["stand_ins"].items() if name in unknown}
    step = before.get("step") if now["step"] is None else now["step"]
    return now | {"sources": sources, "unknown": unknown, "stand_ins": stand_ins, "step": step}


def _id(config: RunConfig, tensors: Mapping[int, Mapping[str, Tensor]], train_mask: Tensor | None) -> str:
    """As long as the id of a trained run, and never equal to one: the weights are hashed too."""
    digest = hashlib.sha256(f"imported {pack_id([config])}".encode())
    if train_mask is not None:
        digest.update(packed(train_mask).encode())
    for step, params in tensors.items():
        digest.update(f" {step}".encode())
        for name, tensor in params.items():
            digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()[:12]
