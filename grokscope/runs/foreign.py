"""Weights made elsewhere become a run of one checkpoint in the store.

Formats: "pizza", the released pairs of Zhong et al. 2023 (arXiv:2306.17844): model_ID.pt with config_ID.json beside it;
"transformer-lens", a state dict under TransformerLens's names, from torch.save or safetensors; "safetensors", the same
or this project's own names (W_E, W_Q, ...). A file is read as tensors alone: one that would run code is refused.
"""

import hashlib
import io
import json
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import Tensor

from grokscope.errors import GrokscopeError
from grokscope.registry import component, unknown
from grokscope.runs.config import RunConfig, pack_id
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot, snapshot
from grokscope.runs.store.events import finished_at
from grokscope.runs.writer import open_writer

Format: TypeAlias = Literal["pizza", "transformer-lens", "safetensors"]
# Modules of TransformerLens whose name says no more than the tensor's own, and the buffers that are not weights.
MODULES = {"embed", "pos_embed", "unembed", "attn", "mlp"}
BUFFERS = {"mask", "IGNORE"}
# Under which training scripts keep the state dict beside the optimizer's.
STATE = ("model", "state_dict", "model_state_dict")
ACTIVATIONS = {"ReLU": "relu", "GeLU": "gelu", "Tanh": "tanh"}


def import_weights(
    path: str | Path,
    format: Format,
    *,
    store: str | Path = "runs",
    task: str = "modular_addition",
    config: str | Path | None = None,
    step: int | None = None,
    **fields: Any,
) -> Run:
    """The run of one checkpoint that holds the weights of a file; the same file with the same fields is the same run.

    Its id is a hash of its config, its weights and the step. What a model's options are is read off the shapes; a model
    of several layers, with LayerNorm or with attention biases is a `decoder`, any other a `transformer`.

    fields: fields of RunConfig; p must be given where the task has one that is not its default. Without train_fraction
        or n_train every input counts as trained on, because nobody knows the split: measures of the test set are then
        `Missing`. For "pizza" the file beside the weights gives the fields, and those given here go before it. Its
        split was drawn without a seed, so it is not known either; train_fraction is there what the file says.
    config: of "pizza", where it is not beside the weights.
    step: at which the weights were reached; by default what the config of "pizza" says, else 0.

    ValueError for a field or a tensor that does not fit, named with both shapes; GrokscopeError for a file that cannot
    be read as tensors.
    """
    path = Path(path)
    if format not in get_args(Format):
        raise ValueError(unknown("format", format, get_args(Format)))
    if step is not None and step < 0:
        raise ValueError(f"step must be at least 0, got {step}")
    if fields.get("centred"):
        raise ValueError("centred=true needs the outputs at step 0, which imported weights do not come with")
    data = _bytes(path)
    weights = _read(path, data, format)
    published: dict[str, Any] = {}
    if format == "pizza":
        weights = _from_pizza(weights)
        published = _pizza_fields(_pizza_config(path, config), task, several=_n_layers(_by_layer(weights)) > 1)
        step = published["max_steps"] if step is None else step
    try:
        chosen, found = _fitted(_by_layer(weights), task, published, fields)
    except ValueError as error:
        if format != "pizza" or "has shape" not in str(error):
            raise
        raise ValueError(f"{error} (axes as grokscope has them; in the file they are the other way round)") from error
    about = {"file": path.name, "format": format, "sha256": hashlib.sha256(data).hexdigest()}
    return _written(Path(store), found, chosen, step or 0, about)


def _fitted(
    tensors: Mapping[str, Mapping[int, Tensor]], task: str, published: Mapping[str, Any], fields: Mapping[str, Any]
) -> tuple[Snapshot, RunConfig]:
    """The network, and the config that builds its task and model."""
    given = {**published, **fields}
    model = given.pop("model", None) or ("decoder" if _needs_decoder(tensors) else "transformer")
    RunConfig(task=task, model=model, **given)  # a misspelt field is said before a shape that follows from it
    chosen = _chosen(_stacked(tensors, model), task, model, given)
    if not {"train_fraction", "n_train"} & set(fields):
        given["n_train"] = chosen.task.n_inputs
    dtype = str(next(iter(chosen.params.values())).dtype).removeprefix("torch.")
    own = {"task": task, "model": model, "dtype": dtype}
    config = RunConfig(**(given | chosen.model.settings.model_dump() | own))
    config.train_mask(chosen.task)
    return chosen, config


