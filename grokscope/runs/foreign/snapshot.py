"""A snapshot of weights made elsewhere, without a store."""

import warnings
from collections.abc import Mapping
from typing import Any

import torch

from grokscope.registry import component
from grokscope.runs.config import interface
from grokscope.runs.foreign import weights
from grokscope.runs.foreign.state_dict import cleaned
from grokscope.runs.own_data import options_of
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.split import split_mask
from grokscope.tasks.base import Task


def snapshot(
    params: Mapping[str, Any],
    *,
    task: str = "modular_addition",
    model: str = "transformer",
    train_fraction: float | None = None,
    seed: int = 0,
    train_mask: Any = None,
    rename: Mapping[str, str] | None = None,
    layout: weights.Layout = "auto",
    **fields: Any,
) -> Snapshot:
    """A snapshot of weights made elsewhere, under TransformerLens's names (with or without `blocks.0.attn.` and
    wrappers such as `module.` before them), or under other names with `rename`, {our name: the name in params}.

    fields: options of the task (p) and of the model; missing options of the model are read off the shapes.
    train_fraction, seed: the published split of the training. Or train_mask: one bool an input, the indices of the
    inputs in the task's order, or the inputs themselves. Without a split every input counts as trained on, and measures
    of the test set are `Missing`.
    layout: axes of the matrices, see `runs.foreign.weights`.

    Warns of what was assumed: tied embeddings without a W_U, a second table of symbols, positions that were cut off, a
    LayerNorm of weight 1; and if a LayerNorm seems to be folded into the weights: give layer_norm="pre" of a decoder
    then, or "none".
    """
    if train_mask is not None and train_fraction is not None:
        raise ValueError("train_mask and train_fraction both name the training inputs: give one of them")
    family, architecture = component("tasks", task), component("models", model)
    of_task = {name: fields.pop(name) for name in list(fields) if name in family.options.model_fields}
    built: Task = family.build(options_of(family, of_task))
    named = weights.in_our_axes(cleaned(params, rename), layout)
    tensors = weights.stacked(weights.by_layer(named), model)
    tensors, options, notes = weights.completed(tensors, model, interface(built), fields)
    network = weights.fitted(architecture, tensors, interface(built), options)
    if weights.is_transformer(model) and "layer_norm" not in fields and weights.suspects_layer_norm(tensors):
        notes.append(weights.NO_LAYER_NORM)
    for note in notes:
        warnings.warn(note, stacklevel=2)
    mask = torch.ones(built.n_inputs, dtype=torch.bool)
    if train_mask is not None:
        mask = split_mask(train_mask, built.inputs)
    elif train_fraction is not None:
        mask = built.split(train_fraction, seed)
    return Snapshot(task=built, model=network, params=tensors, train_mask=mask)
