"""The report of a task in which no answer is right or wrong: losses alone, and no empty panel or sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grokscope.recipes.base import recipe
from grokscope.report.figures.grokking_curve import grokking_curve
from grokscope.report.run.headline import headline
from grokscope.report.run.numbers import numbers
from grokscope.report.run.readings import Readings, from_numbers, read
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


def test_a_loss_of_0_is_shown_as_0(readings: Readings) -> None:
    """0 is a number, and no absence of one."""
    zero = {key: (steps, np.zeros(len(steps))) for key, (steps, _) in readings.numbers.items()}
    first = headline(from_numbers(readings.run, zero), "en")[0]
    assert "the loss is 0 on the training inputs and 0 on inputs" in first
    assert "at step 0 it was 0 and 0" in first
    lacking = headline(from_numbers(readings.run, {("weights.norm", ""): readings.numbers["weights.norm", ""]}), "en")
    assert "the loss is – on the training inputs and – on inputs" in lacking[0]


def test_the_curve_has_no_panel_of_accuracy(readings: Readings) -> None:
    figure: Any = grokking_curve(readings)
    assert {trace.yaxis for trace in figure.data} == {"y3"}
    assert not figure.layout.yaxis2.visible
    assert figure.layout.yaxis3.title.text == "loss (mean squared error)"
    assert any(trace.showlegend for trace in figure.data)


def test_a_squared_error_is_not_in_nats(readings: Readings) -> None:
    units = {number.name: number.unit for number in numbers(readings, "en")}
    assert units["train loss"] == "1"
