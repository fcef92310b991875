"""Every optimizer of packs keeps its promises; those that torch has as well are torch's, replica by replica."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from grokscope.registry import component, names
from grokscope.training.optimizers.adamw import adamw

SIZE = 40  # parameters of a replica
COMMON = {"betas": (0.9, 0.98), "eps": 1e-8, "momentum": 0.5, "rate": 1e-2, "decay": 0.3}
REPLICAS = [
    COMMON,
    COMMON | {"betas": (0.8, 0.999), "momentum": 0.0, "rate": 3e-2},
    COMMON | {"eps": 1e-3, "momentum": 0.9, "decay": 0.0},
    COMMON | {"betas": (0.0, 0.5), "eps": 1e-25, "rate": 1e-4, "decay": 2.0},
]
TORCHS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}
optimizers = pytest.mark.parametrize("name", names("training.optimizers"))


@pytest.fixture(autouse=True, params=[False, True], ids=["passes", "fused"])
def fused(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways, for an optimizer that has a fused kernel for large replicas."""
    if request.param:
        monkeypatch.setattr(f"{adamw.__module__}.FUSED_FROM", 1)


def gradient(params: Tensor, step: int) -> Tensor:
    """Of a quartic bowl that turns with the step; elementwise, so that it is the same for one row and for many."""
    return params**3 - torch.cos(torch.arange(SIZE, dtype=params.dtype) + step)


def initial(dtype: torch.dtype, n_replicas: int = len(REPLICAS)) -> Tensor:
    return torch.randn(len(REPLICAS), SIZE, generator=torch.Generator().manual_seed(0), dtype=dtype)[:n_replicas]


def column(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).unsqueeze(1)


class Pack:
    def __init__(self, name: str, fields: list[dict[str, Any]], params: Tensor) -> None:
        self.params, self.step = params.clone(), 0
        optimizer = component("training.optimizers", name)
        own = {field: about.default for field, about in optimizer.options.model_fields.items()}
        self.optimizer = optimizer([SimpleNamespace(**(own | given)) for given in fields], self.params)
        self.rates, self.decay = column([f["rate"] for f in fields]), column([f["decay"] for f in fields])

    def advance(self, steps: int) -> None:
        for _ in range(steps):
            rates = self.rates * min(self.step / 3, 1)
            grads = gradient(self.params, self.step)
            self.optimizer.update(self.params, grads, step=self.step, rates=rates, decay=self.decay)
            self.step += 1


def fields_of(name: str) -> set[str]:
    return set(component("training.optimizers", name).options.model_fields)


@pytest.mark.parametrize("name", TORCHS)
def test_it_is_torchs_in_float64(name: str) -> None:
    pack = Pack(name, REPLICAS, initial(torch.float64))
    pack.advance(50)
    for replica, fields in enumerate(REPLICAS):
        parameter = torch.nn.Parameter(initial(torch.float64)[replica])
        own = {key: fields[key] for key in fields_of(name)}
        optimizer = TORCHS[name]([parameter], lr=fields["rate"], weight_decay=fields["decay"], **own)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(step / 3, 1))
        for step in range(50):
            parameter.grad = gradient(parameter.detach(), step)
            optimizer.step()
            schedule.step()
        torch.testing.assert_close(pack.params[replica], parameter.detach(), atol=1e-12, rtol=0)


@optimizers
@pytest.mark.parametrize("field", ["betas", "eps", "momentum", "rate", "decay"])
def test_what_differs_acts_on_its_replica_alone(name: str, field: str) -> None:
    other = {"betas": (0.5, 0.7), "eps": 1e-2, "momentum": 0.8, "rate": 0.05, "decay": 0.0}
    changed = [*REPLICAS[:1], REPLICAS[1] | {field: other[field]}, *REPLICAS[2:]]
    one, two = Pack(name, REPLICAS, initial(torch.float32)), Pack(name, changed, initial(torch.float32))
    one.advance(20)
    two.advance(20)
    for replica in (0, 2, 3):
        assert torch.equal(one.params[replica], two.params[replica])
    used = field in fields_of(name) | {"rate", "decay"}
    assert torch.equal(one.params[1], two.params[1]) != used


@optimizers
def test_a_replica_alone_is_bitwise_the_one_of_a_pack(name: str) -> None:
    pack = Pack(name, REPLICAS, initial(torch.float32))
    pack.advance(20)
    single = Pack(name, REPLICAS[:1], initial(torch.float32, n_replicas=1))
    single.advance(20)
    assert torch.equal(single.params[0], pack.params[0])


@optimizers
def test_its_state_is_all_it_remembers(name: str) -> None:
    pack = Pack(name, REPLICAS, initial(torch.float32))
    pack.advance(10)
    again = Pack(name, REPLICAS, pack.params)
    again.step = pack.step
    for key, tensor in again.optimizer.state.items():
        tensor.copy_(pack.optimizer.state[key])
    pack.advance(10)
    again.advance(10)
    assert torch.equal(again.params, pack.params)
    fresh = Pack(name, REPLICAS, initial(torch.float32))
    assert all(not tensor.any() and len(tensor) == len(REPLICAS) for tensor in fresh.optimizer.state.values())


@optimizers
def test_an_ended_replica_keeps_its_finite_weights(name: str) -> None:
    pack = Pack(name, REPLICAS[:2], initial(torch.float32, n_replicas=2))
    pack.advance(5)
    pack.params[1, :3] = torch.tensor([1e30, float("inf"), float("nan")])
    pack.rates[1] = pack.decay[1] = 0
    for tensor in pack.optimizer.state.values():
        tensor[1] = 0
    before = pack.params.clone()
    for step in range(5, 10):
        grads = gradient(pack.params, step)
        grads[1] = 0
        pack.optimizer.update(pack.params, grads, step=step, rates=pack.rates, decay=pack.decay)
    assert torch.equal(pack.params.isfinite(), before.isfinite())
    assert torch.equal(pack.params[1][before[1].isfinite()], before[1][before[1].isfinite()])
    assert not torch.equal(pack.params[0], before[0])


@optimizers
def test_gradients_are_only_read_and_buffers_stay_in_place(name: str) -> None:
    pack = Pack(name, REPLICAS, initial(torch.float32))
    grads = gradient(pack.params, 0)
    before = grads.clone()
    places = [tensor.data_ptr() for tensor in (pack.params, *pack.optimizer.state.values())]
    pack.optimizer.update(pack.params, grads, step=0, rates=pack.rates, decay=pack.decay)
    assert torch.equal(grads, before)
    assert [tensor.data_ptr() for tensor in (pack.params, *pack.optimizer.state.values())] == places


@optimizers
def test_decay_may_start_and_stop(name: str) -> None:
    """A column of 0 until step 10 is no decay until step 10."""
    none = [fields | {"decay": 0.0} for fields in REPLICAS]
    pack, without = Pack(name, none, initial(torch.float64)), Pack(name, none, initial(torch.float64))
    pack.advance(10)
    without.advance(10)
    assert torch.equal(pack.params, without.params)
    pack.decay += 0.5
    pack.advance(1)
    without.advance(1)
    assert (pack.params != without.params).all()


@optimizers
@pytest.mark.parametrize("fields", [{"betas": (0.9, 1.0)}, {"eps": 0.0}, {"momentum": 1.0}, {"momentum": -0.1}])
def test_options_are_validated(name: str, fields: dict[str, Any]) -> None:
    options = component("training.optimizers", name).options
    assert options() == options(**options().model_dump())
    with pytest.raises(ValueError, match=next(iter(fields))):
        options(**fields)
