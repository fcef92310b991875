"""One template gives all figures their look."""

import plotly.io
import pytest

from grokscope.report.page import theme


def test_the_template_is_registered_once_and_is_not_plotlys_default() -> None:
    before = plotly.io.templates.default
    assert theme.register() == theme.register() == theme.NAME
    assert theme.NAME in list(plotly.io.templates)
    assert plotly.io.templates.default == before


def test_a_blank_figure_has_the_template_and_what_it_is_given() -> None:
    figure = theme.blank(300, hovermode="x unified")
    assert figure.layout.template.layout.font.color == theme.INK  # pyright: ignore[reportAttributeAccessIssue]
    assert (figure.layout.height, figure.layout.hovermode) == (300, "x unified")  # pyright: ignore


@pytest.mark.parametrize("name", [*theme.SPLITS, *theme.PHASES])
def test_every_colour_with_a_meaning_is_in_the_palette(name: str) -> None:
    colour = theme.SPLITS[name][0] if name in theme.SPLITS else theme.PHASES[name]
    assert colour in theme.PALETTE
