"""The one-layer transformer of Nanda et al. 2023 (arXiv:2301.05217, section 3 and released code).

Tokens [a, b, =], learned positions, causal attention, ReLU MLP, no LayerNorm, untied unembedding; the answer is read
at "=". Without the "=" token the answer is read at b, and attention_rate mixes attention with a matrix of ones: the
network of Zhong et al. 2023 (arXiv:2306.17844, section 2).

Only the last position is computed. Each key depends on one symbol, so queries, keys and values are read from tables
over the p symbols:

    z_h(a, b) = A_0 v_h[a] + A_1 u_h[b] + A_2 w_h,    A' = softmax(score_h),    A = rate A' + (1 - rate)

`parts/transformer_program.py` trains it on many samples with fewer operations, `parts/reduced_program.py` on a GPU.
"""

import math
from dataclasses import replace
from typing import Any, ClassVar, Literal, final

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Generator, Tensor

from grokscope.models.base import Activations, Interface, Model, Params, Program, Sites, normal
from grokscope.models.parts.activation import ACTIVATIONS, ActivationName
from grokscope.models.parts.attention import Attention, AttentionOptions, infer_attention, take
from grokscope.models.parts.layers import plus
from grokscope.models.parts.reduced_program import ReducedProgram
from grokscope.models.parts.transformer_program import TransformerProgram
from grokscope.registry import called


class TransformerOptions(AttentionOptions):
    d_mlp: int = Field(512, ge=1, description="neurons of the MLP [1]")
    activation: ActivationName = Field("relu", description="activation function of the neurons")
    mlp_biases: bool = Field(True, description="train b_in and b_out (start at 0)")
    equals_token: bool = Field(True, description='read the answer at a third token "="; else at the second operand')
    unembed_equals: bool = Field(True, description='give the "=" token an output of its own, as published')
    scale_W_in_by: Literal["d_model", "d_mlp"] = Field("d_model", description="W_in starts at 1 / sqrt of this width")


