"""The transformer of n layers against a literal one, PyTorch's encoder, and the one-layer network of the package."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from grokscope.models.base import Activations, Interface
from grokscope.models.decoder import DecoderOptions, decoder
from grokscope.models.parts import block
from grokscope.models.transformer import TransformerOptions, transformer

P = 5
PAIRS = torch.cartesian_prod(torch.arange(P), torch.arange(P))
TRIPLES = torch.cartesian_prod(*[torch.arange(P)] * 3)
VARIANTS = [
    {},
    {"layer_norm": "none", "positions": "learned", "mlp_biases": True, "init": "nanda"},
    {"layer_norm": "pre", "n_layers": 3, "activation": "gelu", "causal": False},
    {"layer_norm": "pre", "equals_token": False, "attention_biases": True, "mlp_biases": True},
    {"positions": "none", "equals_token": False, "causal": False, "n_layers": 1},
    {"attention_rate": 0.4, "unembed_equals": False},
    {"attention_rate": 0.0, "causal": False, "layer_norm": "none"},
    {"bottleneck": "embed", "bottleneck_rank": 2},
    {"bottleneck": "resid_mid.0", "bottleneck_rank": 3, "layer_norm": "pre"},
    {"bottleneck": "resid_mid", "bottleneck_rank": 3},
    {"bottleneck": "mlp_post.0", "bottleneck_rank": 3},
    {"bottleneck": "mlp_post", "bottleneck_rank": 3, "layer_norm": "none"},
]
# The options that make it the one-layer network of Nanda et al.
NANDA = {"n_layers": 1, "layer_norm": "none", "positions": "learned", "mlp_biases": True, "init": "nanda"}
SIZES = {"d_model": 12, "n_heads": 3, "d_mlp": 10}


def network(n_operands: int = 2, **options: Any) -> decoder:
    interface = Interface(n_symbols=P, n_operands=n_operands, n_outputs=P)
    return decoder(DecoderOptions(**(SIZES | options)), interface)


def weights(model: decoder | transformer, seed: int = 0) -> dict[str, Tensor]:
    """Initial weights, moved: biases that start at 0 and gains that start at 1 must count."""
    generator = torch.Generator().manual_seed(seed)
    drawn = {name: tensor.double() for name, tensor in model.init(generator).items()}
    return {name: 2 * tensor + 0.3 * torch.randn(tensor.shape, generator=generator) for name, tensor in drawn.items()}


def outputs(model: decoder | transformer, params: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
    return model.outputs({name: tensor[None] for name, tensor in params.items()}, inputs[None])[0]


def literal(model: decoder, params: Mapping[str, Tensor], symbols: list[int]) -> dict[str, Tensor]:
    """One input: every layer, position, head and key in turn."""
    o, zero = model.settings, torch.zeros((), dtype=torch.float64)
    phi = {"relu": lambda h: h.clamp(min=0), "gelu": lambda h: h * (1 + torch.erf(h / math.sqrt(2))) / 2}[o.activation]

    def neck(site: str, x: Tensor) -> Tensor:
        return x @ params["W_down"] @ params["W_up"] if o.bottleneck == site else x

    def norm(x: Tensor, name: str, layer: int | None, where: str) -> Tensor:
        if o.layer_norm != where:
            return x
        gain, bias = (params[f"{name}_{kind}"] for kind in "wb")
        gain, bias = (gain, bias) if layer is None else (gain[layer], bias[layer])
        return (x - x.mean()) / torch.sqrt(x.var(unbiased=False) + 1e-5) * gain + bias

    def position(place: int) -> Tensor:
        if o.positions == "learned":
            return params["W_pos"][place]
        angles = [place / 10_000 ** (2 * (i // 2) / o.d_model) for i in range(o.d_model)]
        waves = [math.cos(angle) if i % 2 else math.sin(angle) for i, angle in enumerate(angles)]
        return torch.tensor(waves, dtype=torch.float64) * (o.positions == "sinusoidal")

    def attention(layer: int, read: list[Tensor], place: int) -> tuple[Tensor, Tensor]:
        patterns, written = [], params["b_O"][layer] if o.attention_biases else torch.zeros(o.d_model).double()
        for head in range(o.n_heads):

            def of(kind: str, x: Tensor, head: int = head) -> Tensor:
                return x @ params[f"W_{kind}"][layer, head] + (
                    params[f"b_{kind}"][layer, head] if o.attention_biases else zero
                )

            keys = range(place + 1) if o.causal else range(len(read))
            scores = [of("Q", read[place]) @ of("K", read[k]) / math.sqrt(o.d_model // o.n_heads) for k in keys]
            odds = [(score - max(scores)).exp() for score in scores]
            shares = [o.attention_rate * odd / sum(odds) + 1 - o.attention_rate for odd in odds]
            z = sum(share * of("V", read[k]) for share, k in zip(shares, keys, strict=True))
            written = written + z @ params["W_O"][layer, head]
            patterns.append(torch.stack([*shares, *[zero] * (len(read) - len(shares))]))
        return torch.stack(patterns), written

    tokens = [*symbols, P] if o.equals_token else symbols
    stream = [neck("embed", params["W_E"][token]) + position(place) for place, token in enumerate(tokens)]
    found: dict[str, Tensor] = {}
    for layer in range(o.n_layers):
        name = "" if layer == o.n_layers - 1 else f".{layer}"
        found[f"resid_pre{name}"] = stream[-1]
        read = [norm(x, "ln1", layer, "pre") for x in stream]
        after = []
        for place, x in enumerate(stream):
            pattern, written = attention(layer, read, place)
            middle = neck(f"resid_mid{name}", norm(x + written, "ln1", layer, "post"))
            pre = norm(middle, "ln2", layer, "pre") @ params["W_in"][layer]
            pre = pre + (params["b_in"][layer] if o.mlp_biases else 0)
            post = neck(f"mlp_post{name}", phi(pre))
            out = post @ params["W_out"][layer] + (params["b_out"][layer] if o.mlp_biases else 0)
            after.append(norm(middle + out, "ln2", layer, "post"))
        stream = after
        here = {"pattern": pattern, "attn_out": written, "resid_mid": middle, "mlp_pre": pre, "mlp_post": post}
        here |= {"mlp_out": out, "resid_post": stream[-1]}
        found |= {f"{site}{name}": value for site, value in here.items()}
    return found | {"outputs": norm(stream[-1], "ln_final", None, "pre") @ params["W_U"]}


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_every_site_is_the_literal_networks(options: dict[str, Any]) -> None:
    model = network(**options)
    params = weights(model)
    sites = Activations(model.sites, params, PAIRS)
    every = [literal(model, params, pair) for pair in PAIRS.tolist()]
    expected = {name: torch.stack([each[name] for each in every]) for name in every[0]}
    torch.testing.assert_close(outputs(model, params, PAIRS), expected.pop("outputs"), atol=1e-10, rtol=0)
    for name, values in expected.items():
        torch.testing.assert_close(sites[name], values, atol=1e-10, rtol=0)
    written = torch.einsum("phe,hed->pd", sites["z"], params["W_O"][-1])
    written = written + (params["b_O"][-1] if model.settings.attention_biases else 0)
    torch.testing.assert_close(written, sites["attn_out"], atol=1e-10, rtol=0)


@pytest.mark.parametrize("options", [*VARIANTS, {"tied": False}], ids=str)
def test_few_inputs_and_batched_products_give_the_same(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that many inputs share are computed once; those of two inputs are not, and long sequences go by products."""
    model = network(**options)
    params = weights(model)
    every = outputs(model, params, PAIRS)
    torch.testing.assert_close(outputs(model, params, PAIRS[7:9]), every[7:9], atol=1e-10, rtol=0)
    monkeypatch.setattr(block, "FEW_PAIRS", 0)
    torch.testing.assert_close(outputs(model, params, PAIRS), every, atol=1e-10, rtol=0)


