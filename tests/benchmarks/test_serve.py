"""The benchmark of the live page asks what pages ask; here of little, and of a server in this process."""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from grokscope.benchmarks import serve as of_serve
from tests.conftest import tiny
from tests.serve.conftest import served


@contextmanager
def inside(store: Path) -> Iterator[Any]:
    with served(store) as (address, _):
        yield lambda path: urllib.request.urlopen(address + path, timeout=30).read(), lambda: of_serve._memory(0)


def test_every_row_has_its_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    @contextmanager
    def noted(store: Path) -> Iterator[Any]:
        with inside(store) as (ask, memory):
            yield lambda path: (asked.append(path), ask(path))[1], memory

    monkeypatch.setattr(of_serve, "NUMBERS", 2_000)
    monkeypatch.setattr(of_serve, "RUNS", 20)
    monkeypatch.setattr(of_serve, "_server", noted)
    monkeypatch.setattr(of_serve, "recipe", lambda name, **fields: tiny(**fields | {"max_steps": 30}))
    report = of_serve.serve(rounds=1)
    assert [row["bar"] for row in report["rows"]] == [1.0, 1.0, 1.0, 1.0, 2.0, 0.03]
    assert [row["name"] for row in report["rows"]][:4] == [
        "run of 2,000 numbers", "zoom of 2,000 numbers", "list of 20 runs", "overlay of 20 runs"
    ]  # fmt: skip
    assert any("plotly.min.js" in path for path in asked)
    assert any("/new?cursor=" in path for path in asked)


def test_memory_is_the_most_so_far() -> None:
    import os

    assert 10 < of_serve._memory(os.getpid()) < 1_000_000
