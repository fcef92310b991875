"""The one-layer transformer of Nanda et al. 2023 (arXiv:2301.05217, section 3 and released code).

Tokens [a, b, =], learned positions, causal attention, ReLU MLP, no LayerNorm, untied unembedding; the answer is read
at "=". Only that last position is computed. It attends to three keys, and query, keys and values depend on one token
each, so

    score_h(a, b) = (s_h[a], t_h[b], c_h),    z_h(a, b) = A_0 v_h[a] + A_1 u_h[b] + A_2 w_h,    A = softmax(score)

come from tables over the p symbols. What follows is linear up to the ReLU and linear after it, so its weights are
multiplied together first (per step, over all samples at once):

    pre    = z (W_O W_in) + x W_in + b_in                      x = W_E[=] + W_pos[2]
    logits = relu(pre) (W_out W_U) + z (W_O W_U) + (x + b_out) W_U

which is the same function as the literal three-position network (tested to 1e-10) for about a fifth of its operations.
The tables and products are small and left to autograd; what runs over the samples is in `_samples.py`.
"""

import math

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Generator, Tensor

from grokscope.models._samples import Tables, attention_pattern, mix, run_samples, table_rows
from grokscope.models.base import Activations, Interface, Model, Params, Workspace
from grokscope.registry import Options


class Transformer(Options):
    d_model: int = Field(128, ge=1, description="width of the residual stream [1]")
    n_heads: int = Field(4, ge=1, description="attention heads, each d_model / n_heads wide [1]")
    d_mlp: int = Field(512, ge=1, description="neurons of the MLP [1]")
    mlp_biases: bool = Field(True, description="train b_in and b_out (start at 0)")
    unembed_equals: bool = Field(True, description='give "=" an output of its own, as published')

    @model_validator(mode="after")
    def _heads_divide(self) -> "Transformer":
        if self.d_model % self.n_heads:
            raise ValueError(f"n_heads must divide d_model, got {self.n_heads} and {self.d_model}")
        return self


def shapes(options: Transformer, interface: Interface) -> dict[str, tuple[int, ...]]:
    vocabulary = interface.n_symbols + 1  # and "="
    d_model, n_heads, d_mlp = options.d_model, options.n_heads, options.d_mlp
    d_head = d_model // n_heads
    sizes: dict[str, tuple[int, ...]] = {
        "W_E": (vocabulary, d_model),
        "W_pos": (interface.n_operands + 1, d_model),
        "W_Q": (n_heads, d_model, d_head),
        "W_K": (n_heads, d_model, d_head),
        "W_V": (n_heads, d_model, d_head),
        "W_O": (n_heads, d_head, d_model),
        "W_in": (d_model, d_mlp),
        "b_in": (d_mlp,),
        "W_out": (d_mlp, d_model),
        "b_out": (d_model,),
        "W_U": (d_model, vocabulary if options.unembed_equals else interface.n_classes),
    }
    return {name: size for name, size in sizes.items() if options.mlp_biases or not name.startswith("b_")}


def init(options: Transformer, interface: Interface, generator: Generator) -> dict[str, Tensor]:
    """As published: N(0, 1) / sqrt(d_model), W_out too; W_U / sqrt(its outputs); biases 0."""
    params = {}
    for name, shape in shapes(options, interface).items():
        if name.startswith("b_"):
            params[name] = torch.zeros(shape)
        else:
            width = shape[-1] if name == "W_U" else options.d_model
            params[name] = torch.randn(shape, generator=generator) / math.sqrt(width)
    return params


def outputs(
    params: Params, operands: Int[Tensor, "replica pair operand"], workspace: Workspace | None = None
) -> Float[Tensor, "replica pair vocabulary"]:
    """Outputs at "=" for a pack, "=" column included: what is trained."""
    stream = _stream(params)
    scores, values = _tables(params, stream)
    W_O, last = params["W_O"].flatten(1, 2), stream[:, -1:]
    return run_samples(
        Tables(
            scores=scores,
            values=values,
            z_to_pre=W_O @ params["W_in"],
            pre_bias=_biased(last @ params["W_in"], params, "b_in"),
            post_to_out=params["W_out"] @ params["W_U"],
            z_to_out=W_O @ params["W_U"],
            out_bias=_biased(last, params, "b_out") @ params["W_U"],
        ),
        operands,
        workspace,
    )


