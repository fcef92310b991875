"""Measures of stability on networks whose answers are known in closed form, or written out."""

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.gradients import gradient
from grokscope.measures.base import evaluate
from grokscope.models.base import Interface
from grokscope.models.mlp import MlpOptions, mlp
from grokscope.numerics.spectra import effective_rank
from grokscope.runs.config import RunConfig, interface
from grokscope.runs.foreign.snapshot import snapshot
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.studies.experiment import train
from grokscope.tasks.modular_addition import ModularAddition, build
from grokscope.tasks.polynomial_regression import polynomial_regression

P = 7
TASK = build(ModularAddition(p=P))
TRAIN = TASK.split(0.5, 0)
MODEL = mlp(MlpOptions(n_hidden=3, d_mlp=12, mlp_biases=False), Interface(n_symbols=P, n_operands=2, n_outputs=P))


def params(seed: int = 0, scale: float = 2.0) -> dict[str, Tensor]:
    drawn = MODEL.init(torch.Generator().manual_seed(seed))
    return {name: scale * tensor.double() for name, tensor in drawn.items()}


def made(weights: dict[str, Tensor] | None = None, **fields: Any) -> Snapshot:
    return Snapshot(**({"task": TASK, "model": MODEL, "params": weights or params(), "train_mask": TRAIN} | fields))


def onehots(rows: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(TASK.inputs[rows], P).flatten(1).double()


def by_hand(weights: dict[str, Tensor]) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor]:
    """Layers, their gradients, z and dL/dz of the bias-free network on the training set, without the package."""
    layers = [weights["W_in"], *weights["W_hidden"], weights["W_out"]]
    layers = [layer.clone().requires_grad_() for layer in layers]
    z = onehots(TRAIN)
    for layer in layers[:-1]:
        z = (z @ layer).relu()
    z = z @ layers[-1]
    z.retain_grad()
    torch.nn.functional.cross_entropy(z, TASK.labels[TRAIN]).backward()
    return [layer.detach() for layer in layers], [layer.grad for layer in layers], z.detach(), z.grad  # pyright: ignore


def value(name: str, snap: Snapshot, **options: Any) -> float:
    found = evaluate(f"stability.{name}", snap, **options)
    assert isinstance(found, float), found
    return found


# Naive loss minimisation


def test_in_a_bias_free_relu_network_every_layer_has_the_same_product() -> None:
    """<W_l, g_l> is the sum of z dL/dz, layer by layer."""
    weights = params()
    layers, slopes, z, dz = by_hand(weights)
    expected = float((z * dz).sum())
    cosines = evaluate("stability.nlm_alignment", made(weights))
    assert isinstance(cosines, dict)
    assert list(cosines) == ["W_in", "W_hidden.0", "W_hidden.1", "W_out"]
    for cosine, layer, slope in zip(cosines.values(), layers, slopes, strict=True):
        assert -cosine * float(layer.norm() * slope.norm()) == pytest.approx(expected, rel=1e-9)
    everything = math.sqrt(sum(float(x.norm()) ** 2 for x in layers) * sum(float(x.norm()) ** 2 for x in slopes))
    assert value("radial_share", made(weights)) == pytest.approx((4 * expected / everything) ** 2, rel=1e-9)
    by_tensor = evaluate("stability.radial_share", made(weights), by="tensor")
    assert by_tensor == pytest.approx({name: cosine**2 for name, cosine in cosines.items()}, rel=1e-12)


def test_a_step_along_the_weights_is_all_that_is_left_where_every_sample_is_sure() -> None:
    """One logit each and no other freedom: z_y = w relu(1), so the only weight's gradient is along it."""
    weights = {name: torch.zeros_like(tensor) for name, tensor in params().items()}
    assert isinstance(evaluate("stability.nlm_alignment", made(weights)), Missing)
    assert isinstance(evaluate("stability.radial_share", made(weights)), Missing)
    # W_out alone is not zero: nothing reaches it, and no gradient passes it.
    weights["W_out"] = torch.ones_like(weights["W_out"])
    assert isinstance(evaluate("stability.nlm_alignment", made(weights)), Missing)
    weights = params() | {"W_out": torch.zeros(12, P, dtype=torch.float64)}
    weights["W_hidden"][1] = 0  # a zero layer has no direction, and nothing behind it has a gradient
    assert isinstance(evaluate("stability.nlm_alignment", made(weights)), Missing)


