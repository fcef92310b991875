"""Weights made elsewhere, by our names: wrappers off, axes as ours, layers stacked, and what the file leaves out.

Axes: ours are TransformerLens's, x W with W (in, out). The released repositories of Nanda et al. 2023 and Zhong et al.
2023 have (out, in), and W_O as (d_model, n_heads d_head). The rule that tells them apart, whatever the sizes: W_O has
three axes a layer in the first, two in the second.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from grokscope.models.base import Interface, Model
from grokscope.registry import shortened, unknown

Layout: TypeAlias = Literal["auto", "transformer-lens", "nanda"]
Layers: TypeAlias = Mapping[str, Mapping[int, Tensor]]
LAYOUTS = ("auto", "transformer-lens", "nanda")
# What DataParallel, torch.compile, FSDP, DeepSpeed, checkpointing and Lightning put before the names of what they wrap.
WRAPPERS = {"module", "_orig_mod", "model", "_forward_module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
# Modules of TransformerLens whose name says no more than the tensor's own, and its buffers that are not weights.
MODULES = {"embed", "pos_embed", "unembed", "attn", "mlp"}
BUFFERS = {"mask", "IGNORE"}
ROTARY = re.compile(r"rotary|rope\b|inv_freq", re.IGNORECASE)
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
BIASES = ("b_Q", "b_K", "b_V", "b_O")
# They add nothing where they are zero: a model without them is the same function.
ALL_BIASES = (*BIASES, "b_in", "b_hidden", "b_out", "b_U")
N_AXES = {"W_E": 2, "W_in": 2, "W_out": 2, "W_O": 2, "W_Q": 3, "W_K": 3, "W_V": 3}
TRANSFORMERS = ("transformer", "decoder")
NO_LAYER_NORM = (
    "no tensors of a LayerNorm, and weights as folding one into them leaves them: a LayerNorm may be missing, and the "
    "answers wrong; layer_norm=pre (of model=decoder) puts it back, with weight 1 and bias 0"
)
NORMS = {"pre": ("ln1", "ln2", "ln_final"), "post": ("ln1", "ln2")}


def cleaned(params: Mapping[str, Any], rename: Mapping[str, str] | None = None) -> dict[str, Tensor]:
    """Name without wrappers -> tensor, a copy on the CPU in one floating dtype of at least float32; no buffers.

    rename: our name -> the name in params.
    """
    if not isinstance(params, Mapping) or not params:
        what = "nothing" if isinstance(params, Mapping) else f"a {type(params).__name__}"
        raise ValueError(f"weights are tensors by name, as model.state_dict() gives them; got {what}")
    if strange := [name for name in params if not isinstance(name, str)]:
        raise ValueError(f"weights are tensors by name; {shortened(strange[0])} is no name")
    back = {theirs: ours for ours, theirs in (rename or {}).items()}
    if missing := sorted(back.keys() - params.keys()):
        raise ValueError(f"rename: weights lack {', '.join(missing)}; they have {', '.join(sorted(params))}")
    tensors: dict[str, Tensor] = {}
    for full, name in _without_wrappers([back.get(full, full) for full in params]).items():
        value = params[(rename or {}).get(full, full)]
        if name.rpartition(".")[2] in BUFFERS:
            continue
        if name in tensors:
            raise ValueError(f"weights hold {name} twice (the second is {full})")
        tensors[name] = _tensor(name, value)
    dtype = functools.reduce(torch.promote_types, (tensor.dtype for tensor in tensors.values()), torch.float32)
    return {name: tensor.to(dtype) for name, tensor in tensors.items()}


def _without_wrappers(names: Sequence[str]) -> dict[str, str]:
    """Full name -> without wrappers, nor any other name of a module that stands before all of them."""
    parts = {}
    for full in names:
        *modules, last = full.split(".")
        parts[full] = [module for module in modules if module not in WRAPPERS] + [last]
    while all(len(part) > 1 for part in parts.values()) and len({part[0] for part in parts.values()}) == 1:
        if (first := next(iter(parts.values()))[0]) == "blocks" or first in MODULES:
            break
        parts = {full: part[1:] for full, part in parts.items()}
    return {full: ".".join(part) for full, part in parts.items()}


def _tensor(name: str, value: Any) -> Tensor:
    if ROTARY.search(name):
        raise ValueError(f"{name} belongs to rotary positions (RoPE), which no model here has")
    if "rmsnorm" in name.lower():
        raise ValueError(f"{name} belongs to an RMSNorm, which no model here has; they have LayerNorm")
    try:
        tensor = value.detach() if isinstance(value, Tensor) else torch.tensor(value)
    except (TypeError, ValueError, RuntimeError, RecursionError):
        raise ValueError(f"{name} is a {type(value).__name__}, expected a tensor or an array of numbers") from None
    if tensor.is_meta:
        raise ValueError(f"{name} is a meta tensor: a shape without numbers; load the weights before saving them")
    if tensor.is_quantized:
        raise ValueError(f"{name} is quantised ({tensor.dtype}); save tensor.dequantize() instead")
    if tensor.layout != torch.strided or tensor.is_nested:
        raise ValueError(f"{name} is sparse ({tensor.layout}); save tensor.to_dense() instead")
    if tensor.dtype not in FLOATS:
        raise ValueError(
            f"{name} holds {str(tensor.dtype).removeprefix('torch.')}; weights are float16, bfloat16, float32 or "
            f"float64: convert it with its scale before saving"
        )
    require_whole(name, tensor)
    return tensor.cpu().clone()


def require_whole(name: str, tensor: Tensor) -> None:
    """ValueError for a tensor that repeats a few numbers many times (stride 0), and would take more memory than it has
    when it is copied. Of one without numbers in rows (meta, quantised, sparse) nothing is said."""
    if tensor.is_meta or tensor.is_quantized or tensor.is_nested or tensor.layout != torch.strided:
        return
    needs, has = tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes()
    if needs > has:
        raise ValueError(
            f"{name} is an expanded tensor of shape {tuple(tensor.shape)}, {needs:.3g} bytes of which {has} are there; "
            f"save tensor.contiguous() instead"
        )


def is_causal(params: Mapping[str, Any]) -> bool | None:
    """What the buffers `mask` say of attention: to itself and before, to all positions, or None where there are none.

    ValueError for a mask that is neither.
    """
    found = set()
    for name, mask in params.items():
        if name.rpartition(".")[2] == "mask" and mask.ndim == 2 and not mask.is_meta:
            kept, everything = mask.bool(), torch.ones_like(mask, dtype=torch.bool)
            if not torch.equal(kept, everything) and not torch.equal(kept, everything.tril()):
                raise ValueError(f"{name} is neither causal nor all ones: no model here attends in that way")
            found.add(torch.equal(kept, everything.tril()))
    return found.pop() if len(found) == 1 else None


def in_our_axes(tensors: Mapping[str, Tensor], layout: Layout = "auto") -> dict[str, Tensor]:
    """W of (in, out) and W_O of (head, d_head, d_model), whatever the file's axes; "auto": the rule above."""
    if layout not in LAYOUTS:
        raise ValueError(unknown("layout", layout, LAYOUTS))
    if layout == "auto":
        writers = [tensor for name, tensor in tensors.items() if name.rpartition(".")[2] == "W_O"]
        layout = "nanda" if any(tensor.ndim == 2 for tensor in writers) else "transformer-lens"
    return _transposed(tensors) if layout == "nanda" else dict(tensors)