def test_it_reads_any_number_of_operands() -> None:
    for n_operands, inputs in ((1, torch.arange(P)[:, None]), (3, TRIPLES)):
        model = network(n_operands)
        params = weights(model)
        expected = torch.stack([literal(model, params, symbols)["outputs"] for symbols in inputs.tolist()])
        torch.testing.assert_close(outputs(model, params, inputs), expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"unembed_equals": False, "attention_rate": 0.3},
        {"equals_token": False},
        {"equals_token": False, "attention_rate": 0.6, "mlp_biases": False, "activation": "tanh"},
        *({"bottleneck": site, "bottleneck_rank": 4} for site in ("embed", "resid_mid", "mlp_post")),
    ],
    ids=str,
)
@pytest.mark.parametrize("causal", [True, False])
def test_one_layer_without_norm_is_the_one_layer_transformer(options: dict[str, Any], causal: bool) -> None:
    """Where it is read, the last position, a mask hides nothing."""
    model = network(**(NANDA | options), causal=causal)
    other = transformer(TransformerOptions(**(SIZES | options)), model.interface)
    params = weights(other)
    outside = ("W_E", "W_pos", "W_U", "W_down", "W_up")
    layered = {name: tensor if name in outside else tensor[None] for name, tensor in params.items()}
    assert {name: tuple(tensor.shape) for name, tensor in layered.items()} == model.shapes
    expected = outputs(other, params, PAIRS)
    torch.testing.assert_close(outputs(model, layered, PAIRS), expected, atol=1e-10, rtol=0)
    sites, theirs = Activations(model.sites, layered, PAIRS), Activations(other.sites, params, PAIRS)
    assert set(sites) == set(theirs)
    for name in theirs:
        torch.testing.assert_close(sites[name], theirs[name], atol=1e-10, rtol=0)


