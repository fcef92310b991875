"""From the state dicts of a file to one network of one task; its options are read off the shapes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from grokscope.models.base import Model
from grokscope.registry import component
from grokscope.runs.config import RunConfig, interface
from grokscope.runs.foreign import weights
from grokscope.runs.foreign.files import File
from grokscope.runs.foreign.pizza import Family, family, own_names, read_config
from grokscope.runs.foreign.state_dict import cleaned, is_causal
from grokscope.runs.own_data import options_of
from grokscope.tasks.base import Task

AXES = "(axes as grokscope has them; in the file they are the other way round, layout=nanda)"


@dataclass(frozen=True, kw_only=True)
class Source:
    """The state dicts of a file, by layer and in our axes, and what the format says of them. transposed: whether the
    file has the axes of Nanda's repositories. step: of the weights, where the file itself says none."""

    states: Sequence[weights.Layers]
    family: Family
    transposed: bool
    step: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """A network and the tensors of each checkpoint. of_task: the given options of the task."""

    task_name: str
    of_task: dict[str, Any]
    task: Task
    model_name: str
    model: Model
    states: list[dict[str, Tensor]]


def plain(file: File, layout: weights.Layout) -> Source:
    """State dicts under TransformerLens's names or this project's."""
    theirs = [cleaned(state) for _, state in file.states]
    ours = [weights.in_our_axes(state, layout) for state in theirs]
    transposed = any(ours[0][name] is not theirs[0][name] for name in ours[0])
    causal = is_causal(file.states[-1][1])
    states = [weights.by_layer(state) for state in ours]
    several = any(map(weights.needs_decoder, states))
    fields = {"causal": False} if several and causal is False else {}
    return Source(states=states, family=Family(fields, {}, {}), transposed=transposed)


def released(path: Path, config: str | Path | None, file: File, task: str, notes: list[str]) -> Source:
    """State dicts of Zhong et al. 2023, with their config."""
    about = read_config(path, config)
    states = list[weights.Layers]()
    for _, state in file.states:
        theirs = cleaned(state)
        own = own_names(theirs, about, notes if not states else [])
        states.append(weights.by_layer(weights.in_our_axes(theirs, "nanda") if own is None else own))
    kind = family(about, task, several=weights.n_layers(states[0]) > 1)
    return Source(states=states, family=kind, transposed=True, step=kind.facts.get("max_steps"))


def fitted(source: Source, task: str, fields: Mapping[str, Any], facts: Mapping[str, Any], notes: list[str]) -> Fitted:
    """The one network of all checkpoints, and the tensors of each."""
    given = source.family.fields | dict(fields)
    normed = given.get("layer_norm", "none") != "none"
    decodes = normed or any(map(weights.needs_decoder, source.states))
    name = given.pop("model", None) or ("decoder" if decodes else "transformer")
    RunConfig(task=task, model=name, **given)  # a misspelt field is reported before a shape that follows from it
    of_family, architecture = component("tasks", task), component("models", name)
    if "p" in facts and "p" in of_family.options.model_fields:
        given.setdefault("p", facts["p"])
    of_task, of_model = (
        {field: given[field] for field in options.model_fields if field in given}
        for options in (of_family.options, architecture.options)
    )
    built = of_family.build(options_of(of_family, of_task))
    states = [weights.stacked(state, name) for state in source.states]
    with_biases = any("b_U" in state and bool(state["b_U"].any()) for state in states)
    of_model |= {"unembed_bias": True} if with_biases and weights.is_transformer(name) else {}
    model, checkpoints = None, list[dict[str, Tensor]]()
    try:
        for state in reversed(states):
            params, options, done = weights.completed(state, name, interface(built), of_model)
            if model is None:
                model = weights.fitted(architecture, params, interface(built), options)
                notes += done
                if weights.is_transformer(name):
                    notes += _guesses(params, model, given, transposed=source.transposed)
            weights.require_shapes(model, params)
            checkpoints.insert(0, {tensor: params[tensor] for tensor in model.shapes})
    except ValueError as error:
        if not source.transposed or "has shape" not in str(error):
            raise
        raise ValueError(f"{error} {AXES}") from error
    assert model is not None
    return Fitted(task_name=task, of_task=of_task, task=built, model_name=name, model=model, states=checkpoints)


def _guesses(params: Mapping[str, Tensor], model: Model, given: Mapping[str, Any], *, transposed: bool) -> list[str]:
    """What the tensors do not say, and what was assumed."""
    notes = []
    if not transposed and "layer_norm" not in given and not any(name.startswith("ln") for name in params):
        none = "no LayerNorm in the file: taken as none; layer_norm=pre puts back one that was folded into the weights"
        notes.append(weights.NO_LAYER_NORM if weights.suspects_layer_norm(params) else none)
    if "W_pos" not in params and "positions" not in given:
        notes.append(
            f"no W_pos in the file: positions are taken as {model.settings.positions}; positions=none is without"
        )
    if transposed and "attention_rate" not in given and not model.settings.equals_token:
        notes.append(
            'no "=" and axes of (out, in): import a network of Zhong et al. as "pizza", which reads its attention rate'
        )
    return notes