def test_the_last_layer_of_a_memorising_network_is_scaled_up() -> None:
    """W_out that holds the training answers as multiples of its own gradient: cosine 1."""
    weights = params()
    _, slopes, _, _ = by_hand(weights | {"W_out": torch.zeros(12, P, dtype=torch.float64)})
    small = weights | {"W_out": -1e-6 * slopes[-1]}  # so small that the gradient is still the one at zero
    cosines = evaluate("stability.nlm_alignment", made(small))
    assert isinstance(cosines, dict)
    assert cosines["W_out"] == pytest.approx(1, abs=1e-6)
    grown = evaluate("stability.nlm_alignment", made(weights | {"W_out": 1e-6 * slopes[-1]}))
    assert isinstance(grown, dict)
    assert grown["W_out"] == pytest.approx(-1, abs=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 1.0])
def test_scaling_one_layer_up_and_the_next_down_keeps_every_cosine_of_them(scale: float) -> None:
    weights = params()
    other = weights | {"W_in": weights["W_in"] * scale, "W_out": weights["W_out"] / scale}
    one, two = (evaluate("stability.nlm_alignment", made(of)) for of in (weights, other))
    assert one == pytest.approx(two, rel=1e-9)


FIELDS: dict[str, dict[str, Any]] = {
    "transformer": {},
    "scaled": {"output_scale": 0.5},
    "centred": {"output_scale": 3.0, "centred": True},
    "float16": {"softmax_dtype": "float16"},
    "stablemax": {"loss": "stablemax_cross_entropy"},
    "mse": {"loss": "mse", "task": "plain_addition", "model": "embedding_mlp", "p": 5},
    "features": {"task": "sparse_parity", "model": "mlp"},
    "decoder": {
        "task": "binary_operation",
        "p": 7,
        "model": "decoder",
        "d_model": 8,
        "n_heads": 2,
        "attention_biases": True,
    },
}


@pytest.mark.parametrize("name", FIELDS)
def test_the_gradient_is_that_of_the_loss_as_trained(name: str, tiny: Callable[..., RunConfig], tmp_path: Any) -> None:
    run = train(tiny(max_steps=5, **FIELDS[name]), store=tmp_path, progress=False)
    snap = run.snapshot()
    rows = snap.train_mask
    leaves = {key: tensor.double().requires_grad_() for key, tensor in snap.params.items()}
    loss = snap.loss(snap.function(rows)(leaves), snap.task.targets[rows])
    expected = torch.autograd.grad(loss, list(leaves.values()))
    found = gradient(snap)
    assert isinstance(found, dict)
    # What `function` subtracts is formed in the float32 of the first weights.
    tolerance = {"atol": 1e-6, "rtol": 1e-5} if name == "centred" else {"atol": 1e-12, "rtol": 1e-9}
    for (key, tensor), other in zip(found.items(), expected, strict=True):
        torch.testing.assert_close(tensor, other, **tolerance, msg=key)
    own = gradient(snap, dtype=None)
    assert isinstance(own, dict)
    assert {tensor.dtype for tensor in own.values()} == {torch.float32}
    cosines = evaluate("stability.nlm_alignment", snap)
    assert isinstance(cosines, dict)
    assert not any(key.startswith("b_K") for key in cosines)  # the softmax of attention does not see it
    assert 0 <= value("radial_share", snap) <= 1
    assert value("gradient_effective_rank", snap, at="weights", n_samples=5) <= 5 + 1e-9


# Collapse


