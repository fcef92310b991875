"""⊥Grad around torch's optimizers."""

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from grokscope.training.optimizers import OrthogonalGradient

X = torch.randn(32, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y = torch.randint(4, (32,), generator=torch.Generator().manual_seed(1))


def network() -> nn.Sequential:
    generator = torch.Generator().manual_seed(2)
    made = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 4)).double()
    with torch.no_grad():
        for p in made.parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=torch.float64))
    return made


def backward(net: nn.Module) -> Tensor:
    net.zero_grad()
    loss = nn.functional.cross_entropy(net(X), Y)
    loss.backward()
    return loss


def adamw(net: nn.Module) -> torch.optim.AdamW:
    return torch.optim.AdamW(net.parameters(), lr=0.03, betas=(0.7, 0.9), eps=1e-10, weight_decay=0.4)


def literal(params: list[Tensor], gradients: list[Tensor], per_tensor: bool, rescale: bool) -> list[Tensor]:
    """The published formula, on flat copies."""
    if not per_tensor:
        whole = [torch.cat([x.flatten() for x in tensors]) for tensors in (params, gradients)]
        (flat,) = literal([whole[0]], [whole[1]], True, rescale)
        parts = flat.split([p.numel() for p in params])
        return [part.view_as(p) for part, p in zip(parts, params, strict=True)]
    found = []
    for w, g in zip(params, gradients, strict=True):
        left = g - (w * g).sum() / ((w * w).sum() + 1e-30) * w
        found.append(left * (g.norm() / (left.norm() + 1e-30)) if rescale else left)
    return found


@pytest.mark.parametrize("per_tensor", [True, False])
@pytest.mark.parametrize("rescale", [True, False])
def test_five_steps_are_the_published_formula(per_tensor: bool, rescale: bool) -> None:
    ours, theirs = network(), network()
    wrapped, plain = OrthogonalGradient(adamw(ours), per_tensor=per_tensor, rescale=rescale), adamw(theirs)
    schedules = [torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1) for optimizer in (wrapped, plain)]
    for _ in range(5):
        backward(ours)
        wrapped.step()
        backward(theirs)
        params = [p.detach() for p in theirs.parameters()]
        gradients = [p.grad for p in theirs.parameters() if p.grad is not None]
        changed = literal(params, gradients, per_tensor, rescale)
        for p, g in zip(theirs.parameters(), changed, strict=True):
            p.grad = g
        plain.step()
        for schedule in schedules:
            schedule.step()
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(p, q, atol=1e-12, rtol=0)
            torch.testing.assert_close(p.grad, q.grad, atol=1e-12, rtol=0)  # what the optimizer was given
    assert wrapped.param_groups[0]["lr"] == pytest.approx(0.03 * 0.01)


def test_the_forms_differ() -> None:
    found = []
    for per_tensor, rescale in ((True, True), (True, False), (False, True), (False, False)):
        net = network()
        wrapped = OrthogonalGradient(torch.optim.SGD(net.parameters(), lr=0.1), per_tensor=per_tensor, rescale=rescale)
        backward(net)
        wrapped.step()
        found.append(torch.cat([p.detach().flatten() for p in net.parameters()]))
    assert all(not torch.allclose(a, b, atol=1e-6) for i, a in enumerate(found) for b in found[:i])


def test_it_is_an_optimizer_whose_groups_and_state_are_the_wrapped_ones() -> None:
    net = network()
    base = adamw(net)
    wrapped = OrthogonalGradient(base)
    assert isinstance(wrapped, torch.optim.Optimizer)
    assert wrapped.defaults["betas"] == (0.7, 0.9)
    backward(net)
    wrapped.step()
    wrapped.load_state_dict(wrapped.state_dict())  # here the wrapped optimizer makes new groups and state
    assert wrapped.param_groups is base.param_groups
    assert wrapped.state is base.state
    assert len(wrapped.state) == 4
    wrapped.param_groups[0]["lr"] = 0.5
    assert base.param_groups[0]["lr"] == 0.5
    extra = nn.Parameter(torch.ones(3))
    wrapped.add_param_group({"params": [extra], "lr": 0.01})
    assert (base.param_groups[1]["lr"], base.param_groups[1]["betas"]) == (0.01, (0.7, 0.9))
    wrapped.zero_grad()
    assert all(p.grad is None for p in net.parameters())


@pytest.mark.parametrize("travel", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_it_travels_with_its_network(travel: Callable) -> None:
    net = network()
    wrapped = OrthogonalGradient(adamw(net), rescale=False)
    backward(net)
    wrapped.step()
    other, again = travel((net, wrapped))
    for n, optimizer in ((net, wrapped), (other, again)):
        backward(n)
        optimizer.step()
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q)
        assert p is not q


