"""Below a table of a study a page draws the figure that belongs to it."""

from typing import Any

import pytest

from grokscope.errors import Missing
from grokscope.predictions.base import Answers
from grokscope.predictions.controls import subjects
from grokscope.report.figures.base import figures
from grokscope.report.study import page
from grokscope.studies.tables import base
from grokscope.studies.tables.base import tables
from tests.predictions import made

DRAWN = sorted(name for name, table in tables().items() if table.figure)


@pytest.mark.parametrize("name", DRAWN)
def test_a_table_makes_what_its_figure_draws(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made.use(monkeypatch)
    monkeypatch.setattr("grokscope.studies.tables.delays.LOW", 0.9)  # made-up losses do not fall to a fifth
    table = tables()[name]
    readings = frozenset(table.readings)
    given = subjects(made.every_family()).having(lambda arm: [Answers(one, readings) for one in arm])
    drawn: list[Any] = [figures()[table.figure](subject) for subject in table.drawn(given).values()]
    known = [figure for figure in drawn if not isinstance(figure, Missing)]
    assert known
    for figure in known:
        assert any(len(trace.x) > 1 for trace in figure.data)


def test_every_figure_of_a_study_stands_on_a_page() -> None:
    """A figure that no page draws is seen by nobody."""
    elsewhere = {"alarms", "compared", "finite_size", "survival", "forest", "phase_diagram", "heatmap", "ratios"}
    named = {table.figure for table in tables().values() if table.figure}
    assert {name for name, drawing in figures().items() if drawing.draws == "study"} == named | elsewhere


def test_a_page_draws_each_of_them_below_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    made.use(monkeypatch)
    monkeypatch.setattr(page, "readings_of", lambda _: {})
    monkeypatch.setattr(base, "subjects", lambda arms, *_: subjects(arms))  # made-up runs lie in no folder
    sections = {section.id: section for section in page._tables(made.every_family(), "en")}
    assert set(sections) == {f"table-{name}" for name in tables()}
    titles = [part.title for part in sections["table-ranks"].parts]
    assert titles == [f"Along a family of arms: rank/{site}" for site in ("embed", "resid_mid", "mlp_post")]
    (first, *more) = sections["table-spheres"].parts
    assert first.title == "The L and the U"
    assert "90%" in first.caption
    assert more
    assert not any(part.caption for part in more)  # it is said once