def leads(margin: float, wrong: int = 0) -> Tensor:
    """Logits whose right class leads by a margin on all inputs; on the first `wrong` training inputs a wrong one."""
    labels = TASK.labels.clone()
    labels[TRAIN.nonzero().flatten()[:wrong]] += 1
    return margin * torch.nn.functional.one_hot(labels % P, P).double()


def test_collapse_does_not_look_at_labels_and_the_loss_does() -> None:
    n = int(TRAIN.sum())
    snap = made(outputs=leads(25.0, wrong=3), loss_options={"softmax_dtype": "float32"})
    assert value("collapse_rate", snap) == 1
    assert value("collapse_rate", snap, dtype="float64") == 0
    assert value("zero_loss_share", snap) == pytest.approx(1 - 3 / n, abs=1e-12)
    assert value("zero_loss_share", snap, split="test") == 1
    double = made(outputs=leads(25.0, wrong=3))  # float64 is the default of the loss
    assert value("zero_loss_share", double) == value("collapse_rate", double) == 0


def test_only_the_split_is_counted() -> None:
    outputs = torch.where(TRAIN[:, None], leads(20.0), leads(10.0))
    snap = made(outputs=outputs)
    shares = [value("collapse_rate", snap, dtype="float32", split=split) for split in ("train", "test", "all")]
    assert shares == [1, 0, float(TRAIN.double().mean())]
    with pytest.raises(ValueError, match=r"unknown split 'tets'. Did you mean 'test'"):
        evaluate("stability.collapse_rate", snap, split="tets")


def test_the_order_of_addition_moves_the_border() -> None:
    """Six others: a total rounded once collapses ln 6 later."""
    snap = made(outputs=leads(BETWEEN := 8.5))
    assert math.log(2**11) < BETWEEN < math.log(6 * 2**11)
    rates = [value("collapse_rate", snap, dtype="float16", order=order) for order in ("sequential", "torch")]
    assert rates == [1, 0]


def test_a_temperature_of_the_loss_counts() -> None:
    hot = made(outputs=leads(25.0), loss_options={"softmax_dtype": "float32", "temperature": 10.0})
    assert value("collapse_rate", hot) == value("zero_loss_share", hot) == 0
    hotter = made(outputs=leads(250.0), loss_options={"softmax_dtype": "float32", "temperature": 10.0})
    assert value("collapse_rate", hotter) == value("zero_loss_share", hotter) == 1


def test_stablemax_loses_nothing_where_the_softmax_of_its_logits_would() -> None:
    options = {"loss": "stablemax_cross_entropy", "loss_options": {"softmax_dtype": "float32"}}
    snap = made(outputs=leads(100.0), **options)
    assert (value("collapse_rate", snap), value("zero_loss_share", snap)) == (1, 0)
    assert value("zero_loss_share", made(outputs=leads(1e12), **options)) == 1


def test_what_has_no_softmax_or_no_classes_has_no_collapse() -> None:
    mse = made(outputs=leads(30.0), loss="mse")
    assert evaluate("stability.collapse_rate", mse) == Missing("the loss trained on has no softmax: name a dtype")
    assert value("collapse_rate", mse, dtype="float16") == 1
    task = polynomial_regression.build(polynomial_regression.options())
    assert task.n_classes == 0
    net = mlp(MlpOptions(n_hidden=1, d_mlp=4), interface(task))
    weights = net.init(torch.Generator().manual_seed(0))
    regression = Snapshot(
        task=task, model=net, params=weights, train_mask=torch.ones(task.n_inputs, dtype=torch.bool), loss="mse"
    )
    for name in ("collapse_rate", "zero_loss_share", "logit_scale"):
        assert "regression" in evaluate(f"stability.{name}", regression).reason  # pyright: ignore


