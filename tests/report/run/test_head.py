"""The head of a run's page: its facts, the slider, and what the sections say of the run."""

from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest

from grokscope.report.page.frame import DIGITS, as_data
from grokscope.report.page.theme import blank
from grokscope.report.run import shows
from grokscope.report.run.facts import facts
from grokscope.report.run.moments import moments
from grokscope.report.run.numbers import numbers
from grokscope.report.run.page import page
from grokscope.report.run.readings import Readings, from_numbers, read
from grokscope.report.study import essay, wording
from grokscope.report.words import LANGUAGES, Lang, number
from grokscope.runs.run import Run
from grokscope.studies.judging import judged_ledger

LEDGER = Path(__file__).parents[3] / "docs" / "evidence" / "confirmatory.parquet"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_facts_are_those_of_the_config(measured_run: Run, lang: Lang) -> None:
    config, found = measured_run.config, [value for _, value in facts(read(measured_run), lang)]
    assert found[0] == "transformer"
    assert any("60" in value and "121" in value for value in found)
    for value in (number(config.weight_decay), number(config.learning_rate), str(config.seed), config.optimizer):
        assert value in found
    text = unescape(page(read(measured_run), lang))
    head = text[text.index("<header>") : text.index("<main>")]
    assert all(value in head for value in found)


def test_the_slider_has_the_checkpoints_and_the_phases(staged: Callable[..., Readings]) -> None:
    readings = staged(memorised=100, generalised=3000)
    readings.__dict__["checkpoints"] = [0, 100, 2000, 4000]
    found = moments(readings, "en")
    assert found is not None
    assert list(found.steps) == [0, 100, 2000, 4000]
    assert [named for named, _ in found.said] == ["step 0", "step 100 · memorised", "step 2,000", "step 4,000 · after"]
    assert found.said[1][1] == "train 100% · test, fresh 0%"
    assert [(start, end) for _, start, end in found.bands] == [(100, 1500), (3000, 4000)]


def test_one_step_is_no_slider(measured_run: Run) -> None:
    readings = from_numbers(measured_run, {})
    readings.__dict__["checkpoints"] = [0]
    assert moments(readings, "en") is None


def test_the_sections_say_what_was_measured(staged: Callable[..., Readings], measured_run: Run) -> None:
    readings = staged(memorised=40, generalised=3000)
    norm = readings.at(40, "weights.norm")
    assert norm is not None
    assert f"from {number(norm)} to" in shows.weights(readings, "en")[0]
    circles = read(measured_run).numbers["manifold.certified_circles", "view=embed/tokens"][1]
    assert f"{number(circles[0])} at the first checkpoint" in shows.manifold(readings, "en")[0]
    assert shows.manifold(from_numbers(measured_run, {}), "en") == []


def test_with_a_ledger_the_theories_have_its_verdicts(measured_run: Run) -> None:
    card = judged_ledger(LEDGER)
    text = page(read(measured_run), "en", card=card)
    for idea in ("goldilocks", "collapse", "circle", "rotation"):
        assert essay.standing(card, idea, "en") in text
    assert wording.verdict(card, wording.present(card, "goldilocks")[0], "en") in text
    assert "grokscope study goldilocks" in page(read(measured_run), "en")


def test_definitions_say_nothing_of_calls(measured_run: Run) -> None:
    for row in numbers(read(measured_run), "en"):
        assert "Error" not in row.exact, row.name
        assert row.exact


def test_numbers_of_a_page_have_few_digits() -> None:
    figure = blank(300)
    figure.add_scatter(x=[1, 2], y=[1 / 3, 2e-9 / 3])
    data = as_data(figure)
    assert "0.333333," in data
    assert "6.66667e-10" in data
    assert DIGITS == 6
