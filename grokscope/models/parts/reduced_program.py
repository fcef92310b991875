"""The one-layer transformer on fixed samples for a GPU: few large operations that a CUDA graph records.

As in `transformer_program`, the weights that only multiply each other are multiplied once, and the attention weights of
the keys add up to a constant, so that "=" leaves the sums. With values v and W = [W_O W_in, W_O W_U], for each head,

    z(a, b)          = A_0 (v[a] - w) + A_1 (u[b] - w)
    pre, direct      = z W + rest,        out = direct + phi(pre) (W_out W_U)

A GPU makes a product of d_model rows faster than it finds 2 n_heads + 1 rows of a table, so z is multiplied here. All
is differentiated by autograd. Multiply-adds per sample, forward: d_model (d_mlp + outputs) + d_mlp outputs, and those
of reading scores and values by products with one-hots.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.models.base import Params, Program
from grokscope.models.parts.activation import ACTIVATIONS
from grokscope.models.parts.attention import Attention, take


class ReducedProgram(Program):
    def __init__(self, attention: Attention, inputs: Int[Tensor, "replica pair operand"]) -> None:
        super().__init__(attention.model, inputs)
        self.attention, self.settings = attention, attention.settings
        self._function = ACTIVATIONS[self.settings.activation].function

    def some_outputs(self, params: Params, rows: slice) -> Float[Tensor, "replica pair output"]:
        inputs = self.inputs[:, rows]
        values, rest, W_O = self._tables(params)
        z = self._attended(params, values, inputs)
        readers = torch.cat([params["W_in"], params["W_U"]], dim=-1)
        rest = rest @ readers + self._bias(params)
        if not self.settings.equals_token:
            rest = take(rest, inputs[..., 1])
        both = torch.baddbmm(rest, z, W_O @ readers)
        pre, direct = both.split([params["W_in"].shape[-1], params["W_U"].shape[-1]], dim=-1)
        return torch.baddbmm(direct, self._function(pre), self._written(params) @ params["W_U"])

    def _tables(self, params: Params) -> tuple[Tensor, Tensor, Tensor]:
        """Values (replica, row, head, channel) without those of "=", what else the last position holds, and W_O."""
        stream = self.attention.stream(params)
        values = (stream[:, None] @ params["W_V"]).transpose(1, 2)
        rest = self.attention.model.squeeze(params, "resid_mid", self.attention.last(stream))
        W_O = self.attention.model.squeeze(params, "resid_mid", params["W_O"].flatten(1, 2))
        if self.settings.equals_token:
            values, of_equals = values[:, :-1] - values[:, -1:], values[:, -1:]
            total = self.settings.attention_rate + 3 * (1 - self.settings.attention_rate)
            rest = rest + total * of_equals.flatten(2) @ W_O
        return values, rest, W_O

    def _attended(self, params: Params, values: Tensor, inputs: Tensor) -> Float[Tensor, "replica pair channel"]:
        """The values of both operands, weighted by attention. Scores and values of a symbol are read at once."""
        p = self.attention.n_symbols
        a, b = inputs.unbind(-1)
        scores = self.attention.scores(params, self.attention.stream(params))
        first, second = values.flatten(2).split(p, dim=1)
        if not self.settings.equals_token:
            weights = self.attention.mixed(self.attention.pattern(scores, self.attention.score_rows(inputs)))
            read = take(first, a), take(second, b)
        else:
            n_heads = scores.shape[-1]
            of_a, of_b = (
                take(torch.cat([scores[:, :p], first], -1), a),
                take(torch.cat([scores[:, p:-1], second], -1), b),
            )
            of_equals = scores[:, -1:].expand(-1, inputs.shape[1], -1)
            known = torch.stack([of_a[..., :n_heads], of_b[..., :n_heads], of_equals])
            weights = self.attention.mixed(known.softmax(0))
            read = of_a[..., n_heads:], of_b[..., n_heads:]
        by_head = [value.unflatten(-1, values.shape[2:]) for value in read]
        return (weights[0][..., None] * by_head[0] + weights[1][..., None] * by_head[1]).flatten(2)

    def _bias(self, params: Params) -> Tensor | float:
        """What b_in, b_out and b_U add to pre-activations and outputs."""
        W_in, W_U = params["W_in"], params["W_U"]
        of_pre = params["b_in"] if "b_in" in params else W_in.new_zeros(len(W_in), W_in.shape[-1])
        of_out = params["b_U"] if "b_U" in params else W_U.new_zeros(len(W_U), W_U.shape[-1])
        if "b_out" in params:
            of_out = of_out + (params["b_out"][:, None] @ W_U).squeeze(1)
        return torch.cat([of_pre, of_out], dim=-1)[:, None]

    def _written(self, params: Params) -> Tensor:
        """W_out, behind the bottleneck of the neurons where there is one."""
        if self.settings.bottleneck == "mlp_post":
            return params["W_down"] @ (params["W_up"] @ params["W_out"])
        return params["W_out"]
