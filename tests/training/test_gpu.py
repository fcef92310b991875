"""On a GPU a pack is the same pack, and its recorded step the same step. Skipped where there is none."""

from pathlib import Path
from typing import Any

import pytest
import torch

from grokscope.errors import GrokscopeError
from grokscope.models.parts.reduced_program import ReducedProgram
from grokscope.recipes.base import recipe
from grokscope.runs.config import RunConfig
from grokscope.runs.identity import config_hash
from grokscope.runs.run import Run
from grokscope.studies.experiment import train
from grokscope.training import pack as packs
from grokscope.training.captured import BEFORE, is_first
from grokscope.training.device import with_products
from grokscope.training.pack import Pack
from tests.conftest import tiny

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")
CPU, GPU = torch.device("cpu"), torch.device("cuda")
STEPS = BEFORE + 9
PRIETO: dict[str, Any] = {"p": 11, "d_mlp": 16, "dtype": "float64"}
VARIANTS: dict[str, RunConfig] = {
    "transformer": tiny(dtype="float64"),
    "warm-up and a switch": tiny(dtype="float64", warmup_steps=6, weight_decay_start=5, weight_decay_stop=10),
    "random labels, other scales": tiny(dtype="float64", random_labels=True, output_scale=0.5, init_scale=2.0),
    "centred": tiny(dtype="float64", centred=True, output_scale=2.0),
    "batches": tiny(dtype="float64", batch_size=16),
    "grokfast": tiny(dtype="float64", grokfast_gain=2.0),
    "sphere": tiny(dtype="float64", norm_sphere=("all",)),
    "linearised": tiny(dtype="float64", linearised=True),
    "bottleneck": tiny(dtype="float64", bottleneck="resid_mid", bottleneck_rank=3),
    "bottleneck of neurons": tiny(dtype="float64", bottleneck="mlp_post", bottleneck_rank=5, activation="gelu"),
    "without =": tiny(dtype="float64", equals_token=False, attention_rate=0.5, tied=False, unembed_bias=True),
    "perpendicular": recipe("prieto2025", eps=1e-8, softmax_dtype="float64", **PRIETO),
    "stablemax": recipe("prieto_stablemax", eps=1e-8, **PRIETO),
    "momentum": tiny(dtype="float64", optimizer="sgd", momentum=0.9, learning_rate=0.1),
    "adam": tiny(dtype="float64", optimizer="adam"),
    "quadratic": recipe("gromov2023", p=7, d_mlp=10, dtype="float64"),
    "regression": recipe(
        "kumar2024", dimension=6, n_samples=40, n_train=20, d_mlp=8, learning_rate=1.0, dtype="float64"
    ),
    "embedding": recipe("liu2022", dtype="float64"),
    "decoder": recipe("power2022", p=7, d_model=16, n_heads=2, d_mlp=24, dtype="float64"),
}


def advanced(configs: list[RunConfig], device: torch.device, steps: int = STEPS) -> Pack:
    pack = Pack(configs, device=device)
    for _ in range(steps):
        pack.advance()
    return pack


def test_step_zero_is_the_first() -> None:
    assert is_first(0)
    assert is_first(torch.tensor(0))
    assert not is_first(3)
    assert not is_first(torch.tensor(3))


