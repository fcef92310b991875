"""Measures of group composition on characters, on tables of matrix entries and against literal projections."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.groups import bases
from grokscope.measures.base import evaluate
from grokscope.numerics.gromov import solution
from grokscope.numerics.groups import group
from grokscope.numerics.irreps import irreps
from grokscope.runs.foreign.snapshot import snapshot
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.base import Task

SIMILARITY, KEYS, EXPLAINED = "circuits.logit_similarity", "circuits.key_irreps", "circuits.irrep_explained"
RESTRICTED, EXCLUDED = "circuits.irrep_restricted_loss", "circuits.irrep_excluded_loss"
GROUPS = ["cyclic(7)", "cyclic(8)", "Z3xZ4", "dihedral(5)", "dihedral(6)", "symmetric(4)", "alternating(4)"]


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def weights(n: int, seed: int = 0, d: int = 5, neurons: int = 12) -> dict[str, Tensor]:
    """Of a network as published: two tables, ReLU neurons, no biases."""
    tables = {name: gaussian(n, d, seed=seed + i) for i, name in enumerate(("W_E", "W_E_right"))}
    return tables | {"W_in": gaussian(2 * d, neurons, seed=seed + 2), "W_out": gaussian(neurons, n, seed=seed + 3)}


def network(name: str, params: dict[str, Tensor] | None = None, **fields: Any) -> Snapshot:
    params = params or weights(group(name).order)
    options: dict[str, Any] = {"task": "group_operation", "group": name, "model": "embedding_mlp"}
    return snapshot(params, **(options | fields))


def with_logits(snap: Snapshot, logits: Tensor, task: Task | None = None) -> Snapshot:
    """A snapshot that answers with these logits, whatever its weights."""
    return Snapshot(
        task=task or snap.task, model=snap.model, params=snap.params, train_mask=snap.train_mask, outputs=logits
    )


def literal_character(name: str, matrices: Tensor) -> Tensor:
    """tr rho(a) rho(b) rho(c)^-1 from matrices, rows all pairs (a, b)."""
    n = group(name).order
    return torch.einsum("aij,bjk,cik->abc", matrices, matrices, matrices).reshape(n * n, n)


def answer(snap: Snapshot, name: str, **options: Any) -> dict[str, float]:
    found = evaluate(name, snap, **options)
    assert isinstance(found, dict), found
    return found


def reason(snap: Snapshot, name: str, **options: Any) -> str:
    found = evaluate(name, snap, **options)
    assert isinstance(found, Missing), found
    return found.reason


@pytest.mark.parametrize("name", GROUPS)
def test_the_logits_of_one_character_are_similar_to_it_alone(name: str) -> None:
    snap, own = network(name), irreps(group(name))
    for irrep in own[1:]:
        logits = 3 * literal_character(name, irrep.matrices) + gaussian(snap.task.n_inputs, 1)  # a constant an input
        found = answer(with_logits(snap, logits), SIMILARITY)
        assert list(found) == [other.name for other in own[1:]]
        for other, value in found.items():
            assert value == pytest.approx(float(other == irrep.name), abs=1e-9)


def test_similarities_of_a_mixture_are_its_shares() -> None:
    """Two characters of S4 with energies 9 : 16, one with the wrong sign."""
    name, own = "symmetric(4)", {irrep.name: irrep for irrep in irreps(group("symmetric(4)"))}
    one, other = (literal_character(name, own[irrep].matrices) for irrep in ("standard", "(2,2)"))
    snap = with_logits(network(name), 3 * one / one.norm() - 4 * other / other.norm())
    found = answer(snap, SIMILARITY)
    expected = dict.fromkeys(found, 0.0) | {"standard": 0.6, "(2,2)": -0.8}
    assert found == pytest.approx(expected, abs=1e-9)
    assert answer(snap, KEYS) == pytest.approx({"standard": 0.6}, abs=1e-9)


@pytest.mark.parametrize("name", ["dihedral(5)", "alternating(4)"])
def test_similarity_is_the_literal_cosine(name: str) -> None:
    snap = network(name)
    logits = snap.logits.reshape(-1)
    centred = (snap.logits - snap.logits.mean(1, keepdim=True)).reshape(-1)
    assert not torch.allclose(logits, centred)
    for irrep in irreps(group(name))[1:]:
        character = literal_character(name, irrep.matrices).reshape(-1)
        expected = float(torch.nn.functional.cosine_similarity(centred, character, dim=0))
        assert answer(snap, SIMILARITY)[irrep.name] == pytest.approx(expected, abs=1e-9)
    explained = sum(value**2 for value in answer(snap, SIMILARITY).values())
    assert 0 < explained < 1


def test_key_irreps_are_those_above_the_threshold() -> None:
    snap = network("dihedral(6)")
    everything = answer(snap, SIMILARITY)
    assert min(everything.values()) < 0.005 < max(everything.values())
    assert answer(snap, KEYS) == {irrep: value for irrep, value in everything.items() if value > 0.005}
    largest = max(everything.values())
    assert answer(snap, KEYS, threshold=largest) == {}
    for wrong in (-0.1, 1.0):
        with pytest.raises(ValueError, match=r"threshold is a cosine and must lie in \[0, 1\), got"):
            evaluate(KEYS, snap, threshold=wrong)
    with pytest.raises(ValueError, match="threshold = nan: expected a finite number"):
        evaluate(KEYS, snap, threshold=math.nan)


def test_label_noise_leaves_the_operation_what_it_is() -> None:
    snap = network("dihedral(5)")
    noisy = snap.task.with_noise(torch.ones(100, dtype=torch.bool), 0.4, 0, seed=0)
    assert not torch.equal(noisy.labels, snap.task.labels)
    assert answer(with_logits(snap, snap.logits, noisy), SIMILARITY) == answer(snap, SIMILARITY)


def test_subtraction_is_a_product_too() -> None:
    p, k = 7, 3
    params = {"W_in": gaussian(2 * p, 9), "W_out": gaussian(9, p)}
    snap = snapshot(params, task="binary_operation", p=p, operation="x-y", model="quadratic_mlp")
    a, b = snap.task.inputs.double().unbind(1)
    logits = torch.cos(2 * math.pi * k / p * ((a - b)[:, None] - torch.arange(p)))
    assert answer(with_logits(snap, logits), SIMILARITY) == pytest.approx({"k=1": 0, "k=2": 0, "k=3": 1}, abs=1e-9)


@pytest.mark.parametrize("unit", [2, 4, 12])
def test_relabelling_residues_by_a_unit_permutes_frequencies(unit: int) -> None:
    p = 13
    places = torch.arange(p) * unit % p
    params = {"W_in": gaussian(2 * p, 9), "W_out": gaussian(9, p)}
    moved = {"W_in": params["W_in"][torch.cat([places, p + places])], "W_out": params["W_out"][:, places]}
    one, other = (snapshot(each, p=p, model="quadratic_mlp") for each in (params, moved))
    for name, options in (
        (SIMILARITY, {}),
        *((EXPLAINED, {"site": site}) for site in ("embed", "embed_right", "unembed", "neurons", "neurons_ab")),
    ):
        before, after = answer(one, name, **options), answer(other, name, **options)
        # x -> f(unit x): the frequency k of f is at unit k.
        for k in range(1, 7):
            image = k * unit % p
            assert after[f"k={min(image, p - image)}"] == pytest.approx(before[f"k={k}"], abs=1e-9)
    for name in (RESTRICTED, EXCLUDED):
        image = 2 * unit % p
        value = evaluate(name, one, irreps=["k=2"])
        assert evaluate(name, other, irreps=[f"k={min(image, p - image)}"]) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("name", GROUPS)
def test_a_table_of_matrix_entries_lies_along_its_irrep_alone(name: str) -> None:
    """Whatever d x d matrix mixes the entries; the left, the right table and W_out each of another irrep."""
    of = group(name)
    own = irreps(of)
    for i, irrep in enumerate(own):
        left, right, out = (own[(i + shift) % len(own)] for shift in range(3))
        params = weights(of.order)
        for key, which in (("W_E", left), ("W_E_right", right)):
            params[key] = which.matrices.flatten(1) @ gaussian(which.dimension**2, 5, seed=i)
        params["W_out"] = (out.matrices.flatten(1) @ gaussian(out.dimension**2, 12, seed=i)).T
        snap = network(name, params)
        for site, which in (("embed", left), ("embed_right", right), ("unembed", out)):
            found = answer(snap, EXPLAINED, site=site)
            assert found == pytest.approx({each.name: float(each is which) for each in own}, abs=1e-9)
        assert irrep is left


@pytest.mark.parametrize("name", GROUPS)
def test_shares_of_weights_add_up_to_one(name: str) -> None:
    snap = network(name)
    for site in ("embed", "embed_right", "unembed"):
        assert sum(answer(snap, EXPLAINED, site=site).values()) == pytest.approx(1, abs=1e-9)
    directions = torch.cat(list(bases(group(name)).values()), dim=1)
    torch.testing.assert_close(
        directions.T @ directions, torch.eye(group(name).order, dtype=torch.float64), atol=1e-9, rtol=0
    )


def test_tables_are_what_the_neurons_read() -> None:
    """W_a = E_l W_in[:d], not E_l: with a W_in that reads one channel, that channel's irrep is all there is."""
    own = irreps(group("dihedral(5)"))
    params = weights(10)
    params["W_E"] = torch.stack([own[1].matrices[:, 0, 0], *(9 * own[2].matrices.flatten(1).T)], dim=1)
    params["W_in"][1:5] = 0
    assert answer(network("dihedral(5)", params), EXPLAINED)[own[1].name] == pytest.approx(1, abs=1e-9)


