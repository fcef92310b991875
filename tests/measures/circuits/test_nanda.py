"""The measures of Nanda et al. 2023 on networks and activations made of waves, whose answers are known."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.cyclic import projection
from grokscope.measures.base import evaluate, measures
from grokscope.models.base import Activations, Interface
from grokscope.models.transformer import TransformerOptions, transformer
from grokscope.numerics.gromov import solution
from grokscope.runs.foreign.snapshot import snapshot
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.base import Task
from grokscope.tasks.binary_operation import BinaryOperation
from grokscope.tasks.binary_operation import build as build_operation
from grokscope.tasks.modular_addition import ModularAddition, build

P, NEURONS = 23, 24
TASK = build(ModularAddition(p=P))
TRAIN = TASK.split(0.3, 0)
A, B = TASK.inputs.double().unbind(1)
C = torch.arange(P).double()


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def cos(k: int, x: Tensor, p: int = P) -> Tensor:
    return torch.cos(2 * math.pi * k * x / p)


def sin(k: int, x: Tensor, p: int = P) -> Tensor:
    return torch.sin(2 * math.pi * k * x / p)


def made(
    task: Task = TASK,
    params: dict[str, Tensor] | None = None,
    outputs: Tensor | None = None,
    sites: dict[str, Tensor] | None = None,
    **fields: Any,
) -> Snapshot:
    """A transformer of random weights, some of them replaced, or with activations given instead of computed."""
    interface = Interface(n_symbols=task.n_symbols, n_operands=2, n_outputs=task.n_classes)
    model = transformer(TransformerOptions(d_model=16, n_heads=2, d_mlp=NEURONS), interface)
    weights = {name: tensor.double() for name, tensor in model.init(torch.Generator().manual_seed(0)).items()}
    mask = TRAIN if task.n_inputs == P * P else torch.ones(task.n_inputs, dtype=torch.bool)
    snap = Snapshot(task=task, model=model, params=weights | (params or {}), train_mask=mask, outputs=outputs, **fields)
    given = {name: (lambda _, tensor=tensor: tensor) for name, tensor in (sites or {}).items()}
    vars(snap)["activations"] = Activations({**model.sites, **given}, snap.params, task.inputs)
    return snap


def with_neurons(*neurons: Tensor, task: Task = TASK) -> Snapshot:
    return made(task, sites={"mlp_post": torch.stack(neurons, dim=1)})


def value(name: str, snap: Snapshot, **options: Any) -> Any:
    return evaluate(f"circuits.{name}", snap, **options)


def loss(logits: Tensor, mask: Tensor | None = None) -> float:
    rows = torch.ones_like(TRAIN) if mask is None else mask
    return float(torch.nn.functional.cross_entropy(logits[rows], TASK.labels[rows]))


# Neurons.


def test_neurons_made_of_waves_have_their_known_shares() -> None:
    """Variances over the grid: 1/2 for cos(k a), 1/4 for cos(k a) cos(k b), 1/2 for cos(k (a + b))."""
    neurons = {
        "all eight terms": (1 + cos(4, A) - 2 * sin(4, A)) * (3 - sin(4, B) + cos(4, B)) + 7,
        "three quarters": math.sqrt(3) * cos(5, A) + sin(2, B) + 11,
        "one term twice": cos(3, A) * cos(3, B),
        "two frequencies in one product": cos(3, A) * cos(6, B) + cos(11, A),
        "a cosine of the sum": cos(11, A + B) - 100,
        "and of the difference": 2 * sin(1, A - B) + cos(1, A + B),
    }
    snap = with_neurons(*neurons.values())
    shares = value("neuron_explained", snap, by_neuron=True)
    np.testing.assert_allclose(shares, [1, 0.75, 1, 2 / 3, 1, 1], atol=1e-9)
    assert value("neuron_explained", snap) == pytest.approx(4 / 6)
    assert value("neuron_explained", snap, threshold=0.7) == pytest.approx(5 / 6)
    products = value("neuron_explained", snap, terms="products", by_neuron=True)
    np.testing.assert_allclose(products[[1, 2, 3, 4, 5]], [0, 1, 0, 1, 1], atol=1e-9)
    along_sum = value("neuron_explained", snap, terms="sum", by_neuron=True)
    np.testing.assert_allclose(along_sum[[1, 2, 3, 4, 5]], [0, 0.5, 0, 1, 0.2], atol=1e-9)
    counts = value("neuron_frequencies", snap)
    assert list(counts) == [str(k) for k in range(1, 12)]
    assert {k: n for k, n in counts.items() if n} == {"1": 1, "3": 1, "4": 1, "11": 1}
    assert value("neuron_frequencies", snap, threshold=0.7)["5"] == 1
    assert value("key_frequencies", snap, rule="neuron").tolist() == [1, 3, 4, 11]
    assert value("key_frequencies", snap, rule="neuron", threshold=0).tolist() == [1, 3, 4, 5, 11]
    assert value("key_frequencies", snap).tolist() == value("key_frequencies", snap, threshold=0.25).tolist()


def test_gromovs_neuron_is_four_fifths_of_one_frequency() -> None:
    """(cos(k a + f) + cos(k b + g))^2 = 1 + cos(2 k a + 2 f)/2 + cos(2 k b + 2 g)/2 + 2 cos(k a + f) cos(k b + g)."""
    k = 1 + torch.arange(NEURONS) % 11
    phases = gaussian(2, NEURONS)
    waves = [torch.cos(2 * math.pi * (k * C[:, None]) / P + phase) for phase in phases]
    snap = snapshot({"W_in": torch.cat(waves), "W_out": gaussian(NEURONS, P)}, p=P, model="quadratic_mlp")
    np.testing.assert_allclose(value("neuron_explained", snap, by_neuron=True), 0.8, atol=1e-9)
    np.testing.assert_allclose(value("neuron_explained", snap, by_neuron=True, terms="sum"), 0.4, atol=1e-9)
    assert value("neuron_explained", snap) == 0
    expected = {str(each): float(n) for each, n in enumerate(torch.bincount(k).tolist()) if each}
    assert value("neuron_frequencies", snap, threshold=0.79) == expected
    assert isinstance(value("key_frequencies", snap, rule="embedding"), Missing)


@pytest.mark.parametrize("p", [12, 23])
@pytest.mark.parametrize("terms", ["block", "products", "sum"])
def test_shares_are_the_literal_least_squares(p: int, terms: str) -> None:
    """Neurons without structure, regressed on the terms of each frequency; 200 of them are transformed in two parts."""
    task = build(ModularAddition(p=p))
    a, b = task.inputs.double().unbind(1)
    neurons = gaussian(p * p, 200) + 5
    centred = neurons - neurons.mean(0)
    best = torch.zeros(200, dtype=torch.float64)
    for k in range(1, p // 2 + 1):
        x, y = ([torch.ones(p * p).double(), cos(k, each, p), sin(k, each, p)] for each in (a, b))
        pairs = [(i, j) for i in range(3) for j in range(3) if i + j and (terms == "block" or i * j)]
        columns = [x[i] * y[j] for i, j in pairs] if terms != "sum" else [cos(k, a + b, p), sin(k, a + b, p)]
        columns = torch.stack([column for column in columns if column.norm() > 1e-6], dim=1)
        fit = columns @ torch.linalg.lstsq(columns, centred).solution
        best = torch.maximum(best, fit.square().sum(0) / centred.square().sum(0))
    found = value("neuron_explained", made(task, sites={"mlp_post": neurons}), terms=terms, by_neuron=True)
    np.testing.assert_allclose(found, best, atol=1e-9)


def test_dead_and_constant_neurons_are_not_explained() -> None:
    dead, constant = torch.zeros(P * P), torch.full((P * P,), 1e3)
    snap = with_neurons(*(neuron.double() for neuron in (dead, constant, cos(2, A), 1e-5 * sin(3, B) + 1)))
    np.testing.assert_allclose(value("neuron_explained", snap, by_neuron=True), [0, 0, 1, 1], atol=1e-9)
    assert value("neuron_explained", snap) == 0.5
    assert value("neuron_explained", snap, threshold=0) == 0.5
    assert sum(value("neuron_frequencies", snap, threshold=0).values()) == 2
    rounded = 1000 * (1 + 1e-8 * gaussian(P * P, 1)).float()
    assert value("neuron_explained", made(sites={"mlp_post": rounded}), by_neuron=True).tolist() == [0]
    everything_dead = with_neurons(dead.double(), dead.double())
    assert value("neuron_explained", everything_dead) == 0
    assert value("key_frequencies", everything_dead, rule="neuron").tolist() == []


def test_subtraction_and_noise_have_the_same_answers() -> None:
    """What stands for a + b is the operation's answer, not the label, which may be wrong."""
    minus = build_operation(BinaryOperation(operation="x-y", p=P))
    for task, y in ((minus, A - B), (TASK.with_noise(TRAIN, 0.35, 0, seed=1), A + B)):
        snap = with_neurons(cos(3, y), task=task)
        assert value("neuron_explained", snap, terms="sum", by_neuron=True) == pytest.approx([1])
        logits = cos(2, y[:, None] - C)
        assert value("logit_explained", made(task, outputs=logits), frequencies=[2]) == pytest.approx(1)


