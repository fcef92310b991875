"""A slice of the loss over a plane is drawn as it is given."""

from typing import Any

import numpy as np
import pytest

from grokscope.report.figures.loss_plane import LossPlane, loss_plane

T = np.linspace(-0.5, 0.5, 11)


def example() -> LossPlane:
    """Data to draw, for the contract of all figures."""
    values = 10.0 ** (T[:, None] + 10 * T[None, :])  # t1 counts once, t2 ten times
    values[0, 0] = np.inf
    values[0, 1] = 0.0
    return LossPlane(t=T, losses={"train": values, "test": 100 * values}, directions=("weights", "random"))


def test_a_plane_has_the_first_direction_across_and_the_second_up() -> None:
    figure: Any = loss_plane(example())
    one, _, other, _ = figure.data
    assert (one.type, other.type) == ("contour", "contour")
    assert one.z[10][0] == pytest.approx(-0.5 + 5)
    assert one.z[0][10] == pytest.approx(0.5 - 5)
    assert other.z[5][5] == pytest.approx(2)
    assert (one.z[0][0], one.z[1][0]) == (None, None)
    assert (one.zmin, one.zmax) == (other.zmin, other.zmax)
    assert figure.layout.yaxis.title.text == "along a random direction [|w|]"
    assert figure.layout.annotations[0].text == "along the weights [|w|]"
    assert figure.layout.xaxis2.title.text == "test, all"
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]


def test_a_plane_without_a_loss_above_0_is_refused() -> None:
    flat = LossPlane(t=T, losses={"train": 0 * T[:, None] * T}, directions=("weights", "random"))
    with pytest.raises(ValueError, match="nothing to draw"):
        loss_plane(flat)
