"""Fully connected layers, for the networks that end in them.

    pre_1 = x W_in + b_in,  h_l = phi(pre_l),  pre_(l+1) = h_l W_hidden[l] + b_hidden[l],  outputs = h_n W_out + b_out

Matrices are (in, out). All hidden layers have one width, so the weights after the first layer are one tensor with a
leading layer axis; `orthogonal_gradient="per_tensor"` treats it as one tensor. The sites of the last hidden layer are
`mlp_pre` and `mlp_post`; those of the layers before it are numbered: `mlp_pre.0`, `mlp_post.0`, ...
"""

import math
from typing import Any, Literal

from jaxtyping import Float
from torch import Generator, Tensor

from grokscope.models.base import Model, Params, linear_default, normal
from grokscope.models.parts.activation import ACTIVATIONS
from grokscope.models.parts.trace import Trace, rows, suffix

# "torch": U(-1, 1) / sqrt(fan_in) for weights and biases; "normal": N(0, 1) / sqrt(fan_in), biases 0; "zhong": W_out as
# "normal", the others as "torch" (released linear script of Zhong et al. 2023, arXiv:2306.17844).
LayerInit = Literal["torch", "normal", "zhong"]


class Layers:
    """The layers of a model with the options n_hidden, d_mlp, activation, mlp_biases, init and, if any, output_bias."""

    def __init__(self, model: Model, fan_in: int) -> None:
        self.model = model
        self.settings: Any = model.settings
        self.fan_in = fan_in

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        o, deeper, n_outputs = self.settings, self.settings.n_hidden - 1, self.model.interface.n_outputs
        sizes: dict[str, tuple[int, ...]] = {
            "W_in": (self.fan_in, o.d_mlp),
            "b_in": (o.d_mlp,),
            "W_hidden": (deeper, o.d_mlp, o.d_mlp),
            "b_hidden": (deeper, o.d_mlp),
            "W_out": (o.d_mlp, n_outputs),
            "b_out": (n_outputs,),
        }
        if not deeper:
            del sizes["W_hidden"], sizes["b_hidden"]
        output_bias = getattr(o, "output_bias", None)
        biases = {"b_in": o.mlp_biases, "b_hidden": o.mlp_biases}
        biases["b_out"] = o.mlp_biases if output_bias is None else output_bias
        return {name: size for name, size in sizes.items() if biases.get(name, True)}

    def draw(self, generator: Generator) -> dict[str, Tensor]:
        drawn = {}
        for name, shape in self.shapes.items():
            fan_in = self.fan_in if name.endswith("_in") else self.settings.d_mlp
            if self.settings.init == "torch" or (self.settings.init == "zhong" and name != "W_out"):
                drawn[name] = linear_default(shape, fan_in, generator)
            else:
                scale = 0.0 if name.startswith("b_") else 1 / math.sqrt(fan_in)
                drawn[name] = normal(shape, scale, generator)
        return drawn

    @property
    def sites(self) -> list[str]:
        """Names in the order of `trace`."""
        n = self.settings.n_hidden
        return [f"mlp_{side}{suffix(layer, n)}" for layer in range(n) for side in ("pre", "post")] + ["logits"]

    @property
    def bottleneck_widths(self) -> dict[str, int]:
        return {site: self.settings.d_mlp for site in self.sites if site.startswith("mlp_post")}

    def trace(self, params: Params, first: Float[Tensor, "replica pair d_mlp"]) -> Trace:
        """The sites after `first` = x W_in."""
        o, phi = self.settings, ACTIVATIONS[self.settings.activation].function
        weights, biases = [params["W_out"]], [params.get("b_out")]
        if o.n_hidden > 1:
            weights = [*params["W_hidden"].unbind(1), *weights]
            biases = [*(params["b_hidden"].unbind(1) if o.mlp_biases else [None] * (o.n_hidden - 1)), *biases]
        pre = plus(first, params.get("b_in"))
        for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            name = suffix(layer, o.n_hidden)
            yield f"mlp_pre{name}", pre
            post = self.model.squeeze(params, f"mlp_post{name}", phi(pre))
            yield f"mlp_post{name}", post
            pre = plus(post @ weight, bias)
        yield "logits", pre


def infer_layers(params: Params) -> dict[str, Any]:
    """The options that follow from one replica's layers."""
    return {
        "n_hidden": 1 + (len(params["W_hidden"]) if "W_hidden" in params else 0),
        "d_mlp": params["W_in"].shape[-1],
        "mlp_biases": "b_in" in params,
    }


def times_inputs(
    inputs: Tensor, table: Float[Tensor, "replica feature channel"], n_symbols: int
) -> Float[Tensor, "replica pair channel"]:
    """inputs W for features; for symbols one-hots times W, which is the sum of a row for each operand."""
    if not n_symbols:
        return inputs.to(table.dtype) @ table
    # Operand by operand: the gradient of one sum over all operands would first be copied for each.
    first, *others = (rows(table, symbols + i * n_symbols) for i, symbols in enumerate(inputs.unbind(-1)))
    return sum(others, first)


def plus(x: Tensor, bias: Tensor | None) -> Tensor:
    """(replica, ..., *channel) plus (replica, *channel)."""
    if bias is None:
        return x
    return x + bias.view(len(bias), *[1] * (x.ndim - bias.ndim), *bias.shape[1:])
