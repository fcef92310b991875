"""The measures of the kernel against slow versions of themselves, on networks small enough for those."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import evaluate, measures
from grokscope.numerics import kernels
from grokscope.numerics.quadratic_network import ntk
from grokscope.recipes.base import recipe
from grokscope.runs.foreign.snapshot import snapshot
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.studies.experiment import train

SIZES: dict[str, Any] = {"dimension": 6, "d_mlp": 12, "n_samples": 60, "n_train": 25, "learning_rate": 2.0}
KERNEL = sorted(name for name in measures() if name.startswith("kernel."))


@pytest.fixture(scope="module", params=[1.0, 2.0])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    fields = SIZES | {"max_steps": 40, "dtype": "float64", "divide_rate_by_scale": True, "output_scale": request.param}
    return train(recipe("kumar2024", **fields), store=tmp_path_factory.mktemp("store"), progress=False)


def closed(snap: Snapshot, rows: torch.Tensor) -> np.ndarray:
    """The closed form of the recipe's network; its quadratic = 0.01 is eps / 2."""
    return ntk(snap.params["W_in"], snap.task.inputs[rows], eps=0.02, alpha=snap.output_scale).numpy()


def test_they_are_those_of_the_closed_form(run: Run) -> None:
    snap = run.snapshot()
    start, test = snap.initial, ~snap.train_mask
    assert start is not None
    K, K_0, y = closed(snap, test), closed(start, test), snap.labels[test].numpy()
    close = {"rel": 1e-9, "abs": 1e-12}
    for convention in ("kumar", "centred", "uncentred"):
        expected = kernels.alignment(K, y, convention=convention)
        assert evaluate("kernel.ntk_alignment", snap, convention=convention) == pytest.approx(expected, **close)
    assert evaluate("kernel.ntk_change", snap) == pytest.approx(kernels.relative_change(K, K_0), **close)
    assert evaluate("kernel.ntk_change", snap, by="distance") == pytest.approx(kernels.distance(K, K_0), **close)
    assert evaluate("kernel.ntk_effective_rank", snap) == pytest.approx(kernels.effective_rank(K), **close)
    K_train = closed(snap, snap.train_mask)
    expected = kernels.difficulty(K_train, snap.labels[snap.train_mask], ridge=0.1)
    assert evaluate("kernel.difficulty", snap, ridge=0.1) == pytest.approx(expected, **close)


def test_at_step_0_nothing_has_changed(run: Run) -> None:
    first = run.snapshot(0)
    assert evaluate("kernel.ntk_change", first) == 0
    assert evaluate("kernel.ntk_change", first, by="distance") == pytest.approx(0, abs=1e-12)
    start, now = (evaluate("kernel.kernel_regression_loss", first, at=at) for at in ("start", "now"))
    assert start == now


def test_the_linearised_network_is_trained_step_by_step(run: Run) -> None:
    """A literal linearised network beside the true one: centred, at the run's own rate."""
    config, snap = run.config, run.snapshot()
    start = snap.initial
    assert start is not None
    x, y, mask = snap.task.inputs.double(), snap.labels[:, 0].double(), snap.train_mask
    h = x @ start.params["W_in"]
    J = config.output_scale / 12 * torch.einsum("nd,ni->ndi", x, 1 + 0.02 * h).flatten(1)
    moved = torch.zeros(J.shape[1], dtype=torch.float64)
    for _ in range(run.steps):
        moved -= config.rate * 2 / int(mask.sum()) * J[mask].T @ (J[mask] @ moved - y[mask])
    for split, rows in (("train", mask), ("test", ~mask)):
        expected = float((J[rows] @ moved - y[rows]).square().mean())
        assert evaluate("kernel.linearised_loss", snap, split=split) == pytest.approx(expected, rel=1e-9)
        assert expected != pytest.approx(float(snap.sample_losses[rows].mean()), rel=1e-6)  # it is not the true one


