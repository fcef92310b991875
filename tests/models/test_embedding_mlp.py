"""The network on trainable embeddings against one written neuron by neuron, and against published networks."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from grokscope.models.base import Activations, Interface
from grokscope.models.embedding_mlp import EmbeddingMlpOptions, embedding_mlp

P = 5
PAIRS = torch.cartesian_prod(torch.arange(P), torch.arange(P))
TRIPLES = torch.cartesian_prod(*[torch.arange(P)] * 3)
VARIANTS = [
    {},
    {"tied": True},
    {"combine": "add"},
    {"tied": True, "combine": "add", "mlp_biases": True, "init": "torch"},
    {"n_hidden": 3, "mlp_biases": True, "init": "torch"},
    {"bottleneck": "embed", "bottleneck_rank": 2},
    {"bottleneck": "mlp_post", "bottleneck_rank": 2},
]
# A decoder 1-200-200-30 on one added table of one dimension.
LIU = {
    **{"d_embed": 1, "tied": True, "combine": "add", "embed_init": "uniform"},
    **{"n_hidden": 2, "d_mlp": 200, "activation": "tanh", "mlp_biases": True, "init": "torch"},
}


def network(n_operands: int = 2, **options: Any) -> embedding_mlp:
    sizes = {"d_embed": 4, "d_mlp": 6, "activation": "tanh"}
    interface = Interface(n_symbols=P, n_operands=n_operands, n_outputs=3)
    return embedding_mlp(EmbeddingMlpOptions(**(sizes | options)), interface)


def weights(model: embedding_mlp, seed: int = 0) -> dict[str, Tensor]:
    return {name: tensor.double() for name, tensor in model.init(torch.Generator().manual_seed(seed)).items()}


def outputs(model: embedding_mlp, params: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
    return model.outputs({name: tensor[None] for name, tensor in params.items()}, inputs[None])[0]


def literal(model: embedding_mlp, params: Mapping[str, Tensor], symbols: list[int]) -> dict[str, Tensor]:
    """One input, from its embeddings on, every sum written out."""
    o = model.settings

    def neck(site: str, x: list[float]) -> list[float]:
        return (
            (torch.tensor(x, dtype=torch.float64) @ params["W_down"] @ params["W_up"]).tolist()
            if o.bottleneck == site
            else x
        )

    tables = ["W_E"] * len(symbols) if o.tied else ["W_E", "W_E_right"]
    embedded = [neck("embed", params[name][s].tolist()) for name, s in zip(tables, symbols, strict=True)]
    if o.combine == "concat":
        x = [value for vector in embedded for value in vector]
    else:
        x = [sum(values) for values in zip(*embedded, strict=True)]
    matrices = [params["W_in"], *params.get("W_hidden", []), params["W_out"]]
    biases = [params.get("b_in"), *params.get("b_hidden", [None] * (o.n_hidden - 1)), params.get("b_out")]
    pre: list[float] = []
    for layer, (matrix, bias) in enumerate(zip(matrices, biases, strict=True)):
        if layer:
            x = neck("mlp_post" if layer == o.n_hidden else f"mlp_post.{layer - 1}", [math.tanh(h) for h in pre])
        last_pre = pre
        pre = [
            sum(value * float(matrix[i, j]) for i, value in enumerate(x)) + (0.0 if bias is None else float(bias[j]))
            for j in range(matrix.shape[1])
        ]
    found = {"mlp_pre": last_pre, "mlp_post": x, "logits": pre}
    return {name: torch.tensor(values, dtype=torch.float64) for name, values in found.items()}


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_every_neuron_is_the_literal_networks(options: dict[str, Any]) -> None:
    model = network(**options)
    params = weights(model)
    sites = Activations(model.sites, params, PAIRS)
    for index, pair in enumerate(PAIRS.tolist()):
        for name, expected in literal(model, params, pair).items():
            torch.testing.assert_close(sites[name][index], expected, atol=1e-12, rtol=0)
    torch.testing.assert_close(outputs(model, params, PAIRS), sites["logits"], atol=1e-12, rtol=0)


@pytest.mark.parametrize("combine", ["concat", "add"])
def test_one_table_serves_any_number_of_operands(combine: str) -> None:
    model = network(n_operands=3, tied=True, combine=combine)
    params = weights(model)
    expected = torch.stack([literal(model, params, triple)["logits"] for triple in TRIPLES.tolist()])
    torch.testing.assert_close(outputs(model, params, TRIPLES), expected, atol=1e-12, rtol=0)


def test_the_sites_of_the_tables_are_the_tables() -> None:
    model = network()
    params = weights(model)
    sites = Activations(model.sites, params, PAIRS)
    assert torch.equal(sites["embed"], params["W_E"])
    assert torch.equal(sites["embed_right"], params["W_E_right"])
    assert "embed_right" not in network(tied=True).sites


def test_added_embeddings_of_one_table_commute() -> None:
    for options, commutes in (({"tied": True, "combine": "add"}, True), ({"combine": "add"}, False)):
        model = network(**options)
        params = weights(model)
        one, other = outputs(model, params, PAIRS), outputs(model, params, PAIRS.flip(1))
        assert torch.allclose(one, other, atol=1e-12, rtol=0) == commutes


def test_the_published_network_of_groups() -> None:
    """Chughtai et al.: logits = ReLU(x W_a + y W_b) W_U, and N(0, 1) / sqrt(fan-in), of a table its width."""
    model = embedding_mlp(EmbeddingMlpOptions(), Interface(n_symbols=120, n_operands=2, n_outputs=120))
    drawn = model.init(torch.Generator().manual_seed(0))
    sizes = {"W_E": (120, 256), "W_E_right": (120, 256), "W_in": (512, 128), "W_out": (128, 120)}
    assert {name: tuple(tensor.shape) for name, tensor in drawn.items()} == sizes
    for (name, tensor), fan_in in zip(drawn.items(), (256, 256, 512, 128), strict=True):
        scale = fan_in**-0.5
        assert abs(tensor.std() - scale) < 4 * scale / math.sqrt(2 * tensor.numel()), name
    params = {name: tensor.double() for name, tensor in drawn.items()}
    pairs = torch.randint(120, (300, 2), generator=torch.Generator().manual_seed(1))
    W_a, W_b = params["W_E"] @ params["W_in"][:256], params["W_E_right"] @ params["W_in"][256:]
    expected = (W_a[pairs[:, 0]] + W_b[pairs[:, 1]]).clamp(min=0) @ params["W_out"]
    torch.testing.assert_close(outputs(model, params, pairs), expected, atol=1e-12, rtol=0)


def test_the_published_toy_of_addition() -> None:
    """Liu et al.: embeddings uniform in +-s / 2; the decoder is PyTorch's 1-200-200-30."""
    interface = Interface(n_symbols=10, n_operands=2, n_outputs=30)
    model = embedding_mlp(EmbeddingMlpOptions(**LIU), interface)
    assert sum(math.prod(shape) for shape in model.shapes.values()) == 10 + 2 * 200 + 201 * 200 + 201 * 30
    wide = embedding_mlp(EmbeddingMlpOptions(**(LIU | {"d_embed": 900, "embed_scale": 3.0})), interface)
    table = wide.init(torch.Generator().manual_seed(0))["W_E"]
    assert 1.49 < table.abs().max() <= 1.5
    # Standard errors of the mean and of the root mean square of 9,000 uniform draws within 1.5.
    assert abs(table.mean()) < 4 * 1.5 / math.sqrt(3 * 9000)
    assert abs(table.square().mean().sqrt() - 1.5 / math.sqrt(3)) < 4 * 1.5 / math.sqrt(3) * math.sqrt(0.2 / 9000)
    params = {name: tensor.double() for name, tensor in model.init(torch.Generator().manual_seed(0)).items()}
    weights_of = [params["W_in"], *params["W_hidden"], params["W_out"]]
    biases_of = [params["b_in"], *params["b_hidden"], params["b_out"]]
    x = (params["W_E"][:, 0][:, None] + params["W_E"][:, 0][None, :]).reshape(100, 1)
    for layer, (weight, bias) in enumerate(zip(weights_of, biases_of, strict=True)):
        x = (x.tanh() if layer else x) @ weight + bias
    pairs = torch.cartesian_prod(torch.arange(10), torch.arange(10))
    torch.testing.assert_close(outputs(model, params, pairs), x, atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    ("interface", "message"),
    [
        (Interface(n_symbols=0, n_operands=43, n_outputs=2), "this task's inputs are 43 features"),
        (Interface(n_symbols=5, n_operands=3, n_outputs=2), "are for pairs, this task's inputs have 3 symbols"),
    ],
)
def test_what_cannot_be_embedded_is_refused(interface: Interface, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        embedding_mlp(EmbeddingMlpOptions(), interface)