# Logits.


def formula(amplitudes: dict[int, float]) -> Tensor:
    total = torch.zeros(P * P, P, dtype=torch.float64)
    for k, amplitude in amplitudes.items():
        total += amplitude * cos(k, (A + B)[:, None] - C)
    return total


def test_logits_of_the_formula_are_explained_and_others_by_their_energy() -> None:
    """Each cosine of a + b - c has variance amplitude^2 / 2; so has any other wave that sums to 0 over c."""
    snap = made(outputs=formula({3: 2.0, 8: 1.0}))
    assert value("logit_explained", snap, frequencies=[3, 8]) == pytest.approx(1, abs=1e-9)
    assert value("logit_explained", snap, frequencies=[3, 3]) == pytest.approx(0.8, abs=1e-9)
    assert value("logit_explained", snap, frequencies=[5]) == pytest.approx(0, abs=1e-9)
    for other in (sin(3, (A + B)[:, None] - C), cos(3, (A - B)[:, None] - C), cos(3, C).expand(P * P, P)):
        mixed = made(outputs=formula({3: 2.0}) + other)
        assert value("logit_explained", mixed, frequencies=[3]) == pytest.approx(0.8, abs=1e-9)
    shifted = made(outputs=formula({3: 2.0, 8: 1.0}) + 1e3 * gaussian(P * P, 1))
    assert value("logit_explained", shifted, frequencies=[3]) == pytest.approx(0.8, abs=1e-9)


