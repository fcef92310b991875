"""Lines whose slope is known, with and without numbers that are only known to be larger."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import t as student
from torch.autograd.functional import hessian, jacobian

from grokscope.errors import Missing
from grokscope.statistics.slopes import Slope, censored_slope


def found(x: np.ndarray, y: np.ndarray, known: np.ndarray | None = None) -> Slope:
    line = censored_slope(x, y, np.ones(len(x), bool) if known is None else known)
    assert isinstance(line, Slope)
    return line


def test_of_whole_numbers_it_is_least_squares() -> None:
    from scipy.stats import linregress

    rng = np.random.default_rng(0)
    x = rng.uniform(3, 5, 30)
    y = 2 + 7 * x + rng.normal(size=30)
    line = found(x, y)
    plain: Any = linregress(x, y)
    assert line.slope == pytest.approx(plain.slope, rel=1e-9)
    assert line.intercept == pytest.approx(plain.intercept, rel=1e-9)
    t = 2.0484071  # Student's, 28 degrees of freedom
    assert line.slopes(0.95)[1] - line.slope == pytest.approx(t * plain.stderr, rel=1e-4)
    assert line.intercepts(0.95)[1] - line.intercept == pytest.approx(t * plain.intercept_stderr, rel=1e-4)


def test_bounds_keep_the_slope_that_leaving_them_out_flattens() -> None:
    rng = np.random.default_rng(1)
    x = np.repeat(np.linspace(0, 1, 5), 40)
    y = 3 * x + 0.3 * rng.normal(size=len(x))
    known = y < 2.5
    line = found(x, np.minimum(y, 2.5), known)
    left_out = found(x[known], y[known])
    assert line.slopes(0.99)[0] < 3 < line.slopes(0.99)[1]
    assert line.slope - left_out.slope > 0.1
    assert (line.n, line.n_censored) == (200, int((~known).sum()))


def test_with_bounds_the_errors_are_those_of_the_second_derivatives() -> None:
    """Of the likelihood as it is written down, in x as it is given: x is far from 0, where the errors hang together."""
    rng = np.random.default_rng(3)
    x = np.tile([4.0, 5.0, 6.0, 7.0], 15)
    y = 2 * x + rng.normal(size=60)
    known = y < 12
    line = found(x, np.minimum(y, 12.0), known)
    given = [torch.from_numpy(each) for each in (x, np.minimum(y, 12.0), known)]

    def loss(theta: torch.Tensor) -> torch.Tensor:
        a, b, log_sigma = theta
        u = (given[1] - a - b * given[0]) / log_sigma.exp()
        return torch.where(given[2], u**2 / 2 + log_sigma, -torch.special.log_ndtr(-u)).sum()

    theta = torch.tensor([line.intercept, line.slope, 0.0], dtype=torch.float64)
    for _ in range(30):
        theta = theta - torch.linalg.solve(hessian(loss, theta), jacobian(loss, theta))
    assert theta[:2].tolist() == pytest.approx([line.intercept, line.slope], rel=1e-6)
    n = int(known.sum())
    errors = torch.linalg.inv(hessian(loss, theta)).diagonal().sqrt() * math.sqrt(n / (n - 2))
    reach = student.isf(0.025, n - 2)
    assert line.intercepts(0.95)[1] - line.intercept == pytest.approx(float(errors[0]) * reach, rel=1e-6)
    assert line.slopes(0.95)[1] - line.slope == pytest.approx(float(errors[1]) * reach, rel=1e-6)


def test_its_intervals_cover() -> None:
    rng = np.random.default_rng(2)
    x = np.tile([0.0, 0.5, 1.0], 4)
    hits = 0
    for _ in range(400):
        low, high = found(x, 1 + 2 * x + rng.normal(size=12)).intercepts(0.9)
        hits += low < 1 < high
    assert abs(hits / 400 - 0.9) < 4 * np.sqrt(0.09 / 400)


def test_bad_input() -> None:
    three = np.arange(3.0)
    assert isinstance(censored_slope(three, three, [True, True, False]), Missing)
    assert isinstance(censored_slope(np.ones(3), three, [True] * 3), Missing)
    with pytest.raises(ValueError, match="shapes"):
        censored_slope(three, np.arange(4.0), [True] * 3)
    with pytest.raises(ValueError, match="finite"):
        censored_slope(three, np.array([1.0, np.inf, 2.0]), [True] * 3)
