"""A slice of the loss along one direction is drawn as it is given."""

from typing import Any

import numpy as np

from grokscope.report.figures.loss_line import LossLine, loss_line
from tests.report.figures.drawn import trace

T = np.linspace(-0.5, 0.5, 11)
TRAIN, TEST = 1 + 6 * T**2, 2 + T


def line(**fields: Any) -> LossLine:
    about = {"t": T, "losses": {"train": TRAIN, "test": TEST}, "norm": 2.0, "direction": "hessian=2", "curvature": 3.0}
    return LossLine(**(about | fields))


def example() -> LossLine:
    """Data to draw, for the contract of all figures."""
    return line()


def test_a_line_has_its_losses_and_the_parabola_of_its_curvature() -> None:
    figure: Any = loss_line(line())
    assert list(trace(figure, "train").y) == TRAIN.tolist()
    assert list(trace(figure, "test, all").y) == TEST.tolist()
    parabola = trace(figure, "curvature 3 at the centre (train)")
    np.testing.assert_allclose(parabola.y, 1 + 3 * (2 * np.array(parabola.x)) ** 2 / 2)
    assert len(parabola.x) == 201
    assert figure.layout.yaxis.type is None
    assert figure.layout.xaxis.title.text == "along Hessian eigenvector 2 [|w|]"


def test_losses_that_differ_a_hundredfold_have_a_logarithmic_axis() -> None:
    steep: Any = loss_line(line(losses={"test": 10.0 ** (-50 * T**2) - 1e-12 * (T == 0.5)}, direction="weights"))
    assert steep.layout.yaxis.type == "log"
    assert len(steep.data) == 1


def test_what_is_not_finite_is_a_gap() -> None:
    lost: Any = loss_line(line(losses={"train": np.where(np.abs(T) > 0.4, np.inf, TRAIN)}, norm=1.0))
    assert lost.data[0].y[0] is None
