"""The measures of the manifold on networks whose embedding is known."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import evaluate, measures
from grokscope.models.base import Interface
from grokscope.models.transformer import TransformerOptions, transformer
from grokscope.numerics.groups import group
from grokscope.numerics.spectra import participation_ratio
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.binary_operation import BinaryOperation, binary_operation
from grokscope.tasks.modular_addition import ModularAddition, build

P = 59
TASK = build(ModularAddition(p=P))
MODEL = transformer(
    TransformerOptions(d_model=32, n_heads=2, d_mlp=24), Interface(n_symbols=P, n_operands=2, n_outputs=P)
)


def network(frequencies: list[int] | None, noise: float = 0.05, **of: Any) -> Snapshot:
    """A network whose embedding is a clock of these frequencies; None: as it was drawn."""
    params = MODEL.init(torch.Generator().manual_seed(0))
    if frequencies is not None:
        angle = 2 * np.pi * np.outer(np.arange(P), frequencies) / P
        clock = np.hstack([np.cos(angle), np.sin(angle)])
        table = np.zeros((P, 32))
        table[:, : clock.shape[1]] = clock
        table += noise * np.random.default_rng(0).standard_normal(table.shape) / np.sqrt(32)
        params["W_E"][:P] = torch.from_numpy(table)
    return Snapshot(**({"task": TASK, "model": MODEL, "params": params, "train_mask": TASK.split(0.4, 0)} | of))


@pytest.mark.parametrize("frequencies", [[5], [3, 11, 20]])
def test_a_clock_is_certified_and_equivariant(frequencies: list[int]) -> None:
    snap = network(frequencies)
    assert evaluate("manifold.certified_circles", snap) == len(frequencies)
    r2 = evaluate("manifold.equivariance", snap)
    assert isinstance(r2, float)
    assert r2 > 0.95


def test_a_network_as_drawn_is_neither() -> None:
    snap = network(None)
    assert evaluate("manifold.certified_circles", snap) == 0
    r2 = evaluate("manifold.equivariance", snap)
    assert isinstance(r2, float)
    assert r2 < 0.06


def test_residues_get_the_curve_and_no_twonn() -> None:
    snap = network([5])
    missing = evaluate("manifold.dimension", snap, view="embed/tokens", method="mle")
    assert isinstance(missing, Missing)
    assert "lattice" in missing.reason
    curve = evaluate("manifold.gride", snap, view="embed/tokens")
    assert isinstance(curve, dict)
    assert curve["16"] == pytest.approx(1, abs=0.3)


def test_views_are_named_by_site_and_points() -> None:
    snap = network(None)
    assert evaluate("manifold.dimension", snap, view=("resid_mid", "orbits")) == evaluate("manifold.dimension", snap)
    assert evaluate("manifold.dimension", snap, view="orbits") == evaluate("manifold.dimension", snap)
    assert evaluate("manifold.equivariance", snap, view="tokens") == evaluate("manifold.equivariance", snap)
    share = evaluate("manifold.linear_dimension", snap, view="resid_mid/orbits/share=0.1/seed=3")
    cloud = snap.view("resid_mid", "orbits", share=0.1, seed=3)
    assert share == pytest.approx(participation_ratio(cloud), abs=1e-9)
    for view, message in (("resid_mid", "a view is"), ("resid_mid/orbits/shares=1", "Did you mean 'share'")):
        with pytest.raises(ValueError, match=message):
            evaluate("manifold.dimension", snap, view=view)
    for view, reason in (("resid_mdi/orbits", "Did you mean 'resid_mid'"),):
        missing = evaluate("manifold.dimension", snap, view=view)
        assert isinstance(missing, Missing)
        assert reason in missing.reason
    with pytest.raises(ValueError, match="unknown method = "):
        evaluate("manifold.dimension", snap, method="twonnn")
    missing = evaluate("manifold.equivariance", snap, view="resid_mid/orbits")
    assert isinstance(missing, Missing)
    assert "no elements of a group" in missing.reason


def test_a_task_without_a_group_has_no_circle_of_its_own() -> None:
    snap = network([5])
    control = Snapshot(task=TASK.with_random_labels(0), model=MODEL, params=snap.params, train_mask=snap.train_mask)
    for name in ("manifold.certified_circles", "manifold.equivariance"):
        missing = evaluate(name, control)
        assert isinstance(missing, Missing)
        assert missing.reason == "the task has no group"


def test_the_loop_of_one_frequency_is_seen_without_labels_and_is_the_answers() -> None:
    snap = network([5])
    assert evaluate("manifold.betti", snap, view="embed/tokens").tolist() == [1, 1]
    assert evaluate("manifold.persistence_ratio", snap, view="embed/tokens") > 8
    assert evaluate("manifold.circular_coordinate", snap, view="embed/tokens") > 0.99
    # As the elements stand in another order, the loop is there, and is not the answers'.
    moved = network([5])
    moved.params["W_E"][:P] = moved.params["W_E"][torch.randperm(P, generator=torch.Generator().manual_seed(1))]
    assert evaluate("manifold.betti", moved, view="embed/tokens").tolist() == [1, 1]
    assert evaluate("manifold.circular_coordinate", moved, view="embed/tokens") < 0.5


def test_several_circles_hide_each_others_loops_but_not_their_planes() -> None:
    snap = network([3, 11, 20])
    one, three = (evaluate("manifold.persistence_ratio", each, view="embed/tokens") for each in (network([5]), snap))
    assert three < one / 2
    planes = evaluate("manifold.frequency_plane", snap)
    assert set(planes) == {"3", "11", "20"}
    assert min(planes.values()) > 0.99
    assert evaluate("manifold.frequency_plane", snap, frequencies=[7])["7"] < 0.5
    with pytest.raises(ValueError, match="unknown frequency or irrep 30"):
        evaluate("manifold.frequency_plane", snap, frequencies=[30])


def test_planes_are_those_of_the_last_checkpoint() -> None:
    start = network(None, final=lambda: network([3, 11]))
    planes = evaluate("manifold.frequency_plane", start)
    assert set(planes) == {"3", "11"}
    assert max(planes.values()) < 0.5
    missing = evaluate("manifold.frequency_plane", network(None))
    assert isinstance(missing, Missing)
    assert "no frequency" in missing.reason


def test_linear_dimension_counts_two_directions_a_frequency() -> None:
    snap = network([3, 11, 20], noise=0)
    for method in ("participation_ratio", "entropy_rank"):
        assert evaluate("manifold.linear_dimension", snap, view="embed/tokens", method=method) == pytest.approx(6)


def logits(share: float) -> torch.Tensor:
    """Of all inputs, a function of c - a - b and one of c and the input, with this share of the variance."""
    generator = torch.Generator().manual_seed(0)
    shift = torch.arange(P) - TASK.labels[:, None]
    clock = sum((2 * np.pi * k * shift / P).cos() for k in (3, 7))
    other = torch.randn(P * P, P, generator=generator)
    size = [(part - part.mean(1, keepdim=True)).square().sum().sqrt() for part in (clock, other)]
    return clock / size[0] * share**0.5 + other / size[1] * (1 - share) ** 0.5 + torch.randn(P * P, 1)


@pytest.mark.parametrize("share", [1.0, 0.7, 0.0])
def test_the_harmonic_share_is_what_was_mixed_in(share: float) -> None:
    snap = network(None, outputs=logits(share))
    for split in ("all", "test", "train"):
        assert evaluate("manifold.harmonic_share", snap, split=split) == pytest.approx(share, abs=0.02)
    with pytest.raises(ValueError, match="unknown split 'tset'"):
        evaluate("manifold.harmonic_share", snap, split="tset")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_logits_that_are_equal_but_for_rounding_have_no_part_along_the_answers(dtype: torch.dtype) -> None:
    equal = torch.randn(P * P, 1, dtype=dtype, generator=torch.Generator().manual_seed(0)).repeat(1, P)
    for outputs in (equal, equal + torch.finfo(dtype).eps * equal * torch.randn(P * P, P, dtype=dtype).sign()):
        snap = network(None, outputs=outputs)
        for name in ("manifold.harmonic_share", "circuits.logit_similarity", "circuits.logit_explained"):
            answer = evaluate(name, snap, **({"frequencies": [3]} if name.endswith("explained") else {}))
            assert isinstance(answer, Missing)
            assert "equal" in answer.reason


def test_the_harmonic_share_of_another_group() -> None:
    s3 = group("symmetric(3)")
    table = torch.as_tensor(s3.table)
    task = dataclasses.replace(
        TASK, labels=table.flatten(), inputs=TASK.inputs[:36], orbits=torch.arange(36), n_symbols=6, n_classes=6,
        truth=dataclasses.replace(TASK.truth, group="symmetric(3)"),
    )  # fmt: skip
    function = torch.randn(6, generator=torch.Generator().manual_seed(0)).double()
    by_difference = torch.stack([function[table[s3.inverse[y]]] for y in task.labels])
    model = transformer(
        TransformerOptions(d_model=32, n_heads=2, d_mlp=24), Interface(n_symbols=6, n_operands=2, n_outputs=6)
    )
    of = {"task": task, "model": model, "train_mask": torch.ones(36, dtype=torch.bool)}
    assert evaluate("manifold.harmonic_share", network(None, outputs=by_difference, **of)) == pytest.approx(1)
    other_side = torch.stack([function[table[:, s3.inverse[y]]] for y in task.labels])
    assert evaluate("manifold.harmonic_share", network(None, outputs=other_side, **of)) < 0.9


def test_the_swap_distance_is_that_of_all_pairs() -> None:
    snap = network([5])
    points, (a, b) = snap.view("resid_mid", "all").double(), snap.task.inputs.T
    swapped = (points - points[b * P + a]).square().sum(1)[a != b].mean().sqrt()
    distances = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist").square()
    typical = (distances.sum() / (len(points) * (len(points) - 1))).sqrt()
    assert evaluate("manifold.swap_distance", snap) == pytest.approx(float(swapped / typical), rel=1e-9)
    symmetric = network([5])
    symmetric.params["W_pos"][1] = symmetric.params["W_pos"][0]
    assert evaluate("manifold.swap_distance", symmetric) == pytest.approx(0, abs=1e-6)


def test_questions_without_an_answer_say_so() -> None:
    control = network([5], task=TASK.with_random_labels(0))
    for name in ("harmonic_share", "frequency_plane", "circular_coordinate"):
        assert evaluate(f"manifold.{name}", control) == Missing("the task has no group")
    plain = network(None, task=dataclasses.replace(TASK, orbits=torch.arange(P * P)))
    assert isinstance(evaluate("manifold.swap_distance", plain), Missing)
    assert isinstance(evaluate("manifold.persistence_ratio", control, view="resid_mdi/orbits"), Missing)
    with pytest.raises(ValueError, match="dimension must be 1 or 2"):
        evaluate("manifold.persistence_ratio", control, dimension=0)


def test_a_multiplicative_task_is_ordered_by_its_logarithms() -> None:
    task = binary_operation.build(BinaryOperation(operation="x*y", p=P))
    snap = network(None, task=task)
    power, table = 1, snap.params["W_E"]
    for exponent in range(P - 1):  # 2 is a primitive root of 59
        table[power, :2] = 30 * torch.tensor([np.cos(angle := 6 * np.pi * exponent / (P - 1)), np.sin(angle)])
        power = 2 * power % P
    assert evaluate("manifold.certified_circles", snap) == 1
    assert evaluate("manifold.equivariance", snap) > 0.95
    residues = dataclasses.replace(task, truth=TASK.truth)
    assert evaluate("manifold.equivariance", network(None, task=residues, params=snap.params)) < 0.1


def test_finite_weights_whose_activations_overflow_have_no_answer() -> None:
    snap = network([5])
    snap.params["W_E"].mul_(1e38)
    for name in (name for name in measures() if name.startswith("manifold.")):
        for _, value in measures()[name].rows(snap):
            assert isinstance(value, Missing) or np.isfinite(value)
    assert "is not finite" in evaluate("manifold.betti", snap, view="resid_mid/class_means").reason
