"""The tensors of a model from cleaned weights: our axes, stacked layers, and what the file leaves out.

Axes: ours are TransformerLens's, x W with W (in, out). The released repositories of Nanda et al. 2023 and Zhong et al.
2023 have (out, in), and W_O as (d_model, n_heads d_head). W_O tells them apart at all sizes: it has three axes a layer
in the former, two in the latter.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import Tensor

from grokscope.models.base import Interface, Model
from grokscope.models.parts.attention import AttentionOptions
from grokscope.registry import component, unknown
from grokscope.runs.foreign.state_dict import MODULES

Layout: TypeAlias = Literal["auto", "transformer-lens", "nanda"]
Layers: TypeAlias = Mapping[str, Mapping[int, Tensor]]
BIASES = ("b_Q", "b_K", "b_V", "b_O")
# A bias of zeros can be left out: the function is the same.
ALL_BIASES = (*BIASES, "b_in", "b_hidden", "b_out", "b_U")
N_AXES = {"W_E": 2, "W_in": 2, "W_out": 2, "W_O": 2, "W_Q": 3, "W_K": 3, "W_V": 3}
NO_LAYER_NORM = (
    "the file has no LayerNorm, but its weights look as if one was folded into them: a LayerNorm may be missing, and "
    "the answers wrong; layer_norm=pre (of model=decoder) puts it back, with weight 1 and bias 0"
)
NORMS = {"pre": ("ln1", "ln2", "ln_final"), "post": ("ln1", "ln2")}


def in_our_axes(tensors: Mapping[str, Tensor], layout: Layout = "auto") -> dict[str, Tensor]:
    """W of (in, out) and W_O of (head, d_head, d_model). layout: the file's axes; "auto": by W_O, as above."""
    if layout not in get_args(Layout):
        raise ValueError(unknown("layout", layout, get_args(Layout)))
    if layout == "auto":
        flat = any(tensor.ndim == 2 for name, tensor in tensors.items() if name.rpartition(".")[2] == "W_O")
        layout = "nanda" if flat else "transformer-lens"
    return {name: _transposed(name, tensors) for name in tensors} if layout == "nanda" else dict(tensors)


def _transposed(full: str, tensors: Mapping[str, Tensor]) -> Tensor:
    """A tensor of Nanda's repositories in our axes."""
    prefix, dot, name = full.rpartition(".")
    tensor = tensors[full]
    if name not in N_AXES:
        return tensor
    if tensor.ndim != N_AXES[name]:
        raise ValueError(f"{full} has shape {tuple(tensor.shape)}, expected {N_AXES[name]} axes")
    if name != "W_O" or (queries := tensors.get(f"{prefix}{dot}W_Q")) is None:
        return tensor.transpose(-1, -2)
    heads = len(queries)
    if not heads or tensor.shape[1] % heads:
        expected = f"a multiple of the number of heads ({heads}) last"
        raise ValueError(f"{full} has shape {tuple(tensor.shape)}, expected {expected}")
    return tensor.T.unflatten(0, (heads, -1))


def by_layer(tensors: Mapping[str, Tensor]) -> dict[str, dict[int, Tensor]]:
    """Name -> layer -> tensor: `blocks.1.attn.W_Q` is W_Q of layer 1, `blocks.0.ln1.w` is ln1_w of layer 0. A tensor
    outside all layers has layer -1."""
    layers: dict[str, dict[int, Tensor]] = {}
    for full, tensor in tensors.items():
        layer, rest = -1, full
        if block := re.fullmatch(r"blocks\.(\d+)\.(.+)", full):
            layer, rest = int(block[1]), block[2]
        name = "_".join(part for part in rest.split(".") if part not in MODULES)
        if layer in layers.setdefault(name, {}):
            raise ValueError(f"weights hold {name} twice (the second is {full})")
        layers[name][layer] = tensor
    for name in (name.removesuffix("_w") for name in layers if re.fullmatch(r"ln\w*_w", name)):
        if f"{name}_b" not in layers:
            raise ValueError(
                f"{name} has a gain and no bias: that is RMSNorm, which no model here has; a LayerNorm without bias "
                f"needs a bias of zeros, {name}.b"
            )
    return layers