def test_logits_that_no_dtype_holds_have_no_answer() -> None:
    assert isinstance(evaluate("stability.collapse_rate", made(outputs=leads(1e5)), dtype="float16"), Missing)
    broken = leads(3.0)
    broken[0, 0] = math.nan
    for name in ("collapse_rate", "zero_loss_share", "logit_scale"):
        assert isinstance(evaluate(f"stability.{name}", made(outputs=broken), split="all"), Missing)
    half = made(outputs=leads(1e5), loss_options={"softmax_dtype": "float16"})
    assert isinstance(evaluate("stability.zero_loss_share", half), Missing)
    assert isinstance(evaluate("stability.gradient_effective_rank", half), Missing)
    with pytest.raises(ValueError, match=r"unknown dtype 'float'. Did you mean 'float"):
        evaluate("stability.collapse_rate", half, dtype="float")


def test_logit_scales_are_the_written_ones() -> None:
    c = 3.0
    snap, shifted = made(outputs=leads(c)), made(outputs=leads(c) + torch.arange(P * P)[:, None])
    assert value("logit_scale", snap) == pytest.approx(c * math.sqrt(1 / P - 1 / P**2), abs=1e-12)
    assert value("logit_scale", snap, of="margin") == value("logit_scale", snap, of="largest") == c
    assert value("logit_scale", shifted) == pytest.approx(value("logit_scale", snap), abs=1e-12)
    assert value("logit_scale", shifted, of="largest", split="all") == c + P * P - 1
    weights = params()
    bigger = weights | {"W_out": -2 * weights["W_out"]}
    assert value("logit_scale", made(bigger)) == pytest.approx(2 * value("logit_scale", made(weights)), abs=1e-9)
    with pytest.raises(ValueError, match="unknown scale 'mean'"):
        evaluate("stability.logit_scale", snap, of="mean")


# Absorption


def test_absorbed_updates_are_those_of_a_step_of_gradient_descent() -> None:
    # Powers of two, whose neighbours below are nearer than those above: the sign of the step counts.
    weights = {name: (tensor.sign() * tensor.abs().log2().round().exp2()).float() for name, tensor in params().items()}
    snap = made(weights, learning_rate=1e-6)
    found = gradient(snap, dtype=None)
    assert isinstance(found, dict)
    kept = total = 0
    for name, weight in weights.items():
        kept += int((weight - 1e-6 * found[name] == weight).sum())
        total += weight.numel()
    assert 0 < kept < total
    assert value("absorbed_updates", snap) == kept / total
    uphill = sum(int((weight + 1e-6 * found[name] == weight).sum()) for name, weight in weights.items())
    assert uphill != kept
    shares = [value("absorbed_updates", snap, learning_rate=rate) for rate in (1e-30, 1e-7, 1e-5, 1.0)]
    assert shares[0] == 1
    assert shares == sorted(shares, reverse=True)
    dead = float(torch.cat([tensor.flatten() for tensor in found.values()]).eq(0).double().mean())
    assert value("absorbed_updates", made({k: v.double() for k, v in weights.items()}), learning_rate=1e-3) == dead


def test_without_a_learning_rate_there_is_no_step() -> None:
    assert "learning_rate=" in evaluate("stability.absorbed_updates", made()).reason  # pyright: ignore
    for rate in (0.0, -1.0):
        with pytest.raises(ValueError, match="learning_rate must be positive and finite"):
            evaluate("stability.absorbed_updates", made(), learning_rate=rate)
    for rate in (math.inf, math.nan):
        with pytest.raises(ValueError, match=f"learning_rate = {rate}: expected a finite number"):
            evaluate("stability.absorbed_updates", made(), learning_rate=rate)


def test_a_run_knows_its_learning_rate(tiny_run: Run, tiny: Callable[..., RunConfig], tmp_path: Any) -> None:
    snap = tiny_run.snapshot()
    assert snap.learning_rate == tiny_run.config.learning_rate
    assert snap.with_params(snap.params).learning_rate == snap.learning_rate
    assert snap.loss_options.softmax_dtype == "float64"  # pyright: ignore
    assert value("absorbed_updates", snap) == value("absorbed_updates", snap, learning_rate=snap.learning_rate)
    scaled = tiny(max_steps=1, output_scale=4.0, divide_rate_by_scale=True, learning_rate=0.16)
    assert train(scaled, store=tmp_path, progress=False).snapshot().learning_rate == pytest.approx(0.01)
    assert snapshot(snap.params, p=11).learning_rate is None


