"""The figures of the Goldilocks zone draw the numbers they are given."""

from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.report import landscape as module
from grokscope.report.landscape import l_and_u, law, line, plane
from grokscope.statistics.goldilocks import Law, Reduced, Shell, generalisation_law
from grokscope.statistics.intervals import Effect
from grokscope.studies.landscape import Axis, Slice1D, Slice2D

FEW = Missing("2 seeds; an interval needs 5")
T = np.linspace(-0.5, 0.5, 11)


@pytest.fixture(autouse=True)
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words stand for themselves: the ids and what is put into them."""
    monkeypatch.setattr(module, "say", lambda key, lang, **values: f"{key}{list(values.values()) or ''}")


def effect(value: float, low: float | Missing = FEW, high: float | Missing = FEW) -> Effect:
    return Effect(value=value, low=low, high=high, n=5)


def axis(direction: str = "weights", curvature: float = 3.0) -> Axis:
    return Axis(direction=direction, curvature=curvature, difference=curvature, eigenvalue=FEW)


def trace(figure: Any, name: str) -> Any:
    (found,) = [each for each in figure.data if each.name == name]
    return found


REDUCED = Reduced(
    norms=np.array([1.0, 10.0, 100.0]),
    train=(effect(1e-1, 5e-2, 3e-1), effect(1e-6), effect(0.0)),
    test=(effect(2e-1), effect(1e-3, 9e-4, 2e-3), Missing("1 of 5 seeds ended with a loss that is not finite")),
)


def test_the_l_and_the_u_have_their_losses_and_intervals() -> None:
    figure: Any = l_and_u(REDUCED, squared_error=True)
    train, test = trace(figure, "split.train"), trace(figure, "split.test")
    assert (list(train.x), list(train.y)) == ([1, 10, 100], [0.1, 1e-6, None])  # 0 has no place on this axis
    assert list(test.y) == [0.2, 1e-3, None]
    assert list(train.error_y.array) == pytest.approx([0.2, 0, 0])
    assert list(train.error_y.arrayminus) == pytest.approx([0.05, 0, 0])
    assert list(test.error_y.array) == pytest.approx([0, 1e-3, 0])
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert figure.layout.yaxis.title.text == "axis.squared_error"
    assert not figure.layout.shapes
    assert l_and_u(REDUCED).layout.yaxis.title.text == "axis.loss"  # pyright: ignore
    with pytest.raises(ValueError, match="no norm has a loss above 0"):
        l_and_u(Reduced(norms=np.ones(1), train=(effect(0.0),), test=(FEW,)))


def test_the_shell_is_shaded_between_its_ends_and_more_lightly_over_their_intervals() -> None:
    both = Shell(low=effect(3.0, 2.0, 4.0), high=effect(30.0, 20.0, 50.0), edges=(), never=0)
    figure: Any = l_and_u(REDUCED, both)
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(2, 50), (3, 30)]
    assert trace(figure, "series.shell['3', '30']")
    opened: Any = l_and_u(REDUCED, Shell(low=FEW, high=effect(30.0), edges=(), never=0))
    edge = 10 ** opened.layout.xaxis.range[0]
    assert [(shape.x0, shape.x1) for shape in opened.layout.shapes] == [(pytest.approx(edge), 30)] * 2
    assert trace(opened, "series.shell['?', '30']")
    assert not l_and_u(REDUCED, Shell(low=FEW, high=FEW, edges=(), never=5)).layout.shapes  # pyright: ignore


def test_the_law_shows_runs_line_and_prediction() -> None:
    w0, observed = np.array([10.0, 20, 20, 40]), np.array([True, True, True, False])
    times = np.array([100.0, 900, 800, 1500])
    found = generalisation_law(w0, times, observed, rate=1e-3, decay=1.0)
    assert isinstance(found, Law)
    figure: Any = law(found, w0, times, observed)
    runs, censored, fitted, predicted = figure.data
    assert (runs.name, list(runs.x), list(runs.y)) == ("series.generalised", [10, 20, 20], [100, 900, 800])
    assert (censored.name, list(censored.x), list(censored.y)) == ("series.censored", [40], [1500])
    assert censored.marker.symbol != runs.marker.symbol
    np.testing.assert_allclose(fitted.y, found.at([10, 40]))
    assert fitted.name.startswith(f"series.law['{found.slope.value:,.0f}'")
    assert predicted.name == "series.law_predicted['1,000']"
    assert predicted.y[1] - predicted.y[0] == pytest.approx(1000 * np.log(4))
    assert np.mean(predicted.y) == pytest.approx(np.mean(fitted.y))
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.yaxis.type is None
    plain = generalisation_law(w0, times)
    assert isinstance(plain, Law)
    assert len(law(plain, w0, times, np.ones(4)).data) == 2  # pyright: ignore


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
