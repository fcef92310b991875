"""The clamp of the weights' norm from a step on, and the free decay that it interrupts."""

import math

import pytest
import torch
from torch import Tensor

from grokscope.runs.config import RunConfig
from grokscope.training.pack import Pack
from grokscope.training.transforms.norm_clamp import NormClamp
from tests.conftest import tiny

CPU = torch.device("cpu")
TENSORS = [slice(0, 10), slice(16, 20)]
NONE = torch.zeros(0)


def column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def weights(dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(3, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def norm(params: Tensor) -> Tensor:
    return torch.cat([params[:, columns] for columns in TENSORS], dim=1).double().norm(dim=1)


def matrices(pack: Pack) -> Tensor:
    parts = [tensor.double().flatten(1) for name, tensor in pack.tensors.items() if name.startswith("W_")]
    return torch.cat(parts, dim=1).norm(dim=1)


def test_the_norm_is_the_one_given_and_directions_are_unchanged() -> None:
    params = weights()
    moved = params.clone()
    NormClamp(TENSORS, target=column(3.0, 0.5, 7.0), start=column(0, 0, 0)).apply(params, NONE, step=0)
    torch.testing.assert_close(norm(params), torch.tensor([3.0, 0.5, 7.0], dtype=torch.float64), atol=1e-12, rtol=0)
    ratio = params / moved
    for replica in range(3):
        counted = torch.cat([ratio[replica, columns] for columns in TENSORS])
        torch.testing.assert_close(counted, counted[:1].expand_as(counted), atol=1e-12, rtol=0)
    assert torch.equal(params[:, 10:16], moved[:, 10:16])
    assert torch.equal(params[:, 20:], moved[:, 20:])


def test_it_begins_at_its_step_and_leaves_free_replicas_alone() -> None:
    params, clamp = weights(), NormClamp(TENSORS, target=column(3.0, 0.0, 3.0), start=column(5, 0, 6))
    before = params.clone()
    clamp.apply(params, NONE, step=4)
    assert torch.equal(params, before)
    clamp.apply(params, NONE, step=5)
    assert norm(params)[0].item() == pytest.approx(3.0, abs=1e-12)
    assert torch.equal(params[1:], before[1:])


def test_a_replica_that_ended_or_has_no_weights_does_not_change() -> None:
    params, clamp = weights(), NormClamp(TENSORS, target=column(3.0, 3.0, 3.0), start=column(0, 0, 0))
    params[0] = 0
    clamp.state["clamped_norm"][1] = 0
    before = params.clone()
    clamp.apply(params, NONE, step=0)
    assert torch.equal(params[:2], before[:2])
    assert not torch.equal(params[2], before[2])


def test_in_a_training_the_weights_alone_are_clamped_from_its_step_on() -> None:
    config = tiny(dtype="float64", norm_clamp=9.0, norm_clamp_start=3)
    free = config.replace(norm_clamp=None, norm_clamp_start=0)
    pack, other = Pack([config], device=CPU), Pack([free], device=CPU)
    for step in range(6):
        pack.advance()
        other.advance()
        assert (abs(matrices(pack).item() - 9.0) < 1e-12) == (step >= 3)
        if step < 3:
            assert all(torch.equal(pack.tensors[name], other.tensors[name]) for name in pack.tensors)
    assert any(name.startswith("b_") for name in pack.tensors)


def test_without_a_gradient_weight_decay_alone_shrinks_the_norm() -> None:
    """|W_t|^2 = |W_0|^2 (1 - rate x decay)^(2 t), so that it takes ln(V_0 / V) / (-2 ln(1 - rate x decay)) steps: for a
    factor e^2 at a rate of .001 and a decay of 1, 999.5 (predictors manual, 2.3). No logit depends on the weights here:
    the outputs are multiplied by so little that every gradient is 0 in Adam's step."""
    config = tiny(dtype="float64", learning_rate=1e-3, weight_decay=1.0, output_scale=1e-300, eps=1e-8, warmup_steps=0)
    pack = Pack([config], device=CPU)
    before = matrices(pack).item()
    for _ in range(1000):
        pack.advance()
    assert matrices(pack).item() ** 2 == pytest.approx(before**2 * (1 - 1e-3) ** 2000, rel=1e-9)
    assert 2 / (-2 * math.log(1 - 1e-3)) == pytest.approx(999.5, abs=0.01)


def test_a_setting_without_effect_is_said() -> None:
    def said(config: RunConfig) -> str:
        return " ".join(config.remarks)

    assert "norm_clamp_start = 5 changes nothing" in said(tiny(norm_clamp_start=5))
    assert "norm_clamp" not in said(tiny(norm_clamp_start=5, norm_clamp=3.0))
