"""Whether two gradient steps give the same weights in either order."""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float64
from torch import Tensor

Vector = Float64[Tensor, " weight"]
Slope = Callable[[Vector], Vector]


@dataclass(frozen=True, kw_only=True)
class Commutator:
    """defect: numerator / (|g_A| |g_B|). scale_free: numerator / (|H_B g_A| + |H_A g_B|), in [0, 1]; with equal
    products 0. gradient: sqrt(|g_A| |g_B|)."""

    defect: float
    scale_free: float
    numerator: float
    gradient: float


def commutator(first: Vector, second: Vector, bent_first: Vector, bent_second: Vector) -> Commutator:
    """The commutator of two infinitely short gradient steps.

        numerator = |H_B g_A - H_A g_B|

    first, second: g_A and g_B. bent_first, bent_second: H_B g_A and H_A g_B. Where a gradient is zero, so are all.
    Source: arXiv:2602.16746, whose finite step (`of_steps`) tends to eta^2 times it.
    """
    numerator = float((bent_first - bent_second).norm())
    sizes, bends = float(first.norm()) * float(second.norm()), float(bent_first.norm() + bent_second.norm())
    return Commutator(
        defect=numerator / sizes if sizes else 0.0,
        scale_free=numerator / bends if bends else 0.0,
        numerator=numerator,
        gradient=sizes**0.5,
    )


def of_steps(of_first: Slope, of_second: Slope, weights: Vector, rate: float) -> Commutator:
    """The commutator of two steps of gradient descent, over rate^2.

        delta = [w - r g_A(w) - r g_B(w - r g_A(w))] - [the same with A and B exchanged]
        numerator = |delta| / r^2,   defect = |delta| / (|r g_A| |r g_B|)

    of_first, of_second: the gradient at given weights. scale_free: over the changes of the two gradients. In float64:
    delta is of the order r^2 and is lost in float32.
    Source: arXiv:2602.16746, released code cbc1078 (there with r = 1e-3).
    """
    first, second = of_first(weights), of_second(weights)
    # H_B g_A is the change of g_B along g_A; what is common to both ways is never formed.
    bent_first = (second - of_second(weights - rate * first)) / rate
    bent_second = (first - of_first(weights - rate * second)) / rate
    return commutator(first, second, bent_first, bent_second)