@pytest.mark.parametrize("norm_first", [False, True], ids=["post", "pre"])
@pytest.mark.parametrize("causal", [False, True])
def test_it_is_pytorchs_encoder(norm_first: bool, causal: bool) -> None:
    """The network of Prieto et al. is torch.nn.TransformerEncoder, written by others."""
    model = network(
        layer_norm="pre" if norm_first else "post",
        positions="none",
        causal=causal,
        mlp_biases=True,
        attention_biases=True,
    )
    params = weights(model)
    layer = torch.nn.TransformerEncoderLayer(12, 3, 10, dropout=0.0, batch_first=True, norm_first=norm_first)
    norm = torch.nn.LayerNorm(12) if norm_first else None
    encoder = torch.nn.TransformerEncoder(layer, 2, norm, enable_nested_tensor=False).double()
    state = {} if norm is None else {"norm.weight": params["ln_final_w"], "norm.bias": params["ln_final_b"]}
    for i in range(2):
        flat = {kind: params[f"W_{kind}"][i].transpose(0, 1).flatten(1).T for kind in "QKV"}
        state |= {
            f"layers.{i}.self_attn.in_proj_weight": torch.cat([flat[kind] for kind in "QKV"]),
            f"layers.{i}.self_attn.in_proj_bias": torch.cat([params[f"b_{kind}"][i].flatten() for kind in "QKV"]),
            f"layers.{i}.self_attn.out_proj.weight": params["W_O"][i].flatten(0, 1).T,
            f"layers.{i}.self_attn.out_proj.bias": params["b_O"][i],
            f"layers.{i}.linear1.weight": params["W_in"][i].T,
            f"layers.{i}.linear1.bias": params["b_in"][i],
            f"layers.{i}.linear2.weight": params["W_out"][i].T,
            f"layers.{i}.linear2.bias": params["b_out"][i],
        }
        state |= {f"layers.{i}.norm{n}.weight": params[f"ln{n}_w"][i] for n in (1, 2)}
        state |= {f"layers.{i}.norm{n}.bias": params[f"ln{n}_b"][i] for n in (1, 2)}
    encoder.load_state_dict(state)
    tokens = torch.nn.functional.pad(PAIRS, (0, 1), value=P)
    mask = torch.full((3, 3), -math.inf).triu(1).double() if causal else None
    expected = encoder(params["W_E"][tokens], mask=mask, is_causal=causal)[:, -1] @ params["W_U"]
    torch.testing.assert_close(outputs(model, params, PAIRS), expected, atol=1e-10, rtol=0)


