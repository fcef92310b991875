"""Imports weights made elsewhere.

The formats are in `formats/`, a file each. Only tensors are read: a file that would run code is refused.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from grokscope.runs.foreign.files import File
from grokscope.runs.foreign.formats.base import Asked, format_called
from grokscope.runs.foreign.networks import fitted
from grokscope.runs.foreign.provenance import Checkpoint, Origin, configured, written
from grokscope.runs.foreign.weights import Layout
from grokscope.runs.run import Run
from grokscope.runs.split import read_split, split_mask
from grokscope.tasks.base import Task

SIZES = {"train_fraction", "n_train"}  # fields that give the size of a split


def import_weights(
    path: str | Path,
    format: str,
    *,
    store: str | Path = "runs",
    task: str = "modular_addition",
    config: str | Path | None = None,
    step: int | None = None,
    layout: Layout = "auto",
    train_mask: Any = None,
    **fields: Any,
) -> Run:
    """The run that holds the weights of a file: one checkpoint, or all checkpoints of a list of state dicts.

    Its id is a hash of its config, its weights and their steps. The same file with the same fields is the same run, and
    so is another file with the same weights; `about["imported"]["sources"]` keeps the name and hash of each file. The
    options of the model are read off the shapes; a model of several layers, with LayerNorm or with attention biases is
    a `decoder`, any other a `transformer`. `about["imported"]["notes"]` says what else was done, and what may be
    missing.

    fields: fields of RunConfig; give p if it is not the task's default. Settings of the training come from here, from
        the optimizer or the config in the file, or are not known (`Run.unknown`). layer_norm="pre" puts back a
        LayerNorm that was folded into the weights.
    train_mask: the training inputs: a bool an input, indices of inputs, inputs, or a file of one of these (.json, .npy,
        .pt); by default what the file says (train_indices, ...). Without it, train_fraction or n_train the split is
        unknown: every input counts as trained on, and measures of the test set are `Missing`.
    config: the JSON of "pizza", if it is not beside the weights. Its split was drawn without a seed: it is not known.
    step: the step of the weights; by default that of the file, or of the config of "pizza".
    layout: the file's axes, "transformer-lens" (W of (in, out), W_O of three axes) or "nanda" (as in his repositories:
        (out, in), and W_O of two axes); "auto": by the axes of W_O.

    ValueError for a field or a tensor that does not fit, with its name and both shapes; GrokscopeError for a file that
    cannot be read as tensors.
    """
    path = Path(path)
    kind = format_called(format)
    _require_fit(step, train_mask, fields)
    data, file = kind.open(path)
    steps = _steps(path, file, step)
    notes = list(file.notes)
    source = kind.understand(path, file, Asked(task=task, config=config, layout=layout), notes)
    facts = source.family.facts | file.facts
    network = fitted(source, task, fields, facts, notes)
    split = _split(train_mask, file, network.task, fields, notes)
    given = {"task": task, "config": config, "step": step, "layout": None if layout == "auto" else layout}
    origin = Origin(
        file=path.name,
        format=format,
        sha256=hashlib.sha256(data).hexdigest(),
        notes=notes,
        given=given | {"train_mask": train_mask} | fields,
        train_mask=split,
    )
    if steps == [None]:
        steps = [source.step]
    known = configured(network, fields, facts, started=source.family.started, split=split)
    checkpoints = [Checkpoint(at, params) for at, params in zip(steps, network.states, strict=True)]
    return written(Path(store), known, checkpoints, origin)


def _require_fit(step: int | None, train_mask: Any, fields: Mapping[str, Any]) -> None:
    """ValueError for options that fit no file, or not each other."""
    if step is not None and step < 0:
        raise ValueError(f"step must be at least 0, got {step}")
    if fields.get("centred"):
        raise ValueError("centred=true needs the outputs at step 0, which imported weights do not have")
    if train_mask is not None and (sizes := SIZES & set(fields)):
        raise ValueError(f"train_mask says which inputs are trained on: give no {', '.join(sorted(sizes))} beside it")


def _steps(path: Path, file: File, step: int | None) -> list[int | None]:
    """The step of each checkpoint, as asked for or as the file says; None if nothing says."""
    if step is None:
        return [own for own, _ in file.states]
    if len(file.states) > 1:
        raise ValueError(
            f"step = {step} is for one checkpoint; {path.name} has {len(file.states)} with steps of their own"
        )
    return [step]


def _split(train_mask: Any, file: File, task: Task, fields: Mapping[str, Any], notes: list[str]) -> Tensor | None:
    """The training inputs, as asked for or as the file says; None if nothing says."""
    if train_mask is not None:
        return split_mask(read_split(train_mask) if isinstance(train_mask, str | Path) else train_mask, task.inputs)
    if file.split is None or SIZES & set(fields):
        return None
    try:
        mask = split_mask(file.split, task.inputs)
    except ValueError as error:
        notes.append(f"the split in the file is left out: {error}")
        return None
    notes.append(f"the file says which inputs were trained on: {int(mask.sum())} of {len(mask)}")
    return mask
