"""The transformer of n layers with a choice of LayerNorm and positions, computed on every position.

    x = E[token] + position
    post:  x <- LN(x + attention(x)),  x <- LN(x + mlp(x)),                    outputs = x W_U
    pre:   x <- x + attention(LN(x)),  x <- x + mlp(LN(x)),                    outputs = LN(x) W_U
    none:  the same without LN

Tokens are the operands, then "=" if any; the answer is read at the last token. Only the last layer is restricted to
this position. Before the first layer a row depends on one symbol and its position: its LayerNorm, queries, keys and
values are computed once for all samples. Weights have a leading layer axis: W_Q is (layer, head, d_model, d_head).

Sources, and the options of their networks:
- Power et al. 2022, arXiv:2201.02177, released code: two layers, d_model 128, 4 heads, 512 ReLU neurons, LayerNorm
  after the residual sum, sinusoidal positions, no biases but LayerNorm's, PyTorch's initial weights: the defaults.
  Departures: the source's sequence is <eos> a op b = c <eos>, and its loss the mean over the answer and the last <eos>.
  Here the sequence is a b = and the loss that of the answer alone; the outputs are the task's classes instead of a
  vocabulary of 239 for all tasks. (The omitted tokens are equal in every input, and the second answer is always <eos>.)
- Prieto et al. 2025, arXiv:2501.04697, released code (torch.nn.TransformerEncoder): n_layers=1, d_mlp=2048,
  positions="none", equals_token=False, causal=False, mlp_biases=True, attention_biases=True. Their dropout is 0 here.
- Nanda et al. 2023, arXiv:2301.05217, and Zhong et al. 2023, arXiv:2306.17844, with more layers than one:
  layer_norm="none", positions="learned", mlp_biases=True, init="nanda". With one layer it is `transformer`, slower.
"""

import math
from typing import Any, ClassVar, Literal, final

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Generator, Tensor
from torch.nn.functional import pad

from grokscope.models.base import MOST_LAYERS, Interface, Model, Params, Sites, linear_default, normal
from grokscope.models.parts import trace
from grokscope.models.parts.activation import ActivationName
from grokscope.models.parts.attention import AttentionOptions, infer_attention
from grokscope.models.parts.block import SITES, Block, Stream, layer_norm, sinusoids
from grokscope.models.parts.layers import plus
from grokscope.registry import called

OUTSIDE_LAYERS = {"W_E", "W_E_right", "W_pos", "ln_final_w", "ln_final_b", "W_U", "b_U"}


class DecoderOptions(AttentionOptions):
    n_layers: int = Field(2, ge=1, le=MOST_LAYERS, description="layers of attention and MLP [1]")
    d_mlp: int = Field(512, ge=1, description="neurons of each layer's MLP [1]")
    activation: ActivationName = Field("relu", description="activation function of the neurons")
    layer_norm: Literal["none", "pre", "post"] = Field(
        "post", description="LayerNorm of each residual sum (post), or of what each sublayer and W_U read (pre)"
    )
    positions: Literal["learned", "sinusoidal", "none"] = Field("sinusoidal", description="positions added to tokens")
    equals_token: bool = Field(True, description='read the answer at a last token "="; else at the last operand')
    unembed_equals: bool = Field(True, description='give the "=" token an output of its own')
    causal: bool = Field(True, description="a position attends to itself and those before it; else to all")
    mlp_biases: bool = Field(False, description="train b_in and b_out")
    attention_biases: bool = Field(False, description="train b_Q, b_K, b_V and b_O (start at 0)")
    init: Literal["torch", "nanda"] = Field(
        "torch", description="PyTorch's, embeddings N(0, 1); or normal, 1 / sqrt(d_model), biases 0"
    )