def _written(store: Path, config: RunConfig, chosen: Snapshot, step: int, about: Mapping[str, Any]) -> Run:
    params = {name: chosen.params[name].contiguous() for name in chosen.model.shapes}
    folder = store / _id(config, params, step)
    if finished_at(folder) is None:
        with open_writer(folder, [config], resume=True) as writer:  # one that was killed is written again
            writer.resume()
            writer.describe(torch.device("cpu"), imported=about)
            writer.checkpoint(step, {name: tensor[None] for name, tensor in params.items()})
            writer.finish(step)
            writer.status("done", step)
    return Run(folder)


def _id(config: RunConfig, params: Mapping[str, Tensor], step: int) -> str:
    """As long as a trained run's id, and never one: it is a hash of the weights too."""
    found = hashlib.sha256(f"imported {pack_id([config])} {step}".encode())
    for name, tensor in params.items():
        found.update(name.encode() + tensor.numpy().tobytes())
    return found.hexdigest()[:12]


def _chosen(params: Mapping[str, Tensor], task: str, model: str, fields: Mapping[str, Any]) -> Snapshot:
    """The network of these weights, every tensor of its shape."""
    of_task, of_model = (
        {name: fields[name] for name in component(family, chosen).options.model_fields if name in fields}
        for family, chosen in (("tasks", task), ("models", model))
    )
    if model == "decoder" and {"W_E", "W_U"} <= set(params):
        family = component("tasks", task)
        built = family.build(family.options(**of_task))
        equals = len(params["W_E"]) > built.n_symbols
        tokens = {"equals_token": equals, "unembed_equals": equals and params["W_U"].shape[-1] > built.n_outputs}
        of_model = tokens | of_model
    return snapshot(params, task=task, model=model, **of_task, **of_model)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GrokscopeError(f"cannot read {path}: {error.strerror or error}") from error


def safetensors_of(path: str | Path, data: bytes) -> dict[str, Tensor]:
    """The tensors in the bytes of a safetensors file; path: for the message where they are none."""
    import safetensors.torch

    try:
        return safetensors.torch.load(data)
    except safetensors.SafetensorError as error:
        raise GrokscopeError(f"{path} is no safetensors file, or a damaged one ({error})") from error


def _read(path: Path, data: bytes, format: Format) -> dict[str, Tensor]:
    """The tensors of a file by name; nothing in it is run."""
    if format == "safetensors" or (format == "transformer-lens" and path.suffix == ".safetensors"):
        return safetensors_of(path, data)
    try:
        with warnings.catch_warnings():  # on pickles of another kind, which are refused below
            warnings.simplefilter("ignore")
            found = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    except Exception as error:  # bytes that are no pickle can raise anything
        if asked := re.search(r"GLOBAL (\S+)", str(error)):
            raise GrokscopeError(
                f"{path} is refused: loading it would run {asked[1]}, and only tensors are read, never code; "
                f"save the weights anew with torch.save(model.state_dict(), ...), or as safetensors"
            ) from error
        raise GrokscopeError(
            f"{path} cannot be read as tensors: it is not a file of torch.save, damaged, or wants to run code"
        ) from error
    inner = next((found[key] for key in STATE if key in found), found) if isinstance(found, Mapping) else found
    if not isinstance(inner, Mapping) or not inner or not all(isinstance(value, Tensor) for value in inner.values()):
        held = f"a {type(inner).__name__}" + (f" of {', '.join(map(str, inner))}" if isinstance(inner, Mapping) else "")
        raise GrokscopeError(f"{path} holds {held}; expected tensors by name, as model.state_dict() gives them")
    return {str(name): tensor for name, tensor in inner.items()}


def _by_layer(weights: Mapping[str, Tensor]) -> dict[str, dict[int, Tensor]]:
    """Name -> layer -> tensor: `blocks.1.attn.W_Q` is W_Q of layer 1, `blocks.0.ln1.w` ln1_w of layer 0; the layer of
    what belongs to none is -1."""
    found: dict[str, dict[int, Tensor]] = {}
    for full, tensor in weights.items():
        layer, rest = -1, full
        if block := re.fullmatch(r"blocks\.(\d+)\.(.+)", full):
            layer, rest = int(block[1]), block[2]
        name = "_".join(part for part in rest.split(".") if part not in MODULES)
        if name in BUFFERS:
            continue
        if layer in found.setdefault(name, {}):
            raise ValueError(f"weights hold {name} twice (the second is {full})")
        found[name][layer] = tensor
    return found


def _needs_decoder(tensors: Mapping[str, Mapping[int, Tensor]]) -> bool:
    """Whether the one-layer transformer cannot hold these."""
    biases = [tensor for name in ("b_Q", "b_K", "b_V", "b_O") for tensor in tensors.get(name, {}).values()]
    return _n_layers(tensors) > 1 or any(name.startswith("ln") for name in tensors) or any(b.any() for b in biases)


