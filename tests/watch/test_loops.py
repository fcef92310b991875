"""A watched training is the training alone, bit by bit: weights, losses, optimizer, random states, modes, hooks, .grad.

Each kind of network and loop is trained twice from the same seed, once with a watch that looks often. Besides, all that
can be seen is the same before and after each call of the watch.
"""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import grokscope as gs
from tests.watch.kinds import KINDS
from tests.watch.networks import P, Plain, pairs, trained
from tests.watch.noticing import of_two, require_same, seeded, seen

STEPS = 200


class Looking:
    """Calls the watch, and compares what can be seen before and after."""

    def __init__(self, watch: Any, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.watch, self.network, self.optimizer = watch, network, optimizer

    def step(self, step: int, loss: Tensor) -> None:
        before = seen(self.network, self.optimizer)
        grads = [p.grad for p in self.network.parameters()]
        self.watch.step(step, loss=loss)
        require_same(before, seen(self.network, self.optimizer), f"step {step}")
        assert all(one is p.grad for one, p in zip(grads, self.network.parameters(), strict=True))


@pytest.fixture
def plain_run(tmp_path: Path) -> Callable[..., tuple[list[float], dict[str, Any]]]:
    """A training of some kind of network; watched: with a watch."""

    def run(
        kind: str, *, watched: bool, steps: int = STEPS, autocast: bool = False, accumulate: int = 1
    ) -> tuple[list[float], dict[str, Any]]:
        seeded()
        network = KINDS[kind]()
        x, y = pairs()
        mask = trained()
        optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=1e-2)
        loader = DataLoader(TensorDataset(x[mask], y[mask]), batch_size=8, shuffle=True)
        looking: Looking | None = None
        if watched:
            before = seen(network, optimizer)
            watch = gs.watch(network, {"train": loader, "test": (x[~mask], y[~mask])}, every=10, store=tmp_path)
            require_same(before, seen(network, optimizer), "start")
            looking = Looking(watch, network, optimizer)
        losses = []
        for step, (inputs, labels) in enumerate(forever(loader), 1):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
                loss = nn.functional.cross_entropy(network(inputs), labels)
                if looking and autocast:
                    looking.step(step, loss)
            loss.backward()
            if looking:
                looking.step(step, loss)  # .grad is there, and the weights are still those of the step before
            if step % accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()
            losses.append(loss.item())
            if step == steps:
                break
        if looking:
            before = seen(network, optimizer)
            assert looking.watch.close(measure=False).steps == steps
            require_same(before, seen(network, optimizer), "end")
            assert not {name for name, why in looking.watch.cannot.items() if "Error" in why}
        return losses, seen(network, optimizer)

    return run


def forever(loader: DataLoader) -> Iterator[Any]:
    while True:
        yield from loader


@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated:FutureWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_a_training_is_the_same_with_a_watch(kind: str, plain_run: Callable[..., Any]) -> None:
    losses, alone = plain_run(kind, watched=False)
    again, watched = plain_run(kind, watched=True)
    assert losses == again
    assert len(set(losses)) > STEPS / 2
    require_same(of_two(alone), of_two(watched))


@pytest.mark.parametrize("kind", ["dropout_batch_norm", "attention", "compiled"])
def test_autocast_and_accumulation_are_the_same(kind: str, plain_run: Callable[..., Any]) -> None:
    options = {"steps": 60, "autocast": True, "accumulate": 4}
    losses, alone = plain_run(kind, watched=False, **options)
    again, watched = plain_run(kind, watched=True, **options)
    assert losses == again
    require_same(of_two(alone), of_two(watched))


def test_a_look_is_in_evaluation_mode_in_full_precision(tmp_path: Path) -> None:
    x, y = pairs()
    for compiled in (False, True):
        network = Plain()
        expected = copy.deepcopy(network).eval()(x).detach()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            given: Any = torch.compile(network, backend="eager") if compiled else network
            watch = gs.watch(given, x, y, measures=[], store=tmp_path)
            assert torch.equal(watch.snapshot().outputs, expected)
        watch.close()


def test_the_fast_path_of_attention_hides_nothing(tmp_path: Path) -> None:
    x, y = pairs()
    network = KINDS["attention"]()
    with gs.watch(network, x, y, sites={"pattern": "block.self_attn"}, measures=[], store=tmp_path) as watch:
        pattern = watch.snapshot().activations["pattern"]
    stream = network.embed(x).detach()
    weights = network.block.eval().self_attn(stream, stream, stream, average_attn_weights=False)[1]
    torch.testing.assert_close(pattern, weights[:, :, -1].detach())
    assert torch.backends.mha.get_fastpath_enabled()


class Augmented(TensorDataset):
    """Draws from a generator of its own for each point."""

    def __init__(self, *tensors: Tensor) -> None:
        super().__init__(*tensors)
        self.numbers = np.random.default_rng(2)

    def __getitem__(self, row: int) -> tuple[Tensor, ...]:
        x, y = super().__getitem__(row)
        return (x + int(self.numbers.integers(P))) % P, y


def test_a_loader_with_generators_goes_on_where_it_was(tmp_path: Path) -> None:
    x, y = pairs()
    orders = []
    for watched in (False, True):
        loader = DataLoader(Augmented(x, y), 8, shuffle=True, generator=torch.Generator().manual_seed(5))
        if watched:
            torch.manual_seed(0)
            gs.watch(Plain(), loader, measures=["weights.norm"], store=tmp_path).close()
        orders.append(torch.cat([inputs for inputs, _ in loader]))
    assert torch.equal(*orders)
