"""The report is one file that needs nothing else, for every run."""

import re
import shlex
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from grokscope.cli.run import assignment
from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.recipes.base import recipe
from grokscope.report.run.numbers import numbers
from grokscope.report.run.origin import command, python
from grokscope.report.run.page import page, write_report
from grokscope.report.run.readings import Readings, from_numbers, read
from grokscope.report.run.sections.base import sections
from grokscope.report.words import LANGUAGES, Lang, say
from grokscope.runs.run import Run
from grokscope.studies.experiment import train

FIGURES = [name for room in sections() for name in room.figures]


class Elements(HTMLParser):
    """Tags with their attributes, open elements, ids, and the text outside scripts and styles."""

    VOID = ("meta", "link", "br", "img", "hr", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not set(self.open) & {"script", "style"}:
            self.text += data


@pytest.fixture(scope="module", params=LANGUAGES)
def document(
    request: pytest.FixtureRequest, measured_run: Run, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Lang, str]:
    path = write_report(measured_run, tmp_path_factory.mktemp("report") / "deep" / "report.html", lang=request.param)
    return request.param, path.read_text()


def test_nothing_is_loaded_from_anywhere(document: tuple[Lang, str]) -> None:
    elements = Elements(document[1])
    addresses = [
        value for _, attributes in elements.tags for name in ("src", "href") if (value := attributes.get(name))
    ]
    assert [address for address in addresses if not address.startswith("#")] == ["data:,"]
    styles = "".join(re.findall(r"<style>(.*?)</style>", document[1], re.S))
    assert "url(" not in styles
    assert "@import" not in styles


def test_plotly_is_there_once(document: tuple[Lang, str]) -> None:
    assert len(re.findall(r"^\* plotly\.js \(cartesian - minified\) v\d", document[1], re.M)) == 1


def test_elements_are_closed_and_ids_unique(document: tuple[Lang, str]) -> None:
    elements = Elements(document[1])
    assert elements.open == []
    ids = [attributes["id"] for _, attributes in elements.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert set(FIGURES) <= set(ids)


def test_every_figure_is_explained(document: tuple[Lang, str]) -> None:
    lang, text = document
    words = Elements(text).text
    for name in FIGURES:
        assert say(f"caption.{name}", lang) in words
    assert f'lang="{"zh-CN" if lang == "zh" else "en"}"' in text


def test_the_table_has_value_unit_step_definition_and_source(measured_run: Run) -> None:
    rows = {row.name: row for row in numbers(read(measured_run), "en")}
    steps, values = measured_run.series("weights.norm")
    assert float(rows["weight norm"].value) == pytest.approx(values[-1], rel=5e-3)
    assert rows["weight norm"].step == steps[-1]
    assert rows["excluded loss"].unit == "nats"
    assert "Nanda et al. 2023" in rows["excluded loss"].source
    assert "C_k C_k^T" in rows["excluded loss"].exact
    assert rows["t_gen: generalised"].value == "not reached"
    assert "95%" in rows["t_gen: generalised"].definition
    assert len(rows) >= 19


def test_the_command_gives_the_same_config(measured_run: Run) -> None:
    words = shlex.split(command(read(measured_run)))
    fields = dict(assignment(text) for flag, text in pairwise(words) if flag == "--set")
    assert words[:3] == ["grokscope", "run", "quickstart"]
    assert recipe("quickstart", **fields) == measured_run.config
    assert len(fields) < 12, "the recipe has the others"


def test_the_python_gives_the_same_config(measured_run: Run) -> None:
    call = re.search(r"gs\.(recipe\(.*\)), device", python(read(measured_run)))
    assert call is not None
    assert eval(call[1], {"recipe": recipe}) == measured_run.config


def test_an_unmeasured_run_says_what_to_do(tiny_run: Run) -> None:
    text = Elements(page(read(tiny_run), "en")).text
    assert f"grokscope measure {tiny_run.id}" in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_random_labels_give_a_report(random_run: Run, lang: Lang) -> None:
    text = Elements(page(read(random_run), lang)).text
    assert text.count(say("missing.random_labels", lang)) == 9


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_run_without_any_number_gives_a_report(measured_run: Run, lang: Lang) -> None:
    text = Elements(page(from_numbers(measured_run, {}), lang)).text
    assert say("summary.nothing", lang) in text


def test_a_run_that_grokked(staged: Callable[..., Readings]) -> None:
    text = Elements(page(staged(memorised=100, generalised=3000), "en")).text
    assert "memorised, steps 100 to 1,500" in text
    assert "after, steps 3,000 to 4,000" in text


def test_a_replica_of_a_pack_reports_itself(tiny_config: Callable[..., Any], store: Path, tmp_path: Path) -> None:
    runs = train([tiny_config(seed=0), tiny_config(seed=1)], store=store, progress=False)
    measure_checkpoints(runs[1])
    text = Elements(write_report(runs[1], tmp_path / "second.html").read_text()).text
    assert "seed=1" in text
    assert runs[1].id in text
    assert "1 of " + runs[1].folder.name in text


def test_an_unknown_language_is_refused(measured_run: Run, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="lang must be one of en, zh, got 'fr'"):
        write_report(measured_run, tmp_path / "report.html", lang="fr")  # pyright: ignore[reportArgumentType]
