"""Benchmarks run and count correctly; no test depends on speed."""

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from grokscope.benchmarks import base
from grokscope.benchmarks import circle_rates as of_circles
from grokscope.benchmarks import circuits as of_circuits
from grokscope.benchmarks import dimension_coverage as of_coverage
from grokscope.benchmarks import kernel as of_kernels
from grokscope.benchmarks import manifold as of_manifolds
from grokscope.benchmarks import pack as of_packs
from grokscope.benchmarks import scale as of_scale
from grokscope.benchmarks import store as of_stores
from grokscope.benchmarks import train_step as of_steps
from grokscope.benchmarks.base import durations, in_turns, summary
from grokscope.cli.base import main
from grokscope.errors import GrokscopeError
from grokscope.measures.base import evaluate
from grokscope.runs.listing import summaries
from grokscope.runs.run import Run, runs
from grokscope.studies.plan import plan
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
    report = of_steps.train_step(recipe="quickstart", rounds=2, seconds=0.01)
    shares = ("share_of_ceiling", "executed_share_of_ceiling", "executed_share_of_onednn_ceiling")
    for name in (*shares, "speedup", "ceiling_gflops", "onednn_ceiling_gflops", "steps_per_second"):
        low, high = report["spread"][name]
        assert 0 < low <= report[name] <= high
    assert report["share_of_ceiling"] == pytest.approx(
        report["steps_per_second"] * report["flops_per_step"] / report["ceiling_gflops"] / 1e9, rel=0.5
    )
    assert report["largest_difference_float64"] < 1e-9
    json.dumps(report)


def test_the_share_of_the_larger_ceiling_is_the_smaller_share(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = {"ours": [2.0, 3.0], "plain": [1.0, 1.0], "torch": [4.0, 5.0], "onednn": [8.0, 10.0]}
    monkeypatch.setattr(of_steps, "check", lambda _: 0.0)
    monkeypatch.setattr(of_steps, "in_turns", lambda steps, **_: rates if list(steps) == list(rates) else {})
    report = of_steps.train_step(recipe="nanda2023")
    assert report["onednn_ceiling_gflops"] == pytest.approx(9 * 2 * 2048**3 / 1e9)
    assert report["executed_share_of_larger_ceiling"] == report["executed_share_of_onednn_ceiling"]
    assert report["executed_share_of_onednn_ceiling"] == pytest.approx(report["executed_share_of_ceiling"] / 2, rel=0.1)
    assert report["at_least"] == {"speedup": 9.0, "executed_share_of_larger_ceiling": 0.55}


def test_the_pack_benchmark_compares_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_packs, "SIZES", ((5, 8), (7, 8)))
    monkeypatch.setattr(of_packs, "REPLICAS", (2, 3))
    report = of_packs.pack(rounds=1, seconds=0.01)
    assert [(row["p"], row["replicas"]) for row in report["rows"]] == [(5, 2), (5, 3), (7, 2), (7, 3)]
    assert report["least_speedup_small"] == min(row["speedup"] for row in report["rows"])


def test_a_stub_is_read_like_a_trained_pack(store: Path) -> None:
    configs = [tiny(seed=seed) for seed in range(2)]
    of_stores.stub(store, configs, evaluated=6, series=5)
    one, other = runs(store)
    assert [one.config, other.config] == configs
    assert len(one.rows()) == len(other.rows()) == 30
    assert set(other.rows().runs) == {other.id}
    assert one.series("test/accuracy")[0].tolist() == [0, 25, 50, 75, 100, 125]
    assert [row["run"] for row in summaries(store)] == [one.id, other.id]
    assert plan("stubs", {"a": configs}, store).todo == []


def test_the_store_benchmark_times_every_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_stores, "RUNS", 40)
    report = of_stores.store(rounds=2)
    assert [row["bar"] for row in report["rows"]] == [1.0, 1.0, 2.0] * 2
    assert [row["name"].split(",")[0] for row in report["rows"]] == [*of_stores.BARS] * 2


def test_the_coverage_of_dimension_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = {name: of_coverage.shapes()[name] for name in ("1-sphere", "1-torus, noise 0.01 in 32 channels")}
    monkeypatch.setattr(of_coverage, "shapes", lambda: few)
    monkeypatch.setattr(of_coverage, "SIZES", (150,))
    clean, noisy = of_coverage.dimension_coverage(rounds=2, sizes=(150,))["rates"]
    assert (clean["truth"], clean["n"], clean["coverage"], clean["missing"]) == (1, 150, 1.0, 0)
    assert clean["low"] < clean["value"] < clean["high"]
    assert noisy["coverage_twonn"] == 0
    assert main(["bench", "dimension_coverage", "--rounds", "1"]) == 0
    assert "1-sphere" in capsys.readouterr().out