def test_a_transformers_tables_are_its_embedding_and_unembedding() -> None:
    p, d = 11, 6
    waves = torch.cos(2 * math.pi * 4 / p * torch.arange(p).double())
    equals = torch.full((1, d), 7.0).double()  # "=" is no element
    drawn = {"W_E": torch.cat([torch.outer(waves, gaussian(d)), equals]), "W_pos": gaussian(3, d)}
    drawn |= {name: gaussian(2, d, 3) for name in ("W_Q", "W_K", "W_V")} | {"W_O": gaussian(2, 3, d)}
    drawn |= {"W_in": gaussian(d, 8), "W_out": gaussian(8, d)}
    drawn["W_U"] = torch.cat([torch.outer(gaussian(d), waves), equals.T], dim=1)
    snap = snapshot(drawn, p=p, model="transformer")
    for site in ("embed", "unembed"):
        assert answer(snap, EXPLAINED, site=site)["k=4"] == pytest.approx(1, abs=1e-9)
    assert "one embedding" in reason(snap, EXPLAINED, site="embed_right")


def test_neurons_of_the_closed_form_network() -> None:
    """(cos(A + f1) + cos(B + f2))^2 has energies 1/8 in 2A and in 2B, 1/2 in A + B and in A - B, of 5/4."""
    snap = snapshot(solution(11, 7, frequencies=[4]), p=11, model="quadratic_mlp")
    for site, shares in {
        "neurons_a": {"k=3": 0.1},  # 2 * 4 = 8 = -3
        "neurons_b": {"k=3": 0.1},
        "neurons_ab": {"k=4": 0.4},
        "neurons": {"k=3": 0.2, "k=4": 0.4},
    }.items():
        expected = {f"k={k}": 0.0 for k in range(1, 6)} | shares
        assert answer(snap, EXPLAINED, site=site) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["symmetric(3)", "cyclic(7)", "dihedral(4)"])
