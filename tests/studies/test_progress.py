"""A line a pack: all on a terminal, few in a log, and what it counts."""

import sys
from collections.abc import Sequence
from typing import Any, Literal

import pytest

from grokscope.studies import progress
from grokscope.studies.executors.base import Outcome
from grokscope.studies.progress import PackLines

State = Literal["done", "failed"]


def lines(
    monkeypatch: pytest.MonkeyPatch, ends: Sequence[tuple[float, State, int]], *, total: int, terminal: bool = False
) -> list[str]:
    """What is said of packs that end at given seconds, with so many in the engine."""
    said: list[str] = []
    clock: list[float] = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    shown = PackLines(total, 2, said.append)
    for number, (second, state, pending) in enumerate(ends):
        clock[0] = second
        about: dict[str, Any] = {"reason": "it broke"} if state == "failed" else {}
        shown.add(Outcome(pack=f"p{number}", state=state, seconds=3, **about), pending)
    return said


def test_it_says_how_many_are_done_failed_running_and_left(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[tuple[float, State, int]] = [(20, "done", 3), (40, "failed", 3), (60, "done", 1), (80, "done", 0)]
    assert lines(monkeypatch, ends, total=4) == [
        "pack 1 of 4, p0: done in 0:03; 1 done, 0 failed, 2 running, 1 to begin; about 1:00 left",
        "pack 2 of 4, p1: failed: it broke; 1 done, 1 failed, 2 running, 0 to begin; about 0:40 left",
        "pack 3 of 4, p2: done in 0:03; 2 done, 1 failed, 1 running, 0 to begin; about 0:20 left",
        "pack 4 of 4, p3: done in 0:03; 3 done, 1 failed, 0 running, 0 to begin",
    ]


def test_a_log_has_a_line_every_ten_seconds_at_most_and_a_terminal_all(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[tuple[float, State, int]] = [(second, "done", 2) for second in range(25)]
    numbers = [line.split()[1] for line in lines(monkeypatch, ends, total=30)]
    assert numbers == ["1", "11", "21"]
    assert len(lines(monkeypatch, ends, total=30, terminal=True)) == 25


def test_a_failure_and_the_last_pack_are_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[tuple[float, State, int]] = [(0, "done", 2), (1, "failed", 2), (2, "done", 1), (3, "done", 0)]
    assert [line.split()[1] for line in lines(monkeypatch, ends, total=4)] == ["1", "2", "4"]
