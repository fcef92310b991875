"""The parts of a claim are drawn each in its own unit, with seeds, intervals, regions and controls."""

import math
from typing import Any

import pytest

from grokscope.errors import Missing
from grokscope.predictions.cards import Control, Row
from grokscope.report.figures.forest import forest


def row(part: str, effect: float | None, **fields: Any) -> Row:
    text: Any = {"en": "claim", "zh": "主张"}
    about: dict[str, Any] = {
        "theory": "manifold", "id": "made", "part": part, "version": 1, "current": True, "claim": text,
        "measured": text, "changed": None, "untested": None, "arms": ("the_arm",), "measures": (), "reason": "between",
        "supports": ((0.5, math.inf),), "refutes": ((-math.inf, 0.0),), "verdict": "undecided", "effect": effect,
    }  # fmt: skip
    return Row(**(about | fields))


def example() -> list[Row]:
    """Data to draw, for the contract of all figures."""
    control = Control(arm="random_labels", effect=0.1, low=0.0, high=0.2, values=(0.0, 0.2), n=2)
    return [
        row("a", 1.0, low=0.9, high=1.1, values=(0.9, 1.0, 1.1), controls=(control,), verdict="supported", ideal=1.2),
        row("b", 300.0, low=-math.inf, high=math.inf, values=(100.0, 500.0), supports=((1000.0, 2000.0),)),
        row("c", None),
    ]


def test_each_part_has_an_axis_that_holds_its_seeds_and_the_edge_of_its_region() -> None:
    figure: Any = forest(example())
    low, high = figure.layout.xaxis.range
    assert low < 0
    assert 1.2 < high < 2
    low, high = figure.layout.xaxis2.range
    assert low < 100
    assert 1000 < high < 2000
    assert "xaxis3" not in figure.layout  # without an effect there is nothing to draw
    assert list(figure.layout.yaxis.ticktext)[1] == "random_labels"
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1]
    assert figure.layout.yaxis2.domain[0] >= 0


def test_seeds_are_dots_the_effect_a_diamond_and_regions_are_shaded_where_they_are_seen() -> None:
    figure: Any = forest(example())
    of = {trace.marker.symbol: trace for trace in figure.data if trace.xaxis == "x" and trace.mode == "markers"}
    assert of["star"].x == (1.2,)
    assert {trace.x for trace in figure.data if trace.xaxis == "x" and trace.marker.size == 5} == {
        (0.9, 1.0, 1.1), (0.0, 0.2)
    }  # fmt: skip
    assert {trace.x[0] for trace in figure.data if trace.marker.symbol == "diamond"} == {1.0, 0.1, 300.0}
    shades = [(shape.xref, shape.x0) for shape in figure.layout.shapes]
    assert ("x", 0.5) in shades
    assert ("x2", 1000.0) in shades


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_without_an_effect_there_is_no_figure(lang: Any) -> None:
    assert isinstance(forest([row("c", None)], lang), Missing)
