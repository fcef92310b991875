"""Predictors of a snapshot against what can be computed by hand, or in another way."""

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import grokscope as gs
from grokscope.errors import Missing
from grokscope.measures.analyses.gradients import gradient
from grokscope.measures.base import measures
from grokscope.models.base import Interface
from grokscope.models.mlp import Mlp, MlpOptions
from grokscope.numerics.langevin import Learning, local_learning_coefficient
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot


def of(name: str, snapshot: Snapshot, **options: Any) -> Any:
    return measures()[f"predictors.{name}"](snapshot, **options)


@pytest.fixture(scope="module")
def snap(tiny_run: Run) -> Snapshot:
    return tiny_run.snapshot()


def vector(tensors: Mapping[str, Tensor]) -> Tensor:
    return torch.cat([tensors[name].double().flatten() for name in sorted(tensors)])


def small(inputs: Tensor, labels: Tensor, params: Mapping[str, Tensor], **options: Any) -> Snapshot:
    """A fully connected network of one hidden layer on features."""
    settings = MlpOptions(
        **({"n_hidden": 1, "d_mlp": params["W_in"].shape[1], "mlp_biases": "b_in" in params} | options)
    )
    task = gs.task(inputs, labels)
    model = Mlp(settings, Interface(n_symbols=0, n_operands=inputs.shape[1], n_outputs=params["W_out"].shape[1]))
    mask = torch.ones(len(inputs), dtype=torch.bool)
    return Snapshot(task=task, model=model, params={name: t.double() for name, t in params.items()}, train_mask=mask)


# The commutator.


def test_the_limit_is_what_short_steps_tend_to(snap: Snapshot) -> None:
    limit = of("commutator_defect", snap, draws=1)
    errors = []
    for rate in (1e-4, 1e-5):
        steps = of("commutator_defect", snap, draws=1, form="steps", rate=rate)
        assert steps["gradient"] == pytest.approx(limit["gradient"], rel=1e-9)
        errors.append(abs(steps["defect"] / limit["defect"] - 1))
    assert errors[1] == pytest.approx(errors[0] / 10, rel=0.1)
    assert errors[1] < 1e-5


def test_its_parts_make_it_up(snap: Snapshot) -> None:
    found = of("commutator_defect", snap, draws=1)
    assert found["defect"] == pytest.approx(found["numerator"] / found["gradient"] ** 2)
    assert 0 < found["scale_free"] < 1


def test_equal_samples_commute() -> None:
    """Halves that are the same function of the weights; with other labels in one of them they are not."""
    generator = torch.Generator().manual_seed(0)
    params = {"W_in": torch.randn(2, 5, generator=generator), "W_out": torch.randn(5, 3, generator=generator)}
    inputs = torch.ones(9, 2)
    same = small(inputs, torch.tensor([2] * 9), params)
    assert of("commutator_defect", same)["defect"] == pytest.approx(0.0, abs=1e-9)
    assert of("commutator_defect", small(inputs, torch.arange(9) % 3, params), batch=1, draws=25)["defect"] > 0.01


def test_a_full_batch_has_no_other_beside_it(snap: Snapshot) -> None:
    missing = of("commutator_defect", snap, batch=int(snap.train_mask.sum()))
    assert isinstance(missing, Missing)
    assert "share some" in missing.reason
    with pytest.raises(ValueError, match="at least 1 of each"):
        of("commutator_defect", snap, draws=0)


# Paths and noise of gradients.


def test_the_path_over_the_checkpoints(tiny_run: Run) -> None:
    places = [vector(tiny_run.snapshot(step).params) for step in tiny_run.checkpoints]
    length = sum(float((b - a).norm()) for a, b in itertools.pairwise(places))
    last = tiny_run.snapshot()
    assert of("path_ratio", last) == pytest.approx(float((places[-1] - places[0]).norm()) / length, rel=1e-12)
    assert isinstance(of("path_ratio", tiny_run.snapshot(0)), Missing)
    assert isinstance(of("path_ratio", last.replace(earlier=None)), Missing)


def test_the_cosine_with_the_checkpoint_before(tiny_run: Run) -> None:
    now, before = tiny_run.snapshot(), tiny_run.snapshot(tiny_run.checkpoints[-2])
    slopes = [gradient(one) for one in (now, before)]
    a, b = (vector(slope) for slope in slopes if not isinstance(slope, Missing))
    assert of("gradient_cosine", now) == pytest.approx(float(a @ b / a.norm() / b.norm()), rel=1e-12)
    assert isinstance(of("gradient_cosine", tiny_run.snapshot(0)), Missing)