def test_the_fit_of_logits_is_the_literal_regression() -> None:
    logits, keys = gaussian(P * P, P, seed=3), [1, 4, 11]
    centred = (logits - logits.mean(1, keepdim=True)).flatten()
    columns = torch.stack([formula({k: 1.0}).flatten() for k in keys], dim=1)
    fit = columns @ torch.linalg.lstsq(columns, centred[:, None]).solution[:, 0]
    expected = 1 - (centred - fit).square().sum() / centred.square().sum()
    assert value("logit_explained", made(outputs=logits), frequencies=keys) == pytest.approx(float(expected), abs=1e-9)


def test_logits_that_classes_share_have_no_variance_to_explain() -> None:
    for each in (torch.zeros(P * P, P), gaussian(P * P, 1).expand(P * P, P)):
        answer = value("logit_explained", made(outputs=each.double()), frequencies=[1])
        assert isinstance(answer, Missing)
        assert "no variance" in answer.reason


def test_the_sign_of_an_even_modulus_has_no_sine() -> None:
    task = build(ModularAddition(p=12))
    a, b = task.inputs.double().unbind(1)
    sign = torch.cos(math.pi * (a + b))
    logits = sign[:, None] * torch.cos(math.pi * torch.arange(12).double())
    assert value("logit_explained", made(task, outputs=logits), frequencies=[6]) == pytest.approx(1)
    W_U = torch.zeros(16, 13, dtype=torch.float64)
    W_U[0, :12] = torch.cos(math.pi * torch.arange(12).double())
    W_out = torch.eye(NEURONS, 16, dtype=torch.float64)
    neurons = torch.stack([sign, *gaussian(NEURONS - 1, 144)], dim=1)
    snap = made(task, params={"W_U": W_U, "W_out": W_out}, sites={"mlp_post": neurons})
    assert value("neuron_logit_explained", snap) == pytest.approx({"cos_6": 1})
    assert value("neuron_logit_residual", snap) == pytest.approx(0, abs=1e-9)


