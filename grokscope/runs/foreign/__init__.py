"""Weights made elsewhere become a run in the store, of one checkpoint or of many.

The formats are in `runs.formats`, one file each. A file is read as tensors alone: one that would run code is
refused.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from grokscope.runs import weights
from grokscope.runs.foreign.files import File, safetensors_of
from grokscope.runs.foreign.networks import fitted
from grokscope.runs.foreign.provenance import Checkpoint, Origin, configured, written
from grokscope.runs.formats.base import Asked, format_called
from grokscope.runs.run import Run
from grokscope.runs.split import read_split, split_mask
from grokscope.tasks.base import Task

__all__ = ["import_weights", "safetensors_of"]


def import_weights(
    path: str | Path,
    format: str,
    *,
    store: str | Path = "runs",
    task: str = "modular_addition",
    config: str | Path | None = None,
    step: int | None = None,
    layout: weights.Layout = "auto",
    train_mask: Any = None,
    **fields: Any,
) -> Run:
    """The run that holds the weights of a file: of one checkpoint, or of all that a list of state dicts has.

    Its id is a hash of its config, its weights and the steps: the same file with the same fields is the same run, and
    so is another file of the same; each keeps its name and hash in `about["imported"]["sources"]`. What a model's
    options are is read off the shapes; a model of several layers, with LayerNorm or with attention biases is a
    `decoder`, any other a `transformer`. `about["imported"]["notes"]` says what else was done, and what may be missing.

    fields: fields of RunConfig; p must be given where the task has one that is not its default. The settings of
        training are those given here, those of the file's optimizer or config, or else not known (`Run.unknown`).
        layer_norm="pre" puts back a LayerNorm that was folded into the weights.
    train_mask: the inputs trained on: a bool an input, indices of inputs, inputs, or a file of one of these (.json,
        .npy, .pt); by default what the file says (train_indices, ...). Without it, train_fraction or n_train every
        input counts as trained on, because nobody knows the split: measures of the test set are then `Missing`.
    config: of "pizza", where it is not beside the weights. Its split was drawn without a seed, so it is not known.
    step: at which the weights were reached; by default what the file says, or the config of "pizza".
    layout: the file's axes, "transformer-lens" (W of (in, out), W_O of three axes) or "nanda" (as in his repositories:
        (out, in), and W_O of two axes); "auto": by the axes of W_O.

    ValueError for a field or a tensor that does not fit, named with both shapes; GrokscopeError for a file that cannot
    be read as tensors.
    """
    path = Path(path)
    kind = format_called(format)
    if step is not None and step < 0:
        raise ValueError(f"step must be at least 0, got {step}")
    if fields.get("centred"):
        raise ValueError("centred=true needs the outputs at step 0, which imported weights do not come with")
    if train_mask is not None and (split := {"train_fraction", "n_train"} & set(fields)):
        raise ValueError(f"train_mask says which inputs are trained on: give no {', '.join(sorted(split))} beside it")
    data, file = kind.open(path)
    if step is not None and len(file.states) > 1:
        raise ValueError(
            f"step = {step} is for one checkpoint; {path.name} has {len(file.states)} with steps of their own"
        )
    notes = list(file.notes)
    read_as = kind.understand(path, file, Asked(task=task, config=config, layout=layout), notes)
    facts = read_as.facts | file.facts
    chosen = fitted(read_as, task, fields, facts, notes)
    split = _split(train_mask, file, chosen.task, fields, notes)
    origin = Origin(
        file=path.name,
        format=format,
        sha256=hashlib.sha256(data).hexdigest(),
        notes=notes,
        given={
            "task": task,
            "config": config,
            "step": step,
            "layout": None if layout == "auto" else layout,
            "train_mask": train_mask,
        }
        | fields,
        train_mask=split,
    )
    steps = [step if step is not None else found for found, _ in file.states]
    if len(steps) == 1 and steps[0] is None:
        steps = [read_as.step]
    made = configured(chosen, fields, facts, started=read_as.started, split=split)
    checkpoints = [Checkpoint(at, params) for at, params in zip(steps, chosen.states, strict=True)]
    return written(Path(store), made, checkpoints, origin)


def _split(train_mask: Any, file: File, task: Task, fields: Mapping[str, Any], notes: list[str]) -> Tensor | None:
    if train_mask is not None:
        given = read_split(train_mask) if isinstance(train_mask, str | Path) else train_mask
        return split_mask(given, task.inputs)
    if file.split is None or {"train_fraction", "n_train"} & set(fields):
        return None
    try:
        mask = split_mask(file.split, task.inputs)
    except ValueError as error:
        notes.append(f"the split in the file is left out: {error}")
        return None
    notes.append(f"the file says which inputs were trained on: {int(mask.sum())} of {len(mask)}")
    return mask
