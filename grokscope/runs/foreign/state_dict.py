"""A state dict made elsewhere as plain tensors: names without wrappers, no buffers, one floating dtype."""

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from grokscope.registry import shortened

# What DataParallel, torch.compile, FSDP, DeepSpeed, checkpointing and Lightning put before the names of what they wrap.
WRAPPERS = {"module", "_orig_mod", "model", "_forward_module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
# Modules of TransformerLens whose name adds nothing to the tensor's own.
MODULES = {"embed", "pos_embed", "unembed", "attn", "mlp"}
# Buffers of TransformerLens that are not weights.
BUFFERS = {"mask", "IGNORE"}
ROTARY = re.compile(r"rotary|rope\b|inv_freq", re.IGNORECASE)
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def cleaned(params: Mapping[str, Any], rename: Mapping[str, str] | None = None) -> dict[str, Tensor]:
    """Name without wrappers -> tensor: copies on the CPU in one floating dtype of at least float32, without buffers.

    rename: our name -> the name in params.
    """
    if not isinstance(params, Mapping) or not params:
        what = "nothing" if isinstance(params, Mapping) else f"a {type(params).__name__}"
        raise ValueError(f"weights are tensors by name, as model.state_dict() gives them; got {what}")
    if strange := [name for name in params if not isinstance(name, str)]:
        raise ValueError(f"weights are tensors by name; {shortened(strange[0])} is no name")
    back = _renamed(params, {} if rename is None else rename)
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


def _renamed(params: Mapping[str, Any], rename: Mapping[str, str]) -> dict[str, str]:
    """The name in params -> our name. ValueError where a tensor would stand for two, or hide another one."""
    if not isinstance(rename, Mapping) or any(not isinstance(name, str) for pair in rename.items() for name in pair):
        raise ValueError(f"rename is {{our name: the name in the weights}}, got {shortened(rename)}")
    back: dict[str, str] = {}
    for ours, theirs in rename.items():
        if theirs not in params:
            raise ValueError(f"rename: weights lack {theirs}; they have {', '.join(sorted(params))}")
        if theirs in back:
            raise ValueError(f"rename: {theirs} cannot be both {back[theirs]} and {ours}; give a copy another name")
        back[theirs] = ours
    if hidden := [ours for ours in rename if ours in params and ours not in back]:
        raise ValueError(
            f"rename: the weights have a {hidden[0]} of their own, beside {rename[hidden[0]]}; rename or leave out one"
        )
    return back


def _without_wrappers(names: Sequence[str]) -> dict[str, str]:
    """Full name -> the name without wrappers and without a module that all names begin with."""
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
    """ValueError for an expanded tensor (stride 0): a copy would take more memory than the tensor has. Tensors of
    another layout (meta, quantised, sparse) pass."""
    if tensor.is_meta or tensor.is_quantized or tensor.is_nested or tensor.layout != torch.strided:
        return
    needs, has = tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes()
    if needs > has:
        raise ValueError(
            f"{name} is an expanded tensor of shape {tuple(tensor.shape)}, {needs:.3g} bytes of which {has} are there; "
            f"save tensor.contiguous() instead"
        )


def is_causal(params: Mapping[str, Any]) -> bool | None:
    """Whether attention is causal, by the buffers `mask`; None if there are none, or they differ.

    ValueError for a mask that is neither causal nor all ones.
    """
    causal = set()
    for name, mask in params.items():
        if name.rpartition(".")[2] == "mask" and mask.ndim == 2 and not mask.is_meta:
            attends, everywhere = mask.bool(), torch.ones_like(mask, dtype=torch.bool)
            is_lower = torch.equal(attends, everywhere.tril())
            if not is_lower and not torch.equal(attends, everywhere):
                raise ValueError(f"{name} is neither causal nor all ones: no model here attends in that way")
            causal.add(is_lower)
    return causal.pop() if len(causal) == 1 else None