def test_losses_without_one_frequency_at_a_time() -> None:
    amplitudes = {2: 3.0, 5: 1.0, 11: 6.0}  # 11 = (p - 1)/2, where older code stops short
    snap = made(outputs=formula(amplitudes))
    without = {k: loss(formula(amplitudes | {k: 0.0}), TRAIN) for k in amplitudes}
    each = value("excluded_loss", snap, frequencies=[5, 2, 11, 2], kind="each")
    assert each == pytest.approx({str(k): without[k] for k in (2, 5, 11)}, abs=1e-9)
    assert value("excluded_loss", snap, kind="largest") == pytest.approx(without[11], abs=1e-9)
    assert value("excluded_loss", snap, kind="largest", frequencies=[2, 5]) == pytest.approx(without[2], abs=1e-9)
    everywhere = loss(formula(amplitudes | {11: 0.0}))
    assert value("excluded_loss", snap, kind="largest", split="all") == pytest.approx(everywhere, abs=1e-9)
    together = value("excluded_loss", snap, frequencies=[2, 5], kind="together")
    assert (
        together == value("excluded_loss", snap, frequencies=[2, 5]) == pytest.approx(loss(formula({11: 6.0}), TRAIN))
    )
    assert [view for view, _ in measures()["circuits.excluded_loss"].rows(made())] == [""]
    untested = snapshot(snap.params, p=P)
    for kind in ("together", "each", "largest"):
        assert isinstance(value("excluded_loss", untested, frequencies=[2], kind=kind, split="test"), Missing)


# The neuron-logit map.


def rank_ten(keys: Sequence[int]) -> tuple[dict[str, Tensor], Tensor]:
    """W_L = sum_k cos(k c) u_k^T + sin(k c) v_k^T of rank 10; neurons with u_k . n = cos(k y), v_k . n = sin(k y)."""
    waves = torch.stack([wave(k, C) for k in keys for wave in (cos, sin)])
    W_out, W_U = torch.zeros(NEURONS, 16, dtype=torch.float64), torch.zeros(16, P + 1, dtype=torch.float64)
    rotation = torch.linalg.qr(gaussian(NEURONS, NEURONS)).Q
    W_out[:, :10], W_U[:10, :P] = rotation[:, :10], waves
    W_U[:, P] = 50.0  # the column of "=" is no answer
    of_answers = torch.stack([wave(k, A + B) for k in keys for wave in (cos, sin)], dim=1)
    return {"W_out": W_out, "W_U": W_U}, of_answers @ rotation[:, :10].T


def test_a_map_of_rank_ten_is_all_key_frequencies() -> None:
    keys = [2, 3, 5, 7, 11]
    params, neurons = rank_ten(keys)
    snap = made(params=params, sites={"mlp_post": neurons})
    assert torch.linalg.matrix_rank(params["W_out"] @ params["W_U"][:, :P]) == 10
    assert value("key_frequencies", snap).tolist() == keys
    assert value("neuron_logit_residual", snap) == pytest.approx(0, abs=1e-9)
    assert value("neuron_logit_residual", snap, frequencies=[2, 3, 5, 7]) == pytest.approx(math.sqrt(0.2), abs=1e-9)
    names = [f"{wave}_{k}" for k in keys for wave in ("cos", "sin")]
    assert value("neuron_logit_explained", snap) == pytest.approx(dict.fromkeys(names, 1), abs=1e-9)
    # Half the variance of each direction, then, is a wave of another kind: only u_3 sees it.
    u_3 = params["W_out"][:, 2]
    noisy = made(params=params, sites={"mlp_post": neurons + sin(4, A)[:, None] * u_3 + 3 * gaussian(NEURONS)})
    expected = dict.fromkeys(names, 1.0) | {"cos_3": 0.5}
    assert value("neuron_logit_explained", noisy) == pytest.approx(expected, abs=1e-9)
    swapped = made(params=params, sites={"mlp_post": neurons.roll(0)[TASK.inputs @ torch.tensor([P, 0])]})
    assert all(share < 1e-9 for share in value("neuron_logit_explained", swapped).values())


