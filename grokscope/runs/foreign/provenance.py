"""What is known of an imported run, and the run itself in the store."""

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

# How the weights are read and measured, whoever trained them.
READ = {"task", "model", "loss", "dtype", "output_scale", "centred", "linearised", "random_labels"}
# Options of a model that say how its weights started, not what they compute.
STARTED = {"init", "scale_W_in_by", "embed_init", "embed_scale", "weight_std"}


class Checkpoint(NamedTuple):
    """step: None where nothing says when these weights were reached; they are kept at 0."""

    step: int | None
    params: dict[str, Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class Origin:
    """The file, how it was asked for, what there is to say of it, and the inputs trained on where they are known."""

    file: str
    format: str
    sha256: str
    notes: list[str]
    given: dict[str, Any]
    train_mask: Tensor | None


class Made(NamedTuple):
    """The config that builds a run's task and model, and which of its fields are known."""

    config: RunConfig
    known: set[str]


def configured(
    chosen: Fitted,
    fields: Mapping[str, Any],
    facts: Mapping[str, Any],
    *,
    started: Mapping[str, Any],
    split: Tensor | None,
) -> Made:
    """fields: as asked for; facts: as the file, or one beside it, states them; started: options of initial weights that
    the format's own code has, which stand in where they are not known.

    Known are fields that somebody states, and those that say how the weights are read and measured. Without a split
    every input counts as trained on.
    """
    stated = _stated(chosen, fields, facts)
    own = chosen.of_task | chosen.model.settings.model_dump()
    dtype = str(next(iter(chosen.states[-1].values())).dtype).removeprefix("torch.")
    given = stated | dict(started) | dict(fields)
    given |= {name: value for name, value in own.items() if name not in STARTED}
    given |= {"task": chosen.task_name, "model": chosen.model_name, "dtype": dtype}
    splits = {"train_fraction", "n_train"} & set(fields)
    if not splits:
        given["n_train"] = chosen.task.n_inputs if split is None else int(split.sum())
    config = RunConfig(**given)
    config.train_mask(chosen.task)
    options = (config.options(field) for field in ("task", "model", "loss"))
    known = {*fields, *stated, *READ} | ({name for one in options for name in one.model_dump()} - STARTED)
    known |= {"seed", "split", *splits} if splits else set()
    return Made(config, known | ({"n_train"} if split is not None else set()))


def _stated(chosen: Fitted, fields: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the facts that are fields of this run; with a momentum and no betas the optimizer was SGD."""
    sgd = "momentum" in facts and "betas" not in facts and "optimizer" not in fields
    named = {"task": chosen.task_name, "model": chosen.model_name, "loss": "cross_entropy", "optimizer": "adamw"}
    named |= {name: fields[name] for name in named if name in fields} | ({"optimizer": "sgd"} if sgd else {})
    valid = set(RunConfig.model_fields).union(*(options.model_fields for options in options_of(named)))
    return {name: value for name, value in facts.items() if name in valid} | ({"optimizer": "sgd"} if sgd else {})


def written(store: Path, made: Made, checkpoints: Sequence[Checkpoint], origin: Origin) -> Run:
    """The run in the store; one that is there already takes in what this file knows of it."""
    kept = [(at.step or 0, {name: tensor.contiguous() for name, tensor in at.params.items()}) for at in checkpoints]
    folder, last = store / _id(made.config, kept, origin.train_mask), kept[-1][0]
    done = finished_at(folder) is not None
    about = _about(made, checkpoints, origin)
    before = Run(folder).about["imported"] if done else None
    if before:
        about = _merged(before, about)
    if about != before:
        with open_writer(folder, [made.config], resume=True) as writer:
            if not done:  # one that was killed is written again
                writer.resume()
            writer.describe(torch.device("cpu"), unknown=about["unknown"], imported=about)
            if not done:
                for step, params in kept:
                    writer.checkpoint(step, {name: tensor[None] for name, tensor in params.items()})
                writer.finish(last)
                writer.status("done", last)
    return Run(folder)


def _about(made: Made, checkpoints: Sequence[Checkpoint], origin: Origin) -> dict[str, Any]:
    """unknown: fields that nobody states; stand_ins: what stands in for those of them that are not at their default."""
    config, fields = made.config, made.config.plain
    unknown = sorted(set(fields) - made.known)
    plain = RunConfig(task=config.task, model=config.model, loss=config.loss, optimizer=config.optimizer)
    usual = plain.plain
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
    """As JSON has it: paths as text; masks and indices by their kind only, since `train_mask` holds them."""
    if isinstance(value, tuple):
        return list(value)
    return (
        value if isinstance(value, str | int | float | list | dict) else str(value) if isinstance(value, Path) else "…"
    )


def _merged(before: Mapping[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """The last file stands first; what any of them knows is known."""
    sources = list(before.get("sources", [{name: before[name] for name in ("file", "format", "sha256")}]))
    sources += [source for source in now["sources"] if source not in sources]
    unknown = [name for name in now["unknown"] if name in before.get("unknown", now["unknown"])]
    stand_ins = {name: value for name, value in now["stand_ins"].items() if name in unknown}
    step = before.get("step") if now["step"] is None else now["step"]
    return now | {"sources": sources, "unknown": unknown, "stand_ins": stand_ins, "step": step}


def _id(config: RunConfig, kept: Sequence[tuple[int, Mapping[str, Tensor]]], train_mask: Tensor | None) -> str:
    """As long as a trained run's id, and never one: it is a hash of the weights too."""
    found = hashlib.sha256(f"imported {pack_id([config])}".encode())
    if train_mask is not None:
        found.update(packed(train_mask).encode())
    for step, params in kept:
        found.update(f" {step}".encode())
        for name, tensor in params.items():
            found.update(name.encode() + tensor.numpy().tobytes())
    return found.hexdigest()[:12]
