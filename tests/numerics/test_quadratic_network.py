"""The closed forms of the quadratic network against its gradients, against draws of its inputs, and its operator."""

import pytest
import torch

from grokscope.numerics import kernels
from grokscope.numerics.quadratic_network import moments, ntk, spectrum
from grokscope.runs.config import RunConfig

D, N, EPS, ALPHA = 7, 11, 0.6, 1.7


def outputs(W: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    h = x @ W
    return ALPHA / N * (h + EPS / 2 * h**2).sum(-1)


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_kernel_is_that_of_the_gradients() -> None:
    W, x = drawn(0, D, N), drawn(1, 9, D)
    kernel = ntk(W, x, x[:4], eps=EPS, alpha=ALPHA)
    torch.testing.assert_close(
        kernel, kernels.ntk(lambda p, x: outputs(p["W"], x), {"W": W}, x, x[:4]), rtol=1e-9, atol=1e-9
    )
    torch.testing.assert_close(kernel, ntk(W, x, eps=EPS, alpha=ALPHA)[:, :4], rtol=1e-12, atol=1e-12)


def test_it_is_the_network_of_the_recipe() -> None:
    config = RunConfig(
        task="polynomial_regression", dimension=D, n_samples=20, model="quadratic_mlp", d_mlp=N, linear=1.0,
        quadratic=EPS / 2, readout="ones", output_division="N", loss="mse",
    )  # fmt: skip
    task = config.build_task()
    model, W, x = config.build_model(task), drawn(0, D, N), task.inputs.double()
    answer = ALPHA * model.outputs({"W_in": W[None]}, x[None])[0, :, 0]
    torch.testing.assert_close(answer, outputs(W, x), rtol=1e-12, atol=1e-12)
    wbar, M = moments(W)
    by_moments = ALPHA * x @ wbar + ALPHA * EPS / 2 * torch.einsum("ni,ij,nj->n", x, M, x)
    torch.testing.assert_close(answer, by_moments, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["linear", "quadratic", "norm"])
def test_eigenfunctions_have_their_eigenvalues(name: str) -> None:
    """E[K(x, x') f(x')] = lambda f(x) at one x, by draws of x'."""
    functions = {
        "linear": lambda x: x[:, 0],
        "quadratic": lambda x: x[:, 0] * x[:, 1],
        "norm": lambda x: x.square().sum(1),
    }
    f, at, x = functions[name], torch.ones(1, D, dtype=torch.float64), drawn(4, 200_000, D) / D**0.5
    inner = (at @ x.T)[0]
    values = (inner + EPS**2 * inner**2) * f(x)
    expected = spectrum(D, EPS)[name] * float(f(at))
    assert abs(float(values.mean()) - expected) < 4 * float(values.std()) / len(x) ** 0.5


def test_a_wide_network_starts_with_that_kernel() -> None:
    n_wide = 400_000
    W, x = drawn(5, D, n_wide), drawn(6, 5, D) / D**0.5
    limit = (x @ x.T) + EPS**2 * (x @ x.T) ** 2
    torch.testing.assert_close(n_wide * ntk(W, x, eps=EPS), limit, rtol=0, atol=0.02)