def test_what_logits_share_is_outside_the_key_frequencies() -> None:
    params, neurons = rank_ten([2, 3, 5, 7, 11])
    params["W_U"][10, :P] = math.sqrt(5)  # sum of squares 5 p, as that of the ten waves
    params["W_out"][:, 10] = torch.linalg.qr(gaussian(NEURONS, NEURONS)).Q[:, 10]
    snap = made(params=params, sites={"mlp_post": neurons})
    assert value("neuron_logit_residual", snap) == pytest.approx(math.sqrt(0.5), abs=1e-9)


def test_directions_without_variance_are_left_out() -> None:
    params, neurons = rank_ten([2, 3, 5, 7, 11])
    snap = made(params=params, sites={"mlp_post": neurons})
    assert list(value("neuron_logit_explained", snap, frequencies=[2, 4])) == ["cos_2", "sin_2"]
    nothing = made(params={"W_out": 0 * params["W_out"]})
    for name in ("neuron_logit_explained", "neuron_logit_residual"):
        assert isinstance(value(name, nothing, frequencies=[2]), Missing)
        assert "no key frequency" in value(name, nothing).reason


# Attention.


def test_attention_of_the_published_form_is_explained() -> None:
    first = 0.5 + 0.2 * (cos(7, A) - cos(7, B)) - 0.1 * (sin(7, A) - sin(7, B))
    # Variances: 0.05 of the wave, then 0.01 of its even twin, 0.005 of a wave of the sum, 0.0025 of another frequency.
    extra = 0.1 * (cos(7, A) + cos(7, B)) + 0.1 * cos(3, A + B) + 0.05 * (cos(2, A) - cos(2, B))
    heads = torch.stack([first, first + extra + 0.3, torch.full_like(first, 0.5)], dim=1)
    pattern = torch.stack([heads, 1 - heads, 0 * heads], dim=2)
    snap = made(sites={"pattern": pattern})
    expected = [1, 0.05 / 0.0675, 0]
    np.testing.assert_allclose(value("attention_explained", snap), expected, atol=1e-9)
    assert value("attention_explained", snap, quantity="frequency").tolist() == [7, 7, 0]
    mixed = made(sites={"pattern": 0.3 * pattern + 0.7})  # an attention rate
    np.testing.assert_allclose(value("attention_explained", mixed), expected, atol=1e-9)
    still = made(sites={"pattern": torch.ones(P * P, 2, 2)})
    assert "does not depend" in value("attention_explained", still).reason


def test_the_fit_of_attention_is_the_literal_regression() -> None:
    snap = made()
    attention = snap.activations["pattern"][:, :, 0]
    centred, fits = attention - attention.mean(0), []
    for k in range(1, 12):
        columns = torch.stack([cos(k, A) - cos(k, B), sin(k, A) - sin(k, B)], dim=1)
        fit = columns @ torch.linalg.lstsq(columns, centred).solution
        fits.append(1 - (centred - fit).square().sum(0) / centred.square().sum(0))
    best = torch.stack(fits).max(0)
    np.testing.assert_allclose(value("attention_explained", snap), best.values, atol=1e-9)
    assert value("attention_explained", snap, quantity="frequency").tolist() == (best.indices + 1).tolist()


# Ablations.


