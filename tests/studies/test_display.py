"""Progress on a pipe: plain lines on stderr, nothing on stdout."""

import math
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from grokscope.statistics.transitions import phases
from grokscope.studies.display import Display, NotebookDisplay, PlainDisplay, clock, display, phase, row
from grokscope.training.loop import DiskUse, Progress

STEPS = [0, 10, 20, 30, 1000, 1010, 1020, 1030]
MEMORISED = phases(STEPS, train_accuracy=[0, 1, 1, 1, 1, 1, 1, 1], test_accuracy=[0.0] * 8)
GENERALISED = phases(STEPS, train_accuracy=[0, 1, 1, 1, 1, 1, 1, 1], test_accuracy=[0, 0, 0, 0, 1, 1, 1, 1])
CURVES = ("train_accuracy", "test_accuracy", "fresh_accuracy", "train_loss", "test_loss")


def progress(*found: object) -> Progress:
    curves = [dict.fromkeys(CURVES, 0.25) for _ in found]
    return Progress(step=100, max_steps=1100, steps_per_second=10.0, curves=curves, phases=found, ended=False)  # pyright: ignore


def test_plain_lines_go_to_stderr(capsys: pytest.CaptureFixture) -> None:
    with display(wanted=True) as shown:
        assert isinstance(shown, PlainDisplay)
        shown.start(Path("runs/abc"), DiskUse(most=12_300_000, free=5_000_000_000))
        shown.update(progress(MEMORISED))
        shown.update(progress(MEMORISED))  # too soon for another line
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0] == "run abc in runs/abc; disk: at most 12.3 MB of 5.0 GB free"
    assert lines[1].startswith("phase memorised  step 100  steps/s 10  left ≤ 1:40  train loss 0.25")
    assert len(lines) == 2


def test_nothing_is_shown_when_not_asked_for(capsys: pytest.CaptureFixture) -> None:
    with display(wanted=False) as shown:
        assert type(shown) is Display
        shown.update(progress(MEMORISED))
    assert capsys.readouterr() == ("", "")


def test_phases_of_a_pack_are_counted() -> None:
    assert phase([MEMORISED, GENERALISED, MEMORISED]) == "2 memorised, 1 generalised"
    assert phase([None]) == "ended: loss not finite"


def test_what_is_not_known_is_a_dash_and_medians_leave_it_out() -> None:
    cells = row(Progress(step=0, max_steps=10, steps_per_second=0.0, curves=[], phases=[], ended=False))
    assert cells[3] == "≤ –"
    assert cells[4] == "nan"
    curves = [dict.fromkeys(CURVES, value) for value in (math.nan, 0.5)]
    assert (
        row(Progress(step=0, max_steps=1, steps_per_second=1.0, curves=curves, phases=[MEMORISED] * 2, ended=True))[4]
        == "0.5"
    )


def test_of_an_even_number_of_replicas_the_median_lies_between_the_middle_two() -> None:
    curves = [dict.fromkeys(CURVES, value) for value in (0.1, 0.2, 0.4, 0.9, math.inf)]
    cells = row(Progress(step=0, max_steps=1, steps_per_second=1.0, curves=curves, phases=[MEMORISED] * 5, ended=True))
    assert cells[4] == "0.3"


@pytest.mark.parametrize(("seconds", "text"), [(7, "0:07"), (187, "3:07"), (3723, "1:02:03"), (math.inf, "–")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_in_a_notebook_a_bar_below_the_cell_is_drawn_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    drawn: list[dict[str, Any]] = []
    ipython, shows = ModuleType("IPython"), ModuleType("IPython.display")
    handle = SimpleNamespace(update=lambda data, raw: drawn.append(data))
    vars(ipython)["get_ipython"] = lambda: SimpleNamespace(kernel=object())
    vars(shows)["display"] = lambda data, raw, display_id: handle
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", shows)
    with display(wanted=True) as shown:
        assert isinstance(shown, NotebookDisplay)
        shown.start(Path("runs/<b>"), DiskUse(most=12_300_000, free=5_000_000_000))
        shown.update(progress(MEMORISED))
        shown.update(progress(MEMORISED))  # too soon
    assert capsys.readouterr() == ("", "")
    (one,) = drawn
    assert '<progress value="100" max="1100"' in one["text/html"]
    assert "run &lt;b&gt;" in one["text/html"]
    assert one["text/plain"].startswith("phase memorised  step 100")


def test_ipython_on_a_terminal_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    ipython = ModuleType("IPython")
    vars(ipython)["get_ipython"] = SimpleNamespace
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    with display(wanted=True) as shown:
        assert isinstance(shown, PlainDisplay)