def _transposed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    found = {}
    for full, tensor in weights.items():
        prefix, dot, name = full.rpartition(".")
        if name in N_AXES:
            if tensor.ndim != N_AXES[name]:
                raise ValueError(f"{full} has shape {tuple(tensor.shape)}, expected {N_AXES[name]} axes")
            tensor = tensor.transpose(-1, -2)  # noqa: PLW2901
        if name == "W_O" and (queries := weights.get(f"{prefix}{dot}W_Q")) is not None:
            heads = len(queries)
            if not heads or len(tensor) % heads:
                width = "a multiple of the number of heads"
                raise ValueError(f"{full} has shape {(tensor.shape[1], len(tensor))}, expected {width} ({heads}) last")
            tensor = tensor.unflatten(0, (heads, -1))  # noqa: PLW2901
        found[full] = tensor
    return found


def by_layer(weights: Mapping[str, Tensor]) -> dict[str, dict[int, Tensor]]:
    """Name -> layer -> tensor: `blocks.1.attn.W_Q` is W_Q of layer 1, `blocks.0.ln1.w` ln1_w of layer 0; the layer of
    what belongs to none is -1."""
    found: dict[str, dict[int, Tensor]] = {}
    for full, tensor in weights.items():
        layer, rest = -1, full
        if block := re.fullmatch(r"blocks\.(\d+)\.(.+)", full):
            layer, rest = int(block[1]), block[2]
        name = "_".join(part for part in rest.split(".") if part not in MODULES)
        if layer in found.setdefault(name, {}):
            raise ValueError(f"weights hold {name} twice (the second is {full})")
        found[name][layer] = tensor
    for name in (name.removesuffix("_w") for name in found if re.fullmatch(r"ln\w*_w", name)):
        if f"{name}_b" not in found:
            raise ValueError(
                f"{name} has a gain and no bias: that is RMSNorm, which no model here has; a LayerNorm without bias "
                f"needs a bias of zeros, {name}.b"
            )
    return found