def is_transformer(model: str) -> bool:
    """Whether the tensors of a model have TransformerLens's names."""
    return issubclass(component("models", model).options, AttentionOptions)


def n_layers(layers: Layers) -> int:
    return 1 + max((layer for tensors in layers.values() for layer in tensors), default=-1)


def needs_decoder(layers: Layers) -> bool:
    """Whether the one-layer transformer cannot hold these tensors."""
    biases = [tensor for name in BIASES for tensor in layers.get(name, {}).values()]
    return n_layers(layers) > 1 or any(name.startswith("ln") for name in layers) or any(b.any() for b in biases)


def stacked(layers: Layers, model: str) -> dict[str, Tensor]:
    """Name -> tensor; those of a decoder have a leading axis of layers."""
    n = n_layers(layers)
    if n > 1 and model != "decoder":
        raise ValueError(f"weights have {n} layers, the model {model} has one; model=decoder has several")
    whole = {}
    for name, tensors in sorted(layers.items()):  # the order of a file means nothing
        if -1 in tensors or model != "decoder":
            if len(tensors) > 1:
                raise ValueError(f"weights hold {name} both in a layer and outside all layers")
            whole[name] = next(iter(tensors.values()))
            continue
        expected = tuple(tensors[min(tensors)].shape)
        for layer in range(n):
            if layer not in tensors:
                raise ValueError(f"weights lack the tensor {name} of layer {layer}; they have {n} layers")
            if (shape := tuple(tensors[layer].shape)) != expected:
                raise ValueError(f"{name} of layer {layer} has shape {shape}, expected {expected} as in layer 0")
        whole[name] = torch.stack([tensors[layer] for layer in range(n)])
    return whole


def completed(
    params: Mapping[str, Tensor], model: str, task: Interface, fields: Mapping[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Any], list[str]]:
    """A transformer's tensors with those that the file leaves out, the options that follow from their sizes, and notes.

    Tied embeddings: W_U is W_E transposed. W_E of 2 p rows: the second operand has symbols of its own. W_pos longer
    than the inputs: its first rows. layer_norm given, but no tensors of it: weight 1, bias 0 (folded into the others).
    """
    whole, options, notes = dict(params), dict(fields), list[str]()
    if not is_transformer(model) or "W_E" not in whole or whole["W_E"].ndim != 2:
        return whole, options, notes
    if "W_U" not in whole:
        whole["W_U"] = whole["W_E"].T.contiguous()
        notes.append("no W_U: taken as W_E transposed (tied embeddings); it is held, and counted in norms, twice")
    n, rows = task.n_symbols, len(whole["W_E"])
    if task.n_operands == 2 and rows in (2 * n, 2 * n + 1) and "W_E_right" not in whole and not options.get("tied"):
        whole["W_E"], whole["W_E_right"] = torch.cat([whole["W_E"][:n], whole["W_E"][2 * n :]]), whole["W_E"][n : 2 * n]
        notes.append(f"W_E has {rows} rows for {n} symbols: the second operand has symbols of its own (W_E_right)")
    if len(whole["W_E"]) in (n, n + 1):
        options.setdefault("equals_token", len(whole["W_E"]) == n + 1)
        tokens = task.n_operands + options["equals_token"]
        if "W_pos" in whole and len(whole["W_pos"]) > tokens:
            notes.append(f"W_pos has {len(whole['W_pos'])} rows, inputs have {tokens} tokens: the others were cut off")
            whole["W_pos"] = whole["W_pos"][:tokens]
        _count_outputs(whole["W_U"].shape[-1] - task.n_outputs, options, n if "W_E_right" in whole else 0)
    _complete_biases(whole)
    _complete_norms(whole, options.get("layer_norm") if model == "decoder" else None, notes)
    if "b_U" in whole and not whole["b_U"].any() and not options.get("unembed_bias"):
        del whole["b_U"]
    return whole, options, notes