def test_shares_of_neurons_are_the_literal_projections(name: str) -> None:
    """By least squares on the n^2 x d^2 matrices, on which null directions do no harm."""
    snap, of = network(name), group(name)
    neurons = snap.activations["mlp_post"].numpy()
    centred = neurons - neurons.mean(0)
    a, b = snap.task.inputs.unbind(1)
    for irrep in irreps(of)[1:]:
        parts = [irrep.matrices.flatten(1)[which].numpy() for which in (a, b, of.table[a, b])]
        for site, columns in (("neurons", np.hstack(parts)), ("neurons_a", parts[0]), ("neurons_ab", parts[2])):
            fitted = columns @ np.linalg.lstsq(columns, centred, rcond=None)[0]
            expected = float((fitted**2).sum() / (centred**2).sum())
            assert answer(snap, EXPLAINED, site=site)[irrep.name] == pytest.approx(expected, abs=1e-9)


def test_qr_of_a_rank_two_matrix_captures_energy_that_is_not_there() -> None:
    """The published artefact: four entries of a rotation, rank 2, and QR's other two columns."""
    p = 23
    rotation = next(irrep for irrep in irreps(group("cyclic(23)")) if irrep.name == "k=3")
    entries = rotation.matrices.flatten(1)
    assert bases(group("cyclic(23)"))["k=3"].shape == (p, 2)
    angle = 2 * math.pi / p * torch.arange(p).double()
    other = torch.stack([torch.cos(5 * angle + 0.2), torch.cos(7 * angle)], dim=1)
    surplus, _ = torch.linalg.qr(entries)
    assert surplus.shape == (p, 4)
    assert float((surplus.T @ other).square().sum() / other.square().sum()) > 0.01
    shares = answer(snapshot({"W_in": other.repeat(2, 1), "W_out": other.T}, p=p, model="mlp"), EXPLAINED)
    assert shares["k=3"] == pytest.approx(0, abs=1e-9)
    assert shares["k=5"] == pytest.approx(0.5, abs=1e-9)

    # And what it does to a loss: over inputs too, a restriction to k = 3 keeps what is not of k = 3.
    snap = snapshot(solution(p, 22), p=p, model="quadratic_mlp")
    columns, neurons = entries[snap.labels], snap.activations["mlp_post"]
    wide, _ = torch.linalg.qr(columns)
    to_logits = snap.params["W_out"] / (2 * p * 22)
    losses = {}
    for rank, basis in (("2", torch.linalg.svd(columns, full_matrices=False)[0][:, :2]), ("4", wide)):
        logits = basis @ (basis.T @ neurons) @ to_logits
        losses[rank] = float(torch.nn.functional.cross_entropy(logits, snap.labels))
    assert evaluate(RESTRICTED, snap, irreps=["k=3"]) == pytest.approx(losses["2"], abs=1e-9)
    assert abs(losses["4"] - losses["2"]) > 1e-6


