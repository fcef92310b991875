"""Gradients whose elements are no larger than a bound."""

from grokscope.registry import per_replica
from grokscope.training.optimizers.base import column
from grokscope.training.transforms.base import Transform, TransformOptions


class ClippedOptions(TransformOptions):
    largest_element: float = per_replica(0.0, ge=0, description="bound of an element of the gradient; 0: none [1]")

    @property
    def is_on(self) -> bool:
        return self.largest_element > 0


class Clipped(Transform):
    options = ClippedOptions
    when = "before"

    def __init__(self, bound) -> None:
        self.state, self._bound = {}, bound

    @classmethod
    def build(cls, configs, flat):
        bounds = column(configs, lambda config: config.largest_element or float("inf"), flat.params)
        return cls(bounds.to(flat.params))

    def apply(self, params, gradients, *, step) -> None:
        gradients.clamp_(-self._bound, self._bound)


clipped = Clipped