def test_the_cosine_of_steps(snap: Snapshot) -> None:
    assert isinstance(of("gradient_cosine", snap, before="step"), Missing)
    still = snap.replace(before=snap.params)
    assert of("gradient_cosine", still, before="step") == pytest.approx(1)
    assert of("gradient_cosine", snap.replace(learning_rate=1e-9), before="descent") == pytest.approx(1, abs=1e-6)
    assert of("gradient_cosine", snap.replace(learning_rate=30.0), before="descent") < 0.9
    assert isinstance(of("gradient_cosine", snap.replace(learning_rate=None), before="descent"), Missing)


def test_gradients_sample_by_sample(snap: Snapshot) -> None:
    found = of("gradient_signal_to_noise", snap, n_samples=10**6)
    rows = snap.train_mask.nonzero().flatten()
    each = []
    for row in rows:
        mask = torch.zeros_like(snap.train_mask)
        mask[row] = True
        slope = gradient(snap.replace(train_mask=mask))
        assert not isinstance(slope, Missing)
        each.append(vector(slope))
    g = torch.stack(each)
    m, v = g.mean(0), g.var(0, unbiased=False)
    assert found["ratio"] == pytest.approx(float((m**2).sum() / v.sum()), rel=1e-9)
    assert found["published"] == pytest.approx(float((m**2 / (v + 1e-5)).mean()), rel=1e-6)


# Neurons.


@pytest.mark.parametrize(("radius", "count"), [(0.49, 0.0), (0.51, 0.5), (2.0, 1.0)])
def test_a_neuron_counts_where_the_radius_reaches_its_zero(radius: float, count: float) -> None:
    """w x + b with w = 1, b = 0 at x = 1 and at x = 2: within reach iff r > |x|. r is in the root mean square of x."""
    x, params = torch.tensor([[1.0], [2.0]]), {"W_in": torch.ones(1, 1), "W_out": torch.ones(1, 2)}
    unit = math.sqrt((1 + 4) / 2)
    line = small(x, torch.tensor([0, 1]), params)
    reach = {0.49: 0.9, 0.51: 1.1, 2.0: 2.1}[radius]
    assert of("local_complexity", line, radius=reach / unit) == {"mlp_pre": count}


def test_a_hyperplane_is_crossed_by_the_largest_of_the_directions() -> None:
    """As many directions as channels: an orthonormal basis has one along w to at least 1 / sqrt d."""
    generator = torch.Generator().manual_seed(0)
    x = torch.nn.functional.normalize(torch.randn(50, 4, generator=generator), dim=1)
    w, params = torch.tensor([1.0, 0, 0, 0]), {"W_in": torch.eye(4)[:, :1], "W_out": torch.ones(1, 2)}
    many = small(x, torch.arange(50) % 2, params)
    r = 0.5
    sure, never = (x @ w).abs() < r / 2, (x @ w).abs() > r
    found = of("local_complexity", many, radius=r, directions=4)["mlp_pre"]
    assert float(sure.double().mean()) <= found <= 1 - float(never.double().mean())


def test_every_layer_counts_and_a_transformer_has_one(snap: Snapshot) -> None:
    run_model = gs.recipe("quickstart", model="mlp", n_hidden=3, d_mlp=8, p=11)
    task = run_model.build_task()
    model = run_model.build_model(task)
    params = model.draw(torch.Generator().manual_seed(0))
    deep = Snapshot(task=task, model=model, params=params, train_mask=run_model.train_mask(task))
    assert set(of("local_complexity", deep)) == {"mlp_pre.0", "mlp_pre.1", "mlp_pre"}
    assert set(of("local_complexity", snap)) == {"mlp_pre"}
    small_reach, large_reach = (of("local_complexity", snap, radius=r)["mlp_pre"] for r in (1e-6, 3.0))
    assert small_reach < 0.1 < large_reach


def test_without_relu_there_is_no_complexity() -> None:
    x, params = torch.ones(2, 1), {"W_in": torch.ones(1, 1), "W_out": torch.ones(1, 2)}
    missing = of("local_complexity", small(x, torch.tensor([0, 1]), params, activation="tanh"))
    assert isinstance(missing, Missing)
    assert "ReLU" in missing.reason


