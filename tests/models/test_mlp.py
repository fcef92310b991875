"""The fully connected network against one written neuron by neuron, and against published networks."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from grokscope.models.base import Activations, Interface
from grokscope.models.mlp import MlpOptions, mlp

P = 5
PAIRS = torch.cartesian_prod(torch.arange(P), torch.arange(P))
SYMBOLS = Interface(n_symbols=P, n_operands=2, n_outputs=3)
FEATURES = Interface(n_symbols=0, n_operands=4, n_outputs=2)
VARIANTS = [
    {},
    {"n_hidden": 1},
    {"n_hidden": 3, "activation": "tanh"},
    {"mlp_biases": False, "activation": "gelu"},
    {"mlp_biases": False, "n_hidden": 1, "activation": "quadratic"},
    {"n_hidden": 4, "activation": "identity"},
    {"n_hidden": 3, "bottleneck": "mlp_post.1", "bottleneck_rank": 2},
    {"n_hidden": 3, "bottleneck": "mlp_post", "bottleneck_rank": 2},
]
PHI = {
    "relu": lambda h: max(h, 0.0),
    "quadratic": lambda h: h * h,
    "tanh": math.tanh,
    "gelu": lambda h: h * (1 + math.erf(h / math.sqrt(2))) / 2,
    "identity": lambda h: h,
}


def network(interface: Interface, **options: Any) -> mlp:
    return mlp(MlpOptions(**({"d_mlp": 6} | options)), interface)


def weights(model: mlp, seed: int = 0) -> dict[str, Tensor]:
    return {name: tensor.double() for name, tensor in model.init(torch.Generator().manual_seed(seed)).items()}


def packed(params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor[None] for name, tensor in params.items()}


def summed(x: list[float], weight: list[list[float]], bias: list[float] | None) -> list[float]:
    """One sum for each neuron; weight[i][j] leads from input i to neuron j."""
    return [
        sum(value * row[j] for value, row in zip(x, weight, strict=True)) + (bias[j] if bias else 0.0)
        for j in range(len(weight[0]))
    ]


def literal(model: mlp, params: Mapping[str, Tensor], x: list[float]) -> list[list[float]]:
    """Activations of an input in turn: pre, post, pre, post, ..., outputs."""
    o, plain = model.settings, {name: tensor.tolist() for name, tensor in params.items()}
    matrices = [plain["W_in"], *plain.get("W_hidden", []), plain["W_out"]]
    biases = [None] * len(matrices)
    if o.mlp_biases:
        biases = [plain["b_in"], *plain.get("b_hidden", []), plain["b_out"]]
    found = []
    for layer, (matrix, bias) in enumerate(zip(matrices, biases, strict=True)):
        found.append(summed(x, matrix, bias))
        if layer < o.n_hidden:
            x = [PHI[o.activation](h) for h in found[-1]]
            if o.bottleneck == ("mlp_post" if layer == o.n_hidden - 1 else f"mlp_post.{layer}"):
                x = summed(summed(x, plain["W_down"], None), plain["W_up"], None)
            found.append(x)
    return found


def one_hots(pair: list[int]) -> list[float]:
    return [float(symbol == value) for value in pair for symbol in range(P)]


@pytest.mark.parametrize("options", VARIANTS, ids=str)
@pytest.mark.parametrize("interface", [SYMBOLS, FEATURES], ids=["symbols", "features"])
def test_every_neuron_is_the_literal_networks(interface: Interface, options: dict[str, Any]) -> None:
    model = network(interface, **options)
    params = weights(model)
    inputs = PAIRS if interface.n_symbols else torch.randn(9, 4, generator=torch.Generator().manual_seed(1)).double()
    vectors = [one_hots(pair) for pair in PAIRS.tolist()] if interface.n_symbols else inputs.tolist()
    expected = [literal(model, params, x) for x in vectors]
    sites = Activations(model.sites, params, inputs)
    n = model.settings.n_hidden
    names = [f"mlp_{side}.{layer}" for layer in range(n - 1) for side in ("pre", "post")]
    names += ["mlp_pre", "mlp_post", "logits"]
    assert list(sites) == names
    for place, name in enumerate(names):
        values = torch.tensor([activations[place] for activations in expected], dtype=torch.float64)
        torch.testing.assert_close(sites[name], values, atol=1e-12, rtol=0)
    outputs = model.outputs(packed(params), inputs[None])[0]
    torch.testing.assert_close(outputs, sites["logits"], atol=1e-12, rtol=0)


def test_it_is_what_pytorch_makes_of_these_weights() -> None:
    model = network(FEATURES, n_hidden=3, activation="tanh")
    params = weights(model)
    steps: list[torch.nn.Module] = []
    for weight, bias in zip(
        [params["W_in"], *params["W_hidden"], params["W_out"]],
        [params["b_in"], *params["b_hidden"], params["b_out"]],
        strict=True,
    ):
        linear = torch.nn.Linear(*weight.shape).double()
        linear.load_state_dict({"weight": weight.T, "bias": bias})
        steps += [linear, torch.nn.Tanh()]
    x = torch.randn(50, 4, generator=torch.Generator().manual_seed(1)).double()
    expected = torch.nn.Sequential(*steps[:-1])(x)
    torch.testing.assert_close(model.outputs(packed(params), x[None])[0], expected, atol=1e-12, rtol=0)


def test_the_first_layers_gradient_counts_each_symbol_as_often_as_it_is_read() -> None:
    model = network(SYMBOLS, n_hidden=1, activation="identity", mlp_biases=False)
    params = packed(weights(model)) | {"W_out": torch.ones(1, 6, 3).double()}
    params["W_in"].requires_grad_()
    pairs = torch.tensor([[[0, 1], [0, 0], [4, 1], [0, 1]]])
    (gradient,) = torch.autograd.grad(model.outputs(params, pairs).sum(), params["W_in"])
    times = [3, 0, 0, 0, 1, 1, 3, 0, 0, 0]  # first operands 0 0 4 0, second operands 1 0 1 1
    torch.testing.assert_close(gradient[0], 3.0 * torch.tensor(times)[:, None].expand(10, 6).double())


@pytest.mark.parametrize("interface", [SYMBOLS, FEATURES], ids=["symbols", "features"])
def test_initial_weights_have_the_published_scales(interface: Interface) -> None:
    """Fan-in of the first layer is the length of the one-hots, of the others the width."""
    fan_ins = {"W_in": interface.n_features, "b_in": interface.n_features}
    for init, spread in (("torch", 1 / math.sqrt(3)), ("normal", 1.0)):
        model = network(interface, d_mlp=300, n_hidden=3, init=init)
        for name, tensor in model.init(torch.Generator().manual_seed(0)).items():
            bound = 1 / math.sqrt(fan_ins.get(name, 300))
            if init == "normal" and name.startswith("b_"):
                assert not tensor.any()
                continue
            # Standard errors of a mean and of a root mean square; the kurtosis is at most the Gaussian's.
            assert abs(tensor.mean()) < 4 * bound * spread / math.sqrt(tensor.numel())
            error = 4 * bound * spread / math.sqrt(2 * tensor.numel())
            assert abs(tensor.square().mean().sqrt() - bound * spread) < error, name
            assert (tensor.abs().max() <= bound) == (init == "torch") or tensor.numel() < 100


def test_the_published_networks_have_the_published_sizes() -> None:
    prieto = mlp(MlpOptions(mlp_biases=False), Interface(n_symbols=113, n_operands=2, n_outputs=113))
    assert list(prieto.shapes.values()) == [(226, 200), (1, 200, 200), (200, 113)]
    student = mlp(MlpOptions(d_mlp=100), Interface(n_symbols=0, n_operands=5, n_outputs=5))
    # 5-100-100-5 with biases.
    assert sum(math.prod(shape) for shape in student.shapes.values()) == 6 * 100 + 101 * 100 + 101 * 5


def test_permuting_neurons_changes_nothing() -> None:
    model = network(SYMBOLS, n_hidden=2)
    params = weights(model)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    permuted = params | {name: params[name][..., order] for name in ("W_in", "b_in")}
    permuted["W_hidden"] = params["W_hidden"][:, order]
    one, other = (model.outputs(packed(each), PAIRS[None]) for each in (params, permuted))
    torch.testing.assert_close(one, other, atol=1e-12, rtol=0)


def test_a_site_that_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"unknown site of a bottleneck 'mlp_post.1'. Did you mean 'mlp_post.0'"):
        network(SYMBOLS, n_hidden=2, bottleneck="mlp_post.1")