def literal_losses(snap: Snapshot, to_logits: Tensor, names: list[str], skip: bool) -> tuple[Tensor, Tensor]:
    """Logits restricted to and without the irreps, by least squares on the matrices of rho(a b)."""
    of = group(snap.task.truth.group or "")
    columns = torch.cat([irrep.matrices.flatten(1) for irrep in irreps(of) if irrep.name in names], dim=1)[snap.labels]
    neurons = snap.activations["mlp_post"]
    kept = torch.from_numpy(columns.numpy() @ np.linalg.lstsq(columns.numpy(), neurons.numpy(), rcond=None)[0])
    rest = snap.logits - neurons @ to_logits if skip else torch.zeros(())
    return kept @ to_logits + rest, (neurons - kept) @ to_logits + rest


def transformer(p: int) -> Snapshot:
    d, drawn = 6, {}
    for i, (name, shape) in enumerate(
        {
            **{"W_E": (p + 1, d), "W_pos": (3, d), "W_Q": (2, d, 3), "W_K": (2, d, 3), "W_V": (2, d, 3)},
            **{"W_O": (2, 3, d), "W_in": (d, 8), "b_in": (8,), "W_out": (8, d), "b_out": (d,), "W_U": (d, p + 1)},
        }.items()
    ):
        drawn[name] = gaussian(*shape, seed=i)
    return snapshot(drawn, p=p, model="transformer", train_fraction=0.4)


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("which", ["symmetric(3)", "dihedral(4)", "transformer", "quadratic"])
def test_restriction_and_exclusion_are_the_literal_projections(which: str, skip: bool) -> None:
    if which == "transformer":
        snap, names = transformer(11), ["k=2", "k=5"]
        to_logits = (snap.params["W_out"] @ snap.params["W_U"])[:, :11]
    elif which == "quadratic":
        snap, names = snapshot(solution(11, 20), p=11, model="quadratic_mlp", train_fraction=0.3), ["k=3", "trivial"]
        to_logits = snap.params["W_out"] / (22 * 20)
    else:
        snap, names = network(which, train_fraction=0.4), [irrep.name for irrep in irreps(group(which))[-2:]]
        to_logits = snap.params["W_out"]
    restricted, excluded = literal_losses(snap, to_logits, names, skip)
    for split, mask in snap.masks.items():
        if not mask.any():
            continue
        for name, logits in ((RESTRICTED, restricted), (EXCLUDED, excluded)):
            expected = float(torch.nn.functional.cross_entropy(logits[mask], snap.labels[mask]))
            found = evaluate(name, snap, irreps=names, skip=skip, split=split)
            assert found == pytest.approx(expected, abs=1e-9, rel=1e-9)
    train = snap.masks["train"]
    assert evaluate(RESTRICTED, snap, irreps=names) == evaluate(RESTRICTED, snap, irreps=names, split="all", skip=False)
    by_default = float(torch.nn.functional.cross_entropy(excluded[train], snap.labels[train]))
    if not skip:
        assert evaluate(EXCLUDED, snap, irreps=names) == pytest.approx(by_default, abs=1e-9, rel=1e-9)