def n_layers(tensors: Layers) -> int:
    return 1 + max((layer for found in tensors.values() for layer in found), default=-1)


def needs_decoder(tensors: Layers) -> bool:
    """Whether the one-layer transformer cannot hold these."""
    biases = [tensor for name in BIASES for tensor in tensors.get(name, {}).values()]
    return n_layers(tensors) > 1 or any(name.startswith("ln") for name in tensors) or any(b.any() for b in biases)


def stacked(tensors: Layers, model: str) -> dict[str, Tensor]:
    """One tensor a name: a decoder's with a leading axis of layers, others' without."""
    n = n_layers(tensors)
    if n > 1 and model != "decoder":
        raise ValueError(f"weights have {n} layers, the model {model} has one; model=decoder has several")
    whole = {}
    for name, found in tensors.items():
        if -1 in found or model != "decoder":
            if len(found) > 1:
                raise ValueError(f"weights hold {name} both in a layer and outside all layers")
            whole[name] = next(iter(found.values()))
            continue
        for layer in range(n):
            if layer not in found:
                raise ValueError(f"weights lack the tensor {name} of layer {layer}; they have {n} layers")
            if found[layer].shape != (first := found[min(found)]).shape:
                shapes = tuple(found[layer].shape), tuple(first.shape)
                raise ValueError(f"{name} of layer {layer} has shape {shapes[0]}, expected {shapes[1]} as in layer 0")
        whole[name] = torch.stack([found[layer] for layer in range(n)])
    return whole


def completed(
    params: Mapping[str, Tensor], model: str, task: Interface, fields: Mapping[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Any], list[str]]:
    """A transformer's tensors with what the file leaves out, the options that their sizes decide, and what was done.

    Tied embeddings: W_U is W_E transposed. W_E of 2 p rows: the second operand has symbols of its own. W_pos longer
    than the inputs: its first rows. layer_norm given and no tensors of it: weight 1, bias 0 (folded into the others).
    """
    whole, chosen, notes = dict(params), dict(fields), list[str]()
    if model not in TRANSFORMERS or "W_E" not in whole or whole["W_E"].ndim != 2:
        return whole, chosen, notes
    if "W_U" not in whole:
        whole["W_U"] = whole["W_E"].T.contiguous()
        notes.append("no W_U: taken as W_E transposed (tied embeddings); it is held, and counted in norms, twice")
    n, rows = task.n_symbols, len(whole["W_E"])
    if task.n_operands == 2 and rows in (2 * n, 2 * n + 1) and "W_E_right" not in whole and not chosen.get("tied"):
        whole["W_E"], whole["W_E_right"] = torch.cat([whole["W_E"][:n], whole["W_E"][2 * n :]]), whole["W_E"][n : 2 * n]
        notes.append(f"W_E has {rows} rows for {n} symbols: the second operand has symbols of its own (W_E_right)")
    if len(whole["W_E"]) in (n, n + 1):
        chosen.setdefault("equals_token", len(whole["W_E"]) == n + 1)
        _take_positions(whole, task.n_operands + chosen["equals_token"], notes)
        _count_outputs(whole["W_U"].shape[-1] - task.n_outputs, chosen, n if "W_E_right" in whole else 0)
    _complete_biases(whole)
    _complete_norms(whole, chosen.get("layer_norm") if model == "decoder" else None, notes)
    if "b_U" in whole and not whole["b_U"].any() and not chosen.get("unembed_bias"):
        del whole["b_U"]
    return whole, chosen, notes


