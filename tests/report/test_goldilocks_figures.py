"""The figures of the Goldilocks zone draw the numbers they are given."""

from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.report import goldilocks_figures as module
from grokscope.report.goldilocks_figures import fractions, interval, l_and_u, law
from grokscope.statistics.goldilocks import Law, Reduced, Shell, generalisation_law
from grokscope.statistics.intervals import Effect

FEW = Missing("2 seeds; an interval needs 5")


@pytest.fixture(autouse=True)
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words stand for themselves: the ids and what is put into them."""
    monkeypatch.setattr(module, "say", lambda key, lang, **values: f"{key}{list(values.values()) or ''}")


def effect(value: float, low: float | Missing = FEW, high: float | Missing = FEW) -> Effect:
    return Effect(value=value, low=low, high=high, n=5)


def trace(figure: Any, name: str, axis: str | None = None) -> Any:
    (found,) = [each for each in figure.data if each.name == name and axis in (None, each.yaxis)]
    return found


def shades(figure: Any) -> list[tuple[float, float]]:
    return [(shape.x0, shape.x1) for shape in figure.layout.shapes]


REDUCED = Reduced(
    norms=np.array([1.0, 10.0, 100.0]),
    train=(effect(1e-1, 5e-2, 3e-1), effect(1e-6), effect(0.0)),
    test=(effect(2e-1), effect(1e-3, 9e-4, 2e-3), Missing("1 of 5 seeds ended with a loss that is not finite")),
)
BOTH = Shell(low=effect(3.0, 2.0, 4.0), high=effect(30.0, 20.0, 50.0), edges=(), never=0)


def test_the_l_and_the_u_have_their_losses_and_intervals() -> None:
    figure: Any = l_and_u({"sphere": REDUCED}, {}, squared_error=True)
    train, test = trace(figure, "split.train"), trace(figure, "split.test")
    assert (list(train.x), list(train.y)) == ([1, 10, 100], [0.1, 1e-6, None])  # 0 has no place on this axis
    assert list(test.y) == [0.2, 1e-3, None]
    assert list(train.error_y.array) == pytest.approx([0.2, 0, 0])
    assert list(train.error_y.arrayminus) == pytest.approx([0.05, 0, 0])
    assert list(test.error_y.array) == pytest.approx([0, 1e-3, 0])
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert figure.layout.yaxis.title.text == "axis.squared_error"
    assert not figure.layout.shapes
    assert l_and_u({"sphere": REDUCED}, {}).layout.yaxis.title.text == "axis.loss"  # pyright: ignore
    with pytest.raises(ValueError, match="no norm has a loss above 0"):
        l_and_u({"sphere": Reduced(norms=np.ones(1), train=(effect(0.0),), test=(FEW,))}, {})


def test_two_arms_have_a_panel_each_over_one_axis_of_norms() -> None:
    figure: Any = l_and_u({"sphere": REDUCED, "sphere, equal angle": REDUCED}, {"sphere": BOTH})
    assert {each.yaxis for each in figure.data if each.name == "split.train"} == {"y", "y2"}
    upper, lower = figure.layout.yaxis.domain, figure.layout.yaxis2.domain
    assert upper[0] > lower[1]
    assert lower[0] == pytest.approx(0, abs=1e-9)
    assert figure.layout.xaxis.anchor == "y2"
    titles = [note.text for note in figure.layout.annotations]
    assert titles[0] == "arm.shell['arm.sphere', '3', '30']"
    assert [each.showlegend for each in figure.data if each.name == "split.train"] == [True, False]


def test_the_shell_is_shaded_between_its_ends_and_more_lightly_over_their_intervals() -> None:
    assert shades(l_and_u({"a": REDUCED}, {"a": BOTH})) == [(2, 50), (3, 30)]
    opened: Any = l_and_u({"a": REDUCED}, {"a": Shell(low=FEW, high=effect(30.0), edges=(), never=0)})
    edge = 10 ** opened.layout.xaxis.range[0]
    assert shades(opened) == [(pytest.approx(edge), 30)] * 2
    assert "'?', '30'" in opened.layout.annotations[0].text
    assert not shades(l_and_u({"a": REDUCED}, {"a": Shell(low=FEW, high=FEW, edges=(), never=5)}))


W0, TIMES = np.array([5.0, 10.0, 20, 20, 40]), np.array([60.0, 100.0, 900, 800, 1500])
OBSERVED = np.array([True, True, True, True, False])


def test_the_law_shows_runs_line_and_prediction() -> None:
    fitted = W0 > 5
    found = generalisation_law(W0[fitted], TIMES[fitted], OBSERVED[fitted], rate=1e-3, decay=1.0)
    assert isinstance(found, Law)
    names = list("abcde")
    figure: Any = law(found, W0, TIMES, OBSERVED, fitted=fitted, names=names)
    runs, censored = trace(figure, "series.generalised"), trace(figure, "series.censored")
    assert (list(runs.x), list(runs.y)) == ([10, 20, 20], [100, 900, 800])
    assert [each[0] for each in runs.customdata] == ["b", "c", "d"]  # what a click leads to
    assert (list(censored.x), list(censored.y)) == ([40], [1500])
    assert censored.marker.symbol != runs.marker.symbol
    assert (list(trace(figure, "series.outside").x), list(trace(figure, "series.outside").y)) == ([5], [60])
    np.testing.assert_allclose(trace(figure, "series.law").y, found.at([10, 40]))
    predicted = trace(figure, "series.law_predicted")
    assert predicted.y[1] - predicted.y[0] == pytest.approx(1000 * np.log(4))
    assert np.mean(predicted.y) == pytest.approx(np.mean(found.at([10, 40])))
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.yaxis.type is None
    plain = generalisation_law(W0, TIMES)
    assert isinstance(plain, Law)
    assert not [each for each in law(plain, W0, TIMES, np.ones(5)).data if each.name == "series.law_predicted"]


def test_without_a_law_there_are_runs_and_no_line() -> None:
    figure: Any = law(Missing("2 of 5 runs generalised"), W0, TIMES, OBSERVED, shell=BOTH)
    assert {each.name for each in figure.data if each.mode == "markers"} == {"series.generalised", "series.censored"}
    (mark,) = [each for each in figure.data if each.mode == "lines"]
    assert mark.name.startswith("mark.shell_edge: number.interval['30'")
    assert shades(figure)[1] == (30, 30)  # the edge itself, over the band of its interval
    far = Shell(low=FEW, high=effect(1e4), edges=(), never=0)
    assert not shades(law(Missing("none"), W0, TIMES, OBSERVED, shell=far))  # it would press the runs into a corner


def test_shares_of_runs_have_exact_intervals() -> None:
    accuracy = [[0.1, 0.2, 0.3], [0.95, 0.2, 0.9], [1.0, 1.0, 0.99]]
    figure: Any = fractions((0.2, 0.4, 0.6), accuracy, effect(0.42, 0.3, 0.5))
    found = trace(figure, "series.generalising")
    assert list(found.y) == pytest.approx([0, 2 / 3, 1])
    # Clopper and Pearson for 0 of 3 and 3 of 3: 1 - .025^(1/3).
    assert found.error_y.array[0] == found.error_y.arrayminus[2] == pytest.approx(1 - 0.025 ** (1 / 3))
    assert found.error_y.arrayminus[0] == found.error_y.array[2] == 0
    assert shades(figure) == [(0.3, 0.5), (0.42, 0.42)]
    assert not shades(fractions((0.2, 0.4, 0.6), accuracy, FEW))


def test_an_interval_is_written_where_there_is_one() -> None:
    assert interval(effect(1.0), "en") == "1"
    assert interval(effect(1.0, 0.5, 2.0), "en") == "number.interval['1', '0.5', '2']"
