"""Trained embeddings of the operands, then fully connected layers.

    x = [E_l[a], E_r[b]]  or  E_l[a] + E_r[b];   h_1 = phi(x W_in + b_in), ...,   outputs = h_n W_out + b_out

or, with combine="add_after", h_1 = phi((E_l[a] W_in + b_in) + (E_r[b] W_in + b_in)).

The first layer is linear in the embeddings. So x W_in is a sum of rows of two tables over the symbols, E_l W_in and
E_r W_in (each with its own half of W_in where embeddings are concatenated); x itself is not computed.

Sources, and the options of their networks:
- Chughtai et al. 2023, arXiv:2302.03025, released code: two tables n x 256, concatenated, 128 ReLU neurons, no biases,
  weights N(0, 1) / sqrt(fan-in) and tables N(0, 1) / sqrt(256), their width: the defaults. Their W_a is
  W_E W_in[:256], W_b is W_E_right W_in[256:], their W_U is W_out.
- Liu et al. 2022, arXiv:2205.10343, released toy: one table of one dimension, uniform in +-s / 2 with s = 1, embeddings
  added, decoder 1-200-200-30 tanh with PyTorch's initial weights and biases: d_embed=1, tied=True, combine="add",
  embed_init="uniform", embed_scale=s, n_hidden=2, d_mlp=200, activation="tanh", mlp_biases=True, init="torch". The
  table has a learning rate of its own there: tensor_rates of the config.
- Zhong et al. 2023, arXiv:2306.17844, appendix E and the released linear script, p = 59, 256 neurons, init="zhong",
  mlp_biases=True, output_bias=False, AdamW's default betas and no warm-up: tied=True, d_embed=256, combine="add",
  embed_scale=sqrt(2) (type A; n_hidden=2: B); combine="add_after", n_hidden=2: C; d_embed=128, combine="concat",
  embed_scale=1: D; tied=False, combine="add": X.
"""

import math
from typing import Any, ClassVar, Literal, final

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Generator, Tensor

from grokscope.models.base import MOST_LAYERS, Interface, Model, ModelOptions, Params, Sites, normal
from grokscope.models.parts import trace
from grokscope.models.parts.activation import ActivationName
from grokscope.models.parts.layers import LayerInit, Layers, infer_layers, plus, times_inputs
from grokscope.registry import called


class EmbeddingMlpOptions(ModelOptions):
    d_embed: int = Field(256, ge=1, description="width of an embedding [1]")
    tied: bool = Field(False, description="one table for all operands; else one for the left and one for the right")
    combine: Literal["concat", "add", "add_after"] = Field(
        "concat", description="put embeddings one after another, or add them before or after the first layer's map"
    )
    embed_init: Literal["normal", "uniform"] = Field(
        "normal", description="embed_scale / sqrt(d_embed) times N(0, 1), or uniform in +-embed_scale / 2"
    )
    embed_scale: float = Field(1.0, gt=0, description="scale of the initial embeddings [1]")
    n_hidden: int = Field(1, ge=1, le=MOST_LAYERS, description="hidden layers [1]")
    d_mlp: int = Field(128, ge=1, description="neurons of each hidden layer [1]")
    activation: ActivationName = Field("relu", description="activation function of the neurons")
    mlp_biases: bool = Field(False, description="train a bias in every layer")
    output_bias: bool | None = Field(None, description="train b_out, too; null: as mlp_biases")
    init: LayerInit = Field(
        "normal", description="uniform in +-1 / sqrt(fan-in), biases too; normal, biases 0; or W_out alone normal"
    )


@final
class EmbeddingMlp(Model):
    """Sites: embed (the table, or the left one) and embed_right, tables over the symbols; mlp_pre and mlp_post,
    numbered in the layers before the last; logits. A bottleneck at embed is one map for both tables."""

    options = EmbeddingMlpOptions
    also_called: ClassVar = called("embed_mlp", "mlp_with_embeddings")
    settings: EmbeddingMlpOptions

    def __init__(self, settings: EmbeddingMlpOptions, interface: Interface) -> None:
        super().__init__(settings, interface)
        interface.require_symbols(tied=settings.tied)

    @property
    def sees_order(self) -> bool:
        return not self.settings.tied or self.settings.combine == "concat"

    @property
    def layers(self) -> Layers:
        copies = self.interface.n_operands if self.settings.combine == "concat" else 1
        return Layers(self, self.settings.d_embed * copies)

    @property
    def tables(self) -> dict[str, str]:
        """Site of each table -> its parameter."""
        return {"embed": "W_E"} if self.settings.tied else {"embed": "W_E", "embed_right": "W_E_right"}

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        size = (self.interface.n_symbols, self.settings.d_embed)
        return dict.fromkeys(self.tables.values(), size) | self.layers.shapes

    def draw(self, generator: Generator) -> dict[str, Tensor]:
        o, size = self.settings, (self.interface.n_symbols, self.settings.d_embed)
        tables = {}
        for name in self.tables.values():
            if o.embed_init == "normal":
                tables[name] = normal(size, o.embed_scale / math.sqrt(o.d_embed), generator)
            else:
                tables[name] = (torch.rand(size, generator=generator) - 0.5) * o.embed_scale
        return tables | self.layers.draw(generator)

    @property
    def bottleneck_widths(self) -> dict[str, int]:
        return {"embed": self.settings.d_embed} | self.layers.bottleneck_widths

    def outputs(
        self, params: Params, inputs: Int[Tensor, "replica pair operand"]
    ) -> Float[Tensor, "replica pair output"]:
        return trace.end(self._walk(params, inputs))

    @property
    def sites(self) -> Sites:
        return trace.sites([*self.tables, *self.layers.sites], self._walk)

    def _walk(self, params: Params, inputs: Tensor) -> trace.Trace:
        n_operands, n_symbols = self.interface.n_operands, self.interface.n_symbols
        tables = [self.squeeze(params, "embed", params[name]) for name in self.tables.values()]
        yield from zip(self.tables, tables, strict=True)
        if self.settings.tied:
            tables *= n_operands
        into = [params["W_in"]] * n_operands
        if self.settings.combine == "concat":
            into = params["W_in"].split(self.settings.d_embed, dim=1)
        per_symbol = torch.cat([table @ weight for table, weight in zip(tables, into, strict=True)], dim=1)
        first = times_inputs(inputs, per_symbol, n_symbols)
        if self.settings.combine == "add_after" and "b_in" in params:  # the layers add it once
            first = plus(first, (n_operands - 1) * params["b_in"])
        yield from self.layers.trace(params, first)

    @staticmethod
    def infer(params: Params) -> dict[str, Any]:
        n_rows, d_embed = params["W_in"].shape[-2], params["W_E"].shape[-1]
        combine = "add" if n_rows == d_embed else "concat"
        fields = infer_layers(params) | {"d_embed": d_embed, "tied": "W_E_right" not in params, "combine": combine}
        return fields | ({} if ("b_in" in params) == ("b_out" in params) else {"output_bias": "b_out" in params})


embedding_mlp = EmbeddingMlp
