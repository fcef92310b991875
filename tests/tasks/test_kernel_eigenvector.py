"""The targets are an eigenvector of the mean tangent kernel of the quadratic network."""

import numpy as np
import pytest
import torch

from grokscope.numerics.quadratic_network import ntk
from grokscope.tasks.kernel_eigenvector import KernelEigenvector, build


def built(**fields: object) -> tuple[np.ndarray, np.ndarray]:
    task = build(KernelEigenvector(**({"dimension": 8, "n_samples": 30} | fields)))  # pyright: ignore
    return task.inputs.double().numpy(), task.labels[:, 0].double().numpy()


@pytest.mark.parametrize("k", [1, 3, 20])
def test_targets_are_that_eigenvector(k: int) -> None:
    x, y = built(eigenvector=k)
    dots = x @ x.T
    kernel = dots + 0.25**2 * dots**2
    kernel -= kernel.mean()
    value = y @ kernel @ y / (y @ y)
    np.testing.assert_allclose(kernel @ y, value * y, atol=1e-5)  # inputs are rounded to float32
    assert np.linalg.eigvalsh(kernel)[-k] == pytest.approx(value, abs=1e-6)
    assert (y**2).mean() == pytest.approx(1, abs=1e-6)
    assert y[np.abs(y).argmax()] > 0


def test_the_kernel_is_the_mean_of_drawn_networks() -> None:
    """Within four standard errors of 400 networks, from whose own kernels theirs is averaged."""
    x, _ = built()
    inputs = torch.from_numpy(x)
    drawn = []
    for seed in range(400):
        weights = torch.randn(8, 16, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        kernel = ntk(weights, inputs, None, eps=0.25).numpy()
        drawn.append(kernel)
    drawn = np.array(drawn) * 16  # its factor is 1 / N
    dots = x @ x.T
    error = np.abs(drawn.mean(0) - dots * (1 + 0.25**2 * dots))
    spread = drawn.std(0) / np.sqrt(len(drawn))
    assert (error < 5 * spread).all()  # the largest of 900
    assert (error < 2 * spread).mean() > 0.9


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(ValueError, match="eigenvector must be at most n_samples, 30; got 31"):
        built(eigenvector=31)
