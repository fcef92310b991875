"""The number of key frequencies of networks whose neuron-logit map is a sum of waves."""

import math

import pytest
import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.models.base import Interface
from grokscope.models.embedding_mlp import EmbeddingMlpOptions, embedding_mlp
from grokscope.models.transformer import TransformerOptions, transformer
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.modular_addition import ModularAddition, build

NEURONS = 32


def network(p: int, amplitudes: dict[int, float], neurons: Tensor | None = None) -> Snapshot:
    """A network with W_L[n, c] = amplitude_k cos or sin(2 pi k c / p), one wave a neuron; the other neurons write 0."""
    task = build(ModularAddition(p=p))
    model = embedding_mlp(EmbeddingMlpOptions(d_mlp=NEURONS), Interface(n_symbols=p, n_operands=2, n_outputs=p))
    params = {name: tensor.double() for name, tensor in model.init(torch.Generator().manual_seed(0)).items()}
    angle = 2 * math.pi * torch.outer(torch.tensor(list(amplitudes)), torch.arange(p)).double() / p
    size = torch.tensor(list(amplitudes.values()), dtype=torch.float64)[:, None]
    waves = torch.cat([size * angle.cos(), size * angle.sin()])
    params["W_out"] = torch.zeros_like(params["W_out"])
    params["W_out"][: len(waves)] = waves
    if neurons is not None:
        params |= {"W_in": params["W_in"][:, neurons], "W_out": params["W_out"][neurons]}
    return Snapshot(task=task, model=model, params=params, train_mask=task.split(0.5, 0))


@pytest.mark.parametrize(
    ("p", "amplitudes", "count"),
    [
        (13, {2: 1.0}, 1),
        (13, {1: 1.0, 3: 1.0, 6: 1.0}, 3),  # 6 = (p - 1) / 2 has a circle
        (13, dict.fromkeys(range(1, 7), 1.0), 6),
        (13, {1: 1.0, 3: 0.3, 5: 0.2}, 2),  # the published rule: above a quarter of the largest
        (12, {1: 1.0, 3: 1.0, 6: 1.0}, 2),  # 6 = p / 2 is a sign
        (12, {6: 1.0}, 0),
        (13, {0: 1.0}, 0),  # the same for every class: no frequency
    ],
)
def test_circles_are_counted_and_the_sign_is_not(p: int, amplitudes: dict[int, float], count: int) -> None:
    assert evaluate("circuits.n_key_frequencies", network(p, amplitudes)) == count


def test_the_order_of_neurons_and_the_scale_change_nothing() -> None:
    amplitudes = {1: 1.0, 3: 0.3, 5: 0.2}
    order = torch.randperm(NEURONS, generator=torch.Generator().manual_seed(0))
    assert evaluate("circuits.n_key_frequencies", network(13, amplitudes, order)) == 2
    larger = {k: 1e3 * amplitude for k, amplitude in amplitudes.items()}
    assert evaluate("circuits.n_key_frequencies", network(13, larger)) == 2


def test_without_neurons_that_write_to_the_logits_there_is_no_count() -> None:
    task = build(ModularAddition(p=13))
    model = transformer(
        TransformerOptions(d_model=8, n_heads=1, d_mlp=8), Interface(n_symbols=13, n_operands=2, n_outputs=13)
    )
    params = model.init(torch.Generator().manual_seed(0))
    snap = Snapshot(task=task, model=model, params=params | {"ln_f": torch.ones(8)}, train_mask=task.split(0.5, 0))
    answer = evaluate("circuits.n_key_frequencies", snap)
    assert isinstance(answer, Missing)
    assert "LayerNorm" in answer.reason
