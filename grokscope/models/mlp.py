"""The fully connected network, on features or on the concatenated one-hots of the operands.

    h_1 = phi(x W_in + b_in),   h_(l+1) = phi(h_l W_hidden[l] + b_hidden[l]),   outputs = h_n W_out + b_out

One-hots are never built: x W_in is the sum of the operands' rows of W_in; those of operand i start at row i n_symbols.

Sources, and the options of their networks:
- Prieto et al. 2025, arXiv:2501.04697, released code: 226-200-200-113 ReLU without biases, PyTorch's initial weights
  (n_hidden=2, d_mlp=200, mlp_biases=False); sparse parity the same with biases.
- Liu et al. 2023 ("Omnigrok"), arXiv:2210.01117, released code: MNIST 784-200-200-10 ReLU; the student 5-100-100-5,
  d_mlp=100, tanh. Both with biases, and alpha, the factor on weights and biases, is the config's init_scale.
- Gromov 2023, arXiv:2301.02679: his ReLU network (n_hidden=1, mlp_biases=False); set its 1 / (D N) by output_scale.
  The quadratic one is `quadratic_mlp`, or activation="quadratic".
"""

from typing import Any, ClassVar, final

from jaxtyping import Float
from pydantic import Field
from torch import Generator, Tensor

from grokscope.models.base import MOST_LAYERS, Model, ModelOptions, Params, Sites
from grokscope.models.parts import trace
from grokscope.models.parts.activation import ActivationName
from grokscope.models.parts.layers import LayerInit, Layers, infer_layers, times_inputs
from grokscope.registry import called


class MlpOptions(ModelOptions):
    n_hidden: int = Field(2, ge=1, le=MOST_LAYERS, description="hidden layers [1]")
    d_mlp: int = Field(200, ge=1, description="neurons of each hidden layer [1]")
    activation: ActivationName = Field("relu", description="activation function of the neurons")
    mlp_biases: bool = Field(True, description="train a bias in every layer")
    init: LayerInit = Field("torch", description="uniform in +-1 / sqrt(fan-in), biases too; or normal, biases 0")


@final
class Mlp(Model):
    """Sites: mlp_pre and mlp_post of the last hidden layer, mlp_pre.0, mlp_post.0, ... of those before it; logits."""

    options = MlpOptions
    also_called: ClassVar = called("fully_connected", "fcn", "ffn", "dense", "feed_forward", "multilayer_perceptron")
    settings: MlpOptions

    @property
    def layers(self) -> Layers:
        return Layers(self, self.interface.n_features)

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        return self.layers.shapes

    def draw(self, generator: Generator) -> dict[str, Tensor]:
        return self.layers.draw(generator)

    @property
    def bottleneck_widths(self) -> dict[str, int]:
        return self.layers.bottleneck_widths

    def outputs(self, params: Params, inputs: Tensor) -> Float[Tensor, "replica pair output"]:
        return trace.end(self._walk(params, inputs))

    @property
    def sites(self) -> Sites:
        return trace.sites(self.layers.sites, self._walk)

    def _walk(self, params: Params, inputs: Tensor) -> trace.Trace:
        return self.layers.trace(params, times_inputs(inputs, params["W_in"], self.interface.n_symbols))

    @staticmethod
    def infer(params: Params) -> dict[str, Any]:
        return infer_layers(params)


mlp = Mlp
