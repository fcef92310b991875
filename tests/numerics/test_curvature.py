"""Hessians whose eigenvalues are known, or small enough to be formed."""

import numpy as np
import pytest
import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.numerics.curvature import Curvature


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def squares(z: Tensor) -> Tensor:
    """Gradient of |z|^2 / 2."""
    return z.detach()


def test_of_a_linear_function_the_eigenvalues_are_squared_singular_values() -> None:
    x = gaussian(30, 8)
    curvature = Curvature(function=lambda w: x @ w["w"], gradient=squares, params={"w": gaussian(8, seed=1)})
    top = curvature.top(3)
    assert not isinstance(top, Missing)
    singular, _ = torch.linalg.svd(x)[1:]
    np.testing.assert_allclose(top[0], singular[:3].square(), rtol=1e-4)
    for value, vector in zip(*(top[0], top[1].T), strict=True):
        np.testing.assert_allclose(curvature.product(vector), value * vector, atol=1e-2 * value)


def test_the_product_is_that_of_the_formed_hessian() -> None:
    """A two-layer network with cross-entropy: both terms of the Hessian count."""
    x, y = gaussian(20, 5), torch.randint(0, 4, (20,), generator=torch.Generator().manual_seed(0))
    params = {"a": gaussian(5, 6, seed=1), "b": gaussian(6, 4, seed=2), "c": torch.zeros(4, dtype=torch.float64)}

    def function(w: dict[str, Tensor]) -> Tensor:
        return torch.tanh(x @ w["a"]) @ w["b"] + w["c"]

    def gradient(z: Tensor) -> Tensor:
        z = z.detach().requires_grad_()
        return torch.autograd.grad(torch.nn.functional.cross_entropy(z, y), z)[0]

    curvature = Curvature(function=function, gradient=gradient, params=params)  # pyright: ignore[reportArgumentType]

    def unpacked(flat: Tensor) -> dict[str, Tensor]:
        a, b, c = flat.split([30, 24, 4])
        return {"a": a.view(5, 6), "b": b.view(6, 4), "c": c}

    flat = torch.cat([tensor.flatten() for tensor in params.values()])
    hessian = torch.autograd.functional.hessian(
        lambda w: torch.nn.functional.cross_entropy(function(unpacked(w)), y), flat
    )
    v = gaussian(58, seed=3)
    np.testing.assert_allclose(curvature.product(v.numpy()), hessian @ v, atol=1e-8)
    top = curvature.top(2)
    assert not isinstance(top, Missing)
    np.testing.assert_allclose(top[0], torch.linalg.eigvalsh(hessian).flip(0)[:2], rtol=1e-4)


def test_the_largest_is_the_most_positive() -> None:
    """-10, 3 and 1 on the diagonal: 3, not the largest in size."""
    scale = torch.tensor([-10.0, 3.0, 1.0], dtype=torch.float64)
    curvature = Curvature(
        function=lambda w: (scale * w["w"] ** 2 / 2).sum()[None],
        gradient=torch.ones_like,
        params={"w": torch.ones(3, dtype=torch.float64)},
    )
    top = curvature.top()
    assert not isinstance(top, Missing)
    assert top[0] == pytest.approx([3], rel=1e-6)


def test_more_eigenvalues_than_weights_are_refused() -> None:
    curvature = Curvature(function=lambda w: w["w"], gradient=squares, params={"w": gaussian(3)})
    with pytest.raises(ValueError, match=r"n must lie in 1\.\.2, got 3"):
        curvature.top(3)
