"""The share of the neurons' influence that is in waves of one frequency: by hand, and on Gromov's solution."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.models.base import Activations, Interface
from grokscope.models.embedding_mlp import EmbeddingMlpOptions, embedding_mlp
from grokscope.runs.foreign.snapshot import snapshot
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.modular_addition import ModularAddition, build

P = 23
TASK = build(ModularAddition(p=P))
A, B = TASK.inputs.double().unbind(1)


def wave(k: int, x: Tensor) -> Tensor:
    return torch.cos(2 * math.pi * k * x / P)


def network(neurons: list[Tensor], W_L: Tensor) -> Snapshot:
    """A network with these neurons over all inputs, and these rows of W_L."""
    options: Any = {"d_mlp": len(neurons)}
    model = embedding_mlp(EmbeddingMlpOptions(**options), Interface(n_symbols=P, n_operands=2, n_outputs=P))
    params = {name: tensor.double() for name, tensor in model.init(torch.Generator().manual_seed(0)).items()}
    params["W_out"] = W_L.double()
    snap = Snapshot(task=TASK, model=model, params=params, train_mask=TASK.split(0.5, 0))
    held = {"mlp_post": lambda _: torch.stack(neurons, dim=1)}
    vars(snap)["activations"] = Activations({**model.sites, **held}, snap.params, TASK.inputs)
    return snap


def rows(*sizes: float) -> Tensor:
    """Rows of W_L of these squared norms."""
    values = torch.randn(len(sizes), P, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return values / values.norm(dim=1, keepdim=True) * torch.tensor(sizes).double().sqrt()[:, None]


def test_a_neuron_counts_by_its_variance_and_by_how_it_is_read() -> None:
    """Pure: share 1, variance 1/2. Mixed: two frequencies of equal size, share 1/2, variance 4 (1/2 + 1/2) = 4. Dead,
    and not read: no influence."""
    pure, mixed = wave(3, A + B) + 5, 2 * wave(2, A) + 2 * wave(7, A)
    neurons = [pure, mixed, torch.zeros_like(A), wave(4, A)]
    snap = network(neurons, rows(8.0, 1.0, 100.0, 0.0))
    assert evaluate("circuits.influence_explained", snap) == pytest.approx((4 * 1 + 4 * 0.5) / 8, abs=1e-9)
    louder = network(neurons, rows(8.0, 3.0, 100.0, 0.0))
    assert evaluate("circuits.influence_explained", louder) == pytest.approx((4 * 1 + 12 * 0.5) / 16, abs=1e-9)
    assert evaluate("circuits.neuron_explained", snap) == 0.5  # two of four neurons, however they are read


def test_gromovs_network_is_four_fifths_of_one_frequency_however_its_neurons_are_read() -> None:
    k = 1 + torch.arange(24) % 11
    noise = torch.Generator().manual_seed(0)
    phases = torch.randn(2, 24, dtype=torch.float64, generator=noise)
    waves = [torch.cos(2 * math.pi * (k * torch.arange(P).double()[:, None]) / P + phase) for phase in phases]
    W_out = torch.randn(24, P, dtype=torch.float64, generator=noise)
    snap = snapshot({"W_in": torch.cat(waves), "W_out": W_out}, p=P, model="quadratic_mlp")
    assert evaluate("circuits.influence_explained", snap) == pytest.approx(0.8, abs=1e-9)
    assert evaluate("circuits.influence_explained", snap, terms="sum") == pytest.approx(0.4, abs=1e-9)


def test_neurons_that_nothing_reads_have_no_share() -> None:
    unread = evaluate("circuits.influence_explained", network([wave(1, A), wave(2, B)], torch.zeros(2, P)))
    assert isinstance(unread, Missing)
    constant = evaluate("circuits.influence_explained", network([torch.ones_like(A)], rows(1.0)))
    assert isinstance(constant, Missing)
