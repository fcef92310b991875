"""How long the transition of a made-up run takes."""

from typing import Any

import pytest

from grokscope.errors import Missing
from grokscope.predictions.subject import Subject
from grokscope.report.study.page import growth
from grokscope.theories.manifold.transition import dwell
from tests.report.study.made import Made


def test_dwell_time_is_that_of_the_curve() -> None:
    run: Any = Made(600)
    subject = Subject(run=run)
    assert subject.phases.generalized_at is not None
    for relative in (False, True):
        found = dwell(subject, relative=relative)
        assert found == pytest.approx(600 / subject.phases.generalized_at, abs=2 * 25 / 2000)
    never: Any = Made(60_000)
    assert isinstance(dwell(Subject(run=never), relative=False), Missing)
    early: Any = Made(600)
    early.share = 0.5 + early.share / 2  # half of the way is gone before memorisation: how long it took is not known
    gone = dwell(Subject(run=early), relative=False)
    assert gone == Missing("the order parameter is beyond 20 % already when memorised")
    assert isinstance(dwell(Subject(run=early), relative=True), float)


def test_every_size_has_the_dwell_times_of_its_seeds() -> None:
    runs: Any = {p: [Made(width), Made(width + 50)] for p, width in ((17, 900), (31, 600), (59, 300))}
    sizes = {p: [Subject(run=run) for run in pair] for p, pair in runs.items()}
    (section,) = growth(sizes, "en")
    figure: Any = section.figure
    marks = {trace.name: list(trace.y) for trace in figure.data if trace.mode == "markers"}
    assert {name: len(values) for name, values in marks.items()} == {"p = 17": 2, "p = 31": 2, "p = 59": 2}
    line = next(trace for trace in figure.data if trace.name == "median of seeds")
    assert list(line.y) == sorted(line.y, reverse=True)
    assert growth({17: sizes[17]}, "en") == []