def _n_layers(tensors: Mapping[str, Mapping[int, Tensor]]) -> int:
    return 1 + max((layer for found in tensors.values() for layer in found), default=-1)


def _stacked(tensors: Mapping[str, Mapping[int, Tensor]], model: str) -> dict[str, Tensor]:
    """One tensor a name: a decoder's with a leading axis of layers, others' without."""
    n = _n_layers(tensors)
    if n > 1 and model != "decoder":
        raise ValueError(f"weights have {n} layers, the model {model} has one; model=decoder has several")
    stacked = {}
    for name, found in tensors.items():
        if -1 in found or model != "decoder":
            if len(found) > 1:
                raise ValueError(f"weights hold {name} both in a layer and outside all layers")
            stacked[name] = next(iter(found.values()))
            continue
        for layer in range(n):
            if layer not in found:
                raise ValueError(f"weights lack the tensor {name} of layer {layer}; they have {n} layers")
            if found[layer].shape != (first := found[min(found)]).shape:
                shapes = tuple(found[layer].shape), tuple(first.shape)
                raise ValueError(f"{name} of layer {layer} has shape {shapes[0]}, expected {shapes[1]} as in layer 0")
        stacked[name] = torch.stack([found[layer] for layer in range(n)])
    return stacked


def _from_pizza(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their tensors act from the left, (out, in); W_O has the heads' channels side by side on its second axis."""
    n_axes = {"W_E": 2, "W_in": 2, "W_out": 2, "W_O": 2, "W_Q": 3, "W_K": 3, "W_V": 3}
    found = {}
    for full, tensor in weights.items():
        prefix, _, name = full.rpartition(".")
        if name in n_axes:
            if tensor.ndim != n_axes[name]:
                raise ValueError(f"{full} has shape {tuple(tensor.shape)}, expected {n_axes[name]} axes")
            tensor = tensor.transpose(-1, -2)  # noqa: PLW2901
        if name == "W_O" and (queries := weights.get(f"{prefix}.W_Q")) is not None:
            heads = len(queries)
            if not heads or len(tensor) % heads:
                width = "a multiple of the number of heads"
                raise ValueError(f"{full} has shape {(tensor.shape[1], len(tensor))}, expected {width} ({heads}) last")
            tensor = tensor.unflatten(0, (heads, -1))  # noqa: PLW2901
        found[full] = tensor
    return found


def _pizza_config(path: Path, config: str | Path | None) -> dict[str, Any]:
    """The released JSON: beside model_ID.pt it is config_ID.json."""
    place = Path(config) if config else path.with_name(f"{path.stem.replace('model_', 'config_', 1)}.json")
    if config is None and not place.is_file():
        raise GrokscopeError(f"{path} has no {place.name} beside it, which says its modulus and attention; name one")
    try:
        found = json.loads(_bytes(place))
    except ValueError as error:
        raise GrokscopeError(f"{place} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise GrokscopeError(f"{place} holds a {type(found).__name__}, expected an object with C, attn_coeff, ...")
    for key in ("use_linear", "model_type", "diff_vocab"):
        if found.get(key):
            raise ValueError(f"{place.name} has {key} = {found[key]!r}: no model here is that network")
    if missing := {"C", "attn_coeff"} - set(found):
        raise GrokscopeError(f"{place} lacks {', '.join(sorted(missing))}: it is no config of a released transformer")
    return found


def _pizza_fields(config: Mapping[str, Any], task: str, *, several: bool) -> dict[str, Any]:
    """The fields that a released config gives. Its attention_dir is read by nothing in the released code: every query
    attends to all keys."""
    function = str(config.get("funcs", "")).replace(" ", "")
    if task == "modular_addition" and function not in ("", f"lambdax:(x[0]+x[1])%{config['C']}"):
        raise ValueError(f"these weights were trained on {config['funcs']!r}; name their task with --task")
    if (activation := config.get("act_fn", "ReLU")) not in ACTIVATIONS:
        raise ValueError(unknown("activation", activation, ACTIVATIONS))
    return {
        **({"p": config["C"]} if task == "modular_addition" else {}),
        **({"causal": False, "layer_norm": "none", "init": "nanda"} if several else {"scale_W_in_by": "d_mlp"}),
        "attention_rate": config["attn_coeff"],
        "activation": ACTIVATIONS[activation],
        "train_fraction": config.get("frac", 0.8),
        "learning_rate": config.get("lr", 1e-3),
        "weight_decay": config.get("weight_decay", 2.0),
        "max_steps": config.get("epoch", 20_000),
    }