def test_ablations_are_the_literal_ones() -> None:
    keys, scale = [2, 5], 3.0
    k_of = [2, 2, 5, *([4] * (NEURONS - 3))]
    neurons = torch.stack([1 + i + cos(k, A) + sin(k, B) for i, k in enumerate(k_of)], dim=1)
    snap = made(sites={"mlp_post": neurons}, output_scale=scale)
    w, stream = snap.params, snap.activations["resid_mid"]
    outputs = made(sites={"mlp_post": neurons}).activations["logits"] * scale
    snap = made(sites={"mlp_post": neurons}, output_scale=scale, outputs=outputs)
    W_U = w["W_U"][:, :P]
    W_L = w["W_out"] @ W_U

    def logits(changed: Tensor = neurons, skip: Tensor = stream) -> Tensor:
        return scale * ((skip + w["b_out"]) @ W_U + changed @ W_L)

    def replaced(k: int, by: Tensor) -> Tensor:
        return torch.where(torch.tensor(k_of) == k, by, neurons)

    read = torch.cat([W_L @ torch.stack([cos(k, C), sin(k, C)], dim=1) for k in keys], dim=1)
    along = neurons @ torch.linalg.pinv(read).T @ read.T
    expected = {
        "none": loss(logits()),
        "skip_zero": loss(logits(skip=0 * stream)),
        "skip_mean": loss(logits(skip=stream.mean(0).expand_as(stream))),
        "directions_on": loss(logits(along)),
        "directions_off": loss(logits(neurons - along)),
        "logits_on": value("restricted_loss", snap, frequencies=keys),
        "logits_off": value("excluded_loss", snap, frequencies=keys, split="all"),
    }
    for k in keys:
        expected[f"neurons_{k}_zero"] = loss(logits(replaced(k, torch.zeros(()).double())))
        expected[f"neurons_{k}_mean"] = loss(logits(replaced(k, neurons.mean(0))))
    found = value("ablations", snap, frequencies=keys)
    assert found["none"] == pytest.approx(loss(snap.logits))
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    assert set(found) == {*expected, "head_0", "head_1"}
    for part in ("skip", "heads", "neurons", "directions", "logits"):
        some = value("ablations", snap, part=part, frequencies=keys)
        prefix = part.removesuffix("s") if part == "heads" else part
        assert some == {name: each for name, each in found.items() if name.startswith(prefix)}


def test_a_head_ablated_is_the_network_without_what_it_writes() -> None:
    initial = made(params={"W_U": gaussian(16, P + 1)})
    snap = made(output_scale=2.0, centred=True, initial=lambda: initial)
    for head in (0, 1):
        W_O = snap.params["W_O"].clone()
        W_O[head] = 0
        without = 2 * (made(params={"W_O": W_O}).logits - initial.logits)
        for split in ("all", "test"):
            found = value("ablations", snap, part="heads", split=split)[f"head_{head}"]
            assert found == pytest.approx(loss(without, snap.masks[split]), abs=1e-9)


# What changes nothing, and what is no question.


@pytest.mark.parametrize("unit", [2, 5, -1])
def test_relabelling_residues_by_a_unit_permutes_the_frequencies(unit: int) -> None:
    """x -> u x on symbols and classes: what was a wave of frequency k is one of u k, and no number changes."""
    snap = made()
    old = (unit * torch.arange(P)) % P
    W_E, W_U = snap.params["W_E"].clone(), snap.params["W_U"].clone()
    W_E[:P], W_U[:, :P] = W_E[old], W_U[:, old]
    relabelled = made(params={"W_E": W_E, "W_U": W_U})
    renamed = {k: min(k * unit % P, -k * unit % P) for k in range(1, 12)}
    keys, new_keys = [1, 4, 6], [renamed[k] for k in (1, 4, 6)]
    for name in ("logit_explained", "neuron_logit_residual"):
        expected = value(name, snap, frequencies=keys)
        assert value(name, relabelled, frequencies=new_keys) == pytest.approx(expected, abs=1e-9)
    for options in ({"by_neuron": True}, {"by_neuron": True, "terms": "products"}, {"by_neuron": True, "terms": "sum"}):
        expected = value("neuron_explained", snap, **options)
        np.testing.assert_allclose(value("neuron_explained", relabelled, **options), expected, atol=1e-9)
    np.testing.assert_allclose(value("attention_explained", relabelled), value("attention_explained", snap), atol=1e-9)
    frequency = {"quantity": "frequency"}
    expected = [renamed[k] for k in value("attention_explained", snap, **frequency).tolist()]
    assert value("attention_explained", relabelled, **frequency).tolist() == expected
    counts = value("neuron_frequencies", snap, threshold=0.1)
    assert sum(counts.values()) > 5
    expected = {str(renamed[int(k)]): count for k, count in counts.items()}
    assert value("neuron_frequencies", relabelled, threshold=0.1) == expected
    everywhere = value("excluded_loss", snap, frequencies=keys, kind="each", split="all")
    expected = {str(renamed[int(k)]): each_loss for k, each_loss in everywhere.items()}
    found = value("excluded_loss", relabelled, frequencies=new_keys, kind="each", split="all")
    assert found == pytest.approx(expected, abs=1e-9)


