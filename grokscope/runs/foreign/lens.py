"""A transformer's weights and config for TransformerLens: for its HookedTransformer, and for that one's successor.

Keys and shapes are those of `state_dict()`, so that `load_state_dict(strict=True)` takes them: biases that this
network has not are zeros, and the buffers of attention are there. Read off transformer-lens 2.16.1 and 3.9.0
(HookedTransformer) and 3.9.0 (TransformerBridge.boot_native). Both take the same config. Tokens are the operands, then
"=" as the last symbol, if any; the answer is read at the last position.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from grokscope.models.parts.block import EPSILON
from grokscope.runs.config import RunConfig
from grokscope.runs.foreign.weights import is_transformer

OUTSIDE_LAYERS = {
    "W_E": "embed.W_E",
    "W_pos": "pos_embed.W_pos",
    "W_U": "unembed.W_U",
    "b_U": "unembed.b_U",
    "ln_final_w": "ln_final.w",
    "ln_final_b": "ln_final.b",
}
# Field that a TransformerLens network does not have -> the values at which it computes the same function.
BEYOND_LENS = {
    "attention_rate": (1.0,),
    "activation": ("relu", "gelu"),
    "layer_norm": ("none", "pre"),
    "positions": ("learned",),
    "output_scale": (1.0,),
    "centred": (False,),
    "linearised": (False,),
}
BUFFERS = (".mask", ".IGNORE")
# Name in HookedTransformer -> in TransformerBridge, whose matrices are those of torch.nn.Linear: (out, in).
BRIDGE = {"W_E": "weight", "W_pos": "weight", "W_U": "weight", "b_U": "bias", "w": "weight", "b": "bias"}
BRIDGE |= {f"W_{name}": f"{name.lower()}.weight" for name in ("Q", "K", "V", "O", "in", "out")}
BRIDGE |= {f"b_{name}": f"{name.lower()}.bias" for name in ("Q", "K", "V", "O", "in", "out")}


def beyond_lens(config: RunConfig) -> dict[str, object]:
    """The fields, with their values, that a TransformerLens network of these weights does not have, so it computes
    another function. A later import of the weights must set them."""
    fields = config.model_dump()
    return {name: fields[name] for name, same in BEYOND_LENS.items() if name in fields and fields[name] not in same}


def lens_config(config: RunConfig, params: Mapping[str, Tensor]) -> dict[str, Any] | None:
    """The arguments of HookedTransformerConfig, and of TransformerBridgeConfig, in JSON's own types; None where no such
    network computes the same function (`beyond_lens`). The dtype is not among them: networks are float32 by default."""
    if beyond_lens(config):
        return None
    fields, named = config.model_dump(), lens_names(config, params)
    heads, d_model, d_head = named["blocks.0.attn.W_Q"].shape
    return {
        "n_layers": _n_layers(named),
        "d_model": d_model,
        "n_heads": heads,
        "d_head": d_head,
        "d_mlp": named["blocks.0.mlp.W_in"].shape[1],
        "n_ctx": len(named["pos_embed.W_pos"]),
        "d_vocab": len(named["embed.W_E"]),
        "d_vocab_out": named["unembed.W_U"].shape[1],
        "act_fn": fields["activation"],
        "normalization_type": "LN" if fields.get("layer_norm") == "pre" else None,
        "eps": EPSILON,
        "attention_dir": "causal" if fields.get("causal", True) else "bidirectional",
        "positional_embedding_type": "standard",
        "init_weights": False,
    }


def lens_names(config: RunConfig, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A transformer's weights under TransformerLens's names, `blocks.0.attn.W_Q`, ...; the shapes are the same."""
    named_there = is_transformer(config.model)
    if not named_there or config.bottleneck:
        what = f"a bottleneck at {config.bottleneck}" if named_there else f"model {config.model}"
        raise ValueError(f"TransformerLens has no names for {what}; export to safetensors instead")
    named, params = {}, dict(params)
    if "W_E_right" in params:  # there the symbols of the second operand follow those of the first
        n = len(right := params.pop("W_E_right"))
        params["W_E"] = torch.cat([params["W_E"][:n], right, params["W_E"][n:]])
    for name, tensor in params.items():
        if name in OUTSIDE_LAYERS:
            named[OUTSIDE_LAYERS[name]] = tensor
            continue
        if name.startswith("ln"):
            place = name.replace("_", ".")
        else:
            place = f"attn.{name}" if name[2:] in ("Q", "K", "V", "O") else f"mlp.{name}"
        layers = tensor if config.model == "decoder" else [tensor]
        named |= {f"blocks.{layer}.{place}": part for layer, part in enumerate(layers)}
    return named


def hooked_state(config: RunConfig, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The `state_dict()` of a HookedTransformer: names and shapes of `lens_names`, zeros for the biases that the
    network has not, and the buffers of attention. ValueError as `lens_names`."""
    named = lens_names(config, params)
    causal = config.model_dump().get("causal", True)
    state = dict(named)
    for layer in range(_n_layers(named)):
        attention, mlp = f"blocks.{layer}.attn.", f"blocks.{layer}.mlp."
        queries, neurons = named[f"{attention}W_Q"], named[f"{mlp}W_in"]
        zeros = {f"{attention}b_{name}": queries[:, 0] for name in ("Q", "K", "V")}
        zeros |= {f"{attention}b_O": queries[0, :, 0], f"{mlp}b_in": neurons[0], f"{mlp}b_out": neurons[:, 0]}
        state |= {name: torch.zeros_like(like) for name, like in zeros.items() if name not in named}
        if "pos_embed.W_pos" in named:
            everywhere = torch.ones((len(named["pos_embed.W_pos"]),) * 2, dtype=torch.bool)
            state[f"{attention}mask"] = everywhere.tril() if causal else everywhere
        state[f"{attention}IGNORE"] = queries.new_tensor(-torch.inf)
    state.setdefault("unembed.b_U", torch.zeros_like(named["unembed.W_U"][0]))
    return state


def bridge_state(config: RunConfig, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The `state_dict()` of TransformerBridge.boot_native, without hooks: heads side by side, matrices as (out, in).
    ValueError as `lens_names`."""
    hooked = {name: tensor for name, tensor in hooked_state(config, params).items() if not name.endswith(BUFFERS)}
    parts = {full: full.rpartition(".") for full in hooked}
    return {f"{parts[full][0]}.{BRIDGE[parts[full][2]]}": _linear(parts[full][2], hooked[full]) for full in hooked}


def _linear(name: str, tensor: Tensor) -> Tensor:
    """A tensor of HookedTransformer as torch.nn.Linear has it."""
    match name:
        case "W_Q" | "W_K" | "W_V":  # (head, d_model, d_head)
            return tensor.transpose(1, 2).flatten(0, 1).contiguous()
        case "W_O":  # (head, d_head, d_model)
            return tensor.flatten(0, 1).T.contiguous()
        case "b_Q" | "b_K" | "b_V":
            return tensor.flatten()
        case "W_in" | "W_out" | "W_U":
            return tensor.T.contiguous()
    return tensor


def _n_layers(named: Mapping[str, Tensor]) -> int:
    return sum(name.endswith(".attn.W_Q") for name in named)
