"""How much data it takes: shares of runs with exact intervals."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from grokscope.report.figures.fractions import fractions
from grokscope.studies.tables.critical_share import Shares
from tests.report.figures.drawn import FEW, effect, shades, trace


def example() -> Shares:
    """Data to draw, for the contract of all figures."""
    accuracy = np.array([[0.1, 0.2, 0.3], [0.95, 0.2, 0.9], [1.0, 1.0, 0.99]])
    return Shares(shares=(0.2, 0.4, 0.6), accuracy=accuracy, critical=effect(0.42, 0.3, 0.5))


def test_shares_of_runs_have_exact_intervals() -> None:
    figure: Any = fractions(example())
    found = trace(figure, "runs that generalise, exact 95% interval")
    assert list(found.y) == pytest.approx([0, 2 / 3, 1])
    # Clopper and Pearson for 0 of 3 and 3 of 3: 1 - .025^(1/3).
    assert found.error_y.array[0] == found.error_y.arrayminus[2] == pytest.approx(1 - 0.025 ** (1 / 3))
    assert found.error_y.arrayminus[0] == found.error_y.array[2] == 0
    assert shades(figure) == [(0.3, 0.5), (0.42, 0.42)]
    assert not shades(fractions(dataclasses.replace(example(), critical=FEW)))
