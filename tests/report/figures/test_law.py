"""The law of weight decay: runs, the fitted line, the predicted slope."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.report.figures.law import law
from grokscope.statistics.goldilocks import Law, Shell, generalisation_law
from grokscope.studies.tables.law import Times
from tests.report.figures.drawn import FEW, effect, shades, trace

BOTH = Shell(low=effect(3.0, 2.0, 4.0), high=effect(30.0, 20.0, 50.0), edges=(), never=0)
W0, TIMES = np.array([5.0, 10.0, 20, 20, 40]), np.array([60.0, 100.0, 900, 800, 1500])
OBSERVED = np.array([True, True, True, True, False])


def times(**fields: Any) -> Times:
    none = Missing("2 of 5 runs generalised")
    of = Times(law=none, norms=W0, times=TIMES, reached=OBSERVED, fitted=np.ones(5, dtype=bool))
    return dataclasses.replace(of, **fields)


def example() -> Times:
    """Data to draw, for the contract of all figures."""
    return times(law=generalisation_law(W0, TIMES, OBSERVED, rate=1e-3, decay=1.0), fitted=W0 > 5, shell=BOTH)


def test_the_law_shows_runs_line_and_prediction() -> None:
    fitted = W0 > 5
    found = generalisation_law(W0[fitted], TIMES[fitted], OBSERVED[fitted], rate=1e-3, decay=1.0)
    assert isinstance(found, Law)
    figure: Any = law(times(law=found, fitted=fitted))
    runs, censored = trace(figure, "runs"), trace(figure, "not generalised by its last step")
    assert (list(runs.x), list(runs.y)) == ([10, 20, 20], [100, 900, 800])
    assert (list(censored.x), list(censored.y)) == ([40], [1500])
    assert censored.marker.symbol != runs.marker.symbol
    assert (list(trace(figure, "not in the fit").x), list(trace(figure, "not in the fit").y)) == ([5], [60])
    np.testing.assert_allclose(trace(figure, "fitted line").y, found.at([10, 40]))
    predicted = trace(figure, "predicted slope 1 / (ηγ)")
    assert predicted.y[1] - predicted.y[0] == pytest.approx(1000 * np.log(4))
    assert np.mean(predicted.y) == pytest.approx(np.mean(found.at([10, 40])))
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.yaxis.type is None
    plain = generalisation_law(W0, TIMES)
    assert isinstance(plain, Law)
    unpredicted: Any = law(times(law=plain, reached=np.ones(5, dtype=bool)))
    assert "predicted slope 1 / (ηγ)" not in {each.name for each in unpredicted.data}


def test_without_a_law_there_are_runs_and_no_line() -> None:
    figure: Any = law(times(shell=BOTH))
    assert {each.name for each in figure.data if each.mode == "markers"} == {"runs", "not generalised by its last step"}
    (mark,) = [each for each in figure.data if each.mode == "lines"]
    assert mark.name == "outer edge of the shell: 30 (20 to 50)"
    assert shades(figure)[1] == (30, 30)  # the edge itself, over the band of its interval
    far = Shell(low=FEW, high=effect(1e4), edges=(), never=0)
    assert not shades(law(times(shell=far)))  # it would press the runs into a corner
