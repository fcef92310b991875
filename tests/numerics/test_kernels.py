"""The tangent kernel equals that of the Jacobians, whatever the blocks; statistics of kernels have known answers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.func import functional_call, jacrev

from grokscope.errors import Missing
from grokscope.numerics import _ntk, kernels
from grokscope.numerics._tangents import Tangents
from grokscope.numerics.kernels import alignment, cka, difficulty, gradient_descent, ntk, regression
from grokscope.registry import component, names
from grokscope.runs.config import RunConfig

SMALL: dict[str, dict[str, Any]] = {
    "transformer": {"d_model": 8, "n_heads": 2, "d_mlp": 12},
    "decoder": {"d_model": 8, "n_heads": 2, "d_mlp": 12, "n_layers": 2},
    "mlp": {"d_mlp": 9, "n_hidden": 2},
    "embedding_mlp": {"d_embed": 6, "d_mlp": 9, "mlp_biases": True},
    "quadratic_mlp": {"d_mlp": 9, "linear": 0.5},
}
EINSUM = {"trace": "ncp,mcp->nm", "output": "ncp,mcp->nmc", "full": "ncp,mdp->ncmd"}
Network = tuple[Callable[[dict[str, Tensor], Tensor], Tensor], dict[str, Tensor], Tensor]


def network(model: str, **fields: Any) -> Network:
    """A random network on pairs of residues: function, float64 parameters, and inputs that include a = b."""
    config = RunConfig(model=model, p=7, **SMALL.get(model, {}), **fields)
    task = config.build_task()
    made = config.build_model(task)
    generator = torch.Generator().manual_seed(1)
    drawn = made.init(generator)
    params = {name: w.double() + 0.1 * torch.randn(w.shape, generator=generator).double() for name, w in drawn.items()}

    def function(params: dict[str, Tensor], x: Tensor) -> Tensor:
        return made.outputs({name: tensor.unsqueeze(0) for name, tensor in params.items()}, x.unsqueeze(0))[0]

    return function, params, task.inputs[torch.tensor([0, 3, 8, 17, 20, 33, 41])]


def module() -> Network:
    """A network as users write them: torch.nn.Linear (transposed weights), a convolution, and LayerNorm."""
    torch.manual_seed(0)
    layers = [torch.nn.Conv1d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(12, 10), torch.nn.Tanh()]
    net = torch.nn.Sequential(*layers, torch.nn.LayerNorm(10), torch.nn.Linear(10, 4)).double()
    x = torch.randn(6, 1, 8, dtype=torch.float64)
    return lambda params, x: functional_call(net, params, (x,)), dict(net.named_parameters()), x


def jacobian(function: Any, params: dict[str, Tensor], x: Tensor) -> Tensor:
    answer = jacrev(lambda w: function(w, x))({name: tensor.detach() for name, tensor in params.items()})
    flat = [each.reshape(len(x), -1, params[name].numel()) for name, each in answer.items()]
    return torch.cat(flat, -1)


def close(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=1e-9 * float(other.abs().max()))


@pytest.mark.parametrize("model", [*(name for name in names("models") if component("models", name).trains), "module"])
@pytest.mark.parametrize("kind", ["trace", "output", "full"])
def test_it_is_the_product_of_the_jacobians(model: str, kind: Any) -> None:
    function, params, x = module() if model == "module" else network(model)
    J = jacobian(function, params, x)
    close(ntk(function, params, x, kind=kind), torch.einsum(EINSUM[kind], J, J))
    close(ntk(function, params, x, x[:3], kind=kind), torch.einsum(EINSUM[kind], J, J[:3]))


@pytest.mark.parametrize("fields", [{"equals_token": False}, {"bottleneck": "resid_mid", "bottleneck_rank": 3}])
def test_it_is_that_of_every_transformer(fields: dict[str, Any]) -> None:
    function, params, x = network("transformer", **fields)
    J = jacobian(function, params, x)
    close(ntk(function, params, x), torch.einsum(EINSUM["trace"], J, J))


@pytest.mark.parametrize("kind", ["trace", "output", "full"])
@pytest.mark.parametrize("other", [None, slice(2, 5)])
def test_blocks_give_the_matrix_of_one_piece(kind: Any, other: slice | None, monkeypatch: pytest.MonkeyPatch) -> None:
    function, params, x = network("transformer")
    x2 = None if other is None else x[other]
    whole = ntk(function, params, x, x2, kind=kind)
    plans = []

    def in_blocks(*given: Any) -> Any:
        made = _plan(*given)
        plans.append(made)
        return _ntk._Plan(n_outputs=made.n_outputs if kind == "full" else 2, n_samples=3, work=made.work, pairs=1)

    _plan = _ntk._plan
    monkeypatch.setattr(_ntk, "_plan", in_blocks)
    close(ntk(function, params, x, x2, kind=kind), whole)
    assert plans[0].n_samples >= 7  # the reference was one piece


def test_less_memory_means_smaller_blocks() -> None:
    function, params, x = network("transformer")
    tangents = Tangents(function, params, x)
    tangents.fit(x, 8, 2**20)
    sizes = [_ntk._plan(tangents, free, len(x), None, "trace") for free in (2**24, 2**17, 2**13)]
    assert [plan.n_outputs for plan in sizes] == sorted((plan.n_outputs for plan in sizes), reverse=True)
    assert sizes[0].n_samples == len(x) > sizes[-1].n_samples
    for plan, free in zip(sizes, (2**24, 2**17, 2**13), strict=True):
        n_blocks = 1 if plan.n_samples >= len(x) else 2
        held = n_blocks * min(plan.n_samples, len(x)) * tangents.bytes_held(plan.n_outputs)
        assert held + plan.work + plan.pairs <= free


def test_gradients_are_held_as_products_where_they_are_products() -> None:
    function, params, x = network("transformer")
    tangents = Tangents(function, params, x)
    tangents.fit(x, 8, 2**20)
    ranks = {name: shape.rank for name, shape in tangents.shapes.items()}
    assert ranks["W_in"] == ranks["W_out"] == ranks["W_U"] == 1
    assert ranks["b_in"] is None
    function, params, x = module()
    tangents = Tangents(function, params, x)
    tangents.fit(x, 4, 2**20)
    assert tangents.shapes["2.weight"].rank == 1
    assert tangents.shapes["2.weight"].transposed


def test_float32_agrees_with_float64() -> None:
    function, params, x = network("transformer")
    single = ntk(function, {name: tensor.float() for name, tensor in params.items()}, x)
    assert single.dtype == torch.float64
    double = ntk(function, params, x)
    torch.testing.assert_close(single, double, rtol=0, atol=1e-4 * float(double.max()))


def test_one_number_a_sample_will_do() -> None:
    x = torch.randn(5, 3, dtype=torch.float64)
    weights = {"w": torch.randn(3, dtype=torch.float64), "n": torch.tensor(2)}
    close(ntk(lambda p, x: p["n"] * (x @ p["w"]), weights, x), 4 * x @ x.T)


def test_alignment_is_one_for_a_kernel_made_of_its_labels() -> None:
    y = np.random.default_rng(0).standard_normal((30, 2)) @ np.array([[1.0, 0.4], [0.0, 1.0]])
    y = y - y.mean(0)
    for convention in ("kumar", "centred", "uncentred"):
        assert alignment(3 * y @ y.T, y, convention=convention) == pytest.approx(1, abs=1e-12)
    assert alignment(np.eye(30), y[:, 0], convention="uncentred") == pytest.approx(1 / np.sqrt(30), abs=1e-12)


def test_conventions_differ_by_what_they_centre() -> None:
    rng = np.random.default_rng(1)
    J, y = rng.standard_normal((20, 6)) + 1, rng.standard_normal(20) + 2
    K, H = J @ J.T, np.eye(20) - 1 / 20
    v = H @ y
    assert alignment(K, y) == pytest.approx(v @ K @ v / (np.linalg.norm(K - K.mean(0)) * (v @ v)), rel=1e-12)
    assert alignment(K, y, convention="centred") == pytest.approx(cka(K, np.outer(y, y)), rel=1e-12)
    assert alignment(K, y, convention="uncentred") == pytest.approx(y @ K @ y / (np.linalg.norm(K) * (y @ y)))
    assert cka(K, K * 7 + 3) == pytest.approx(1, abs=1e-12)
    assert cka(K, y) == pytest.approx(cka(K, np.outer(y, y)), rel=1e-12)  # targets are replaced by their kernel
    features = np.random.default_rng(5).standard_normal((len(K), 3))
    assert cka(features, 2 * features + 1) == pytest.approx(1, abs=1e-12)  # and so are features
    assert cka(features, K) == pytest.approx(cka(features @ features.T, K), rel=1e-12)
    assert kernels.distance(K, K) == pytest.approx(0, abs=1e-12)
    assert kernels.relative_change(2 * K, K) == pytest.approx(1, abs=1e-12)


def test_regression_with_a_linear_kernel_is_least_squares() -> None:
    rng = np.random.default_rng(2)
    x, new = rng.standard_normal((12, 4)), rng.standard_normal((5, 4))
    y = rng.standard_normal((12, 2))
    expected = new @ np.linalg.lstsq(x, y, rcond=None)[0]
    assert regression(x @ x.T, y, new @ x.T) == pytest.approx(expected, abs=1e-9)
    assert regression(x @ x.T, y[:, 0], new @ x.T) == pytest.approx(expected[:, 0], abs=1e-9)
    ridge = new @ np.linalg.solve(x.T @ x + 0.3 * np.eye(4), x.T @ y)
    assert regression(x @ x.T, y, new @ x.T, ridge=0.3) == pytest.approx(ridge, abs=1e-9)


def test_difficulty_is_the_squared_norm_of_the_least_weights() -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((6, 9))
    y = rng.standard_normal(6)
    least = np.linalg.lstsq(x, y, rcond=None)[0]
    assert difficulty(x @ x.T, y) == pytest.approx(least @ least, rel=1e-9)
    assert difficulty(x @ x.T, y, ridge=2.0) == pytest.approx(y @ np.linalg.solve(x @ x.T + 2 * np.eye(6), y), rel=1e-9)
    none = difficulty(x[:, :2] @ x[:, :2].T, y)
    assert isinstance(none, Missing)
    assert "infinite" in none.reason


@pytest.mark.parametrize(("rate", "step"), [(0.01, 0), (0.01, 1), (0.05, 40), (0.35, 7)])
def test_linearised_training_is_gradient_descent(rate: float, step: int) -> None:
    rng = np.random.default_rng(4)
    x, new, y = rng.standard_normal((8, 3)), rng.standard_normal((5, 3)), rng.standard_normal(8)
    w = np.zeros(3)
    for _ in range(step):
        w -= rate * 2 / 8 * x.T @ (x @ w - y)
    train, test = gradient_descent(x @ x.T, y, new @ x.T, rate=rate, step=step)
    assert train == pytest.approx(x @ w, rel=1e-9, abs=1e-9)
    assert test == pytest.approx(new @ w, rel=1e-9, abs=1e-9)


def test_what_is_constant_has_no_alignment() -> None:
    assert isinstance(alignment(np.eye(3), np.ones(3)), Missing)
    assert isinstance(alignment(np.ones((3, 3)), np.arange(3.0)), Missing)
    assert isinstance(cka(np.ones((3, 3)), np.eye(3)), Missing)
    assert isinstance(kernels.relative_change(np.eye(2), np.zeros((2, 2))), Missing)


def linear(params: dict[str, Tensor], x: Tensor) -> Tensor:
    return x @ params["W"]


W = {"W": torch.zeros(4, 3)}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ntk(linear, W, torch.zeros(100, 4), memory=1000), r"\(100, 100\) takes 0.1 MiB itself, more than"),
        (lambda: ntk(linear, W, torch.zeros(10, 4), memory=900), r"blocks of one sample still need .* at least"),
        (lambda: ntk(linear, W, torch.zeros(2, 4), kind="diagonal"), r"unknown kind of kernel 'diagonal'"),  # pyright: ignore
        (lambda: ntk(linear, W, torch.zeros(0, 4)), r"at least one input"),
        (lambda: ntk(linear, {"n": torch.tensor(1)}, torch.zeros(2, 4)), r"one floating dtype, got none"),
        (lambda: ntk(linear, W | {"v": torch.zeros(1).double()}, torch.zeros(2, 4)), r"float32, torch.float64"),
        (lambda: ntk(lambda p, x: p["W"].sum(), W, torch.zeros(2, 4)), r"must give \(n, outputs\) or \(n,\)"),
        (lambda: alignment(np.eye(3), np.arange(3.0), convention="cta"), r"unknown convention 'cta'"),  # pyright: ignore
        (lambda: alignment(np.eye(3), np.arange(4.0)), r"3 samples came with 4 rows"),
        (lambda: cka(np.triu(np.ones((3, 3))), np.eye(3)), r"must be symmetric"),
        (lambda: alignment(np.array([[np.nan]]), [1.0]), r"must be finite"),
        (lambda: regression(np.eye(3), np.ones(3), np.ones((2, 4))), r"K \(3, 3\), y \(3, 1\) and K_test \(2, 4\)"),
        (lambda: difficulty(np.eye(2), np.ones(2), ridge=-1), r"ridge must be at least 0, got -1"),
    ],
)
def test_bad_input_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
