"""The optimizer's step, split into what scales the weights and what turns them."""

import math
from pathlib import Path

import pytest
import torch

import grokscope as gs
from grokscope.errors import Missing
from grokscope.runs.config import RunConfig
from grokscope.runs.snapshot import Snapshot

TINY = {
    "p": 7,
    "model": "mlp",
    "d_mlp": 8,
    "mlp_biases": False,
    "warmup_steps": 0,
    "max_steps": 30,
    "evaluate_every": 10,
}


def parts(snapshot: Snapshot) -> dict[str, float]:
    found = gs.measure("stability.last_step", snapshot)
    assert isinstance(found, dict)
    return found


def after(before: dict[str, torch.Tensor], now: dict[str, torch.Tensor]) -> Snapshot:
    config = RunConfig(**TINY)
    task = config.build_task()
    return Snapshot(
        task=task, model=config.build_model(task), params=now, train_mask=config.train_mask(task), before=before
    )


def weights(seed: int = 0) -> dict[str, torch.Tensor]:
    config = RunConfig(**TINY)
    generator = torch.Generator().manual_seed(seed)
    return config.build_model(config.build_task()).draw(generator)


def test_scaling_is_radial_and_turning_is_tangential() -> None:
    w = weights()
    assert parts(after(w, {name: 1.25 * tensor for name, tensor in w.items()})) == pytest.approx(
        {"radial": 0.25, "tangential": 0.0}, abs=1e-7
    )
    # A rotation by an angle t in the plane of w and a direction at a right angle to it: cos t - 1 and sin t.
    flat = torch.cat([tensor.flatten() for tensor in w.values()]).double()
    across = torch.cat([tensor.flatten() for tensor in weights(1).values()]).double()
    across -= (across @ flat) / (flat @ flat) * flat
    across *= flat.norm() / across.norm()
    turned = (flat * math.cos(0.3) + across * math.sin(0.3)).split([tensor.numel() for tensor in w.values()])
    now = {name: part.view(w[name].shape).double() for name, part in zip(w, turned, strict=True)}
    assert parts(after(w, now)) == pytest.approx({"radial": math.cos(0.3) - 1, "tangential": math.sin(0.3)}, abs=1e-7)


def test_it_does_not_depend_on_the_scale_of_the_weights() -> None:
    w, now = weights(), weights(2)
    scaled = [{name: 1e3 * tensor for name, tensor in some.items()} for some in (w, now)]
    assert parts(after(w, now)) == pytest.approx(parts(after(*scaled)), rel=1e-6)


@pytest.mark.parametrize(
    ("fields", "radial"),
    [
        ({"optimizer": "sgd", "learning_rate": 1e-30, "weight_decay": 1e29}, -0.1),  # the decay alone: -rate * decay
        ({"optimizer": "sgd", "learning_rate": 0.01, "weight_decay": 0.0, "orthogonal_gradient": "global"}, 0.0),
        ({"optimizer": "adamw", "weight_decay": 0.0, "norm_sphere": ("all",)}, 0.0),
    ],
)
def test_training_stores_what_its_last_step_did(tmp_path: Path, fields: dict[str, object], radial: float) -> None:
    run = gs.train(RunConfig(**(TINY | fields)), store=tmp_path, progress=False, device="cpu")
    assert isinstance(run, gs.Run)
    steps, values = run.series("stability.last_step", "part=radial")
    assert 0 not in steps
    assert run.steps in steps
    turned = run.series("stability.last_step", "part=tangential")[1]
    # On a sphere a step of length d turns by d and shortens its own direction by d^2 / 2.
    assert values == pytest.approx(radial - turned**2 / 2 * bool(fields.get("norm_sphere")), abs=2e-6)
    assert (turned > 1e-6).all() or radial


def test_a_checkpoint_does_not_know() -> None:
    snapshot = after(weights(), weights()).replace(before=None)
    assert isinstance(gs.measure("stability.last_step", snapshot), Missing)
    zero = {name: torch.zeros_like(tensor) for name, tensor in weights().items()}
    assert isinstance(gs.measure("stability.last_step", after(zero, weights())), Missing)
