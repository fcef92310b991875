"""Arms that start from trained weights: what they change, and nothing else."""

import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from grokscope.numerics.circles import circle_panel
from grokscope.numerics.groups import group
from grokscope.predictions.arms import NO_BOTTLENECK, Arm, Arms
from grokscope.predictions.families import Follows
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run
from grokscope.statistics.transitions import Phases
from grokscope.studies.experiment import train
from grokscope.theories.manifold import following
from grokscope.theories.manifold.following import CIRCLED, FREQUENCIES, MEMORISED, SCALES, circles
from grokscope.theories.weight_efficiency.arms import UNGROKKED

Make = Callable[..., RunConfig]


@pytest.fixture
def arms(tiny: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, dict[str, list[RunConfig]]]:
    """Of a run that is said to have memorised at its second checkpoint and to have generalised."""
    run = train(tiny(weight_decay=1.0), store=tmp_path, progress=False)
    stages = {"untrained": 0, "memorised": run.checkpoints[1], "after": run.checkpoints[-1]}
    monkeypatch.setattr(following, "stages", lambda _: stages)
    monkeypatch.setattr(Run, "phases", lambda _, split="test": SimpleNamespace(generalized_at=50))
    trained = Arms([Arm(family=of, name=of, runs=(run,)) for of in (NO_BOTTLENECK, UNGROKKED.of)])
    every = [family.arms(trained, tmp_path / "weights") for family in (MEMORISED, CIRCLED, UNGROKKED)]
    return run, {arm.name: list(arm) for arms in every for arm in arms}


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


def test_a_study_goes_on_from_the_last_arm_of_a_family(tiny: Make, tmp_path: Path) -> None:
    one, other = (train(tiny(seed=seed, max_steps=2), store=tmp_path, progress=False) for seed in range(2))
    seen = []
    later = Follows(id="later", of="size", made=lambda run, _: seen.append(run) or {0.5: run.config, "b": run.config})
    sizes = [
        Arm(family="size", value=n, name=f"size/{n}", runs=runs) for n, runs in ((2, (other,)), (1, (one,)), (3, ()))
    ]
    found = later.arms(Arms(sizes), tmp_path)
    assert seen == [other]
    assert [(arm.name, arm.family, arm.value) for arm in found] == [
        ("later/0.5", "later", 0.5),
        ("later/b", "later", "b"),
    ]
    assert later.arms(Arms([Arm(family="other", name="other", runs=(one,))]), tmp_path) == []


def test_a_run_that_has_not_come_so_far_is_not_gone_on_with(tiny_run: Run, tmp_path: Path) -> None:
    nothing = Phases(**{field.name: None for field in fields(Phases)} | {"grokked": False})  # pyright: ignore
    run: Any = SimpleNamespace(phases=lambda *_: nothing, checkpoints=[0, 5], rows=tiny_run.rows, about={})
    for family in (MEMORISED, CIRCLED, UNGROKKED):
        assert family.made(run, tmp_path) == {}