def _stream(params: Params) -> Float[Tensor, "replica row d_model"]:
    """The residual stream attention reads: symbols at position 0, symbols at position 1, then "=" at position 2."""
    symbols, equals = params["W_E"][:, :-1], params["W_E"][:, -1:]
    first, second, last = params["W_pos"].split(1, dim=1)
    return torch.cat([symbols + first, symbols + second, equals + last], dim=1)


def _tables(
    params: Params, stream: Float[Tensor, "replica row d_model"]
) -> tuple[Float[Tensor, "replica row head"], Float[Tensor, "replica row channel"]]:
    """Attention score (from "=") and value of every row of the stream; channel = (head, d_head)."""
    W_Q, W_K, W_V = params["W_Q"], params["W_K"], params["W_V"]
    query = torch.einsum("rd,rhde->rhe", stream[:, -1], W_Q) / math.sqrt(W_Q.shape[-1])
    scores = stream @ torch.einsum("rhde,rhe->rdh", W_K, query)
    values = stream @ W_V.transpose(1, 2).flatten(2)
    return scores, values


def _biased(x: Tensor, params: Params, bias: str) -> Tensor:
    return x + params[bias].unsqueeze(-2) if bias in params else x


def _packed(site: Activations) -> dict[str, Tensor]:
    return {name: tensor.unsqueeze(0) for name, tensor in site.params.items()}


def _attention(site: Activations) -> tuple[Tensor, Tensor, Tensor]:
    params = _packed(site)
    scores, values = _tables(params, _stream(params))
    return scores, values, table_rows(site.operands.unsqueeze(0), scores.shape[1])


def _site_pattern(site: Activations) -> Float[Tensor, "pair head key"]:
    scores, _, rows = _attention(site)
    return attention_pattern(scores, rows).squeeze(1).permute(1, 2, 0)


def _site_z(site: Activations) -> Float[Tensor, "pair head d_head"]:
    scores, values, rows = _attention(site)
    pattern = site["pattern"].permute(2, 0, 1).unsqueeze(1)
    return mix(pattern, values, rows).view(len(site.operands), scores.shape[-1], -1)


def _mlp_bias(site: Activations, name: str) -> Tensor | float:
    return site.params.get(name, 0.0)


# Every site at the last position; `embed` is the table of the symbols themselves.
SITES = {
    "embed": lambda site: site.params["W_E"][:-1],
    "resid_pre": lambda site: (site.params["W_E"][-1] + site.params["W_pos"][-1]).expand(len(site.operands), -1),
    "pattern": _site_pattern,
    "z": _site_z,
    "attn_out": lambda site: torch.einsum("phe,hed->pd", site["z"], site.params["W_O"]),
    "resid_mid": lambda site: site["resid_pre"] + site["attn_out"],
    "mlp_pre": lambda site: site["resid_mid"] @ site.params["W_in"] + _mlp_bias(site, "b_in"),
    "mlp_post": lambda site: site["mlp_pre"].relu(),
    "mlp_out": lambda site: site["mlp_post"] @ site.params["W_out"] + _mlp_bias(site, "b_out"),
    "resid_post": lambda site: site["resid_mid"] + site["mlp_out"],
    "logits": lambda site: (site["resid_post"] @ site.params["W_U"])[:, : len(site.params["W_E"]) - 1],
}


def infer(params: Params) -> dict[str, int | bool]:
    n_heads, d_model, _ = params["W_Q"].shape
    return {
        "d_model": d_model,
        "n_heads": n_heads,
        "d_mlp": params["W_in"].shape[-1],
        "mlp_biases": "b_in" in params,
        "unembed_equals": params["W_U"].shape[-1] == params["W_E"].shape[0],
    }


transformer = Model(options=Transformer, shapes=shapes, init=init, outputs=outputs, sites=SITES, infer=infer)
