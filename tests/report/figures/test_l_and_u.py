"""The L and the U draw the losses, intervals and shells that they are given."""

from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.report.figures.l_and_u import l_and_u
from grokscope.report.figures.parts.norms import interval
from grokscope.statistics.goldilocks import Reduced, Shell
from grokscope.studies.tables.spheres import Losses
from tests.report.figures.drawn import FEW, effect, shades

REDUCED = Reduced(
    norms=np.array([1.0, 10.0, 100.0]),
    train=(effect(1e-1, 5e-2, 3e-1), effect(1e-6), effect(0.0)),
    test=(effect(2e-1), effect(1e-3, 9e-4, 2e-3), Missing("1 of 5 seeds ended with a loss that is not finite")),
)
NOWHERE = Shell(low=FEW, high=FEW, edges=(None,) * 5, never=5)
BOTH = Shell(low=effect(3.0, 2.0, 4.0), high=effect(30.0, 20.0, 50.0), edges=(), never=0)


def losses(**fields: Any) -> Losses:
    runs: dict[str, Any] = {
        "norms": np.array([1.0, 10.0]),
        "train": np.array([0.1, 0.0]),
        "test": np.array([0.2, np.nan]),
    }
    return Losses(**({"title": "norm kept", "reduced": REDUCED, "shell": NOWHERE} | runs | fields))


def example() -> list[Losses]:
    """Data to draw, for the contract of all figures."""
    return [losses(shell=BOTH), losses(title="equal angle")]


def means(figure: Any, name: str) -> Any:
    (found,) = [each for each in figure.data if each.name == name and each.mode == "lines+markers"]
    return found


def test_every_run_is_a_dot_where_its_loss_has_a_place() -> None:
    figure: Any = l_and_u([losses()])
    dots = [each for each in figure.data if each.mode == "markers" and each.legendgroup]
    assert [(list(each.x), list(each.y)) for each in dots] == [([1.0], [0.1]), ([1.0], [0.2])]


def test_the_l_and_the_u_have_their_losses_and_intervals() -> None:
    figure: Any = l_and_u([losses(squared_error=True)])
    train, test = means(figure, "train"), means(figure, "test, all")
    assert (list(train.x), list(train.y)) == ([1, 10, 100], [0.1, 1e-6, None])  # 0 has no place on this axis
    assert list(test.y) == [0.2, 1e-3, None]
    assert list(train.error_y.array) == pytest.approx([0.2, 0, 0])
    assert list(train.error_y.arrayminus) == pytest.approx([0.05, 0, 0])
    assert list(test.error_y.array) == pytest.approx([0, 1e-3, 0])
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert figure.layout.yaxis.title.text == "loss (mean squared error)"
    assert not figure.layout.shapes
    assert l_and_u([losses()]).layout.yaxis.title.text == "loss [nats]"  # pyright: ignore
    none = Reduced(norms=np.ones(1), train=(effect(0.0),), test=(FEW,))
    assert isinstance(l_and_u([losses(reduced=none)]), Missing)


def test_two_arms_have_a_panel_each_over_one_axis_of_norms() -> None:
    figure: Any = l_and_u([losses(shell=BOTH), losses(title="equal angle")])
    assert {each.yaxis for each in figure.data if each.name == "train"} == {"y", "y2"}
    upper, lower = figure.layout.yaxis.domain, figure.layout.yaxis2.domain
    assert upper[0] > lower[1]
    assert lower[0] == pytest.approx(0, abs=1e-9)
    assert figure.layout.xaxis.anchor == "y2"
    titles = [note.text for note in figure.layout.annotations]
    assert titles[0] == "norm kept: shell 3 to 30"
    assert [each.showlegend for each in figure.data if each.name == "train"] == [True, False]


def test_the_shell_is_shaded_between_its_ends_and_more_lightly_over_their_intervals() -> None:
    assert shades(l_and_u([losses(shell=BOTH)])) == [(2, 50), (3, 30)]
    opened: Any = l_and_u([losses(shell=Shell(low=FEW, high=effect(30.0), edges=(), never=0))])
    edge = 10 ** opened.layout.xaxis.range[0]
    assert shades(opened) == [(pytest.approx(edge), 30)] * 2
    assert "? to 30" in opened.layout.annotations[0].text
    assert not shades(l_and_u([losses()]))


def test_an_interval_is_written_where_there_is_one() -> None:
    assert interval(effect(1.0), "en") == "1"
    assert interval(effect(1.0, 0.5, 2.0), "en") == "1 (0.5 to 2)"
