"""One hidden layer without biases with neurons of second degree: the solvable networks.

    f(x) = phi(x W_in) W_out / division,   phi(h) = linear h + quadratic h^2
    f(x) = sum_i phi(x W_in)_i / division                                       with readout="ones"

x: features, or the concatenated one-hots of the operands; D: its length; N = d_mlp. Weights start as N(0, std^2).

Sources, and the options of their networks:
- Gromov 2023, arXiv:2301.02679: f = W_out (W_in x)^2 / (D N): the defaults. His ReLU network: `mlp`.
- Doshi et al. 2023, arXiv:2310.13061, released code: the same, weight_std = 0.5 / (2 N)^(1/3), output_division="1".
- Kumar et al. 2024, arXiv:2310.06110: phi(h) = h + (eps / 2) h^2 and readouts fixed at 1: linear=1,
  quadratic=eps / 2 (the released eps = 0.02 is 0.01 here), readout="ones", output_division="N". Figure 2, modular
  addition, is Gromov's network with d_mlp=100 on p = 23. The factor alpha on f is the config's output_scale, and
  f - f_0 its `centred`.
"""

from typing import Any, ClassVar, Literal, final

from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Generator, Tensor

from grokscope.models.base import Interface, Model, ModelOptions, Params, Sites, normal
from grokscope.models.parts import trace
from grokscope.models.parts.layers import times_inputs
from grokscope.registry import called


class QuadraticMlpOptions(ModelOptions):
    d_mlp: int = Field(500, ge=1, description="neurons, N [1]")
    linear: float = Field(0.0, description="coefficient of h in the neurons' activation function [1]")
    quadratic: float = Field(1.0, description="coefficient of h^2 in it; eps / 2 in Kumar et al. [1]")
    readout: Literal["trained", "ones"] = Field("trained", description="train W_out, or add the neurons up")
    weight_std: float = Field(1.0, gt=0, description="standard deviation of the initial weights [1]")
    output_division: Literal["1", "N", "DN"] = Field(
        "DN", description="outputs are divided by 1, by the neurons N, or by inputs times neurons D N"
    )

    @model_validator(mode="after")
    def _not_nothing(self) -> "QuadraticMlpOptions":
        if not (self.linear or self.quadratic):
            raise ValueError("linear and quadratic are both 0: the network would not depend on its inputs")
        return self


@final
class QuadraticMlp(Model):
    """Sites: mlp_pre (x W_in), mlp_post (phi of it), logits."""

    options = QuadraticMlpOptions
    also_called: ClassVar = called("quadratic_network", "quadratic", "two_layer_quadratic")
    settings: QuadraticMlpOptions

    def __init__(self, settings: QuadraticMlpOptions, interface: Interface) -> None:
        super().__init__(settings, interface)
        if settings.readout == "ones" and interface.n_outputs != 1:
            raise ValueError(f'readout "ones" adds all neurons up to one output, this task has {interface.n_outputs}')

    @property
    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = {"W_in": (self.interface.n_features, self.settings.d_mlp)}
        if self.settings.readout == "trained":
            shapes["W_out"] = (self.settings.d_mlp, self.interface.n_outputs)
        return shapes

    def draw(self, generator: Generator) -> dict[str, Tensor]:
        return {name: normal(shape, self.settings.weight_std, generator) for name, shape in self.weight_shapes.items()}

    @property
    def bottleneck_widths(self) -> dict[str, int]:
        return {"mlp_post": self.settings.d_mlp}

    def outputs(self, params: Params, inputs: Tensor) -> Float[Tensor, "replica pair output"]:
        return trace.end(self._walk(params, inputs))

    @property
    def sites(self) -> Sites:
        return trace.sites(("mlp_pre", "mlp_post", "logits"), self._walk)

    @property
    def division(self) -> int:
        """The divisor of the outputs."""
        n = self.settings.d_mlp
        return {"1": 1, "N": n, "DN": n * self.interface.n_features}[self.settings.output_division]

    def _walk(self, params: Params, inputs: Tensor) -> trace.Trace:
        o = self.settings
        pre = times_inputs(inputs, params["W_in"], self.interface.n_symbols)
        yield "mlp_pre", pre
        square = o.quadratic * pre.square()
        post = self.squeeze(params, "mlp_post", square + o.linear * pre if o.linear else square)
        yield "mlp_post", post
        outputs = post @ params["W_out"] if o.readout == "trained" else post.sum(-1, keepdim=True)
        yield "logits", outputs / self.division

    @staticmethod
    def infer(params: Params) -> dict[str, Any]:
        return {"d_mlp": params["W_in"].shape[-1], "readout": "trained" if "W_out" in params else "ones"}


quadratic_mlp = QuadraticMlp
