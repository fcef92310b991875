"""From the state dicts of a file to one network of one task, its options read off the shapes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from grokscope.models.base import Model
from grokscope.registry import component
from grokscope.runs import weights
from grokscope.runs.config import RunConfig, interface
from grokscope.runs.foreign.files import File
from grokscope.runs.foreign.pizza import family, own_names, read_config
from grokscope.tasks.base import Task

AXES = "(axes as grokscope has them; in the file they are the other way round, layout=nanda)"


@dataclass(frozen=True, kw_only=True)
class ReadAs:
    """The state dicts by layer in our axes; options that follow from the format; options of the initial weights, and
    facts of the training, of a config beside the file. step: of the weights, where the file itself says none."""

    states: Sequence[weights.Layers]
    fields: dict[str, Any]
    started: dict[str, Any]
    facts: dict[str, Any]
    transposed: bool
    says_norms: bool
    step: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Fitted:
    """task_name, of_task: the task's id and the options given of it."""

    task_name: str
    of_task: dict[str, Any]
    task: Task
    model_name: str
    model: Model
    states: list[dict[str, Tensor]]


def plain(file: File, layout: weights.Layout) -> ReadAs:
    cleaned = [weights.cleaned(state) for _, state in file.states]
    ours = [weights.in_our_axes(state, layout) for state in cleaned]
    transposed = any(ours[0][name] is not cleaned[0][name] for name in ours[0])
    causal = weights.is_causal(file.states[-1][1])
    states = [weights.by_layer(state) for state in ours]
    several = any(map(weights.needs_decoder, states))
    fields = {"causal": False} if several and causal is False else {}
    return ReadAs(states=states, fields=fields, started={}, facts={}, transposed=transposed, says_norms=transposed)


def released(path: Path, config: str | Path | None, file: File, task: str, notes: list[str]) -> ReadAs:
    about = read_config(path, config)
    states = list[weights.Layers]()
    for _, state in file.states:
        cleaned = weights.cleaned(state)
        own = own_names(cleaned, about, notes if not states else [])
        states.append(weights.by_layer(weights.in_our_axes(cleaned, "nanda") if own is None else own))
    found = family(about, task, several=weights.n_layers(states[0]) > 1)
    return ReadAs(
        states=states,
        fields=found.fields,
        started=found.started,
        facts=found.facts,
        transposed=True,
        says_norms=True,
        step=found.facts.get("max_steps"),
    )


def fitted(read_as: ReadAs, task: str, fields: Mapping[str, Any], facts: Mapping[str, Any], notes: list[str]) -> Fitted:
    """The network that all checkpoints are of, and each one's tensors."""
    given = read_as.fields | dict(fields)
    normed = given.get("layer_norm", "none") != "none"
    name = given.pop("model", None) or (
        "decoder" if normed or any(map(weights.needs_decoder, read_as.states)) else "transformer"
    )
    RunConfig(task=task, model=name, **given)  # a misspelt field is said before a shape that follows from it
    of_family, architecture = component("tasks", task), component("models", name)
    if "p" in facts and "p" in of_family.options.model_fields:
        given.setdefault("p", facts["p"])
    of_task, of_model = (
        {field: given[field] for field in options.model_fields if field in given}
        for options in (of_family.options, architecture.options)
    )
    built = of_family.build(of_family.options(**of_task))
    states = [weights.stacked(state, name) for state in read_as.states]
    with_biases = any("b_U" in state and bool(state["b_U"].any()) for state in states)
    of_model |= {"unembed_bias": True} if with_biases and name in weights.TRANSFORMERS else {}
    model, made = None, list[dict[str, Tensor]]()
    try:
        for state in reversed(states):
            params, options, done = weights.completed(state, name, interface(built), of_model)
            if model is None:
                model = weights.fitted(architecture, params, interface(built), options)
                notes += done
                if name in weights.TRANSFORMERS:
                    notes += _guesses(params, model, given, read_as)
            weights.require_shapes(model, params)
            made.insert(0, {tensor: params[tensor] for tensor in model.shapes})
    except ValueError as error:
        if not read_as.transposed or "has shape" not in str(error):
            raise
        raise ValueError(f"{error} {AXES}") from error
    assert model is not None
    return Fitted(task_name=task, of_task=of_task, task=built, model_name=name, model=model, states=made)


def _guesses(params: Mapping[str, Tensor], model: Model, given: Mapping[str, Any], read_as: ReadAs) -> list[str]:
    """What the tensors do not say, and how it was taken."""
    said = []
    if not read_as.says_norms and "layer_norm" not in given and not any(name.startswith("ln") for name in params):
        folded = weights.suspects_layer_norm(params)
        plain = "no LayerNorm in the file: taken as none; layer_norm=pre puts back one that was folded into the weights"
        said.append(weights.NO_LAYER_NORM if folded else plain)
    if "W_pos" not in params and "positions" not in given:
        said.append(
            f"no W_pos in the file: positions are taken as {model.settings.positions}; positions=none is without"
        )
    if read_as.transposed and "attention_rate" not in given and not model.settings.equals_token:
        said.append(
            'no "=" and axes of (out, in): a network of Zhong et al. is to be read as "pizza", for its attention rate'
        )
    return said