# Effective rank of the samples' gradients


def test_at_equal_logits_all_classes_but_one_are_free() -> None:
    """Rows 1/p - onehot(y), each class as often: p - 1 equal singular values, and a zero one for the common shift."""
    flat = made(outputs=torch.zeros(P * P, P, dtype=torch.float64))
    assert value("gradient_effective_rank", flat, split="all") == pytest.approx(P - 1, abs=1e-9)
    snap = made()
    dz = torch.softmax(snap.logits, 1) - torch.nn.functional.one_hot(TASK.labels, P)
    assert value("gradient_effective_rank", snap) == pytest.approx(effective_rank(dz[TRAIN]), abs=1e-9)


@pytest.mark.parametrize("block", [1, 10**4, 10**9])
def test_at_the_weights_it_is_that_of_the_jacobian(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the blocks, against every sample's gradient in one matrix."""
    monkeypatch.setattr(importlib.import_module("grokscope.measures.stability.gradient_effective_rank"), "BLOCK", block)
    rows = []
    for x, label in zip(onehots(TRAIN), TASK.labels[TRAIN], strict=True):
        layers = {name: tensor.clone().requires_grad_() for name, tensor in params().items()}
        h = (x @ layers["W_in"]).relu()
        for hidden in layers["W_hidden"]:
            h = (h @ hidden).relu()
        torch.nn.functional.cross_entropy(h @ layers["W_out"], label).backward()
        rows.append(torch.cat([tensor.grad.flatten() for tensor in layers.values()]))  # pyright: ignore
    matrix = torch.stack(rows)
    found = value("gradient_effective_rank", made(), at="weights")
    assert found == pytest.approx(effective_rank(matrix), abs=1e-6)  # the Gram matrix squares, and cuts at rounding
    scaled = made(output_scale=2.0, outputs=made().outputs)
    assert value("gradient_effective_rank", scaled, at="weights") == pytest.approx(found, abs=1e-6)


def test_samples_are_drawn_with_a_seed() -> None:
    ranks = [value("gradient_effective_rank", made(), at="weights", n_samples=5, seed=seed) for seed in (0, 0, 1)]
    assert ranks[0] == ranks[1] != ranks[2]
    assert value("gradient_effective_rank", made(), at="weights", n_samples=1) == pytest.approx(1, abs=1e-9)
    assert max(ranks) <= 5 + 1e-9


def test_where_every_gradient_is_zero_there_is_no_rank() -> None:
    gone = made(outputs=leads(18.0), loss_options={"softmax_dtype": "float16"})  # beyond its underflow at 17.3
    for at in ("logits", "weights"):
        assert isinstance(evaluate("stability.gradient_effective_rank", gone, at=at), Missing)
    for options, message in (
        ({"at": "logit"}, "unknown place of gradients 'logit'. Did you mean 'logits'"),
        ({"at": "weights", "n_samples": 0}, "n_samples must be at least 1, got 0"),
        ({"split": "trian"}, "unknown split 'trian'. Did you mean 'train'"),
    ):
        with pytest.raises(ValueError, match=message):
            evaluate("stability.gradient_effective_rank", made(), **options)
    with pytest.raises(ValueError, match="unknown choice of by 'layer'"):
        evaluate("stability.radial_share", made(), by="layer")


def test_an_empty_split_is_no_answer() -> None:
    everything = made(train_mask=torch.ones(P * P, dtype=torch.bool))
    for name in ("collapse_rate", "zero_loss_share", "logit_scale", "gradient_effective_rank"):
        assert evaluate(f"stability.{name}", everything, split="test") == Missing("the task has no test inputs here")
    assert np.isfinite(value("radial_share", everything))
