"""Peers train the same network as ours, each in a process of its own; one that is missing is left out, and said."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grokscope.benchmarks.peers import peers as of_peers
from grokscope.benchmarks.peers.ours import Ours
from grokscope.benchmarks.peers.plain import plain, vmapped
from grokscope.benchmarks.peers.problem import read
from grokscope.benchmarks.peers.worker import grok
from grokscope.cli.base import main
from grokscope.errors import GrokscopeError
from tests.conftest import TINY

FEW = {
    "ours": ("ours.alone", 1),
    "plain": ("plain.plain", 1),
    "compile": ("nothing.here", 1),
    "ours, pack of 2": ("ours.pack", 2),
    "vmap, pack of 2": ("plain.vmapped", 2),
}


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_peers, "PEERS", FEW)
    monkeypatch.setattr(of_peers, "REPLICAS", 2)
    monkeypatch.setattr(of_peers, "CHANGES", TINY | {"seed": 7, "max_steps": 40, "evaluate_every": 10})


def test_a_problem_is_read_as_it_was_saved(tmp_path: Path) -> None:
    problem = of_peers.problem("quickstart")
    problem.save(tmp_path / "problem.npz")
    again = read(str(tmp_path / "problem.npz"))
    assert {
        name: value for name, value in vars(again).items() if not hasattr(value, "shape") and name != "weights"
    } == {name: value for name, value in vars(problem).items() if not hasattr(value, "shape") and name != "weights"}
    assert all((again.weights[name] == tensor).all() for name, tensor in problem.weights.items())
    assert (again.train == problem.train).all()


def test_in_float64_all_take_the_same_steps() -> None:
    problem = of_peers.problem("quickstart")
    wide = {name: tensor.astype("float64") for name, tensor in problem.weights.items()}
    of = replace(problem, weights=wide, changes=problem.changes | {"dtype": "float64"})
    ours, loop, pack = Ours(of, pack=True), plain(of), vmapped(of)
    for _ in range(12):
        loss = ours.loss()
        ours.step()
        assert loop.step() == pytest.approx(loss, rel=1e-12)
        assert pack.step() == pytest.approx(loss, rel=1e-12)
    assert 0 <= loop.accuracy() <= 1


class Learner:
    """Right about all test inputs from its third evaluation on."""

    def __init__(self) -> None:
        self.seen = 0

    def step(self) -> None: ...

    def accuracy(self) -> float:
        self.seen += 1
        return float(self.seen >= 3)


def test_a_peer_has_grokked_after_some_evaluations_in_a_row() -> None:
    problem = of_peers.problem("quickstart")
    few = replace(problem, every=5, times=2, most=100)
    assert grok(Learner(), few) == 15  # evaluations at 0, 5, 10 and 15
    assert grok(Learner(), replace(few, most=12)) == 0


def test_rows_have_rates_memory_and_a_remark_for_who_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "peers", "--recipe", "quickstart", "--rounds", "1", "--seconds", "0.01", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    rows: dict[str, Any] = {row["name"].partition(": ")[2]: row for row in answer["rows"]}
    assert list(rows) == [name for name in FEW if name != "compile"]
    for row in rows.values():
        assert row["steps_per_second"] > 0
        assert row["peak_mib"] > 50
    assert rows["ours"]["ours_is_faster"] == rows["ours, pack of 2"]["ours_is_faster"] == 1.0
    assert any("compile is left out: ModuleNotFoundError" in remark for remark in answer["remarks"])
    assert any("plain has not grokked" in remark for remark in answer["remarks"])  # 40 steps are too few


def test_another_network_is_refused() -> None:
    with pytest.raises(GrokscopeError, match=r"losses of plain differ from ours by 1.0e-01: not the same network"):
        of_peers._require_alike({"ours": [1.0, 2.0], "plain": [1.0, 2.2]})


@pytest.mark.parametrize("text", ["jax", "julia=/bin/sh", "plain=/no/such/python"])
def test_a_python_that_is_none_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "peers", "--python", text]) == 2
    assert "--python takes PEER=PATH" in capsys.readouterr().err


def test_the_given_python_runs_the_peer_and_its_pack() -> None:
    side = of_peers._Side(recipe="", path=Path("x"), there={"vmap": "/some/python"}, remarks=[])
    assert side.words("vmap, pack of 2")[0] == "/some/python"
    assert side.words("plain")[0] == sys.executable
