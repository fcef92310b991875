"""What every figure keeps: words in both languages, SVG, the palette; and a run's figure draws or says why not.

Data of a study's figure are what `example` of its own test file, test_<id>.py, returns.
"""

import importlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import grokscope.report.figures
from grokscope.errors import Missing
from grokscope.measures.base import measures
from grokscope.report.figures.base import figures
from grokscope.report.page import theme
from grokscope.report.run.readings import Readings, from_numbers, read
from grokscope.report.run.sections.base import sections
from grokscope.report.words import LANGUAGES, Lang, catalogue
from grokscope.runs.run import Run

ALL = figures()
OF_RUN = [name for name, drawing in ALL.items() if drawing.draws == "run"]
SVG = {"scatter", "bar", "heatmap"}  # of Plotly's traces, those without WebGL that figures need
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b|rgba?\([^)]*\)")


@pytest.fixture
def drawn(measured_run: Run) -> Callable[[str, Lang], Any]:
    """A figure of the fixture run, or of its example."""

    def draw(name: str, lang: Lang) -> Any:
        if ALL[name].draws == "run":
            return ALL[name](read(measured_run), lang)
        return ALL[name](importlib.import_module(f"tests.report.figures.test_{name}").example(), lang)

    return draw


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ALL)
def test_it_is_svg_in_the_template_and_names_no_colour_of_its_own(name: str, lang: Lang, drawn: Any) -> None:
    figure = drawn(name, lang)
    assert {trace.type for trace in figure.data} <= SVG
    assert figure.layout.height > 100
    written = json.loads(figure.to_json())
    assert written["layout"].pop("template")["layout"]["colorway"] == list(theme.SERIES)
    assert set(COLOUR.findall(json.dumps(_without_scales(written)))) <= theme.PALETTE


def _without_scales(part: Any) -> Any:
    """A part of a figure without its continuous scales, Viridis and HSV, which Plotly writes out as colours."""
    if isinstance(part, list):
        return [_without_scales(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {key: _without_scales(value) for key, value in part.items() if key != "colorscale"}


@pytest.mark.parametrize("name", ALL)
def test_both_languages_draw_the_same_numbers(name: str, drawn: Any) -> None:
    english, chinese = (
        [(trace.type, str(trace.x), str(trace.y)) for trace in drawn(name, lang).data] for lang in LANGUAGES
    )
    assert english == chinese


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ALL)
def test_it_has_a_title_and_a_caption(name: str, lang: Lang) -> None:
    assert ALL[name].title(lang)
    assert "{" not in ALL[name].caption(lang)


@pytest.mark.parametrize("head", ["figure.", "caption.", "see."])
def test_every_figure_has_its_words_and_no_words_are_left_without_one(head: str) -> None:
    assert {key.removeprefix(head) for key in catalogue("en") if key.startswith(head)} == set(ALL)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ALL)
def test_what_to_see_is_one_line(name: str, lang: Lang) -> None:
    assert 10 < len(ALL[name].see(lang)) <= 110


@pytest.mark.parametrize("name", OF_RUN)
def test_a_run_without_numbers_draws_or_says_why_not(name: str, measured_run: Run) -> None:
    found = ALL[name](from_numbers(measured_run, {}))
    assert not isinstance(found, Missing) or found.reason in catalogue("en")


def test_measures_on_every_checkpoint_are_those_that_a_figure_draws(
    measured_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A measure that no figure of a run draws as a series is "final" or "asked"; one that is drawn is neither."""
    drawn: set[str] = set()
    series, views = Readings.series, Readings.views

    def asked_series(self: Readings, name: str, view: str = "") -> Any:
        drawn.add(name)
        return series(self, name, view)

    def asked_views(self: Readings, name: str) -> list[str]:
        drawn.add(name)
        return views(self, name)

    monkeypatch.setattr(Readings, "series", asked_series)
    monkeypatch.setattr(Readings, "views", asked_views)
    for name in OF_RUN:
        ALL[name](from_numbers(measured_run, read(measured_run).numbers))
    drawn -= {"circuits.key_frequencies"}  # of the last checkpoint, for the planes to draw
    cost = {name: measure.cost for name, measure in measures().items()}
    assert {name for name in drawn if cost[name] != "cheap"} == {name for name in cost if cost[name] == "heavy"}


def test_the_page_of_a_run_has_every_figure_of_a_run_once() -> None:
    shown = [name for room in sections() for name in room.figures]
    assert sorted(shown) == sorted(OF_RUN)


def test_no_colour_is_written_outside_the_theme() -> None:
    for path in Path(grokscope.report.figures.__file__).parent.rglob("*.py"):
        assert not COLOUR.findall(path.read_text(encoding="utf-8")), path
