"""The report of a task in which no answer is right or wrong: losses alone, and no empty panel or sentence."""

from pathlib import Path
from typing import Any

import pytest

from grokscope.recipes.base import recipe
from grokscope.report.figures import grokking_curve
from grokscope.report.numbers import numbers
from grokscope.report.readings import Readings, read
from grokscope.report.summary import headline
from grokscope.studies.experiment import train


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> Readings:
    store: Path = tmp_path_factory.mktemp("regression")
    return read(
        train(
            recipe("kumar2024", dimension=8, d_mlp=16, n_samples=60, n_train=20, max_steps=30, learning_rate=0.5),
            store=store,
            progress=False,
        )
    )


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_headline_speaks_of_losses(readings: Readings, lang: Any) -> None:
    first = headline(readings, lang)[0]
    assert "–" not in first
    assert ("no answer counts as right" in first) == (lang == "en")


def test_the_curve_has_no_panel_of_accuracy(readings: Readings) -> None:
    figure: Any = grokking_curve(readings)
    assert {trace.yaxis for trace in figure.data} == {"y3"}
    assert not figure.layout.yaxis2.visible
    assert figure.layout.yaxis3.title.text == "loss (mean squared error)"
    assert any(trace.showlegend for trace in figure.data)


def test_a_squared_error_is_not_in_nats(readings: Readings) -> None:
    units = {number.name: number.unit for number in numbers(readings, "en")}
    assert units["train loss"] == "1"