@final
class Decoder(Model):
    """Sites, at the last position: `block.SITES` of the last layer, resid_pre.0, ... of those before it; logits.

    `embed` is the table of the symbols. With layer_norm="post", resid_mid and resid_post are outputs of LayerNorm.
    """

    options = DecoderOptions
    also_called: ClassVar = called("decoder_only_transformer", "gpt", "gpt2", "multi_layer_transformer") | called(
        "two_layer_transformer", "2_layer_transformer", "2l_transformer", n_layers=2
    )
    settings: DecoderOptions

    def __init__(self, settings: DecoderOptions, interface: Interface) -> None:
        super().__init__(settings, interface)
        interface.require_symbols(tied=settings.tied)

    @property
    def sees_order(self) -> bool:
        o = self.settings
        alike = o.tied and o.positions == "none" and o.equals_token
        return not alike or (o.causal and o.n_layers > 1)

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        o, equals = self.settings, self.settings.equals_token
        n, heads, d, d_head = o.n_layers, o.n_heads, o.d_model, o.head_width
        n_outputs = self.interface.n_outputs + (equals and o.unembed_equals) + o.extra_outputs
        shapes: dict[str, tuple[int, ...]] = {"W_E": (self.interface.n_symbols + equals, d)}
        if not o.tied:
            shapes["W_E_right"] = (self.interface.n_symbols, d)
        if o.positions == "learned":
            shapes["W_pos"] = (self.interface.n_operands + equals, d)
        shapes |= dict.fromkeys(("W_Q", "W_K", "W_V"), (n, heads, d, d_head)) | {"W_O": (n, heads, d_head, d)}
        if o.attention_biases:
            shapes |= dict.fromkeys(("b_Q", "b_K", "b_V"), (n, heads, d_head)) | {"b_O": (n, d)}
        shapes |= {"W_in": (n, d, o.d_mlp), "W_out": (n, o.d_mlp, d)}
        if o.mlp_biases:
            shapes |= {"b_in": (n, o.d_mlp), "b_out": (n, d)}
        if o.layer_norm != "none":
            shapes |= dict.fromkeys(("ln1_w", "ln1_b", "ln2_w", "ln2_b"), (n, d))
        if o.layer_norm == "pre":
            shapes |= dict.fromkeys(("ln_final_w", "ln_final_b"), (d,))
        return shapes | {"W_U": (d, n_outputs)} | ({"b_U": (n_outputs,)} if o.unembed_bias else {})

    def draw(self, generator: Generator) -> dict[str, Tensor]:
        """LayerNorm starts at gain 1 and bias 0.

        "torch": as torch.nn.Linear and Embedding; with attention_biases as torch.nn.MultiheadAttention, whose W_Q, W_K
        and W_V are uniform within sqrt(6 / (4 d_model)) and whose biases are 0. "nanda": as `transformer`.
        """
        return {name: self._drawn(name, shape, generator) for name, shape in self.weight_shapes.items()}

    def _drawn(self, name: str, shape: tuple[int, ...], generator: Generator) -> Tensor:
        o = self.settings
        if name.startswith("ln"):
            return torch.ones(shape) if name.endswith("_w") else torch.zeros(shape)
        if name.startswith("b_") and (o.init == "nanda" or name not in ("b_in", "b_out")):
            return torch.zeros(shape)
        if o.init == "nanda":
            return normal(shape, 1 / math.sqrt(shape[1] if name == "W_U" else o.d_model), generator)
        if name in ("W_E", "W_E_right", "W_pos"):
            return normal(shape, 1.0, generator)
        xavier = o.attention_biases and name in ("W_Q", "W_K", "W_V")
        fan_in = o.d_mlp if name.endswith("_out") else o.d_model
        return linear_default(shape, fan_in, generator) * (math.sqrt(1.5) if xavier else 1)

    @property
    def bottleneck_widths(self) -> dict[str, int]:
        """Each acts on every position of its layer; the last layer has one position."""
        widths = {"embed": self.settings.d_model}
        for layer in range(self.settings.n_layers):
            name = trace.suffix(layer, self.settings.n_layers)
            widths |= {f"resid_mid{name}": self.settings.d_model, f"mlp_post{name}": self.settings.d_mlp}
        return widths

    def outputs(
        self, params: Params, inputs: Int[Tensor, "replica pair operand"]
    ) -> Float[Tensor, "replica pair output"]:
        return trace.end(self._walk(params, inputs))

    @property
    def sites(self) -> Sites:
        n = self.settings.n_layers
        in_layers = [f"{site}{trace.suffix(layer, n)}" for layer in range(n) for site in SITES]
        tables = ["embed"] if self.settings.tied else ["embed", "embed_right"]
        return trace.sites([*tables, *in_layers, "logits"], self._walk)

    def _walk(self, params: Params, inputs: Tensor) -> trace.Trace:
        o = self.settings
        table = self.squeeze(params, "embed", params["W_E"])
        yield "embed", table[:, : self.interface.n_symbols]
        right = table
        if not o.tied:
            right = self.squeeze(params, "embed", params["W_E_right"])
            yield "embed_right", right
        before = self._embedded(params, table, right, inputs)
        stacked = [name for name in self.weight_shapes if name not in OUTSIDE_LAYERS]
        layers = zip(*(params[name].unbind(1) for name in stacked), strict=True)
        for layer, tensors in enumerate(layers):
            weights = dict(zip(stacked, tensors, strict=True))
            stream = yield from Block(self, layer).trace(params, weights, before)
            before = Stream(stream)
        last = before.last(1)[:, :, 0]
        outputs = (layer_norm(last, params, "ln_final") if o.layer_norm == "pre" else last) @ params["W_U"]
        outputs = plus(outputs, params.get("b_U"))
        yield "logits", outputs[..., : self.interface.n_outputs]
        yield "outputs", outputs

    def _embedded(self, params: Params, table: Tensor, right: Tensor, inputs: Tensor) -> Stream:
        """The stream before the first layer, whose rows are the symbols at each position, then "="."""
        o, n = self.settings, self.interface.n_symbols
        n_positions = inputs.shape[-1] + o.equals_token
        of_position = [(right if position == 1 else table)[:, :n] for position in range(inputs.shape[-1])]
        of_position += [table[:, n:]] * o.equals_token
        if o.positions == "learned":
            added = params["W_pos"].unsqueeze(2).unbind(1)
        elif o.positions == "sinusoidal":
            added = sinusoids(n_positions, o.d_model).to(table).unbind(0)
        else:
            added = [0.0] * n_positions
        symbols = torch.cat([table + vector for table, vector in zip(of_position, added, strict=True)], dim=1)
        places = pad(inputs, (0, 1)) if o.equals_token else inputs
        places = places + n * torch.arange(n_positions, device=inputs.device)
        # Few samples, as for gradients of single ones, would read a small part of the rows.
        if symbols.shape[1] < places[0].numel() and not places.is_cuda:
            return Stream(symbols, places)
        return Stream(trace.rows(symbols, places))

    @staticmethod
    def infer(params: Params) -> dict[str, Any]:
        fields = infer_attention(params) | {
            "n_layers": len(params["W_Q"]),
            "attention_biases": "b_Q" in params,
            "layer_norm": "pre" if "ln_final_w" in params else "post" if "ln1_w" in params else "none",
        }
        return fields | ({"positions": "learned"} if "W_pos" in params else {})


decoder = Decoder
