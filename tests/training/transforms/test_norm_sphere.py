"""The constraint to the sphere of the initial norm."""

import torch
from torch import Tensor

from grokscope.training.transforms.norm_sphere import NormSphere

TENSORS = [slice(0, 10), slice(16, 20)]
NONE = torch.zeros(0)


def weights(dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(3, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def norm(params: Tensor) -> Tensor:
    return torch.cat([params[:, columns] for columns in TENSORS], dim=1).double().norm(dim=1)


def test_the_chosen_tensors_keep_their_joint_norm_and_direction() -> None:
    start = weights()
    params = start.clone()
    sphere = NormSphere(params, TENSORS)
    params += 0.5 * weights().flip(0)
    moved = params.clone()
    sphere.apply(params, NONE, step=0)
    torch.testing.assert_close(norm(params), norm(start), atol=1e-12, rtol=0)
    assert (norm(moved) - norm(start)).abs().min() > 1e-2
    ratio = params / moved
    for replica in range(3):  # one factor for all tensors that count, and none for the others
        counted = torch.cat([ratio[replica, columns] for columns in TENSORS])
        torch.testing.assert_close(counted, counted[:1].expand_as(counted), atol=1e-12, rtol=0)
    assert torch.equal(params[:, 10:16], moved[:, 10:16])
    assert torch.equal(params[:, 20:], moved[:, 20:])


def test_float32_does_not_drift_and_unmoved_weights_stay_bitwise() -> None:
    start = weights(torch.float32)
    params = start.clone()
    sphere = NormSphere(params, TENSORS)
    sphere.apply(params, NONE, step=0)
    assert torch.equal(params, start)
    for step in range(1000):
        params.mul_(1.01)
        sphere.apply(params, NONE, step=step)
    torch.testing.assert_close(norm(params), norm(start), atol=0, rtol=1e-6)


def test_replicas_without_norm_or_with_zeroed_state_are_left_alone() -> None:
    params = weights()
    params[0] = 0
    sphere = NormSphere(params, TENSORS)
    params[0], params[1] = 3.0, float("inf")
    sphere.state["norm"][1] = 0
    sphere.apply(params, NONE, step=0)
    assert (params[0] == 3).all()
    assert params[1].isinf().all()
    params[2] = 0
    sphere.apply(params, NONE, step=1)
    assert not params[2].any()


def test_replicas_do_not_touch_each_other_and_its_state_is_all_it_remembers() -> None:
    one, two = weights(torch.float32), weights(torch.float32)
    two[1] *= 2
    first, second = NormSphere(one, TENSORS), NormSphere(two, TENSORS)
    for params, sphere in ((one, first), (two, second)):
        params.add_(1)
        sphere.apply(params, NONE, step=0)
    assert torch.equal(one[[0, 2]], two[[0, 2]])
    assert not torch.equal(one[1], two[1])
    resumed = NormSphere(one * 5, TENSORS)
    resumed.state["norm"].copy_(first.state["norm"])
    again = one + 1
    one += 1
    first.apply(one, NONE, step=1)
    resumed.apply(again, NONE, step=1)
    assert torch.equal(one, again)