def test_the_closed_form_network_is_its_restriction_and_nothing_without() -> None:
    """f is W (cos(A + B + f3) + what no rho(a b) explains): restricted to it, every answer is right, by the margin."""
    p, n = 23, 220
    params = solution(p, n)
    params["W_out"] *= 2 * p * 40  # so that the logits are large
    snap = snapshot(params, p=p, model="quadratic_mlp")
    a, b = snap.task.inputs.double().unbind(1)
    f3 = torch.angle(torch.fft.rfft(params["W_out"], dim=1)[torch.arange(n), torch.arange(n) % 11 + 1])
    s = 2 * math.pi / p * (torch.arange(n) % 11 + 1).double()
    logits = torch.cos((a + b)[:, None] * s + f3) @ params["W_out"] / (2 * p * n)
    assert bool((logits.argmax(1) == snap.labels).all())
    everything = [f"k={k}" for k in range(1, 12)]
    expected = float(torch.nn.functional.cross_entropy(logits, snap.labels))
    assert evaluate(RESTRICTED, snap, irreps=everything) == pytest.approx(expected, abs=1e-9)
    without = evaluate(EXCLUDED, snap, irreps=everything)
    assert isinstance(without, float)
    assert without > math.log(p) > 30 * expected


def test_keys_default_to_those_of_the_last_checkpoint() -> None:
    own = irreps(group("dihedral(5)"))
    early = network("dihedral(5)")
    last = with_logits(early, literal_character("dihedral(5)", own[2].matrices))
    early = early.replace(final=lambda: last)
    for name in (RESTRICTED, EXCLUDED):
        assert evaluate(name, early) == evaluate(name, early, irreps=[own[2].name])
        assert evaluate(name, early) == evaluate(name, early, irreps=[own[2].name] * 2)
        assert evaluate(name, early) != evaluate(name, early, irreps=[own[3].name])
    flipped = with_logits(early, -literal_character("dihedral(5)", own[2].matrices))
    assert "no key irrep" in reason(flipped, RESTRICTED)


