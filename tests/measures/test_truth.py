"""Measures on networks whose answers are known in closed form."""

import math

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.models.base import Interface
from grokscope.models.transformer import TransformerOptions, transformer
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.modular_addition import ModularAddition, build

P = 23
TASK = build(ModularAddition(p=P))
TRAIN = TASK.split(0.3, 0)


MODEL = transformer(
    TransformerOptions(d_model=16, n_heads=2, d_mlp=24), Interface(n_symbols=P, n_operands=2, n_outputs=P)
)


def params(seed: int = 0) -> dict[str, torch.Tensor]:
    made = MODEL.init(torch.Generator().manual_seed(seed))
    return {name: tensor.double() for name, tensor in made.items()}


def with_logits(logits: torch.Tensor, train: torch.Tensor = TRAIN) -> Snapshot:
    """A snapshot that answers with these logits, whatever its weights."""
    return Snapshot(task=TASK, model=MODEL, params=params(), train_mask=train, outputs=logits)


def clock(frequencies: list[int], scale: float = 5.0) -> torch.Tensor:
    """logits(a, b, c) = scale * sum_k cos(2 pi k (a + b - c) / p): a pure Fourier network."""
    a, b = TASK.inputs.double().unbind(1)
    difference = (a + b)[:, None] - torch.arange(P)[None, :]
    return scale * sum(torch.cos(2 * math.pi * k * difference / P) for k in frequencies)  # pyright: ignore[reportReturnType]


def cross_entropy(logits: torch.Tensor, mask: torch.Tensor) -> float:
    return float(torch.nn.functional.cross_entropy(logits[mask], TASK.labels[mask]))


def test_a_pure_fourier_network_is_its_restriction_and_nothing_without() -> None:
    keys = [2, 5, 11]
    snap = with_logits(clock(keys))
    loss = cross_entropy(clock(keys), torch.ones(P * P, dtype=torch.bool))
    assert evaluate("circuits.restricted_loss", snap, frequencies=keys) == pytest.approx(loss, abs=1e-9)
    assert evaluate("circuits.excluded_loss", snap, frequencies=keys) == pytest.approx(math.log(P), abs=1e-9)
    one_less = cross_entropy(clock([2, 5]), TRAIN)
    assert evaluate("circuits.excluded_loss", snap, frequencies=[11]) == pytest.approx(one_less, abs=1e-9)
    assert evaluate("circuits.restricted_loss", snap, frequencies=[3]) == pytest.approx(math.log(P), abs=1e-9)


