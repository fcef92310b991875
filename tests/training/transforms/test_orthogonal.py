"""⊥Grad in both published forms."""

import pytest
import torch
from torch import Tensor

from grokscope.training.transforms.orthogonal import Orthogonal

TENSORS = [slice(0, 12), slice(16, 17), slice(32, 50)]  # one of a single element; padding between them


def buffers(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    params, gradients = torch.randn(2, 3, 64, generator=generator, dtype=torch.float64).to(dtype)
    mask = torch.zeros(64, dtype=torch.bool)
    for columns in TENSORS:
        mask[columns] = True
    return params * mask, gradients * mask


def together(x: Tensor) -> Tensor:
    return torch.cat([x[:, columns] for columns in TENSORS], dim=1)


def radial(params: Tensor, gradients: Tensor) -> Tensor:
    """Cosine of the gradient with the weights, per replica."""
    return torch.nn.functional.cosine_similarity(params.double(), gradients.double(), dim=1).abs()


@pytest.mark.parametrize("rescale", [True, False])
def test_per_tensor_no_gradient_lies_along_its_weights(rescale: bool) -> None:
    params, gradients = buffers()
    before, weights = gradients.clone(), params.clone()
    Orthogonal(TENSORS, per_tensor=True, rescale=rescale).apply(params, gradients, step=0)
    assert torch.equal(params, weights)
    for columns in (TENSORS[0], TENSORS[2]):
        w, g, old = params[:, columns], gradients[:, columns], before[:, columns]
        assert (radial(w, g) < 1e-12).all()
        coefficient = (w * old).sum(1) / (w * w).sum(1)
        literal = torch.stack([a - c * b for a, b, c in zip(old, w, coefficient, strict=True)])
        if rescale:
            literal = torch.stack([x * (a.norm() / x.norm()) for x, a in zip(literal, old, strict=True)])
            torch.testing.assert_close(g.norm(dim=1), old.norm(dim=1), atol=1e-12, rtol=0)
        torch.testing.assert_close(g, literal, atol=1e-12, rtol=0)
    assert not gradients[:, TENSORS[1]].any(), "nothing of one element is orthogonal to it"


@pytest.mark.parametrize("rescale", [True, False])
def test_global_the_whole_gradient_is_orthogonal_and_its_parts_are_not(rescale: bool) -> None:
    params, gradients = buffers()
    before = gradients.clone()
    Orthogonal(TENSORS, per_tensor=False, rescale=rescale).apply(params, gradients, step=0)
    assert (radial(together(params), together(gradients)) < 1e-12).all()
    assert (radial(params[:, TENSORS[0]], gradients[:, TENSORS[0]]) > 1e-3).all()
    norm, old = together(gradients).norm(dim=1), together(before).norm(dim=1)
    w, g = together(params), together(before)
    expected = old if rescale else (old**2 - (w * g).sum(1) ** 2 / (w * w).sum(1)).sqrt()  # Pythagoras
    torch.testing.assert_close(norm, expected, atol=1e-12, rtol=0)
    assert gradients[:, TENSORS[1]].all(), "one element among others is projected with them"


def test_zero_weights_leave_the_gradient() -> None:
    params, gradients = buffers()
    params[1] = 0
    before = gradients.clone()
    Orthogonal(TENSORS).apply(params, gradients, step=0)
    torch.testing.assert_close(gradients[1], before[1], atol=1e-14, rtol=0)
    assert not torch.allclose(gradients[0], before[0])


def test_a_gradient_along_the_weights_vanishes_and_is_not_blown_up() -> None:
    generator = torch.Generator().manual_seed(1)
    params = torch.randn(1000, 3, generator=generator, dtype=torch.float64)
    factors = torch.randn(1000, 1, generator=generator, dtype=torch.float64)
    gradients = factors * params
    Orthogonal([slice(0, 3)]).apply(params, gradients, step=0)
    assert not gradients.any()


def test_float32_gradients_nearly_along_the_weights_lose_their_radial_part() -> None:
    """Formed in float32, rounding the difference alone would leave 6e-8 / 1e-4 of it."""
    generator = torch.Generator().manual_seed(2)
    params, noise = torch.randn(2, 1, 500, generator=generator)
    gradients = params + 1e-4 * noise
    Orthogonal([slice(0, 500)]).apply(params, gradients, step=0)
    assert (radial(params, gradients) < 1e-7).all()


def test_replicas_do_not_touch_each_other_and_ended_ones_get_no_gradient() -> None:
    params, gradients = buffers(torch.float32)
    other_params, other_gradients = params.clone(), gradients.clone()
    other_params[1], other_gradients[1] = float("inf"), 0
    for theta, g in ((params, gradients), (other_params, other_gradients)):
        Orthogonal(TENSORS).apply(theta, g, step=0)
    assert torch.equal(gradients[[0, 2]], other_gradients[[0, 2]])
    assert not other_gradients[1].any()


def test_columns_outside_the_tensors_keep_their_gradient() -> None:
    params, gradients = buffers()
    gradients[:, 20] = 7.0
    Orthogonal(TENSORS).apply(params, gradients, step=0)
    assert (gradients[:, 20] == 7).all()
