"""A normalised gradient has the direction it had, and the norm 1."""

import pytest
import torch

from grokscope.training.transforms.unit_gradient import UnitGradient


def normalised(gradients: torch.Tensor) -> torch.Tensor:
    found = gradients.clone()
    UnitGradient().apply(torch.ones_like(found), found, step=0)
    return found


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e25])
def test_every_replica_has_norm_one_and_its_direction(dtype: torch.dtype, scale: float) -> None:
    g = torch.randn(3, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    g[1] *= 1e3  # each replica has its own norm
    expected = g / g.norm(dim=1, keepdim=True)
    torch.testing.assert_close(
        normalised((scale * g).to(dtype)).double(), expected, atol=1e-12 if dtype == torch.float64 else 1e-6, rtol=0
    )


def test_no_gradient_stays_none_and_what_is_not_finite_stays_seen() -> None:
    assert torch.equal(normalised(torch.zeros(2, 4)), torch.zeros(2, 4))
    g = torch.ones(2, 4)
    g[0, 0] = torch.nan
    found = normalised(g)
    assert found[0].isnan().any()
    assert torch.equal(found[1], torch.full((4,), 0.5))
