"""Benchmarks run and count what they say; how fast anything is, no test asks."""

import json

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from grokscope.benchmarks import pack as of_packs
from grokscope.benchmarks import train_step as of_steps
from grokscope.benchmarks.base import in_turns, summary
from grokscope.cli.base import main
from tests.conftest import tiny


def leaf(*shape: int) -> torch.Tensor:
    return torch.randn(shape, requires_grad=True)


def test_the_reduced_form_is_counted_by_its_products() -> None:
    config = tiny(p=7, train_fraction=0.5, d_model=6, n_heads=2, d_mlp=10)
    n, p, d, m, V = int(0.5 * 49), 7, 6, 10, 8
    stream, W_V, W_O, W_in, W_out, W_U = leaf(2 * p + 1, d), leaf(d, d), leaf(d, d), leaf(d, m), leaf(m, d), leaf(d, V)
    with FlopCounterMode(display=False) as counter:
        z = (stream @ W_V).repeat(2, 1)[:n]
        outputs = (z @ (W_O @ W_in)).relu() @ (W_out @ W_U) + z @ (W_O @ W_U)
        outputs.sum().backward()
    assert of_steps.reduced_flops(config) == counter.get_total_flops()


def test_fewer_operations_are_executed_than_the_products_take() -> None:
    config = tiny(p=31, d_model=64, n_heads=4, d_mlp=256)
    assert of_steps.executed_flops(config) < of_steps.reduced_flops(config)


def test_a_summary_has_medians_and_their_spread() -> None:
    assert summary({"a": [3.0, 1.0, 2.0]}) == {"a": 2.0, "spread": {"a": [1.0, 3.0]}}


def test_everything_has_its_turn_in_every_round() -> None:
    calls: list[str] = []
    steps = {name: lambda name=name: calls.append(name) for name in ("one", "other")}
    rates = in_turns(steps, rounds=4, seconds=1e-5)
    assert {name: len(each) for name, each in rates.items()} == {"one": 4, "other": 4}
    turns = [name for name, before in zip(calls, ["", *calls], strict=False) if name != before]
    assert turns == ["one", "other"] * 5  # the first turn is not counted


def test_the_step_benchmark_has_the_promised_keys() -> None:
    found = of_steps.train_step(recipe="quickstart", rounds=2, seconds=0.01)
    for name in ("speedup", "share_of_ceiling", "ceiling_gflops", "steps_per_second"):
        low, high = found["spread"][name]
        assert 0 < low <= found[name] <= high
    assert found["share_of_ceiling"] == pytest.approx(
        found["steps_per_second"] * found["flops_per_step"] / found["ceiling_gflops"] / 1e9, rel=0.5
    )
    assert found["largest_difference_float64"] < 1e-9
    json.dumps(found)


def test_the_pack_benchmark_compares_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_packs, "SIZES", ((5, 8), (7, 8)))
    monkeypatch.setattr(of_packs, "REPLICAS", (2, 3))
    found = of_packs.pack(rounds=1, seconds=0.01)
    assert [(row["p"], row["replicas"]) for row in found["rows"]] == [(5, 2), (5, 3), (7, 2), (7, 3)]
    assert found["least_speedup_small"] == min(row["speedup"] for row in found["rows"])


def test_the_command_prints_one_object(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_packs, "SIZES", ((5, 8),))
    monkeypatch.setattr(of_packs, "REPLICAS", (2,))
    assert main(["bench", "pack", "--rounds", "1", "--seconds", "0.01", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["p"] == 5
    assert main(["bench", "pack", "--rounds", "1", "--seconds", "0.01"]) == 0
    assert "replicas" in capsys.readouterr().out
    assert main(["bench", "pakc"]) == 2
    assert "Did you mean 'pack'" in capsys.readouterr().err
    assert main(["bench", "--rounds", "0"]) == 2
