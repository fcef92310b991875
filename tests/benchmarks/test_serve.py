"""The benchmark of the live page asks what pages ask; here of little, and of a server in this process."""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from grokscope.benchmarks import serve as of_serve
from tests.conftest import tiny
from tests.serve.conftest import served


@contextmanager
def inside(store: Path) -> Iterator[of_serve._Server]:
    with served(store) as (address, _):
        yield of_serve._Server(address, 0)


def test_every_row_has_its_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(of_serve, "urlopen", lambda path, **about: (asked.append(path), urlopen(path, **about))[1])
    monkeypatch.setattr(of_serve, "NUMBERS", 2_000)
    monkeypatch.setattr(of_serve, "RUNS", 20)
    monkeypatch.setattr(of_serve, "_server", inside)
    monkeypatch.setattr(of_serve, "recipe", lambda name, **fields: tiny(**fields | {"max_steps": 30}))
    report = of_serve.serve(rounds=1)
    assert [row["bar"] for row in report["rows"]] == [1.0, 1.0, 1.0, 1.0, 2.0, 0.03]
    assert [row["name"] for row in report["rows"]][:4] == [
        "run of 2,000 numbers", "zoom of 2,000 numbers", "list of 20 runs", "overlay of 20 runs"
    ]  # fmt: skip
    assert any("plotly-cartesian.min.js" in path for path in asked)
    point = report["rows"][4]
    assert point["name"] == "a new point is told"
    assert point["seconds"] < 20  # it waits for 30 at most


def test_memory_is_the_most_so_far() -> None:
    assert 10 < of_serve._Server("", os.getpid()).memory() < 1_000_000
    assert math.isnan(of_serve._Server("", 0).memory())
