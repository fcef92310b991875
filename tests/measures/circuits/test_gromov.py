"""Inverse participation ratio and phases on the closed-form solution, whose values are known."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.numerics.gromov import solution
from grokscope.runs.foreign.snapshot import snapshot
from grokscope.runs.snapshot import Snapshot

P = 97
IPR, PHASES = "circuits.inverse_participation_ratio", "circuits.phase_relation"
CLOSED = {"rfft_one": 1.0, "rfft_both": 1 / 2, "complex_one": 1 / 2, "complex_both": 1 / 4}


def network(params: dict[str, Tensor], p: int = P, **fields: Any) -> Snapshot:
    options: dict[str, Any] = {"model": "quadratic_mlp"}
    return snapshot(params, p=p, **(options | fields))


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_the_closed_form_network_is_right_everywhere_and_has_one_frequency_a_neuron() -> None:
    """Accuracy 1 from 192 neurons on at p = 97 (science/circuits.md, section 4)."""
    params = solution(P, 192)
    snap = network(params)
    assert bool(snap.correct.all())
    for table in (*params["W_in"].split(P), params["W_out"].T):
        power = torch.fft.rfft(table, dim=0).abs().square()
        assert power.argmax(0).tolist() == [i % 48 + 1 for i in range(192)]
        torch.testing.assert_close(power.amax(0), power.sum(0), atol=1e-9, rtol=1e-9)
    for convention, value in CLOSED.items():
        assert evaluate(IPR, snap, convention=convention) == pytest.approx(value, abs=1e-9)
    assert evaluate(IPR, snap) == pytest.approx(1, abs=1e-9)
    assert evaluate(PHASES, snap) == pytest.approx(1, abs=1e-9)
    assert evaluate(PHASES, snap, about="zero") == pytest.approx(1, abs=1e-9)


def test_the_outputs_are_half_the_sum_of_cosines_up_to_random_phases() -> None:
    """Averaged over phases, D N f = 1/2 sum_i cos(2 pi s_i (n + m - q) / p); the rest has mean 0."""
    p, n_neurons, seeds = 7, 3, 400
    total = torch.zeros(p * p, p, dtype=torch.float64)
    for seed in range(seeds):
        total += network(solution(p, n_neurons, seed=seed), p).logits * (2 * p * n_neurons)
    a, b = torch.cartesian_prod(torch.arange(p), torch.arange(p)).unbind(1)
    shift = (a + b)[:, None] - torch.arange(p)
    expected = sum(torch.cos(2 * math.pi * k * shift.double() / p) for k in (1, 2, 3)) / 2
    # Each entry has a standard deviation of at most 2 a neuron; the largest of 343 lies within 4.5 standard errors.
    assert float((total / seeds - expected).abs().max()) < 4.5 * 2 * math.sqrt(n_neurons / seeds)


@pytest.mark.parametrize(
    ("convention", "published", "tolerance"),
    # The published values are of other random phases. At k = 0 a half is a constant cos(f), whose share of the neuron
    # is random: 5 of 485 neurons. In the real basis every neuron's value is (standard deviation 0.13 and 0.25).
    [
        ("complex_both", 0.2537, 0.0015),
        ("rfft_both", 0.501, 0.001),
        ("real_both", 0.376, 4 * 0.13 / math.sqrt(485)),
        ("real_one", 0.748, 4 * 0.25 / math.sqrt(2 * 485)),
        ("rfft_one", 1.0, 1e-9),
    ],
)
def test_published_values_of_every_convention(convention: str, published: float, tolerance: float) -> None:
    snap = network(solution(P, 485, frequencies=range(P)))
    assert evaluate(IPR, snap, convention=convention) == pytest.approx(published, abs=tolerance)


@pytest.mark.parametrize(("convention", "published"), [("complex_both", 0.0102), ("real_both", 0.0152)])
def test_published_values_of_gaussian_weights(convention: str, published: float) -> None:
    snap = network({"W_in": gaussian(2 * P, 500), "W_out": gaussian(500, P)})
    assert evaluate(IPR, snap, convention=convention) == pytest.approx(published, abs=3e-4)


def test_the_ratio_is_its_literal_definition() -> None:
    p, n, r = 12, 5, 3.0
    W_in = gaussian(2 * p, n)
    snap = network({"W_in": W_in, "W_out": gaussian(n, p)}, p)
    angle = 2 * math.pi / p * (torch.arange(p)[:, None] * torch.arange(p)).double()
    values = []
    for i in range(n):
        w = torch.cat(
            [torch.complex(angle.cos(), -angle.sin()) @ half.to(torch.complex128) for half in W_in[:, i].split(p)]
        )
        w = w.abs() / w.norm()
        values.append(float((w ** (2 * r)).sum()))
    assert evaluate(IPR, snap, convention="complex_both", r=r) == pytest.approx(sum(values) / n, abs=1e-9)


def test_phases_that_do_not_add_up() -> None:
    params = solution(P, 192)
    opposite = network(params | {"W_out": -params["W_out"]})
    assert evaluate(PHASES, opposite) == pytest.approx(1, abs=1e-9)
    assert evaluate(PHASES, opposite, about="zero") == pytest.approx(-1, abs=1e-9)
    x = 2 * math.pi / P * torch.arange(P).double()[:, None] * (torch.arange(192) % 48 + 1)
    quarter = network({"W_in": torch.cat([torch.cos(x), torch.cos(x + 0.3)]), "W_out": torch.sin(x + 0.3).T})
    assert evaluate(PHASES, quarter) == pytest.approx(1, abs=1e-9)
    shifted = network({name: table + 5 for name, table in quarter.params.items()})  # a constant has no phase
    for snap in (quarter, shifted):
        assert evaluate(PHASES, snap, about="zero") == pytest.approx(0, abs=1e-9)
    free = network(params | {"W_out": solution(P, 192, seed=1)["W_out"]})
    value = evaluate(PHASES, free)
    assert isinstance(value, float)
    assert value < 2.15 / math.sqrt(192)  # exceeded by 1 % of random phases (Rayleigh: exp(-N value^2))


@pytest.mark.parametrize("unit", [2, 5, 96])
def test_relabelling_residues_by_a_unit_changes_nothing(unit: int) -> None:
    places = torch.arange(P) * unit % P

    def relabelled(params: dict[str, Tensor]) -> dict[str, Tensor]:
        rows = torch.cat([places, P + places])
        return {"W_in": params["W_in"][rows], "W_out": params["W_out"][:, places]}

    noisy = {name: tensor + gaussian(*tensor.shape) for name, tensor in solution(P, 40).items()}
    one, other = network(noisy), network(relabelled(noisy))
    for convention in ("rfft_one", "rfft_both", "complex_both"):
        value = evaluate(IPR, one, convention=convention)
        assert evaluate(IPR, other, convention=convention) == pytest.approx(value, abs=1e-9)
    assert evaluate(PHASES, other, about="zero") == pytest.approx(evaluate(PHASES, one, about="zero"), abs=1e-9)


def test_subtraction_reads_its_second_operand_backwards() -> None:
    params = solution(P, 192)
    left, right = params["W_in"].split(P)
    turned = params | {"W_in": torch.cat([left, right[-torch.arange(P) % P]])}
    snap = network(turned, task="binary_operation", operation="x-y")
    assert bool(snap.correct.all())
    assert evaluate(PHASES, snap) == pytest.approx(1, abs=1e-9)
    assert evaluate(IPR, snap) == pytest.approx(1, abs=1e-9)


def test_dead_neurons_are_left_out() -> None:
    params = solution(P, 48)
    dead = {"W_in": torch.zeros(2 * P, 3).double(), "W_out": gaussian(3, P)}
    half = {"W_in": torch.cat([gaussian(P, 2), torch.zeros(P, 2)]), "W_out": torch.zeros(2, P).double()}
    both = {
        "W_in": torch.cat([params["W_in"], dead["W_in"]], dim=1),
        "W_out": torch.cat([params["W_out"], dead["W_out"]]),
    }
    for convention, value in CLOSED.items():
        assert evaluate(IPR, network(both), convention=convention) == pytest.approx(value, abs=1e-9)
    assert evaluate(PHASES, network(both)) == pytest.approx(1, abs=1e-9)
    assert isinstance(evaluate(IPR, network(dead)), Missing)
    assert isinstance(evaluate(PHASES, network(dead)), Missing)
    assert isinstance(evaluate(PHASES, network(half)), Missing)
    assert isinstance(evaluate(IPR, network(half)), float)


def test_the_same_first_layer_by_other_names() -> None:
    """Identity embeddings before it, and a ReLU or a constant in it, change no table."""
    params, eye = solution(P, 60), torch.eye(P, dtype=torch.float64)
    networks = [
        network(params | {"W_E": eye, "W_E_right": eye}, model="embedding_mlp"),
        network(params, model="mlp"),
        network({"W_in": params["W_in"][:P], "W_out": params["W_out"], "W_E": eye}, model="embedding_mlp"),
    ]
    for snap in networks:
        for convention, value in CLOSED.items():
            assert evaluate(IPR, snap, convention=convention) == pytest.approx(value, abs=1e-9)
    for snap in networks[:2]:
        assert evaluate(PHASES, snap) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("operation", ["x+y", "x-y"])
def test_a_transformer_reads_by_the_additive_part_of_its_neurons(operation: str) -> None:
    """Uniform attention without "=": the pre-activations are exactly additive, with the same table for both operands,
    but for the last token's own stream."""
    p, d, n = 11, 6, 9
    drawn = {"W_E": gaussian(p, d), "W_pos": gaussian(2, d, seed=1), "W_in": gaussian(d, n, seed=2)}
    drawn |= {"W_Q": torch.zeros(1, d, d).double(), "W_K": torch.zeros(1, d, d).double()}
    drawn |= {"W_V": gaussian(1, d, d, seed=3), "W_O": gaussian(1, d, d, seed=4)}
    drawn |= {"W_out": gaussian(n, d, seed=5), "W_U": gaussian(d, p, seed=6)}
    task = {"task": "binary_operation", "operation": operation}
    snap = network(drawn, p, model="transformer", **task)
    through = drawn["W_E"] @ drawn["W_V"][0] @ drawn["W_O"][0] @ drawn["W_in"] / 2
    tables = (through, through + drawn["W_E"] @ drawn["W_in"])
    W_in = torch.cat([table - table.mean(0) for table in tables])
    plain = network({"W_in": W_in, "W_out": drawn["W_out"] @ drawn["W_U"]}, p, **task)
    for convention in ("rfft_one", "rfft_both", "complex_both", "real_both"):
        value = evaluate(IPR, plain, convention=convention)
        assert evaluate(IPR, snap, convention=convention) == pytest.approx(value, abs=1e-9)
    assert evaluate(PHASES, snap) == pytest.approx(evaluate(PHASES, plain), abs=1e-9)


