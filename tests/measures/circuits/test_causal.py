"""Interventions on networks of which it is known what they do."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.curvature import curvature
from grokscope.measures.base import evaluate
from grokscope.measures.circuits.frequency_intervention import _shift
from grokscope.models.base import Interface
from grokscope.models.transformer import TransformerOptions, transformer
from grokscope.numerics.curvature import Curvature
from grokscope.runs.foreign.snapshot import snapshot
from grokscope.runs.snapshot import Snapshot

P = 11
INTERVENTION, PATCHING = "circuits.frequency_intervention", "circuits.path_patching"


def gaussian(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def exact(p: int, frequencies: list[int]) -> dict[str, Tensor]:
    """Gromov's network with phases on a 3 x 3 grid, on which all but cos(2 pi k (a + b - c) / p) cancels."""
    grid = 2 * math.pi / 3 * torch.cartesian_prod(torch.arange(3), torch.arange(3)).double()
    angles = [2 * math.pi * k / p * torch.arange(p).double()[:, None] for k in frequencies]
    f1, f2 = grid.unbind(1)
    W_a, W_b, W_c = (torch.cat([torch.cos(x + f) for x in angles], dim=1) for f in (f1, f2, f1 + f2))
    return {"W_in": torch.cat([W_a, W_b]), "W_out": W_c.T.contiguous()}


def small(seed: int = 0, **changed: Tensor) -> Snapshot:
    interface = Interface(n_symbols=P, n_operands=2, n_outputs=P)
    model = transformer(TransformerOptions(d_model=16, n_heads=2, d_mlp=12), interface)
    params = model.init(torch.Generator().manual_seed(seed))
    return snapshot({name: tensor.double() * 2 for name, tensor in params.items()} | changed, p=P)


def values(name: str, snap: Snapshot, **options: Any) -> Any:
    found = evaluate(name, snap, **options)
    assert not isinstance(found, Missing), found
    return found


@pytest.mark.parametrize("p", [11, 12])
@pytest.mark.parametrize("options", [{}, {"shift": 1}, {"kind": "remove"}, {"kind": "implant"}], ids=str)
def test_a_circuit_a_frequency_does_what_is_foretold(p: int, options: dict[str, Any]) -> None:
    snap = snapshot(exact(p, [2, 5]), p=p, model="quadratic_mlp")
    for frequencies in (None, [5]):
        found = values(INTERVENTION, snap, frequencies=frequencies, **options)
        assert found == pytest.approx(dict.fromkeys(["2", "5"] if frequencies is None else ["5"], 1.0), abs=1e-9)


def test_what_is_foretold_is_not_what_random_weights_do() -> None:
    for kind in ("rotate", "remove", "implant"):
        assert max(values(INTERVENTION, small(), frequencies=[1, 2, 3], kind=kind).values()) < 0.3


def test_what_does_not_cancel_is_noticed() -> None:
    params = exact(P, [2])
    # (u + 3 v)^2 has the same product u v, three times as large, and the rest cancels the same.
    skewed = params | {"W_in": params["W_in"] * torch.tensor([1.0, 3.0]).repeat_interleave(P)[:, None].double()}
    assert values(INTERVENTION, snapshot(skewed, p=P, model="quadratic_mlp"))["2"] == pytest.approx(1)
    # With 4 of the 9 neurons the rest does not cancel, and does not turn as foretold.
    uneven = params | {"W_in": params["W_in"][:, :4], "W_out": params["W_out"][:4]}
    assert values(INTERVENTION, snapshot(uneven, p=P, model="quadratic_mlp"), frequencies=[2])["2"] < 0.9
    mute = snapshot(params | {"W_out": params["W_out"] * 0}, p=P, model="quadratic_mlp")
    assert "reaches the logits" in evaluate(INTERVENTION, mute, frequencies=[2]).reason