def test_kernel_regression_is_where_the_linearised_network_ends(run: Run) -> None:
    """Of a linear kernel with more samples than dimensions both are least squares."""
    snap = run.snapshot(0)
    train_mask, x, y = snap.train_mask, snap.task.inputs.double(), snap.labels.double()
    K = closed(snap, torch.ones_like(train_mask))
    a, b = train_mask.numpy(), ~train_mask.numpy()
    expected = K[b][:, a] @ np.linalg.pinv(K[a][:, a], rcond=1e-13) @ y[train_mask].numpy() - y[~train_mask].numpy()
    assert evaluate("kernel.kernel_regression_loss", snap) == pytest.approx(float((expected**2).mean()), rel=1e-6)
    ridge = evaluate("kernel.kernel_regression_loss", snap, ridge=1e9)
    assert ridge == pytest.approx(float(y[~train_mask].square().mean()), rel=1e-3)  # predicts 0
    assert x.shape[1] == 6


def test_samples_are_drawn_with_a_seed(run: Run) -> None:
    snap = run.snapshot()
    one, again, other = (evaluate("kernel.ntk_alignment", snap, n_samples=9, seed=seed) for seed in (0, 0, 1))
    assert one == again != other
    with pytest.raises(ValueError, match="n_samples must be at least 1, got 0"):
        evaluate("kernel.ntk_alignment", snap, n_samples=0)


def test_what_operands_add_up_to_is_linear_in_them(tiny_run: Run) -> None:
    """The pre-activations of a fully connected network on one-hots are, its activations are not."""
    config = recipe("gromov2023", p=11, d_mlp=30)
    task = config.build_task()
    model = config.build_model(task)
    params = model.init(torch.Generator().manual_seed(0))
    snap = Snapshot(task=task, model=model, params=params, train_mask=config.train_mask(task))
    assert evaluate("kernel.linear_representation", snap, site="mlp_pre") == pytest.approx(1, abs=1e-9)
    # (u + v)^2 = u^2 + v^2 + 2 u v, the last with a third of the variance (2, 2 and 4 times 1/2, at mean 0).
    found = evaluate("kernel.linear_representation", snap)
    assert isinstance(found, float)
    assert 0.2 < found < 0.7
    assert isinstance(evaluate("kernel.linear_representation", snap, site="resid_mid"), Missing)
    with pytest.raises(ValueError, match="table of 11 symbols"):
        evaluate("kernel.linear_representation", tiny_run.snapshot(), site="embed")


def test_no_linear_map_explains_the_product_of_signs() -> None:
    config = recipe("gromov2023", p=11, d_mlp=30, model="mlp", activation="relu", n_hidden=1, mlp_biases=False)
    task = config.build_task()
    model = config.build_model(task)
    params = model.init(torch.Generator().manual_seed(0))
    mask = config.train_mask(task)
    snap = Snapshot(task=task, model=model, params=params, train_mask=mask)
    a = snap.activations["mlp_post"].double().numpy()
    x = np.eye(11)[task.inputs.numpy()].reshape(121, 22)
    fit = np.linalg.lstsq(x[mask.numpy()], a[mask.numpy()], rcond=None)[0]
    error = a[~mask.numpy()] - x[~mask.numpy()] @ fit
    spread = a[~mask.numpy()] - a[~mask.numpy()].mean(0)
    expected = 1 - (error**2).sum() / (spread**2).sum()
    assert evaluate("kernel.linear_representation", snap) == pytest.approx(expected, rel=1e-6)


def test_without_what_they_need_they_say_so(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    found = evaluate("kernel.linearised_loss", snap)
    assert isinstance(found, Missing)
    assert "gradient descent on squared error" in found.reason
    foreign = snapshot(snap.params, p=11)
    for name in KERNEL:
        answers = dict(measures()[name].rows(foreign))
        # Every input counts as trained on, and what it started from is not known: only training inputs have answers.
        assert any(isinstance(value, Missing) for value in answers.values()) is (name != "kernel.difficulty")
    with pytest.raises(ValueError, match="unknown change of a kernel 'spectral'"):
        evaluate("kernel.ntk_change", snap, by="spectral")
    with pytest.raises(ValueError, match="unknown time of a kernel 'end'"):
        evaluate("kernel.kernel_regression_loss", snap, at="end")


@pytest.mark.parametrize(
    "fields", [{"momentum": 0.9}, {"weight_decay": 0.1}, {"warmup_steps": 5}, {"batch_size": 5}, {"optimizer": "adamw"}]
)
def test_only_plain_descent_has_a_closed_form(fields: dict[str, Any], tmp_path: Path) -> None:
    config = recipe("kumar2024", **SIZES, max_steps=2, **fields)
    found = evaluate("kernel.linearised_loss", train(config, store=tmp_path, progress=False).snapshot())
    assert isinstance(found, Missing)