def test_a_neuron_writes_through_its_bottleneck() -> None:
    params = solution(P, 48)
    order = torch.randperm(48, generator=torch.Generator().manual_seed(0))
    mixed = params | {"W_down": torch.eye(48).double()[:, order], "W_up": torch.eye(48).double()}
    mixed["W_out"] = params["W_out"][order]
    snap = network(mixed, bottleneck="mlp_post")
    assert evaluate(PHASES, snap) == pytest.approx(1, abs=1e-9)


def test_networks_and_tasks_without_an_answer() -> None:
    deep = {"W_in": gaussian(2 * P, 8), "W_hidden": gaussian(1, 8, 8), "W_out": gaussian(8, P)}
    answer = evaluate(PHASES, network(deep, model="mlp"))
    assert isinstance(answer, Missing)
    assert "not those that write" in answer.reason
    for name in (IPR, PHASES):
        answer = evaluate(name, network(solution(P, 8), task="binary_operation", operation="x^2+y^2"))
        assert isinstance(answer, Missing)
        assert "cyclic" in answer.reason


def test_bad_arguments_are_named() -> None:
    snap = network(solution(P, 8))
    with pytest.raises(ValueError, match=r"unknown convention 'rfft'. Did you mean 'rfft_"):
        evaluate(IPR, snap, convention="rfft")
    with pytest.raises(ValueError, match=r"r must be above 1 .*, got 1"):
        evaluate(IPR, snap, r=1)
    with pytest.raises(ValueError, match=r"unknown about 'zer'. Did you mean 'zero'"):
        evaluate(PHASES, snap, about="zer")
    with pytest.raises(ValueError, match=r"p must be at least 3 and d_mlp at least 1, got 2 and 5"):
        solution(2, 5)
    with pytest.raises(ValueError, match=r"d_mlp at least 1, got 5 and 0"):
        solution(5, 0)
    for wrong in ([], [5], [-1], [1.5]):
        with pytest.raises(ValueError, match=r"frequencies must be one or more whole numbers in 0\.\.4"):
            solution(5, 3, frequencies=wrong)  # pyright: ignore[reportArgumentType]