def one_neuron(n: int = 40) -> Snapshot:
    """One neuron says 1 rather than 0, and alone carries the answer; all labels are 1 but the first two."""
    labels = torch.ones(n, dtype=torch.long)
    labels[0] = 0
    params = {"W_in": torch.ones(1, 1), "b_in": torch.zeros(1), "W_out": torch.tensor([[0.0, 1.0]])}
    params["b_out"] = torch.tensor([0.5, 0.0])
    made = small(torch.ones(n, 1), labels, params)
    mask = torch.zeros(n, dtype=torch.bool)
    mask[0] = True
    return made.replace(train_mask=mask)


def test_one_neuron_alone_is_there_or_not() -> None:
    """With one mask for all inputs the accuracy is 1 with probability 1 - q: its variance is q (1 - q)."""
    found = of("dropout_variance", one_neuron(), rate=0.3, passes=4000)
    assert found["variance"] == pytest.approx(0.3 * 0.7, rel=0.05)
    apart = of("dropout_variance", one_neuron(), rate=0.3, passes=4000, shared=False)
    assert apart["variance"] == pytest.approx(0.3 * 0.7 / 39, rel=0.1)
    assert apart["chance"] == pytest.approx(0.3 * 0.7 / 39, rel=0.05)
    curve = of("dropout_curve", one_neuron(), passes=500)
    for rate in (0.0, 0.2, 0.5, 0.9):
        assert curve[f"{rate:g}"] == pytest.approx(1 - rate, abs=0.02)


def test_no_dropout_is_the_network(snap: Snapshot) -> None:
    assert of("dropout_variance", snap, rate=0.0, passes=3)["variance"] == 0.0
    assert of("dropout_curve", snap, rates=(0.0,), passes=1) == {"0": measures()["behaviour.test_accuracy"](snap)}
    with pytest.raises(ValueError, match="a share in"):
        of("dropout_variance", snap, rate=1.0)


def test_silent_neurons_are_those_of_a_network_without_them(snap: Snapshot) -> None:
    """Against the forward pass of the network itself with rows of W_out zero or scaled."""
    from grokscope.measures.predictors.dropout_curve import _passes

    rows = snap.masks["test"]
    (logits,) = _passes(snap.precise, rows, 0.4, 1, 3, shared=True)
    kept = torch.rand((1, 24), generator=torch.Generator().manual_seed(3), dtype=torch.float64) >= 0.4
    W_out = snap.precise.params["W_out"] * kept[0, :, None] / 0.6
    torch.testing.assert_close(logits, snap.precise.with_params({**snap.precise.params, "W_out": W_out}).logits[rows])


# Neighbourhoods and descriptions of the weights.


def test_the_learning_coefficient_is_that_of_the_training_loss(snap: Snapshot) -> None:
    """The same chains with the loss and slope taken by autograd of the mean of all samples."""
    names = list(snap.precise.params)
    shapes = [snap.params[name].shape for name in names]

    def slopes(chains: Tensor) -> tuple[Tensor, Tensor]:
        losses, gradients = [], []
        for chain in chains:
            parts = chain.split([shape.numel() for shape in shapes])
            moved = snap.precise.with_params({n: p.view(s) for n, p, s in zip(names, parts, shapes, strict=True)})
            slope = gradient(moved)
            assert not isinstance(slope, Missing)
            losses.append(snap.loss(moved.outputs[snap.train_mask], snap.task.targets[snap.train_mask]))
            gradients.append(torch.cat([slope[name].flatten() for name in names]))
        return torch.stack(losses), torch.stack(gradients)

    weights = torch.cat([snap.precise.params[name].flatten() for name in names])
    options = {"n": int(snap.train_mask.sum()), "step": 1e-4, "localisation": 100.0}
    other = local_learning_coefficient(slopes, weights, n_chains=2, n_draws=5, burn_in=2, **options)
    found = of("local_learning_coefficient", snap, draws=5, burn_in=2, step=1e-4, localisation=100.0)
    assert isinstance(other, Learning)
    assert found["value"] == pytest.approx(other.value, rel=1e-6)
    assert found["distance"] == pytest.approx(other.distance, rel=1e-6)