def test_permuting_neurons_and_heads_changes_no_ablation() -> None:
    snap = made()
    order = torch.randperm(NEURONS, generator=torch.Generator().manual_seed(1))
    p = snap.params
    changed = {key: p[key][..., order] for key in ("W_in", "b_in")} | {"W_out": p["W_out"][order]}
    changed |= {key: p[key].flip(0) for key in ("W_Q", "W_K", "W_V", "W_O")}
    one, other = (value("ablations", each, frequencies=[2, 5]) for each in (snap, made(params=changed)))
    one["head_0"], one["head_1"] = one["head_1"], one["head_0"]
    assert other == pytest.approx(one, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("neuron_explained", {"threshold": 1.5}, r"threshold must lie in \[0, 1\], got 1.5"),
        ("neuron_frequencies", {"threshold": -0.1}, r"threshold must lie in \[0, 1\], got -0.1"),
        ("neuron_explained", {"terms": "blok"}, "unknown terms 'blok'. Did you mean 'block'"),
        ("key_frequencies", {"rule": "neurons"}, "unknown rule 'neurons'. Did you mean 'neuron'"),
        ("key_frequencies", {"rule": "neuron", "threshold": 2}, r"threshold must lie in \[0, 1\]"),
        ("excluded_loss", {"kind": "single"}, "unknown kind 'single'"),
        ("excluded_loss", {"kind": "each", "frequencies": []}, r"whole numbers in 1\.\.11"),
        ("attention_explained", {"quantity": "shares"}, "unknown quantity 'shares'. Did you mean 'share'"),
        ("ablations", {"part": "head"}, "unknown part 'head'. Did you mean 'heads'"),
        ("ablations", {"part": "neurons", "frequencies": [12]}, r"whole numbers in 1\.\.11"),
        ("ablations", {"part": "skip", "split": "tset"}, "unknown split 'tset'. Did you mean 'test'"),
        ("logit_explained", {"frequencies": [0]}, r"whole numbers in 1\.\.11"),
        ("neuron_logit_explained", {"frequencies": [2.5]}, r"whole numbers in 1\.\.11"),
        ("neuron_logit_residual", {"frequencies": [12]}, r"whole numbers in 1\.\.11"),
    ],
)
def test_what_cannot_be_asked_is_said(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        value(name, made(), **options)


def test_networks_without_attention_have_no_answer() -> None:
    snap = snapshot({"W_in": gaussian(2 * P, 8), "W_out": gaussian(8, P)}, p=P, model="quadratic_mlp")
    for name in ("attention_explained", "ablations"):
        assert isinstance(value(name, snap), Missing)
    assert isinstance(value("ablations", snapshot(made().params, p=P), part="skip", split="test"), Missing)


def test_the_closed_form_is_found_through_its_readout() -> None:
    """Gromov's network has no W_U: W_out is the map to the logits, and what it is made of is found and is enough."""
    frequencies = [2, 5, 9]
    params = solution(P, 300, frequencies=frequencies)
    snap = snapshot(params, p=P, model="quadratic_mlp")
    for rule in ({"rule": "neuron_logit"}, {"rule": "neuron", "threshold": 0.7}):
        assert value("key_frequencies", snap, **rule).tolist() == frequencies
    assert value("neuron_logit_residual", snap) == pytest.approx(0, abs=1e-9)
    assert value("gini_neuron_logit", snap, paired=True) > 0.7
    assert value("excluded_loss", snap, split="all") > math.log(P) > value("restricted_loss", snap)


def test_directions_follow_the_right_answers_under_label_noise() -> None:
    """Labels at random in a third of the inputs leave the restricted logits those of a + b; only the loss changes."""
    clean = made()
    noisy = made(TASK.with_noise(torch.ones_like(TRAIN), share=0.3, outliers=0, seed=0))
    assert (noisy.labels != clean.labels).double().mean() > 0.2
    both = [projection(snap, np.array([2, 5])) for snap in (clean, noisy)]
    torch.testing.assert_close(*both, rtol=0, atol=0)
    losses = [value("restricted_loss", snap, frequencies=[2, 5]) for snap in (clean, noisy)]
    assert losses[0] != losses[1]