def test_the_default_shift_turns_most() -> None:
    for p in (11, 12, 59):
        for k in range(1, (p + 1) // 2):
            turns = [min(2 * k * s % p, -2 * k * s % p) for s in range(p)]
            assert turns[_shift(k, p)] == max(turns)


def test_subtraction_does_not_turn() -> None:
    params = exact(P, [2])
    first, second = params["W_in"].split(P)
    minus = {"W_in": torch.cat([first, second[-torch.arange(P) % P]]), "W_out": params["W_out"]}
    snap = snapshot(minus, task="binary_operation", operation="x-y", p=P, model="quadratic_mlp")
    assert "stays when both operands move" in evaluate(INTERVENTION, snap).reason
    for kind in ("remove", "implant"):
        assert values(INTERVENTION, snap, kind=kind) == pytest.approx({"2": 1.0}, abs=1e-9)


def test_tables_of_both_operands_are_changed() -> None:
    params = exact(P, [2])
    W_E, W_in = torch.eye(P).double(), params["W_in"]
    two = {"W_E": W_E, "W_E_right": W_E, "W_in": W_in, "W_out": params["W_out"]}
    snap = snapshot(two, p=P, model="embedding_mlp", activation="quadratic")
    for kind in ("rotate", "remove", "implant"):
        assert values(INTERVENTION, snap, kind=kind) == pytest.approx({"2": 1.0}, abs=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "turn"}, "unknown kind 'turn'"),
        ({"frequencies": [6]}, r"whole numbers in 1\.\.5"),
        ({"kind": "implant", "implanted": 2}, "none of"),
        ({"kind": "implant", "implanted": 6}, r"whole numbers in 1\.\.5"),
    ],
)
def test_what_cannot_be_asked_of_a_frequency_is_said(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate(INTERVENTION, snapshot(exact(P, [2]), p=P, model="quadratic_mlp"), **options)


def test_without_a_free_frequency_none_is_implanted() -> None:
    snap = snapshot(exact(P, [1, 2, 3, 4, 5]), p=P, model="quadratic_mlp")
    assert "every frequency" in evaluate(INTERVENTION, snap, kind="implant").reason


# Path patching.


def test_a_silent_head_carries_nothing_and_the_other_everything() -> None:
    base = small()
    heads = torch.tensor([1.0, 0.0]).double()[:, None, None]
    snap = small(W_O=base.params["W_O"] * heads)
    assert values(PATCHING, snap).tolist() == pytest.approx([1, 0], abs=1e-12)
    assert values(PATCHING, snap, seed=1).tolist() == pytest.approx([1, 0], abs=1e-12)


def test_without_an_mlp_the_heads_share_the_effect() -> None:
    snap = small(W_out=torch.zeros(12, 16).double(), b_out=gaussian(16))
    shares = values(PATCHING, snap)
    assert shares.sum() == pytest.approx(1, abs=1e-12)
    assert min(abs(shares)) > 0.01


def test_attention_that_looks_at_nothing_carries_values_only() -> None:
    snap = small(W_Q=torch.zeros(2, 16, 8).double())
    assert values(PATCHING, snap, part="pattern").tolist() == pytest.approx([0, 0], abs=1e-12)
    assert values(PATCHING, snap, part="value").tolist() == pytest.approx(values(PATCHING, snap).tolist(), abs=1e-12)


def test_values_that_hold_nothing_leave_the_pattern() -> None:
    """The symbols' part of every value is 0, the positions' is not: what a says, it says by where the head looks."""
    base = small()
    table = torch.cat([base.params["W_E"], gaussian(12, 16)], dim=1)[:, :16]
    V, _ = torch.linalg.qr(table.T)  # the span of all symbols: 12 of 16 directions
    outside = torch.eye(16).double() - V @ V.T
    snap = small(W_V=outside @ base.params["W_V"] * 5, W_pos=base.params["W_pos"] * 5)
    assert values(PATCHING, snap, part="value").tolist() == pytest.approx([0, 0], abs=1e-9)
    assert values(PATCHING, snap, part="pattern").tolist() == pytest.approx(values(PATCHING, snap).tolist(), abs=1e-9)


def test_the_effect_is_that_of_whole_forward_passes() -> None:
    """Head 0 alone, by hand: its output on (a', b) put into the forward pass on (a, b)."""
    snap = small()
    shift = torch.randint(1, P, (P * P,), generator=torch.Generator().manual_seed(0))
    a, b = snap.task.inputs.unbind(1)
    other = (a + shift) % P * P + b
    z, W_O = snap.activations["z"], snap.params["W_O"]

    def logits(resid_mid: Tensor) -> Tensor:
        post = torch.relu(resid_mid @ snap.params["W_in"] + snap.params["b_in"])
        found = (resid_mid + post @ snap.params["W_out"] + snap.params["b_out"]) @ snap.params["W_U"][:, :P]
        return found - found.mean(1, keepdim=True)

    middle = snap.activations["resid_mid"]
    effect = logits(middle[other]) - logits(middle)
    alone = logits(middle + (z[other, 0] - z[:, 0]) @ W_O[0]) - logits(middle)
    assert values(PATCHING, snap)[0] == pytest.approx(float((alone * effect).sum() / effect.square().sum()), rel=1e-9)


def test_what_cannot_be_patched_is_said() -> None:
    with pytest.raises(ValueError, match="unknown part 'values'"):
        evaluate(PATCHING, small(), part="values")
    assert isinstance(evaluate(PATCHING, snapshot(exact(P, [2]), p=P, model="quadratic_mlp")), Missing)
    deaf = small(W_V=torch.zeros(2, 16, 8).double())
    assert "does not change the logits" in evaluate(PATCHING, deaf).reason


# Sharpness.


def test_sharpness_of_a_linear_readout_is_known() -> None:
    """Neurons held at 1 for every input, mean squared error: z = b_out, so the Hessian in b_out is 2 / classes."""
    params = exact(P, [2])
    flat = {name: torch.zeros_like(tensor) for name, tensor in params.items()}
    snap = snapshot(
        flat | {"b_in": torch.zeros(9).double(), "b_out": torch.ones(P).double()}, p=P, model="mlp", n_hidden=1
    )
    assert values("circuits.sharpness", snap.replace(loss="mse")) == pytest.approx(2 / P, rel=1e-3)


def test_sharpness_is_the_curvature_of_the_loss_along_its_direction() -> None:
    """The loss along the found direction, by finite differences in weights; the seed changes nothing."""
    snap = small()
    one, other = (values("circuits.sharpness", snap, seed=seed) for seed in (0, 1))
    assert one == pytest.approx(other, rel=1e-3)
    found = curvature(snap)
    assert isinstance(found, Curvature)
    top = found.top()
    assert not isinstance(top, Missing)
    along = found.unflattened(top[1][:, 0])

    def loss(step: float) -> float:
        moved = snap.with_params({name: tensor + step * along[name] for name, tensor in snap.params.items()})
        return float(moved.loss(moved.outputs, moved.task.targets))

    step = 1e-4
    assert (loss(step) - 2 * loss(0) + loss(-step)) / step**2 == pytest.approx(one, rel=1e-2)


def test_sharpness_of_inputs_that_are_not_there() -> None:
    assert "no test inputs" in evaluate("circuits.sharpness", small(), split="test").reason
    with pytest.raises(ValueError, match="unknown split 'tset'"):
        evaluate("circuits.sharpness", small(), split="tset")
