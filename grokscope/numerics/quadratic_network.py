"""The quadratic network of Kumar et al. 2024, in closed form: tangent kernel, test loss, and the kernel's spectrum.

    f(x) = (alpha / N) sum_i phi(w_i . x) = alpha wbar . x + (alpha eps / 2) x^T M x,   phi(h) = h + (eps / 2) h^2
    wbar = (1 / N) sum_i w_i,   M = (1 / N) sum_i w_i w_i^T;   y = (1/2) (beta . x)^2,   x ~ N(0, I / D)

In the names of `models.quadratic_mlp`: W_in has the w_i as columns, quadratic = eps / 2, output_scale = alpha.

Source: arXiv:2310.06110, section 3 and appendix. The docstrings say where it contradicts itself or a gradient.
"""

from jaxtyping import Float, Float64
from torch import Tensor

Weights = Float[Tensor, "D N"]


def moments(W: Weights) -> tuple[Float64[Tensor, " D"], Float64[Tensor, "D D"]]:
    """wbar and M, on which alone the network depends."""
    W = _double(W, "W")
    return W.mean(1), W @ W.T / W.shape[1]


def ntk(
    W: Weights,
    x1: Float[Tensor, "one D"],
    x2: Float[Tensor, "other D"] | None = None,
    *,
    eps: float,
    alpha: float = 1.0,
) -> Float64[Tensor, "one other"]:
    """(alpha^2 / N) (x . x') [1 + eps wbar . (x + x') + eps^2 x^T M x'].

    The prefactor is the gradients'; the paper leaves it to the learning rate.
    """
    wbar, M = moments(W)
    x1 = _double(x1, "x1")
    x2 = x1 if x2 is None else _double(x2, "x2")
    linear = (x1 @ wbar)[:, None] + x2 @ wbar
    return alpha**2 / W.shape[1] * (x1 @ x2.T) * (1 + eps * linear + eps**2 * (x1 @ M @ x2.T))


def spectrum(D: int, eps: float) -> dict[str, float]:
    """Eigenvalues of the first kernel under the inputs' distribution as N grows, without the prefactor alpha^2 / N.

    Then wbar = 0, M = 1 and K = x . x' + eps^2 (x . x')^2. "linear": 1 / D, of the D functions x_i. "quadratic":
    2 eps^2 / D^2, of quadratic forms without trace (the appendix; the main text prints 2 eps / D^2). "norm":
    (eps^2 / D) (1 + 2 / D), of |x|^2 (equation 13; equation 16 drops eps^2).
    """
    return {"linear": 1 / D, "quadratic": 2 * eps**2 / D**2, "norm": eps**2 / D * (1 + 2 / D)}


def _double(values: Tensor, name: str) -> Tensor:
    """In float64; gradients pass through."""
    if values.is_complex():
        raise ValueError(f"{name} must be real numbers, got {values.dtype}")
    return values.double()
