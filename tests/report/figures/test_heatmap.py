"""A heat map says mean and spread of a cell; tables of real sweeps are in tests/report/study/test_sweep.py."""

import dataclasses
from typing import Any

import numpy as np

from grokscope.report.figures.heatmap import HeatTable, heatmap


def example() -> HeatTable:
    """Data to draw, for the contract of all figures."""
    mean, n = np.array([[0.5, np.nan]]), np.array([[5, 0]])
    return HeatTable(
        measure="test_accuracy", x=(0.1, 1.0), y=(0.001,), x_name="weight_decay", y_name="learning_rate",
        mean=mean, low=mean - 0.1, high=mean + 0.1, n=n, left_out=np.array([[0, 2]]),
        runs=np.array([["first", "second"]], dtype=object),
    )  # fmt: skip


def test_a_cell_without_a_finite_run_says_so() -> None:
    figure: Any = heatmap(example())
    (heat,) = figure.data
    assert list(heat.text[0]) == ["0.5<br>0.4–0.6", "–"]
    assert list(heat.z[0]) == [0.5, None]
    assert heat.colorbar.title.text == "Test accuracy"
    assert "2 left out" in heat.customdata[0][1][2]


def test_the_colour_bar_names_the_measure() -> None:
    figure: Any = heatmap(dataclasses.replace(example(), measure="test_loss"), "zh")
    assert figure.data[0].colorbar.title.text == "测试损失"