def test_the_published_network_has_the_published_size() -> None:
    """About 4e5 parameters beside the embeddings, arXiv:2201.02177."""
    model = decoder(DecoderOptions(), Interface(n_symbols=97, n_operands=2, n_outputs=97))
    outside = sum(math.prod(shape) for name, shape in model.shapes.items() if name not in ("W_E", "W_U"))
    assert round(outside, -5) == 400_000
    assert not any(name.startswith("b_") for name in model.shapes)


def rms(tensor: Tensor) -> float:
    return tensor.double().square().mean().sqrt().item()


@pytest.mark.parametrize("attention_biases", [False, True])
def test_initial_weights_are_pytorchs(attention_biases: bool) -> None:
    """Within 4 standard errors of the layers of PyTorch that draw them: uniform within a bound, embeddings N(0, 1)."""
    options = DecoderOptions(mlp_biases=True, attention_biases=attention_biases, positions="learned")
    params = decoder(options, Interface(n_symbols=97, n_operands=2, n_outputs=97)).init(
        torch.Generator().manual_seed(0)
    )
    d, m = 128, 512
    query = math.sqrt(6 / (d + 3 * d)) if attention_biases else 1 / math.sqrt(d)
    bounds = dict.fromkeys(("W_Q", "W_K", "W_V"), query) | dict.fromkeys(("W_O", "W_in", "b_in", "W_U"), d**-0.5)
    bounds |= dict.fromkeys(("W_out", "b_out"), m**-0.5)
    for name, tensor in params.items():
        n = tensor.numel()
        if name in bounds:
            assert tensor.abs().max() <= bounds[name]
            expected = bounds[name] / math.sqrt(3)
            assert abs(rms(tensor) - expected) < 4 * expected * math.sqrt(0.2 / n), name  # kurtosis 1.8
        elif name in ("W_E", "W_pos"):
            assert abs(rms(tensor) - 1) < 4 / math.sqrt(2 * n)
        else:
            assert torch.equal(tensor, torch.full_like(tensor, float(name.endswith("_w")))), name
    layer = torch.nn.TransformerEncoderLayer(d, 4, m)
    assert not layer.self_attn.in_proj_bias.any()  # what the zeros above follow
    if attention_biases:
        drawn = layer.self_attn.in_proj_weight.detach()
        assert abs(rms(drawn) - rms(params["W_Q"])) < 0.02 * rms(drawn)  # standard errors 0.2 % and 0.3 %


def test_initial_weights_as_in_the_one_layer_network() -> None:
    model = decoder(DecoderOptions(**NANDA), Interface(n_symbols=113, n_operands=2, n_outputs=113))
    for name, tensor in model.init(torch.Generator().manual_seed(0)).items():
        if name.startswith("b_"):
            assert not tensor.any()
        else:
            scale = (114 if name == "W_U" else 128) ** -0.5
            assert abs(rms(tensor) - scale) < 4 * scale / math.sqrt(2 * tensor.numel()), name


def test_a_causal_first_layer_hides_what_comes_later() -> None:
    """Two layers, so that the mask of the first one counts."""
    model, open_ = network(), network(causal=False)
    params = weights(model)
    assert (outputs(model, params, PAIRS) - outputs(open_, params, PAIRS)).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_heads": 5}, "n_heads must divide d_model, got 5 and 12"),
        ({"bottleneck": "resid_mid.1"}, "Did you mean 'resid_mid.0'"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        network(**options)


def test_features_are_refused() -> None:
    with pytest.raises(ValueError, match="reads symbols, this task's inputs are 43 features"):
        decoder(DecoderOptions(), Interface(n_symbols=0, n_operands=43, n_outputs=2))
