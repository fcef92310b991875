"""The benchmark of a watch counts what it says; no test depends on speed."""

from typing import Any

import pytest
import torch

from grokscope.benchmarks import watch as of_watches
from grokscope.errors import GrokscopeError
from tests.benchmarks.test_benchmarks import Inline


def test_it_measures_the_budget_the_memory_and_the_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_watches, "ProcessPoolExecutor", Inline)
    small = of_watches.Large(width=24)
    monkeypatch.setattr(of_watches, "Large", lambda: small)
    budget, memory, hooks = of_watches.watch(rounds=1, seconds=0.1)["rows"]
    assert budget["share"] == pytest.approx(budget["seconds"] / budget["plain_seconds"] - 1)
    assert memory["added_mib"] == memory["share"] >= 0
    assert hooks["largest_difference"] == 0


def test_other_activations_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = of_watches._plain

    def other() -> Any:
        network, places, by_hand, name = plain()
        return network, places, lambda x: {k: t + 1e-3 for k, t in by_hand(x).items()}, name

    monkeypatch.setattr(of_watches, "_plain", other)
    with pytest.raises(GrokscopeError, match="differ from those"):
        of_watches._hooks(1)
    assert torch.is_grad_enabled()