def test_a_shorter_description_is_never_at_a_smaller_slack(snap: Snapshot) -> None:
    found = of("description_length", snap)
    sizes = [found[slack] for slack in ("4", "1", "0.25", "0.0625")]
    assert sizes == sorted(sizes)
    assert sizes[-1] < 32 * sum(t.numel() for t in snap.params.values())
    neurons = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    p = dict(snap.params)
    p |= {"W_in": p["W_in"][:, neurons], "b_in": p["b_in"][neurons], "W_out": p["W_out"][neurons]}
    assert of("description_length", snap.replace(params=p, outputs=None))["0.25"] == pytest.approx(
        found["0.25"], rel=0.05
    )


# Spectra and clouds.


def heavy(matrices: Callable[[int], Tensor], snap: Snapshot) -> Snapshot:
    return snap.replace(params={**snap.params, "W_in": matrices(0)}, outputs=None)


def test_exponents_and_traps_by_matrix(snap: Snapshot) -> None:
    rng = np.random.default_rng(0)
    spread = 1 + rng.pareto(1.5, 200)  # eigenvalues with alpha 2.5
    left, right = (np.linalg.qr(rng.normal(size=(n, 200)))[0] for n in (300, 200))
    W = torch.from_numpy(left * np.sqrt(spread) @ right.T)
    wide = heavy(lambda _: W, snap)
    assert of("power_law_exponent", wide)["W_in"] == pytest.approx(2.5, abs=0.4)
    noise = torch.randn(300, 200, generator=torch.Generator().manual_seed(0))
    assert of("correlation_traps", heavy(lambda _: noise, snap))["W_in"] == 0
    noise[0, 0] = 100
    assert of("correlation_traps", heavy(lambda _: noise, snap))["W_in"] == 1


def test_matrices_that_are_too_small_have_neither(snap: Snapshot) -> None:
    for name in ("power_law_exponent", "correlation_traps"):
        missing = of(name, snap, fewest=1000)
        assert isinstance(missing, Missing)
        assert missing.reason == "no weight matrix has 1000 eigenvalues"


@pytest.mark.parametrize(("n", "length"), [(4, 2 - 1.41421), (6, 1.73205 - 1), (11, 1.71525)])
def test_a_polygon_has_one_loop(n: int, length: float, snap: Snapshot) -> None:
    """Born at 2 sin(pi/n), dies at 2 sin(pi ceil(n/3) / n)."""
    exact = 2 * math.sin(math.pi * math.ceil(n / 3) / n) - 2 * math.sin(math.pi / n)
    if n < 11:
        assert exact == pytest.approx(length, abs=1e-5)
    angle = 2 * math.pi * torch.arange(n) / n
    ring = 5 * torch.stack([angle.cos(), angle.sin()], dim=1) + 3
    task = gs.task(torch.cartesian_prod(torch.arange(n), torch.arange(n)), torch.arange(n * n) % n)
    table = gs.recipe("quickstart", p=n, d_model=4, n_heads=1, d_mlp=4).build_model(task)
    params = table.draw(torch.Generator().manual_seed(0))
    params["W_E"] = torch.zeros_like(params["W_E"])
    params["W_E"][:n, :2] = ring
    polygon = Snapshot(task=task, model=table, params=params, train_mask=torch.ones(n * n, dtype=torch.bool))
    for scaling in ("rows", "cloud"):
        found = of("loop_persistence", polygon, scaling=scaling)
        assert found["max"] == pytest.approx(exact, abs=1e-5)
        assert found["total"] == pytest.approx(exact, abs=1e-5)


def test_the_entropy_of_a_view(snap: Snapshot) -> None:
    from grokscope.numerics.spectra import spectral_entropy

    cloud = snap.view("resid_post", "train")
    assert of("spectral_entropy", snap, view="resid_post/train") == spectral_entropy(cloud)
    assert of("spectral_entropy", snap, centred=False) == spectral_entropy(snap.view("resid_post"), centred=False)


def test_the_norm_of_the_gradient(snap: Snapshot) -> None:
    leaves = {name: tensor.double().requires_grad_() for name, tensor in snap.params.items()}
    loss = snap.loss(snap.function(snap.train_mask)(leaves), snap.task.targets[snap.train_mask])
    slopes = torch.autograd.grad(loss, list(leaves.values()))
    assert of("gradient_norm", snap) == pytest.approx(math.sqrt(sum(float((g**2).sum()) for g in slopes)), rel=1e-9)