def _take_positions(params: dict[str, Tensor], n_positions: int, notes: list[str]) -> None:
    if "W_pos" in params and len(params["W_pos"]) > n_positions:
        notes.append(
            f"W_pos has {len(params['W_pos'])} rows, inputs have {n_positions} tokens: the others were cut off"
        )
        params["W_pos"] = params["W_pos"][:n_positions]


def _count_outputs(more: int, chosen: dict[str, Any], n_second: int) -> None:
    """Of W_U's columns: those beyond the classes are of "=", of the second operand's symbols, or of both."""
    equals = int(chosen["equals_token"])
    kinds = {0: (False, 0), equals: (bool(equals), 0)}
    if n_second:
        kinds |= {n_second: (False, n_second), n_second + equals: (bool(equals), n_second)}
    if more in kinds:
        unembed_equals, extra_outputs = kinds[more]
        chosen.setdefault("unembed_equals", unembed_equals)
        chosen.setdefault("extra_outputs", extra_outputs)


def _complete_biases(params: dict[str, Tensor]) -> None:
    """Zeros where a file has some biases of a sublayer and not the others."""
    sizes = {f"b_{name}": f"W_{name}" for name in ("Q", "K", "V")}
    if any(name in params for name in BIASES) and all(weight in params for weight in (*sizes.values(), "W_O")):
        for name, weight in sizes.items():
            params.setdefault(name, torch.zeros_like(params[weight][..., 0, :]))
        params.setdefault("b_O", torch.zeros_like(params["W_O"][..., 0, 0, :]))
    if ("b_in" in params) != ("b_out" in params) and {"W_in", "W_out"} <= params.keys():
        for name in ("in", "out"):
            params.setdefault(f"b_{name}", torch.zeros_like(params[f"W_{name}"][..., 0, :]))


def _complete_norms(params: dict[str, Tensor], layer_norm: str | None, notes: list[str]) -> None:
    """Gain 1 and bias 0 of the LayerNorms that layer_norm asks for and the file does not have."""
    absent = [name for name in NORMS.get(layer_norm or "none", ()) if f"{name}_w" not in params]
    for name in absent:
        width = params["W_E"].shape[-1:]
        size = width if name == "ln_final" else (len(params["W_in"]), *width)
        params[f"{name}_w"], params[f"{name}_b"] = params["W_E"].new_ones(size), params["W_E"].new_zeros(size)
    if absent:
        notes.append(
            f"layer_norm={layer_norm}, without tensors of {', '.join(absent)}: weight 1 and bias 0 (folded away)"
        )


def suspects_layer_norm(params: Mapping[str, Tensor]) -> bool:
    """Whether a LayerNorm was probably folded into these weights: attention has biases, or, as folding leaves them, all
    that reads the stream has mean 0 over it."""
    if any(name.startswith("ln") for name in params):
        return False
    readers = [params[name] for name in ("W_Q", "W_K", "W_V", "W_in") if name in params]
    centred = all(bool(W.mean(-2).abs().max() <= 1e-5 * W.abs().max()) for W in readers) and bool(readers)
    return centred or any(bool(params[name].any()) for name in BIASES if name in params)


def fitted(architecture: type[Model], params: dict[str, Tensor], task: Interface, fields: Mapping[str, Any]) -> Model:
    """The model these weights belong to. Every tensor it needs is there in the right shape, and no other."""
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
    """ValueError for a tensor that the model lacks, or that has another shape; biases of zeros are taken out."""
    shapes = model.shapes
    for name, shape in shapes.items():
        if name not in params:
            raise ValueError(f"weights lack the tensor {name} of shape {shape}")
        if tuple(params[name].shape) != shape:
            raise ValueError(f"{name} has shape {tuple(params[name].shape)}, expected {shape}")
    for name in sorted(set(params) - set(shapes)):
        zero = not bool(params[name].any())
        if not zero or name not in ALL_BIASES:
            raise ValueError(
                f"the model has no tensor {name}" + (", though all of it is 0" if zero else ", and it is not zero")
            )
        del params[name]
