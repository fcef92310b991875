"""What the figure and the page of alarms show of a store whose answer is known."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import grokscope as gs
from grokscope.errors import Missing
from grokscope.report.figures.alarms import MOST, _numbers, alarms
from grokscope.report.study.alarms import told, write_alarms
from grokscope.statistics.alarms import judged
from grokscope.studies.alarms import Alarms, Quantity
from grokscope.studies.alarms import alarms as found_in
from tests.report.figures.drawn import trace
from tests.statistics.test_alarms import STEPS, many, sees_it
from tests.studies.test_alarms import store

__all__ = ["store"]


def example() -> Alarms:
    """One that sees it, and one that everybody has."""
    quantities = [
        Quantity(
            name=name,
            trivial=name == "weights.norm",
            looks_ahead=False,
            needs_labels=name == "behaviour.test_loss",
            judged=judged(many(of)),
            areas={},
            within=Missing("no setting has runs of both kinds"),
            n=(40, 40),
        )
        for name, of in (
            ("weights.norm", rises),
            ("manifold.betti[view=embed/tokens]", sees_it),
            ("behaviour.test_loss", sees_it),
        )
    ]
    return Alarms(
        quantities=quantities, generalised=40, never=40, left_out={}, split="fresh", best_trivial="weights.norm"
    )


def rises(_: bool, rng: np.random.Generator) -> np.ndarray:
    return STEPS / 1000 + 0.01 * rng.normal(size=len(STEPS))


@pytest.fixture(scope="module")
def found(store: Path) -> Alarms:
    return found_in(gs.runs(store))


def test_each_quantity_stands_where_it_was_judged(found: Alarms) -> None:
    figure: Any = alarms(found)
    seen = trace(figure, "quantity")
    (place,) = [place for place, (name,) in enumerate(seen.customdata) if name == "weights.norm_by_tensor"]
    assert (seen.x[place], seen.y[place], seen.text[place]) == (0.0, 1.0, "1")
    assert len(trace(figure, "what everybody has").x) == 2
    (named,) = [one.text for one in figure.data if one.mode == "text"]
    assert named[0] == "1  norm_by_tensor"
    assert len(named) <= MOST
    lead = next(one for one in figure.data if one.xaxis == "x2")
    assert lead.x[0] == pytest.approx(200 / 700)


def test_numbers_that_would_lie_over_each_other_stand_together() -> None:
    places = [(0.02, 1.0), (0.05, 1.0), (0.08, 0.99), (0.09, 0.8), (0.2, 1.0), (0.9, 1.0)]
    near: Any = [
        SimpleNamespace(false_alarms=SimpleNamespace(value=x), sensitivity=SimpleNamespace(value=y)) for x, y in places
    ]
    assert _numbers(near) == {1: "1–3", 2: "", 3: "", 4: "4", 5: "5", 6: "6"}
    near[4].false_alarms.value = 0.1  # now within the width of "1–3"
    assert _numbers(near) == {1: "1–3, 5", 2: "", 3: "", 4: "4", 5: "", 6: "6"}


@pytest.mark.parametrize(("lang", "said"), [("en", "it saw 100%"), ("zh", "它看见了 100%")])
def test_the_page_says_the_best_in_one_sentence(found: Alarms, lang: Any, said: str, tmp_path: Path) -> None:
    assert said in told(found, lang)
    page = write_alarms(found, tmp_path / "alarms.html", command="grokscope alarms runs", lang=lang).read_text()
    assert said in page
    assert "grokscope alarms runs" in page
    assert "weights.norm_by_tensor" in page


def test_too_few_runs_say_so() -> None:
    empty = Alarms(quantities=[], generalised=0, never=0, left_out={}, split="fresh", best_trivial=None)
    assert "too few" in told(empty, "en")
