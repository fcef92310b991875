"""A pack is its replicas, each as if it were alone; and AdamW is AdamW."""

import itertools
import math

import pytest
import torch

from grokscope.losses import cross_entropy
from grokscope.training.pack import PER_REPLICA, Pack
from tests.conftest import tiny

CPU = torch.device("cpu")


def advanced(configs: list, steps: int) -> Pack:
    pack = Pack(configs, device=CPU)
    for _ in range(steps):
        pack.advance()
    return pack


def test_a_pack_equals_single_runs_in_float64() -> None:
    configs = [
        tiny(dtype="float64", seed=0),
        tiny(dtype="float64", seed=1, learning_rate=3e-3, weight_decay=0.1),
        tiny(dtype="float64", seed=2, betas=(0.8, 0.99), eps=1e-6),
        tiny(dtype="float64", seed=3, random_labels=True, weight_decay=0.0),
    ]
    pack = advanced(configs, 50)
    for replica, config in enumerate(configs):
        single = advanced([config], 50)
        for name, tensor in single.tensors.items():
            torch.testing.assert_close(pack.tensors[name][replica], tensor[0], atol=1e-10, rtol=0)


def test_a_pack_equals_torchs_adamw_in_float64() -> None:
    config = tiny(dtype="float64", weight_decay=0.7, learning_rate=2e-3, warmup_steps=10)
    pack = Pack([config], device=CPU)
    params = {name: tensor[0].clone().requires_grad_() for name, tensor in pack.tensors.items()}
    optimizer = torch.optim.AdamW(params.values(), lr=2e-3, weight_decay=0.7, betas=(0.9, 0.98), eps=1e-8)
    warmup = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(step / 10, 1))
    task, train = pack.tasks[0], pack.train_masks[0]
    model = config.build_model(task)
    for _ in range(30):
        optimizer.zero_grad()
        packed = {name: tensor.unsqueeze(0) for name, tensor in params.items()}
        cross_entropy(model.outputs(packed, task.inputs[train].unsqueeze(0))[0], task.labels[train]).backward()
        optimizer.step()
        warmup.step()
        pack.advance()
    for name, tensor in params.items():
        torch.testing.assert_close(pack.tensors[name][0], tensor.detach(), atol=1e-10, rtol=0)


def test_the_first_step_has_rate_zero_as_published() -> None:
    pack = Pack([tiny()], device=CPU)
    before = pack.state()["params"]
    pack.advance()
    assert torch.equal(pack.state()["params"], before)
    pack.advance()
    assert not torch.equal(pack.state()["params"], before)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 9},
        {"learning_rate": 0.01},
        {"weight_decay": 0.0},
        {"betas": (0.5, 0.9)},
        {"eps": 1e-3},
        {"random_labels": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_differs_acts_on_its_replica_alone(change: dict) -> None:
    assert set(change) <= PER_REPLICA
    base = [tiny(seed=seed) for seed in (0, 1, 2)]
    changed = [base[0], base[1].replace(**change), base[2]]
    one, other = advanced(base, 20), advanced(changed, 20)
    for name in one.tensors:
        for replica in (0, 2):
            assert torch.equal(one.tensors[name][replica], other.tensors[name][replica])
    assert any(not torch.equal(one.tensors[name][1], other.tensors[name][1]) for name in one.tensors)


def test_a_loss_that_is_not_finite_ends_its_replica_and_no_other() -> None:
    wild = tiny(seed=1, learning_rate=1e30)
    pack, alone = Pack([tiny(seed=0), wild], device=CPU), Pack([tiny(seed=0), tiny(seed=1)], device=CPU)
    ended = [step for step in range(40) if pack.advance().tolist() == [False, True]]
    for _ in range(40):
        alone.advance()
    assert len(ended) == 1
    assert pack.alive.tolist() == [True, False]
    for name, tensor in pack.tensors.items():
        assert torch.equal(tensor[0], alone.tensors[name][0])
    frozen = {name: tensor[1].clone() for name, tensor in pack.tensors.items()}
    pack.advance()
    for name, tensor in pack.tensors.items():
        assert torch.equal(tensor[1].nan_to_num(), frozen[name].nan_to_num())


def test_state_puts_back_every_bit() -> None:
    pack = advanced([tiny(seed=0), tiny(seed=1, learning_rate=1e30)], 30)
    other = Pack(pack.configs, device=CPU)
    other.restore(pack.step, pack.state())
    for _ in range(10):
        pack.advance()
        other.advance()
    for (name, one), (_, two) in zip(pack.state().items(), other.state().items(), strict=True):
        assert torch.equal(one.nan_to_num(), two.nan_to_num()), name
    assert math.isfinite(float(pack.tensors["W_E"][0].sum()))


def test_gradients_agree_with_finite_differences() -> None:
    config = tiny(dtype="float64", p=5, d_model=4, n_heads=2, d_mlp=6)
    pack = Pack([config], device=CPU)
    names = list(pack.tensors)
    operands, labels = pack.tasks[0].inputs.unsqueeze(0), pack.tasks[0].labels.unsqueeze(0)

    def loss(*tensors: torch.Tensor) -> torch.Tensor:
        return cross_entropy(pack.model.outputs(dict(zip(names, tensors, strict=True)), operands), labels)

    # Away from the initial zero biases, where ReLU's kink could lie on a sample.
    generator = torch.Generator().manual_seed(4)
    tensors = [
        torch.randn(pack.tensors[n].shape, generator=generator, dtype=torch.float64).requires_grad_() for n in names
    ]
    assert torch.autograd.gradcheck(loss, tensors, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"p": 13}, "p"),
        ({"d_model": 32}, "d_model"),
        ({"max_steps": 99}, "max_steps"),
        ({"batch_size": 7}, "batch_size"),
    ],
)
def test_what_cannot_share_a_pack_is_named(change: dict, field: str) -> None:
    with pytest.raises(ValueError, match=f"the replicas of a pack differ in {field}"):
        Pack([tiny(), tiny(**change)], device=CPU)


def test_an_empty_pack_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one config"):
        Pack([], device=CPU)


def test_tensors_start_on_cache_lines() -> None:
    pack = Pack([tiny(seed=seed) for seed in range(3)], device=CPU)
    for tensor, replica in itertools.product(pack.tensors.values(), range(3)):
        assert tensor[replica].data_ptr() % 64 == 0