def test_restriction_and_exclusion_are_the_literal_projections() -> None:
    """Against the published 2-D transform on the grid of pairs, on logits without any structure."""
    logits = torch.randn(P * P, P, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    keys, x = [1, 7], torch.arange(P).double()
    kept = torch.zeros(P, P, P, dtype=torch.float64)
    for k in keys:
        cos, sin = (wave(2 * math.pi * k * x / P) * math.sqrt(2 / P) for wave in (torch.cos, torch.sin))
        for direction in (torch.outer(cos, cos) - torch.outer(sin, sin), torch.outer(sin, cos) + torch.outer(cos, sin)):
            unit = direction / math.sqrt(2)
            kept += torch.einsum("ab,c->abc", unit, torch.einsum("ab,abc->c", unit, logits.view(P, P, P)))
    snap, everything = with_logits(logits), torch.ones(P * P, dtype=torch.bool)
    restricted = kept.view(-1, P) + logits.mean(0)
    for split, mask in (("all", everything), ("train", TRAIN), ("test", ~TRAIN)):
        found = evaluate("circuits.restricted_loss", snap, frequencies=keys, split=split)
        assert found == pytest.approx(cross_entropy(restricted, mask), abs=1e-9)
    excluded = evaluate("circuits.excluded_loss", snap, frequencies=keys)
    assert excluded == pytest.approx(cross_entropy(logits - kept.view(-1, P), TRAIN), abs=1e-9)


@pytest.mark.parametrize(("p", "k"), [(12, 6), (12, 5), (23, 11)])
def test_the_last_frequency_of_even_and_odd_p(p: int, k: int) -> None:
    """At k = p/2 there is a cosine and no sine."""
    task = build(ModularAddition(p=p))
    logits = torch.randn(p * p, p, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    waves = [wave(2 * math.pi * k * task.labels.double() / p) for wave in (torch.cos, torch.sin)]
    directions = [wave / wave.norm() for wave in waves if wave.norm() > 1e-6]
    assert len(directions) == (1 if 2 * k == p else 2)
    kept = sum(torch.outer(unit, unit @ logits) for unit in directions)
    snap = Snapshot(task=task, model=MODEL, params=params(), train_mask=task.split(0.3, 0), outputs=logits)
    expected = float(torch.nn.functional.cross_entropy(kept + logits.mean(0), task.labels))
    assert evaluate("circuits.restricted_loss", snap, frequencies=[k]) == pytest.approx(expected, abs=1e-9)


def test_frequencies_count_once_and_must_exist() -> None:
    snap = with_logits(clock([2, 5]))
    once = evaluate("circuits.excluded_loss", snap, frequencies=[2])
    assert evaluate("circuits.excluded_loss", snap, frequencies=[2, 2]) == once
    for wrong in ([0], [12], [-2], [2.7], [21], []):
        with pytest.raises(ValueError, match=r"frequencies must be whole numbers in 1\.\.11"):
            evaluate("circuits.excluded_loss", snap, frequencies=wrong)


def test_the_class_means_are_put_back() -> None:
    """A constant bias towards one class is part of the restricted logits (science/circuits.md, 9.4)."""
    bias = torch.zeros(P, dtype=torch.float64)
    bias[4] = 3.0
    snap = with_logits(clock([2]) + bias)
    whole = cross_entropy(clock([2]) + bias, torch.ones(P * P, dtype=torch.bool))
    assert evaluate("circuits.restricted_loss", snap, frequencies=[2]) == pytest.approx(whole, abs=1e-9)


def test_key_frequencies_default_to_those_of_the_last_checkpoint() -> None:
    weights = params()
    x, keys = torch.arange(P).double(), [3, 8]
    waves = torch.stack([wave(2 * math.pi * k * x / P) for k in keys for wave in (torch.cos, torch.sin)])
    weights["W_out"] = torch.zeros_like(weights["W_out"])
    weights["W_out"][:4, :4] = torch.eye(4, dtype=torch.float64)
    weights["W_U"] = torch.zeros_like(weights["W_U"])
    weights["W_U"][:4, :P] = waves
    last = Snapshot(task=TASK, model=MODEL, params=weights, train_mask=TRAIN)
    assert np.asarray(evaluate("circuits.key_frequencies", last)).tolist() == keys
    early = Snapshot(
        task=TASK, model=MODEL, params=params(), train_mask=TRAIN, outputs=clock([3, 8, 9]), final=lambda: last
    )
    expected = evaluate("circuits.excluded_loss", early, frequencies=keys)
    assert (
        evaluate("circuits.excluded_loss", early)
        == expected
        == pytest.approx(cross_entropy(clock([9]), TRAIN), abs=1e-9)
    )


def test_ginis_of_tables_with_known_spectra() -> None:
    weights = params()
    x = torch.arange(P).double()
    wave = torch.cos(2 * math.pi * 4 * x / P)
    weights["W_E"][:P] = wave[:, None] * torch.linspace(-1, 2, 16, dtype=torch.float64)
    weights["W_E"][P] = 100.0  # the row of "=" is not a residue
    weights["W_out"] = torch.outer(
        torch.linspace(-1, 2, 24, dtype=torch.float64), torch.eye(16, dtype=torch.float64)[0]
    )
    weights["W_U"] = torch.zeros(16, P + 1, dtype=torch.float64)
    weights["W_U"][0, :P] = torch.eye(P, dtype=torch.float64)[0]  # a delta: every component equally strong in pairs
    snap = Snapshot(task=TASK, model=MODEL, params=weights, train_mask=TRAIN)
    pairs = (P - 1) // 2
    assert evaluate("circuits.gini_embedding", snap) == pytest.approx(1 - 1 / P, abs=1e-9)
    assert evaluate("circuits.gini_embedding", snap, paired=True) == pytest.approx(1 - 1 / pairs, abs=1e-9)
    assert evaluate("circuits.gini_neuron_logit", snap, paired=True) == pytest.approx(0, abs=1e-9)
    weights["W_E"][:P] = 1.0
    for paired in (False, True):
        assert isinstance(evaluate("circuits.gini_embedding", snap, paired=paired), Missing)
    weights["W_E"][:P] = wave[:, None]
    spectrum = evaluate("circuits.embedding_spectrum", snap)
    assert max(spectrum, key=lambda k: spectrum[k]) == "4"  # pyright: ignore
    assert sum(value > 1e-9 for value in spectrum.values()) == 1  # pyright: ignore


def test_attention_entropy_of_uniform_and_of_sharp_attention() -> None:
    weights = params()
    weights["W_Q"] = weights["W_Q"] * torch.tensor([0.0, 1.0])[:, None, None]  # head 0 sees no difference: uniform
    weights["W_pos"][2] = 0
    weights["W_E"][P] = 0
    weights["W_E"][P, 0] = 1
    weights["W_E"][:P, 0] = 0
    weights["W_pos"][:, 0] = 0
    weights["W_K"][1] = 0
    weights["W_K"][1, 0, 0] = 1
    weights["W_Q"][1] = 0
    weights["W_Q"][1, 0, 0] = 1e4  # head 1 looks at "=" alone
    snap = Snapshot(task=TASK, model=MODEL, params=weights, train_mask=TRAIN)
    entropy = np.asarray(evaluate("attention.entropy", snap))
    np.testing.assert_allclose(entropy, [1.0, 0.0], atol=1e-9)


def test_attention_entropy_in_between() -> None:
    """Scores 0, 0 and log 2 on a, b and "=": attention 1/4, 1/4, 1/2, entropy 1.5 log 2."""
    weights = {name: torch.zeros_like(tensor) for name, tensor in params().items()}
    weights["W_E"][P, 0] = 1
    weights["W_K"][:, 0, 0] = 1
    weights["W_Q"][:, 0, 0] = math.log(2) * math.sqrt(8)
    snap = Snapshot(task=TASK, model=MODEL, params=weights, train_mask=TRAIN)
    np.testing.assert_allclose(
        np.asarray(evaluate("attention.entropy", snap)), 1.5 * math.log(2) / math.log(3), atol=1e-9
    )


def test_norms_in_closed_form() -> None:
    weights = {name: torch.full_like(tensor, 2.0) for name, tensor in params().items()}
    initial = Snapshot(task=TASK, model=MODEL, params=weights, train_mask=TRAIN)
    moved = {name: torch.full_like(tensor, 3.0) for name, tensor in weights.items()}
    snap = Snapshot(task=TASK, model=MODEL, params=moved, train_mask=TRAIN, initial=lambda: initial)
    count = sum(tensor.numel() for tensor in weights.values())
    assert evaluate("weights.squared_norm", snap) == pytest.approx(9 * count, rel=1e-9)
    assert evaluate("weights.norm", snap) == pytest.approx(3 * math.sqrt(count), rel=1e-9)
    assert evaluate("weights.relative_movement", snap) == pytest.approx(0.5, abs=1e-9)
    by_tensor = evaluate("weights.norm_by_tensor", snap)
    assert by_tensor["W_in"] == pytest.approx(3 * math.sqrt(16 * 24), rel=1e-9)  # pyright: ignore
    assert evaluate("weights.effective_rank", snap)["W_in"] == pytest.approx(1, abs=1e-9)  # pyright: ignore
    assert evaluate("weights.spectral_norm", snap)["W_O"] == pytest.approx(3 * math.sqrt(16 * 16), rel=1e-9)  # pyright: ignore


def test_behaviour_by_what_was_seen() -> None:
    """Right on trained inputs and their twins, wrong on fresh ones, with a lead of 2."""
    right = torch.nn.functional.one_hot(TASK.labels, P).double() * 2
    wrong = torch.nn.functional.one_hot((TASK.labels + 1) % P, P).double() * 2
    masks = with_logits(right).masks
    snap = with_logits(torch.where(masks["fresh"][:, None], wrong, right))
    expected = {"train": 1.0, "twin": 1.0, "fresh": 0.0, "test": int(masks["twin"].sum()) / int(masks["test"].sum())}
    for split, accuracy in expected.items():
        assert evaluate(f"behaviour.{split}_accuracy", snap) == pytest.approx(accuracy, abs=1e-9)
    lead = math.log(math.exp(2) + P - 1)
    assert evaluate("behaviour.train_loss", snap) == pytest.approx(lead - 2, abs=1e-9)
    assert evaluate("behaviour.fresh_loss", snap) == pytest.approx(lead, abs=1e-9)
    assert evaluate("behaviour.margin", snap) == pytest.approx(2, abs=1e-9)
    assert evaluate("behaviour.margin", snap, split="fresh") == pytest.approx(-2, abs=1e-9)