def _count_outputs(more: int, options: dict[str, Any], n_second: int) -> None:
    """The columns of W_U beyond the classes: for "=", for the second operand's symbols, or for both."""
    equals = int(options["equals_token"])
    kinds = {0: (False, 0), equals: (bool(equals), 0)}
    if n_second:
        kinds |= {n_second: (False, n_second), n_second + equals: (bool(equals), n_second)}
    if more in kinds:
        unembed_equals, extra_outputs = kinds[more]
        options.setdefault("unembed_equals", unembed_equals)
        options.setdefault("extra_outputs", extra_outputs)


def _complete_biases(params: dict[str, Tensor]) -> None:
    """Zeros for the missing biases of a sublayer that has some."""
    sizes = {f"b_{name}": f"W_{name}" for name in ("Q", "K", "V")}
    if any(name in params for name in BIASES) and all(weight in params for weight in (*sizes.values(), "W_O")):
        for name, weight in sizes.items():
            params.setdefault(name, torch.zeros_like(params[weight][..., 0, :]))
        params.setdefault("b_O", torch.zeros_like(params["W_O"][..., 0, 0, :]))
    if ("b_in" in params) != ("b_out" in params) and {"W_in", "W_out"} <= params.keys():
        for name in ("in", "out"):
            params.setdefault(f"b_{name}", torch.zeros_like(params[f"W_{name}"][..., 0, :]))


def _complete_norms(params: dict[str, Tensor], layer_norm: str | None, notes: list[str]) -> None:
    """Gain 1 and bias 0 for the LayerNorms of layer_norm that the file does not have."""
    absent = [name for name in NORMS.get(layer_norm or "none", ()) if f"{name}_w" not in params]
    for name in absent:
        width = params["W_E"].shape[-1:]
        size = width if name == "ln_final" else (len(params["W_in"]), *width)
        params[f"{name}_w"], params[f"{name}_b"] = params["W_E"].new_ones(size), params["W_E"].new_zeros(size)
    if absent:
        notes.append(f"layer_norm={layer_norm}, no tensors of {', '.join(absent)}: weight 1 and bias 0 (folded away)")


def suspects_layer_norm(params: Mapping[str, Tensor]) -> bool:
    """Whether a LayerNorm was probably folded into these weights: attention has biases, or all matrices that read the
    residual stream have mean 0 over it, as folding leaves them."""
    if any(name.startswith("ln") for name in params):
        return False
    readers = [params[name] for name in ("W_Q", "W_K", "W_V", "W_in") if name in params]
    centred = all(bool(W.mean(-2).abs().max() <= 1e-5 * W.abs().max()) for W in readers) and bool(readers)
    return centred or any(bool(params[name].any()) for name in BIASES if name in params)


def fitted(architecture: type[Model], params: dict[str, Tensor], task: Interface, fields: Mapping[str, Any]) -> Model:
    """The model of these weights. ValueError unless they are its tensors, in its shapes, and no others."""
    try:
        inferred = architecture.infer(params)
    except KeyError as error:
        raise ValueError(f"weights lack the tensor {error.args[0]}; they have {', '.join(sorted(params))}") from None
    except (ValueError, IndexError) as error:
        sizes = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in sorted(params.items()))
        raise ValueError(f"the options of the model cannot be read off these shapes: {sizes} ({error})") from None
    model = architecture(architecture.options(**(inferred | dict(fields))), task)
    require_shapes(model, params)
    return model


def require_shapes(model: Model, params: dict[str, Tensor]) -> None:
    """ValueError for a missing, a foreign or a misshapen tensor; foreign biases of zeros are removed."""
    shapes = model.shapes
    for name, shape in shapes.items():
        if name not in params:
            raise ValueError(f"weights lack the tensor {name} of shape {shape}")
        if tuple(params[name].shape) != shape:
            raise ValueError(f"{name} has shape {tuple(params[name].shape)}, expected {shape}")
    for name in sorted(set(params) - set(shapes)):
        zero = not params[name].any()
        if not zero or name not in ALL_BIASES:
            raise ValueError(
                f"the model has no tensor {name}, {'though all of it is 0' if zero else 'and it is not zero'}"
            )
        del params[name]