def test_the_scale_benchmark_plans_only_what_is_missing(tmp_path: Path) -> None:
    report = of_scale.scale(packs=200, place=tmp_path / "store")
    assert (report["packs"], report["packs left by set difference"]) == (200, 100)
    assert report["files"] == 200 * 5 + 2  # five a pack, a plan and its lock
    assert not (tmp_path / "store").exists()


def test_a_plan_alone_has_its_memory() -> None:
    report = of_scale.planning(300)
    assert (report["packs"], report["memory [MiB]"] >= 0) == (300, True)
    assert of_scale.planning(300, p=7, d_model=8)["packs"] < 20


def test_the_command_prints_one_object(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_packs, "SIZES", ((5, 8),))
    monkeypatch.setattr(of_packs, "REPLICAS", (2,))
    assert main(["bench", "pack", "--rounds", "1", "--seconds", "0.01", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["p"] == 5
    assert main(["bench", "pack", "--rounds", "1", "--seconds", "0.01"]) == 0
    assert "p = 5, d_model = 8, replicas = 2" in capsys.readouterr().out
    assert main(["bench", "pakc"]) == 2
    assert "Did you mean 'pack'" in capsys.readouterr().err
    assert main(["bench", "--rounds", "0"]) == 2


class Recorded:
    """Stands for a measure: records the snapshots whose rows were read to the end."""

    def __init__(self, cost: str = "heavy") -> None:
        self.seen: list[object] = []
        self.cost = cost

    def rows(self, snapshot: object):
        yield "", 1.0
        self.seen.append(snapshot)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, Recorded]:
    """The manifold's benchmark on small clouds, with no training; one measure of another family, one asked for."""
    names = ("manifold.one", "manifold.other", "weights.norm")
    recorded = {name: Recorded() for name in names} | {"manifold.asked": Recorded("asked")}
    monkeypatch.setattr(of_manifolds, "CLOUDS", ((60, 4, 1e9), (80, 5, 0.0)))
    monkeypatch.setattr(of_manifolds, "RESIDUES", 12)
    monkeypatch.setattr(of_manifolds, "CHANNELS", 16)
    monkeypatch.setattr(of_manifolds, "scikit_dimension", lambda: None)
    monkeypatch.setattr(of_manifolds, "checkpoint", lambda: nullcontext(object))
    monkeypatch.setattr(base, "measures", lambda: recorded)
    return recorded


def test_a_turn_is_one_call_or_the_mean_of_several() -> None:
    calls: list[str] = []
    lengths = {"short": 0.25, "long": 8.0}
    steps = {name: lambda name=name: calls.append(name) or lengths[name] for name in lengths}
    expected = {"short": [0.25, 0.25], "long": [8.0, 8.0]}
    assert durations(steps, rounds=2, seconds=1e-9) == expected
    assert calls == ["short", "long"] * 2
    assert durations(steps, rounds=2, seconds=0.001) == expected
    assert len(calls) > 8


def test_the_manifold_benchmark_holds_every_instrument_against_its_bar(small: dict[str, Recorded]) -> None:
    report = of_manifolds.manifold(rounds=2, seconds=1e-4)
    assert [(row["name"], row["bar"], row["within_bar"]) for row in report["rows"][:2]] == [
        ("TwoNN + Gride, 60 x 4", 1e9, True),
        ("TwoNN + Gride, 80 x 5", 0.0, False),
    ]
    assert [row["bar"] for row in report["rows"][2:]] == [0.3, 2.0]
    for row in report["rows"]:
        low, high = row["spread"]["seconds"]
        assert 0 < low <= row["seconds"] <= high
        assert row["ratio_to_skdim"] is None
        assert row["skdim_seconds"] is None
    family = report["rows"][-1]
    assert family["seconds"] == pytest.approx(family["parts"]["manifold.one"] + family["parts"]["manifold.other"])
    assert report["threads"] == torch.get_num_threads()
    assert report["scikit_dimension"] is None
    assert family["parts"]["manifold.asked"] > 0  # timed, not counted
    json.dumps(report)


def test_the_measures_of_the_family_share_a_fresh_snapshot_in_every_round(small: dict[str, Recorded]) -> None:
    of_manifolds.manifold(rounds=2, seconds=1e-9)
    one, other = (small[name].seen for name in ("manifold.one", "manifold.other"))
    assert one == other  # once before the rounds, and once in each
    assert len(set(one)) == 3
    assert not small["weights.norm"].seen


def test_the_oracle_takes_turns_and_must_agree(
    small: dict[str, Recorded], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def oracle(scale: float) -> Callable[[], Callable[[np.ndarray], list[float]]]:
        return lambda: lambda points: [each * scale for each in of_manifolds.ours(points)]

    monkeypatch.setattr(of_manifolds, "scikit_dimension", oracle(1 + 1e-8))
    row = of_manifolds.manifold(rounds=1, seconds=1e-4)["rows"][0]
    assert row["ratio_to_skdim"] == pytest.approx(row["seconds"] / row["skdim_seconds"])
    assert row["largest_difference"] == pytest.approx(1e-8, rel=1e-3)
    monkeypatch.setattr(of_manifolds, "scikit_dimension", oracle(1.001))
    assert main(["bench", "manifold", "--rounds", "1"]) == 1
    assert "differ from scikit-dimension's by 1.0e-03" in capsys.readouterr().err


def test_the_oracle_computes_the_same_dimensions() -> None:
    points = np.random.default_rng(0).standard_normal((100, 30))
    oracle = of_manifolds.scikit_dimension()
    assert oracle is not None
    assert oracle(points) == pytest.approx(of_manifolds.ours(points), rel=1e-6)


def test_without_scikit_dimension_there_is_no_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skdim.id", None)
    assert of_manifolds.scikit_dimension() is None


def test_snapshots_of_the_checkpoint_share_nothing(
    tiny_run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(of_manifolds, "train", lambda config, **_: tiny_run)
    with of_manifolds.checkpoint() as fresh:
        one, other = fresh(), fresh()
    assert one.step == other.step == 60
    assert one.activations is not other.activations
    assert one.initial is not None
    assert one.initial is not other.initial
    assert "training the quickstart" in capsys.readouterr().err


def test_the_command_prints_bars(small: dict[str, Recorded], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "manifold", "--rounds", "1", "--seconds", "0.0001"]) == 0
    out = capsys.readouterr().out
    for said in ("80 x 5", "ABOVE 0", "manifold.other", "not installed"):
        assert said in out


def test_the_circuits_benchmark_measures_a_network_with_the_published_frequencies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = evaluate("circuits.key_frequencies", of_circuits.checkpoint()())
    assert np.asarray(keys).tolist() == list(of_circuits.FREQUENCIES)
    recorded = {"circuits.one": Recorded(), "manifold.one": Recorded()}
    monkeypatch.setattr(base, "measures", lambda: recorded)
    monkeypatch.setattr(of_circuits, "checkpoint", lambda: object)
    report = of_circuits.circuits(rounds=2)
    assert list(report["rows"][0]["parts"]) == ["circuits.one", "spread"]
    assert (len(recorded["circuits.one"].seen), len(recorded["manifold.one"].seen)) == (3, 0)
    assert main(["bench", "circuits", "--rounds", "1"]) == 0
    assert "within 2" in capsys.readouterr().out


class Inline:
    """Stands for a pool of processes: calls run in this process."""

    def __init__(self, *_: Any, **__: Any) -> None: ...
    def __enter__(self) -> "Inline":
        return self

    def __exit__(self, *_: Any) -> None: ...
    def submit(self, call: Callable[..., Any], *given: Any) -> "Inline":
        self.result = lambda: call(*given)
        return self


def test_the_kernel_benchmark_compares_with_jacobians_and_with_blocks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(of_kernels, "ProcessPoolExecutor", Inline)
    monkeypatch.setattr(of_kernels, "recipe", lambda _: tiny(p=7))
    monkeypatch.setattr(of_kernels, "SMALL", 2**19)
    report = of_kernels.kernel(rounds=2, n_samples=5, few=4)
    single, double, plain, blocks = report["rows"]
    for row in (single, double):
        assert row["within_bar"] is (row["seconds"] < 20)
        assert row["peak_mib"] >= 0
    assert plain["largest_difference"] < 1e-4
    assert blocks["largest_difference"] < 1e-9
    assert len(plain["spread"]["ratio_to_jacobians"]) == 2
    monkeypatch.setattr(of_kernels, "by_jacobians", lambda *given: 2 * of_kernels.ntk(*given))
    with pytest.raises(GrokscopeError, match="the kernels differ by 5"):
        of_kernels.kernel(rounds=1, n_samples=5, few=4)
    monkeypatch.setattr(of_kernels, "kernel", lambda **_: report)
    assert main(["bench", "kernel", "--rounds", "1"]) == 0
    assert "ratio to jacobians" in capsys.readouterr().out


def test_the_rates_of_circles_have_a_row_for_every_kind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        of_circles, "NONE", {name: of_circles.NONE[name] for name in ("random rows", "arc of a circle")}
    )
    monkeypatch.setattr(of_circles, "CLOSED", {})
    monkeypatch.setattr(of_circles, "NUMBERS", (2,))
    assert main(["bench", "circle_rates", "--rounds", "2", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["draws"] == 2
    assert {row["kind"]: row["certified"] for row in printed["rates"]} == {
        "random rows": 0,
        "arc of a circle": 0,
        **{f"clock, K = 2, noise {noise}{how}": 1 for noise in (0.0, 0.1, 0.3) for how in ("", ", unequal")},
    }
