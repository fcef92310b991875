"""The penalty behind a gate that the training accuracy opens."""

from typing import Any

import pytest
import torch
from torch import Tensor

from grokscope.runs.config import RunConfig
from grokscope.runs.snapshot import Snapshot
from grokscope.training.flat import Flat
from grokscope.training.pack import Pack
from grokscope.training.transforms.gated_penalty import GatedPenalty
from tests.conftest import tiny

CPU = torch.device("cpu")
COLUMNS = {"W_in": slice(0, 10), "b_in": slice(16, 20), "ln1_w": slice(32, 36)}
SHAPES = {"W_in": (2, 5), "b_in": (4,), "ln1_w": (4,)}


def column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def applied(accuracies: list[float], level: float = 0.99) -> tuple[Tensor, Tensor]:
    """The weights, and what is added to a gradient of 0."""
    n = len(accuracies)
    params = torch.randn(n, 48, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    flat = Flat(params, COLUMNS, SHAPES, torch.tensor(accuracies, dtype=torch.float64))
    gradients = torch.zeros_like(params)
    GatedPenalty(flat, twice=column(*[0.02] * n), level=column(*[level] * n)).apply(params, gradients, step=0)
    return params, gradients


def test_above_the_gate_the_gradient_of_the_penalty_is_added_and_below_nothing() -> None:
    params, gradients = applied([0.98, 0.99, 1.0])
    assert not gradients[0].any()
    for name, columns in COLUMNS.items():
        wanted = torch.zeros_like(params[1:, columns]) if name == "b_in" else 0.02 * params[1:, columns]
        assert torch.equal(gradients[1:, columns], wanted), name
    assert not gradients[:, 20:32].any()


def test_a_closed_gate_lets_no_weight_through_that_is_not_finite() -> None:
    flat = Flat(torch.full((1, 48), torch.nan), COLUMNS, SHAPES, torch.zeros(1, dtype=torch.float64))
    gradients = torch.zeros(1, 48)
    GatedPenalty(flat, twice=column(0.02), level=column(0.0)).apply(flat.params, gradients, step=0)
    assert torch.equal(gradients, torch.zeros(1, 48))


def accuracy(pack: Pack, replica: int) -> float:
    """As the measure has it."""
    params = {name: tensor[replica] for name, tensor in pack.tensors.items()}
    config, task = pack.configs[replica], pack.tasks[replica]
    snapshot = Snapshot(task=task, model=config.build_model(task), params=params, train_mask=pack.train_masks[replica])
    return float(snapshot.correct[pack.train_masks[replica]].double().mean())


@pytest.mark.parametrize(
    "more", [{}, {"loss": "mse", "learning_rate": 0.03}, {"output_scale": 3.0, "centred": True}], ids=str
)
def test_the_gate_sees_the_training_accuracy_before_the_step(more: dict[str, Any]) -> None:
    sizes = ({"train_fraction": 0.4}, {"train_fraction": 0.6})
    fields = {"dtype": "float64", "gated_penalty": 0.01, "learning_rate": 0.02} | more
    configs = [tiny(**fields, **size) for size in sizes]
    pack = Pack(configs, device=CPU)
    seen = []
    for _ in range(40):
        wanted = [accuracy(pack, replica) for replica in range(2)]
        pack.advance()
        if not configs[0].centred:  # a snapshot alone knows no first outputs
            assert pack._flat.accuracies.tolist() == wanted
        seen += pack._flat.accuracies.tolist()
    assert max(seen) - min(seen) > 0.05


def opens(config: RunConfig) -> list[bool]:
    """Whether each of 40 steps differs from that of the network without penalty at the same weights."""
    pack = Pack([config], device=CPU)
    found = []
    for _ in range(40):
        other = Pack([config.replace(gated_penalty=0.0)], device=CPU)
        other.restore(pack.step, pack.state())
        pack.advance()
        other.advance()
        found.append(any(not torch.equal(pack.tensors[name], other.tensors[name]) for name in pack.tensors))
    return found


def test_it_begins_at_the_accuracy_that_is_given() -> None:
    config = tiny(dtype="float64", gated_penalty=0.01, gated_penalty_from=0.4, learning_rate=0.02)
    pack = Pack([config.replace(gated_penalty_from=0.0)], device=CPU)
    start = {name: tensor.clone() for name, tensor in pack.tensors.items()}
    pack._gradients.zero_()
    pack._flat.accuracies.fill_(1.0)
    pack._transforms[0].apply(pack._params, pack._gradients, step=0)
    for name, gradient in pack._gradient_views.items():  # of .01 |W|^2
        assert torch.equal(gradient, 0.02 * start[name] if name.startswith("W_") else torch.zeros_like(gradient))
    found, pack = opens(config), Pack([config], device=CPU)
    for differs in found:
        assert differs == (accuracy(pack, 0) >= 0.4)
        pack.advance()
    assert {True, False} <= set(found)


def test_a_task_without_classes_is_refused() -> None:
    fields = {"task": "polynomial_regression", "model": "mlp", "loss": "mse", "n_samples": 20, "d_mlp": 8}
    with pytest.raises(ValueError, match="no classes"):
        Pack([RunConfig(**fields, gated_penalty=0.01, train_fraction=0.5)], device=CPU)


def test_a_replica_that_ended_keeps_its_weights() -> None:
    configs = [tiny(gated_penalty=0.01, gated_penalty_from=0.0, learning_rate=rate) for rate in (1e-3, 1e38)]
    pack = Pack(configs, device=CPU)
    while pack.alive.all():
        pack.advance()
    ended = {name: tensor[1].clone() for name, tensor in pack.tensors.items()}
    for _ in range(3):
        pack.advance()
    assert all(torch.equal(pack.tensors[name][1].nan_to_num(7), ended[name].nan_to_num(7)) for name in ended)
    assert pack.alive.tolist() == [True, False]


def test_a_replica_that_ended_has_no_accuracy_although_its_outputs_are_finite() -> None:
    """A loss can overflow in a narrow dtype where the outputs do not."""
    pack = Pack([tiny(gated_penalty=0.01, seed=seed) for seed in (0, 1)], device=CPU)
    pack._end(torch.tensor([False, True]))
    pack.advance()
    assert accuracy(pack, 1) > 0
    assert pack._flat.accuracies[1] == 0 < pack._flat.accuracies[0]