def test_a_state_dict_resumes_bitwise() -> None:
    net = network()
    wrapped = OrthogonalGradient(adamw(net))
    for _ in range(3):
        backward(net)
        wrapped.step()
    other = network()
    other.load_state_dict(net.state_dict())
    resumed = OrthogonalGradient(torch.optim.AdamW(other.parameters()))  # its fields come from the state dict
    resumed.load_state_dict(copy.deepcopy(wrapped.state_dict()))
    for _ in range(3):
        for n, optimizer in ((net, wrapped), (other, resumed)):
            backward(n)
            optimizer.step()
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q)


def test_a_closures_gradients_are_projected_and_it_runs_once() -> None:
    ours, theirs = network(), network()
    wrapped = OrthogonalGradient(torch.optim.SGD(ours.parameters(), lr=0.1, momentum=0.9))
    plain = OrthogonalGradient(torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9))
    calls = []
    for _ in range(3):
        expected = backward(theirs)
        plain.step()
        ours.zero_grad()  # nothing to project before the closure
        loss = wrapped.step(lambda: calls.append(0) or backward(ours))
        assert torch.equal(loss, expected)
    assert len(calls) == 3
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(p, q)


def test_lbfgs_sees_projected_gradients_only() -> None:
    net = network()
    base = torch.optim.LBFGS(net.parameters(), lr=0.1, max_iter=4)
    start = torch.cat([p.detach().flatten() for p in net.parameters()])
    first = []

    def closure() -> Tensor:
        first.append(torch.cat([p.detach().flatten() for p in net.parameters()]))
        return backward(net)

    OrthogonalGradient(base, per_tensor=False).step(closure)
    assert len(first) == 4
    step = first[1] - start  # LBFGS's first direction is the gradient's
    assert abs(float(torch.nn.functional.cosine_similarity(step, start, dim=0))) < 1e-12


def test_hooks_run() -> None:
    net = network()
    wrapped = OrthogonalGradient(adamw(net))
    seen = []
    wrapped.register_step_pre_hook(lambda *_: seen.append("before"))
    wrapped.register_step_post_hook(lambda *_: seen.append("after"))
    wrapped.register_state_dict_pre_hook(lambda *_: seen.append("saves"))
    wrapped.register_state_dict_post_hook(lambda *_: seen.append("saved"))
    wrapped.register_load_state_dict_pre_hook(lambda *_: seen.append("loads"))
    wrapped.register_load_state_dict_post_hook(lambda *_: seen.append("loaded"))
    backward(net)
    wrapped.step()
    wrapped.load_state_dict(wrapped.state_dict())
    assert seen == ["before", "after", "saves", "saved", "loads", "loaded"]


def test_parameters_without_gradient_are_skipped() -> None:
    for per_tensor in (True, False):
        used, idle = nn.Parameter(torch.tensor([3.0, 4.0])), nn.Parameter(torch.ones(2))
        wrapped = OrthogonalGradient(torch.optim.SGD([used, idle], lr=1.0), per_tensor=per_tensor, rescale=False)
        wrapped.step()
        used.grad = torch.tensor([1.0, 0.0])
        wrapped.step()
        # (1, 0) less its part along (0.6, 0.8): (0.64, -0.48)
        torch.testing.assert_close(used.detach(), torch.tensor([3 - 0.64, 4 + 0.48]), atol=1e-6, rtol=0)
        assert torch.equal(idle.detach(), torch.ones(2))


def test_scalars_get_no_gradient_of_their_own() -> None:
    scalar = nn.Parameter(torch.tensor(0.3))
    wrapped = OrthogonalGradient(torch.optim.SGD([scalar], lr=1.0))
    scalar.grad = torch.tensor(0.7)
    wrapped.step()
    assert scalar.item() == torch.tensor(0.3).item()


def test_layouts_other_than_rows_are_projected_in_place() -> None:
    weights = torch.randn(4, 6, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    p = nn.Parameter(weights.t())
    p.grad = weights.t().cos()
    OrthogonalGradient(torch.optim.SGD([p], lr=1e-3)).step()
    assert abs(float((weights * p.grad.t()).sum())) > 0  # the step has moved p, and weights are its storage
    before = (p + 1e-3 * p.grad).detach()
    assert abs(float((before * p.grad).sum())) < 1e-12


def test_what_cannot_be_projected_is_refused() -> None:
    embedding = nn.Embedding(4, 3, sparse=True)
    wrapped = OrthogonalGradient(torch.optim.SGD(embedding.parameters(), lr=0.1))
    embedding(torch.tensor([1])).sum().backward()
    with pytest.raises(ValueError, match=r"got a sparse one of shape \(4, 3\); make it dense"):
        wrapped.step()
    with pytest.raises(ValueError, match="wraps an optimizer of torch, got type"):
        OrthogonalGradient(torch.optim.SGD)  # pyright: ignore
