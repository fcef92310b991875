"""Arms that start from trained weights: what they change, and nothing else."""

import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from grokscope.numerics.circles import circle_panel
from grokscope.numerics.groups import group
from grokscope.predictions.arms import NO_BOTTLENECK
from grokscope.runs.config import RunConfig
from grokscope.studies import interventions as module
from grokscope.studies.experiment import train
from grokscope.studies.interventions import FREQUENCIES, SCALES, circles, following, interventions

Make = Callable[..., RunConfig]


@pytest.fixture
def arms(tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, dict[str, list[RunConfig]]]:
    """Of a run that is said to have memorised at its second checkpoint and to have generalised."""
    run = train(tiny(weight_decay=1.0), store=tmp_path, progress=False)
    stages = {"untrained": 0, "memorised": run.checkpoints[1], "after": run.checkpoints[-1]}
    found = SimpleNamespace(stages=stages, phases=SimpleNamespace(generalized_at=50))
    monkeypatch.setattr(module, "Subject", lambda run: found)
    return run, interventions([run], tmp_path / "weights")


def norm(params: dict[str, torch.Tensor]) -> float:
    return math.sqrt(sum(float(tensor.double().square().sum()) for tensor in params.values()))


def first(config: RunConfig, store: Path) -> Any:
    return train(config.replace(max_steps=1), store=store, progress=False).snapshot(0)


def test_the_arms_are_those_that_predictions_ask_for(arms: Any) -> None:
    assert set(arms[1]) == {
        "follow/keep", "follow/noise", "follow/norm", *(f"follow/circle/{scale:g}" for scale in SCALES),
        "ungrok/small", "ungrok/near", "ungrok/large",
    }  # fmt: skip


def test_memorised_weights_are_kept_or_scaled_to_the_final_norm(arms: Any, tmp_path: Path) -> None:
    run, found = arms
    memorised = run.snapshot(run.checkpoints[1]).params
    kept = first(found["follow/keep"][0], tmp_path / "a").params
    assert all(torch.equal(kept[name], tensor) for name, tensor in memorised.items())
    scaled = found["follow/norm"][0]
    assert (scaled.norm_sphere, scaled.weight_decay) == (("all",), 0.0)
    assert norm(first(scaled, tmp_path / "b").params) == pytest.approx(norm(run.snapshot().params), rel=1e-6)


def test_the_circle_is_one_and_keeps_the_norm(arms: Any, tmp_path: Path) -> None:
    run, found = arms
    memorised = run.snapshot(run.checkpoints[1]).params
    for scale in SCALES:
        params = first(found[f"follow/circle/{scale:g}"][0], tmp_path / f"{scale}").params
        assert norm(params) == pytest.approx(scale * norm(memorised), rel=1e-6)
        assert torch.allclose(params["W_in"], scale * memorised["W_in"])


def test_a_table_of_circles_is_certified_as_so_many() -> None:
    like = torch.randn(24, 64, generator=torch.Generator().manual_seed(0))
    table = circles(like, 23, seed=1)
    assert torch.equal(table[23], like[23])
    assert float(table[:23].norm()) == pytest.approx(float(like[:23].norm()), rel=1e-6)
    panel: Any = circle_panel(table[:23].double().numpy(), group=group("cyclic(23)"))
    assert panel.n_certified == FREQUENCIES
    with pytest.raises(ValueError, match="circles need a width"):
        circles(like[:, :6], 23, seed=0)


def test_ungrokking_starts_from_the_end_with_fewer_data(arms: Any) -> None:
    run, found = arms
    # Generalising from the start on must not end it.
    assert all(found[f"ungrok/{name}"][0].stop_after >= run.config.max_steps for name in ("small", "near", "large"))
    sizes = [found[f"ungrok/{name}"][0].n_train for name in ("small", "near", "large")]
    assert sizes == [12, 30, 73]
    assert all(
        str(found[f"ungrok/{name}"][0].start).endswith(f"{run.id}-final.safetensors") for name in ("small", "near")
    )


def test_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="got none"):
        interventions([], tmp_path)


def test_a_theory_goes_on_from_the_arm_that_its_predictions_ask_for(
    tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(
        module, "interventions", lambda runs, _: seen.append(runs) or {"follow/a": [1], "ungrok/b": [2]}
    )
    one, other = (train(tiny(seed=seed, max_steps=2), store=tmp_path, progress=False) for seed in range(2))
    prefix = "efficiency/generalising/n_train="
    runs = {NO_BOTTLENECK: [one], f"{prefix}10": [one], f"{prefix}20": [other], f"{prefix}30": []}
    assert following("manifold", runs, tmp_path) == {"follow/a": [1]}
    assert following("weight_efficiency", runs, tmp_path) == {"ungrok/b": [2]}
    assert seen == [[one], [other]]
    assert following("stages", runs, tmp_path) == following("manifold", {"base": [one]}, tmp_path) == {}