@pytest.mark.parametrize("name", [SIMILARITY, KEYS, EXPLAINED, RESTRICTED, EXCLUDED])
def test_tasks_without_an_answer(name: str) -> None:
    trivial = network("cyclic(1)")
    assert "trivial group" in reason(trivial, name)
    base = network("dihedral(5)")
    assert "no group" in reason(with_logits(base, base.logits, base.task.with_random_labels(0)), name)
    for operation in ("xyx^-1", "xyx"):
        assert "neither the product" in reason(network("dihedral(5)", operation=operation), name)
    # Multiplication modulo p has an answer that is no element of the group.
    params = {"W_in": gaussian(14, 9), "W_out": gaussian(9, 7)}
    with_zero = snapshot(params, task="binary_operation", p=7, operation="x*y", model="mlp")
    assert "not over all pairs of the 6 elements" in reason(with_zero, name)
    polynomial = snapshot(params, task="binary_operation", p=7, operation="x^2+y^2", model="mlp")
    assert "no group" in reason(polynomial, name)


def test_networks_without_an_answer() -> None:
    base = network("dihedral(5)")
    zero = network("dihedral(5)", {key: torch.zeros_like(tensor) for key, tensor in base.params.items()})
    for name in (SIMILARITY, KEYS, RESTRICTED, EXCLUDED):
        assert "all logits of an input are equal" in reason(zero, name)
    for site in ("embed", "embed_right", "unembed"):
        assert f"all weights of {site} are 0" in reason(zero, EXPLAINED, site=site)
    assert "no neuron depends on the inputs" in reason(zero, EXPLAINED, site="neurons")
    constant = network(
        "dihedral(5)",
        dict(base.params) | {"W_in": base.params["W_in"] * 0, "b_in": gaussian(12) + 5, "b_out": gaussian(10)},
    )
    assert "no neuron depends on the inputs" in reason(constant, EXPLAINED, site="neurons")
    normed = snapshot(
        _decoder(layer_norm=True), p=7, model="decoder", n_layers=1, layer_norm="pre", positions="learned"
    )
    assert "LayerNorm" in reason(normed, RESTRICTED, irreps=["k=1"])


def test_a_decoders_last_layer_is_read() -> None:
    snap = snapshot(_decoder(layer_norm=False), p=7, model="decoder", layer_norm="none", positions="learned")
    to_logits = (snap.params["W_out"][-1] @ snap.params["W_U"])[:, :7]
    for name, logits in zip((RESTRICTED, EXCLUDED), literal_losses(snap, to_logits, ["k=2"], True), strict=True):
        expected = float(torch.nn.functional.cross_entropy(logits, snap.labels))
        assert evaluate(name, snap, irreps=["k=2"], skip=True) == pytest.approx(expected, abs=1e-9)


def _decoder(*, layer_norm: bool) -> dict[str, Tensor]:
    n, d = (1 if layer_norm else 2), 6
    shapes: dict[str, tuple[int, ...]] = {"W_E": (8, d), "W_pos": (3, d), "W_O": (n, 2, 3, d), "W_in": (n, d, 8)}
    shapes |= dict.fromkeys(("W_Q", "W_K", "W_V"), (n, 2, d, 3)) | {"W_out": (n, 8, d), "W_U": (d, 8)}
    if layer_norm:
        shapes |= dict.fromkeys(("ln1_w", "ln1_b", "ln2_w", "ln2_b"), (n, d))
        shapes |= dict.fromkeys(("ln_final_w", "ln_final_b"), (d,))
    return {name: gaussian(*shape, seed=i) for i, (name, shape) in enumerate(shapes.items())}


def test_bad_arguments_are_named() -> None:
    snap = network("dihedral(5)")
    with pytest.raises(ValueError, match=r"unknown site 'neuron'. Did you mean 'neurons"):
        evaluate(EXPLAINED, snap, site="neuron")
    with pytest.raises(ValueError, match=r"unknown irrep 'k=9'"):
        evaluate(RESTRICTED, snap, irreps=["k=9"])
    for wrong in ([], "sign"):
        with pytest.raises(ValueError, match=r"irreps must be a list of one or more names, got"):
            evaluate(EXCLUDED, snap, irreps=wrong)
    with pytest.raises(ValueError, match=r"unknown split 'al'. Did you mean 'all'"):
        evaluate(RESTRICTED, snap, irreps=["sign"], split="al")
    assert "no test inputs" in reason(snap, RESTRICTED, irreps=["sign"], split="test")
