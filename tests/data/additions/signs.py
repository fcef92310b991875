"""The sign of the gradient."""

from grokscope.registry import per_replica
from grokscope.training.optimizers.base import Optimizer, OptimizerOptions, column


class SignsOptions(OptimizerOptions):
    stretch: float = per_replica(1.0, gt=0, description="factor on each step [1]")


class Signs(Optimizer):
    options = SignsOptions

    def __init__(self, configs, params) -> None:
        self.state = {}
        self._stretch = column(configs, lambda config: config.stretch, params)

    def update(self, params, gradients, *, step, rates, decay) -> None:
        params.mul_((1 - rates * decay).to(params))
        params.sub_((rates * self._stretch).to(params) * gradients.sign())


signs = Signs
