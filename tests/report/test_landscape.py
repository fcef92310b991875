"""Slices of the loss are drawn as they are given, and a checkpoint has a page of them."""

from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.report import landscape as module
from grokscope.report.landscape import line, plane
from grokscope.studies.landscape import Axis, Slice1D, Slice2D

FEW = Missing("2 seeds; an interval needs 5")
T = np.linspace(-0.5, 0.5, 11)


@pytest.fixture
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words stand for themselves: the ids and what is put into them."""
    monkeypatch.setattr(module, "say", lambda key, lang, **values: f"{key}{list(values.values()) or ''}")


def axis(direction: str = "weights", curvature: float = 3.0) -> Axis:
    return Axis(direction=direction, curvature=curvature, difference=curvature, eigenvalue=FEW)


def trace(figure: Any, name: str) -> Any:
    (found,) = [each for each in figure.data if each.name == name]
    return found


@pytest.mark.usefixtures("_words")
def test_a_line_has_its_losses_and_the_parabola_of_its_curvature() -> None:
    train, test = 1 + 6 * T**2, 2 + T
    found = Slice1D(t=T, losses={"train": train, "test": test}, norm=2.0, axis=axis("hessian=2"))
    figure: Any = line(found)
    assert list(trace(figure, "split.train").y) == train.tolist()
    assert list(trace(figure, "split.test").y) == test.tolist()
    parabola = trace(figure, "series.parabola['3']")
    np.testing.assert_allclose(parabola.y, 1 + 3 * (2 * np.array(parabola.x)) ** 2 / 2)
    assert len(parabola.x) == 201
    assert figure.layout.yaxis.type is None
    assert figure.layout.xaxis.title.text == "axis.along[\"direction.hessian['2']\"]"
    steep: Any = line(Slice1D(t=T, losses={"test": 10.0 ** (-50 * T**2) - 1e-12 * (T == 0.5)}, norm=2.0, axis=axis()))
    assert steep.layout.yaxis.type == "log"
    assert len(steep.data) == 1
    lost = np.where(np.abs(T) > 0.4, np.inf, train)
    assert line(Slice1D(t=T, losses={"train": lost}, norm=1.0, axis=axis())).data[0].y[0] is None  # pyright: ignore


@pytest.mark.usefixtures("_words")
def test_a_plane_has_the_first_direction_across_and_the_second_up() -> None:
    values = 10.0 ** (T[:, None] + 10 * T[None, :])  # t1 counts once, t2 ten times
    values[0, 0] = np.inf
    values[0, 1] = 0.0
    losses = {"train": values, "test": 100 * values}
    found = Slice2D(t=T, losses=losses, norm=2.0, axes=(axis(), axis("random")), cosine=0.1)
    figure: Any = plane(found)
    one, _, other, _ = figure.data
    assert (one.type, other.type) == ("contour", "contour")
    assert one.z[10][0] == pytest.approx(-0.5 + 5)
    assert one.z[0][10] == pytest.approx(0.5 - 5)
    assert other.z[5][5] == pytest.approx(2)
    assert (one.z[0][0], one.z[1][0]) == (None, None)
    assert (one.zmin, one.zmax) == (other.zmin, other.zmax)
    assert figure.layout.yaxis.title.text == "axis.along['direction.random[1]']"
    assert figure.layout.annotations[0].text == "axis.along['direction.weights[1]']"
    assert figure.layout.xaxis2.title.text == "split.test"
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]
    with pytest.raises(ValueError, match="nothing to draw"):
        plane(Slice2D(t=T, losses={"train": 0 * T[:, None] * T}, norm=1.0, axes=(axis(), axis()), cosine=0.0))