@needs_gpu
@pytest.mark.parametrize("name", VARIANTS)
def test_a_pack_takes_the_steps_it_takes_on_a_cpu(name: str) -> None:
    configs = [VARIANTS[name].replace(seed=seed) for seed in range(3)]
    here, there = advanced(configs, CPU), advanced(configs, GPU)
    for tensor, expected in here.tensors.items():
        torch.testing.assert_close(there.tensors[tensor].cpu(), expected, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(there.outputs(), here.outputs(), atol=1e-8, rtol=1e-8)


def test_tf32_is_refused_without_a_gpu() -> None:
    with pytest.raises(GrokscopeError, match="tf32 is for products on a GPU"):
        Pack([tiny(tf32=True)], device=CPU)
    with pytest.raises(ValueError, match="tf32 rounds products of float32"):
        tiny(tf32=True, dtype="float64")


def test_tf32_is_part_of_the_run_and_off_by_default() -> None:
    plain, rounded = tiny(), tiny(tf32=True)
    assert (plain.tf32, rounded.plain["tf32"]) == (False, True)
    assert plain.key != rounded.key
    without = {name: value for name, value in plain.plain.items() if name != "tf32"}
    assert config_hash(without) == plain.key  # runs from before it keep their ids


@pytest.mark.parametrize("tf32", [False, True])
@pytest.mark.parametrize("outside", ["highest", "high", "medium"])
def test_the_rounding_of_products_is_that_of_the_run_alone(tf32: bool, outside: str) -> None:
    seen: list[str] = []

    def work() -> None:
        seen.append(torch.get_float32_matmul_precision())
        if len(seen) == 2:
            raise RuntimeError

    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(outside)
        done = with_products(work, tf32=tf32)
        done()
        with pytest.raises(RuntimeError):
            done()
        assert torch.get_float32_matmul_precision() == outside
    finally:
        torch.set_float32_matmul_precision(before)
    assert seen == ["high" if tf32 else "highest"] * 2


@needs_gpu
def test_tf32_changes_the_last_bits_and_no_more() -> None:
    wide = {"p": 23, "d_model": 128, "n_heads": 4, "d_mlp": 512}  # so large that products are made by tensor cores
    exact, rounded = (advanced([tiny(tf32=tf32, **wide)], GPU) for tf32 in (False, True))
    assert not torch.equal(exact._params, rounded._params)
    torch.testing.assert_close(rounded._losses, exact._losses, rtol=1e-2, atol=0)
    assert torch.get_float32_matmul_precision() == "highest"


@needs_gpu
def test_the_one_layer_transformer_takes_the_reduced_form() -> None:
    pack = Pack([tiny(dtype="float64")], device=GPU)
    assert type(pack._program) is ReducedProgram
    here = Pack([tiny(dtype="float64")], device=CPU)
    torch.testing.assert_close(pack.outputs(), here.outputs(), atol=1e-12, rtol=1e-12)


@needs_gpu
@pytest.mark.parametrize("name", VARIANTS)
def test_a_recorded_step_is_the_step_itself(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    configs = [VARIANTS[name].replace(seed=seed, dtype="float32") for seed in range(3)]
    recorded = advanced(configs, GPU)
    monkeypatch.setattr(packs, "Captured", lambda work: work)
    plain = advanced(configs, GPU)
    # The same operations, but libraries may choose other kernels for them while they are recorded.
    torch.testing.assert_close(recorded._params, plain._params, atol=1e-5, rtol=1e-5)


@needs_gpu
def test_a_pack_goes_on_where_it_stood() -> None:
    configs = [tiny(seed=seed, grokfast_gain=2.0, warmup_steps=30) for seed in range(2)]
    whole, half = advanced(configs, GPU, 2 * STEPS), advanced(configs, GPU)
    again = Pack(configs, device=GPU)
    again.restore(STEPS, half.state())
    for _ in range(STEPS):
        again.advance()
    torch.testing.assert_close(again._params, whole._params, atol=1e-6, rtol=1e-6)


@needs_gpu
def test_a_replica_that_ends_stays_and_leaves_the_others_alone() -> None:
    wild = {"optimizer": "sgd", "learning_rate": 1e30, "warmup_steps": 0}
    pack = advanced([tiny(seed=0, **wild), tiny(seed=1, **(wild | {"learning_rate": 0.1}))], GPU)
    alone = advanced([tiny(seed=1, **(wild | {"learning_rate": 0.1}))], GPU)
    assert pack.alive.tolist() == [False, True]
    assert bool(pack._params.isfinite().all())
    torch.testing.assert_close(pack._params[1], alone._params[0], atol=1e-5, rtol=1e-5)


def values(run: Run) -> dict[tuple[int, str, str], float]:
    rows = run.rows()
    return dict(
        zip(zip(rows.steps.tolist(), rows.measures, rows.views, strict=True), rows.values.tolist(), strict=True)
    )


@needs_gpu
def test_a_run_on_a_gpu_is_stored_as_on_a_cpu(tmp_path: Path) -> None:
    config = tiny(dtype="float64", evaluate_every=20)
    runs = {name: train(config, store=tmp_path / name, device=name, progress=False) for name in ("cpu", "cuda")}
    assert runs["cuda"].about["device"] == "cuda"
    here, there = (values(runs[name]) for name in ("cpu", "cuda"))
    assert here.keys() == there.keys()
    losses = [key for key in here if key[1].startswith("behaviour.")]
    assert losses
    for key in losses:
        assert there[key] == pytest.approx(here[key], rel=1e-7, abs=1e-12)