@final
class Transformer(Model):
    options = TransformerOptions
    also_called: ClassVar = called(
        "one_layer_transformer", "1_layer_transformer", "1l_transformer", "nanda_transformer", "attention"
    )
    settings: TransformerOptions

    def __init__(self, settings: TransformerOptions, interface: Interface) -> None:
        super().__init__(settings, interface)
        self.attention = Attention(self)
        if interface.n_operands != 2 or not interface.n_symbols:
            kind = f"{interface.n_operands} symbols" if interface.n_symbols else f"{interface.n_operands} features"
            raise ValueError(f"the one-layer transformer reads pairs of symbols, this task's inputs have {kind}")

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        o, equals = self.settings, self.settings.equals_token
        d_head, n_outputs = o.head_width, self.interface.n_outputs + (equals and o.unembed_equals) + o.extra_outputs
        sizes: dict[str, tuple[int, ...]] = {
            "W_E": (self.interface.n_symbols + equals, o.d_model),
            "W_E_right": (self.interface.n_symbols, o.d_model),
            "W_pos": (2 + equals, o.d_model),
            **dict.fromkeys(("W_Q", "W_K", "W_V"), (o.n_heads, o.d_model, d_head)),
            "W_O": (o.n_heads, d_head, o.d_model),
            "W_in": (o.d_model, o.d_mlp),
            "b_in": (o.d_mlp,),
            "W_out": (o.d_mlp, o.d_model),
            "b_out": (o.d_model,),
            "W_U": (o.d_model, n_outputs),
            "b_U": (n_outputs,),
        }
        biased = o.mlp_biases
        present = {"W_E_right": not o.tied, "b_in": biased, "b_out": biased, "b_U": o.unembed_bias}
        return {name: size for name, size in sizes.items() if present.get(name, True)}

    def draw(self, generator: Generator) -> dict[str, Tensor]:
        """As published: N(0, 1) / sqrt(d_model), W_out too; W_U / sqrt(its outputs); biases 0."""
        widths = {"W_U": self.weight_shapes["W_U"][1], "W_in": getattr(self.settings, self.settings.scale_W_in_by)}
        return {
            name: torch.zeros(shape)
            if name.startswith("b_")
            else normal(shape, 1 / math.sqrt(widths.get(name, self.settings.d_model)), generator)
            for name, shape in self.weight_shapes.items()
        }

    @property
    def bottleneck_widths(self) -> dict[str, int]:
        return {"embed": self.settings.d_model, "resid_mid": self.settings.d_model, "mlp_post": self.settings.d_mlp}

    @property
    def sample_size(self) -> int:
        return self.settings.d_mlp

    def direct_program(self, inputs: Tensor) -> Program:
        kind = ReducedProgram if inputs.is_cuda else TransformerProgram
        return kind(self.attention, inputs)

    def outputs(
        self, params: Params, inputs: Int[Tensor, "replica pair operand"]
    ) -> Float[Tensor, "replica pair output"]:
        if 2 * inputs.shape[1] < self.interface.n_symbols:
            return self._few_outputs(params, inputs)
        post = self._post(params, middle := self._middle(params, inputs))
        return plus(plus(middle + post @ params["W_out"], params.get("b_out")) @ params["W_U"], params.get("b_U"))

    def _few_outputs(self, params: Params, inputs: Tensor) -> Tensor:
        """Outputs of few samples, computed on tables of the symbols that they read, each renamed to a new symbol.

        For gradients of single samples: with the whole tables, most of the work would be on rows that are not read.
        """
        n_replicas, n_pairs = inputs.shape[:2]
        first, second = inputs.unbind(-1)
        right = params["W_E"] if self.settings.tied else params["W_E_right"]
        tables = [take(params["W_E"], first), take(right, second), params["W_E"][:, self.interface.n_symbols :]]
        settings = self.settings.model_copy(update={"tied": True})
        few = Transformer(settings, replace(self.interface, n_symbols=2 * n_pairs))
        symbols = torch.arange(2 * n_pairs, device=inputs.device).view(1, 2, n_pairs).mT.expand(n_replicas, -1, -1)
        return few.outputs({**params, "W_E": torch.cat(tables, dim=1)}, symbols)

    def _attend(self, params: Params, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Attention weights (key, replica, pair, head), and z (replica, pair, head, d_head)."""
        p = self.interface.n_symbols
        stream = self.attention.stream(params)
        weights = self._pattern(params, inputs, stream)
        values = (stream[:, None] @ params["W_V"]).transpose(1, 2)
        a, b = inputs.unbind(-1)
        # "=" is one row for all samples.
        read = [take(values, a), take(values, p + b), values[:, 2 * p :]]
        terms = [weight[..., None] * value for weight, value in zip(weights, read, strict=False)]
        return weights, torch.stack(terms).sum(0)

    def _pattern(self, params: Params, inputs: Tensor, stream: Tensor) -> Float[Tensor, "key replica pair head"]:
        attention = self.attention
        return attention.mixed(attention.pattern(attention.scores(params, stream), attention.score_rows(inputs)))

    def site(self, name: str, params: Params, inputs: Tensor) -> Tensor:
        """A site's activations of all replicas, (replica, ...); those that are measured while training at once."""
        if name == "pattern":
            return self._pattern(params, inputs, self.attention.stream(params)).permute(1, 2, 3, 0)
        if name == "embed":
            return self.squeeze(params, "embed", params["W_E"])[:, : self.interface.n_symbols]
        return super().site(name, params, inputs)

    def _before(self, params: Params, inputs: Tensor) -> Tensor:
        last = self.attention.last(self.attention.stream(params))
        return last if self.settings.equals_token else take(last, inputs[..., 1])

    def _middle(self, params: Params, inputs: Tensor) -> Tensor:
        written = torch.einsum("rphe,rhed->rpd", self._attend(params, inputs)[1], params["W_O"])
        return self.squeeze(params, "resid_mid", self._before(params, inputs) + written)

    def _post(self, params: Params, middle: Tensor) -> Tensor:
        pre = plus(middle @ params["W_in"], params.get("b_in"))
        return self.squeeze(params, "mlp_post", ACTIVATIONS[self.settings.activation].function(pre))

    @property
    def sites(self) -> Sites:
        """Every site at the last position; `embed` is the table of the symbols, or, beside `embed_right`, of the first
        operand's symbols."""

        def attend(site: Activations) -> tuple[Tensor, Tensor]:
            return self._attend(_packed(site.params), site.inputs[None])

        def squeezed(site: Activations, name: str, x: Tensor) -> Tensor:
            return self.squeeze(site.params, name, x)

        right: Sites = {"embed_right": lambda site: squeezed(site, "embed", site.params["W_E_right"])}
        return {
            "embed": lambda site: self.site("embed", _packed(site.params), site.inputs[None])[0],
            **({} if self.settings.tied else right),
            "resid_pre": lambda site: self._before(_packed(site.params), site.inputs[None])[0].expand(
                len(site.inputs), -1
            ),
            "pattern": lambda site: self.site("pattern", _packed(site.params), site.inputs[None])[0],
            "z": lambda site: attend(site)[1].squeeze(0),
            "attn_out": lambda site: torch.einsum("phe,hed->pd", site["z"], site.params["W_O"]),
            "resid_mid": lambda site: squeezed(site, "resid_mid", site["resid_pre"] + site["attn_out"]),
            "mlp_pre": lambda site: site["resid_mid"] @ site.params["W_in"] + site.params.get("b_in", 0.0),
            "mlp_post": lambda site: self._post(_packed(site.params), site["resid_mid"][None])[0],
            "mlp_out": lambda site: site["mlp_post"] @ site.params["W_out"] + site.params.get("b_out", 0.0),
            "resid_post": lambda site: site["resid_mid"] + site["mlp_out"],
            "logits": lambda site: (site["resid_post"] @ site.params["W_U"] + site.params.get("b_U", 0.0))[
                :, : self.interface.n_outputs
            ],
        }

    @staticmethod
    def infer(params: Params) -> dict[str, Any]:
        equals = params["W_pos"].shape[-2] == 3
        return infer_attention(params) | {
            "equals_token": equals,
            "unembed_equals": equals and params["W_U"].shape[-1] >= params["W_E"].shape[0],
        }


transformer = Transformer


def _packed(params: Params) -> dict[str, Tensor]:
    return {name: tensor.unsqueeze(0) for name, tensor in params.items()}
