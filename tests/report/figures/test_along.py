"""A number along a family of arms: a mark a seed, medians, and how many seeds have none."""

import dataclasses
from typing import Any

from grokscope.errors import Missing
from grokscope.predictions.rows import text
from grokscope.report.figures.along import along
from grokscope.studies.tables.base import Along


def example() -> Along:
    """Data to draw, for the contract of all figures."""
    samples = ([100.0, 300.0, 200.0], [1000.0, 3000.0], [])
    quantity = text("delay [steps]", "延迟 [步]")
    return Along(axis="alpha", quantity=quantity, values=(0.1, 1.0, 10.0), samples=samples, lacking=(0, 1, 3))


def test_every_seed_has_a_mark_and_the_medians_a_line() -> None:
    figure: Any = along(example())
    marks, line = figure.data
    assert list(zip(marks.x, marks.y, strict=True)) == [(0.1, 100), (0.1, 300), (0.1, 200), (1, 1000), (1, 3000)]
    assert (list(line.x), list(line.y)) == ([0.1, 1, 10], [200, 2000, None])
    assert list(marks.text) == ["", "", "", "1 more have no number", "1 more have no number"]
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("alpha", "delay [steps]")
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"


def test_an_axis_of_ranks_is_linear() -> None:
    ranks: Any = along(dataclasses.replace(example(), values=(0, 1, 2)))
    assert ranks.layout.xaxis.type is None


def test_without_a_number_there_is_nothing_to_draw() -> None:
    assert isinstance(along(dataclasses.replace(example(), samples=([], [], []))), Missing)
