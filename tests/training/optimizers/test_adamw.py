"""Corners of Adam's denominator."""

from types import SimpleNamespace

import pytest
import torch

from grokscope.training.optimizers.adam import adam
from grokscope.training.optimizers.adamw import adamw

COLUMN = torch.ones(1, 1, dtype=torch.float64)


@pytest.fixture(autouse=True, params=[False, True], ids=["passes", "fused"])
def fused(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of AdamW."""
    if request.param:
        monkeypatch.setattr(f"{adamw.__module__}.FUSED_FROM", 1)


@pytest.mark.parametrize("optimizer", [adam, adamw])
def test_elements_without_gradient_stay_at_zero_however_small_eps_is(optimizer: type) -> None:
    """eps sqrt(1 - b2) = 1e-46 is 0 in float32; the padding between tensors would become 0/0."""
    params = torch.tensor([[1.0, 0.0]])
    config = SimpleNamespace(betas=(0.9, 0.99), eps=1e-45)
    made = optimizer([config], params)
    made.update(params, torch.tensor([[1.0, 0.0]]), step=0, rates=0.1 * COLUMN, decay=0 * COLUMN)
    # The first step is eta g / |g|, whatever the betas.
    torch.testing.assert_close(params, torch.tensor([[0.9, 0.0]]), atol=1e-6, rtol=0)


def test_decay_of_adamw_is_exact_where_there_is_no_gradient() -> None:
    params = torch.ones(1, 3, dtype=torch.float64)
    made = adamw([SimpleNamespace(betas=(0.9, 0.98), eps=1e-8)], params)  # pyright: ignore
    for step in range(10):
        made.update(params, torch.zeros_like(params), step=step, rates=0.1 * COLUMN, decay=0.5 * COLUMN)
    torch.testing.assert_close(params, torch.full_like(params, 0.95**10), atol=1e-14, rtol=0)
