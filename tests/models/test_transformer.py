"""The transformer against a literal three-position network."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from grokscope.models.base import Activations, Interface, Program
from grokscope.models.parts import transformer_plan
from grokscope.models.transformer import TransformerOptions, transformer
from grokscope.tasks.modular_addition import ModularAddition, build

P = 11
TASK = build(ModularAddition(p=P))
INTERFACE = Interface(n_symbols=P, n_operands=2, n_outputs=P)
VARIANTS = [
    {},
    {"mlp_biases": False},
    {"unembed_equals": False},
    {"attention_rate": 0.3},
    {"equals_token": False},
    {"equals_token": False, "attention_rate": 0.6},
    {"equals_token": False, "attention_rate": 0.0},
    {"bottleneck": "embed", "bottleneck_rank": 5},
    {"bottleneck": "resid_mid", "bottleneck_rank": 2},
    {"bottleneck": "resid_mid", "bottleneck_rank": 3, "equals_token": False},
    {"bottleneck": "mlp_post"},
    *({"activation": name} for name in ("quadratic", "tanh", "gelu", "identity")),
]


def network(**options: Any) -> transformer:
    return transformer(TransformerOptions(**({"d_model": 12, "n_heads": 3, "d_mlp": 20} | options)), INTERFACE)


def weights(model: transformer, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    params = {name: tensor.double() for name, tensor in model.init(generator).items()}
    # Biases start at 0, and attention is near uniform: make both count.
    return {
        name: 3 * tensor + (0.3 * torch.randn(tensor.shape, generator=generator) if name.startswith("b_") else 0)
        for name, tensor in params.items()
    }


def literal(model: transformer, params: Mapping[str, Tensor], inputs: Tensor) -> dict[str, Tensor]:
    """Every position, input by input and head by head, as one would write it on a blackboard."""
    o = model.settings
    n_heads, _, d_head = params["W_Q"].shape
    phi = {"relu": lambda h: h.clamp(min=0), "quadratic": lambda h: h * h, "tanh": torch.tanh, "identity": lambda h: h}
    phi["gelu"] = lambda h: h * (1 + torch.erf(h / math.sqrt(2))) / 2

    def neck(site: str, x: Tensor) -> Tensor:
        return x @ params["W_down"] @ params["W_up"] if o.bottleneck == site else x

    found: dict[str, list[Tensor]] = {}
    for pair in inputs.tolist():
        tokens = [*pair, P] if o.equals_token else pair
        stream = torch.stack([neck("embed", params["W_E"][t]) + params["W_pos"][i] for i, t in enumerate(tokens)])
        attended = torch.zeros_like(stream)
        patterns, zs = [], []
        for head in range(n_heads):
            q, k, v = (stream @ params[name][head] for name in ("W_Q", "W_K", "W_V"))
            scores = q @ k.T / math.sqrt(d_head)
            if o.equals_token:  # published causal; without the token the last position sees everything either way
                scores = scores.masked_fill(torch.ones(3, 3).triu(1).bool(), -math.inf)
            pattern = o.attention_rate * scores.softmax(-1) + (1 - o.attention_rate) * torch.ones_like(scores)
            patterns.append(pattern[-1])
            zs.append((pattern @ v)[-1])
            attended = attended + pattern @ v @ params["W_O"][head]
        mid = neck("resid_mid", stream + attended)
        pre = mid @ params["W_in"] + params.get("b_in", 0.0)
        post = neck("mlp_post", phi[o.activation](pre))
        final = (mid + post @ params["W_out"] + params.get("b_out", 0.0))[-1]
        sites = {"pattern": torch.stack(patterns), "z": torch.stack(zs), "resid_mid": mid[-1], "mlp_pre": pre[-1]}
        sites |= {"mlp_post": post[-1], "resid_post": final, "outputs": final @ params["W_U"]}
        for name, value in sites.items():
            found.setdefault(name, []).append(value)
    return {name: torch.stack(values) for name, values in found.items()}


def squared_error(outputs: Tensor, replicas: slice, rows: slice) -> tuple[Tensor, Tensor]:
    """A loss whose gradient differs from sample to sample."""
    targets = torch.randn(2, 40, outputs.shape[-1], generator=torch.Generator().manual_seed(5)).double()
    error = outputs - targets[replicas, rows]
    return error.square().sum(-1) / 2, error


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_outputs_losses_and_gradients_equal_the_literal_network(options: dict[str, Any]) -> None:
    model = network(**options)
    packs = [weights(model, seed) for seed in (0, 1)]
    stacked = {name: torch.stack([pack[name] for pack in packs]) for name in packs[0]}
    inputs = torch.stack([TASK.inputs[:40], TASK.inputs[50:90].flip(0)])
    plain, fast = Program(model, inputs), model.program(inputs)
    assert type(fast) is not Program
    losses, gradients = fast.gradients(stacked, squared_error)
    theirs, autograd = plain.gradients(stacked, squared_error)
    torch.testing.assert_close(losses, theirs, atol=1e-10, rtol=1e-10)
    # Gradients of attention are small differences of large numbers: the scale of rounding is the largest gradient.
    atol = 1e-13 * max(float(gradient.abs().max()) for gradient in autograd.values())
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, autograd[name], atol=atol, rtol=1e-9)
    for replica, pack in enumerate(packs):
        single = {name: tensor.clone().requires_grad_() for name, tensor in pack.items()}
        expected = literal(model, single, inputs[replica])["outputs"]
        torch.testing.assert_close(plain.outputs(stacked)[replica], expected, atol=1e-9, rtol=1e-9)
        torch.testing.assert_close(fast.outputs(stacked)[replica], expected, atol=1e-9, rtol=1e-9)
        loss, _ = squared_error(expected[None], slice(replica, replica + 1), slice(0, 40))
        for name, gradient in zip(single, torch.autograd.grad(loss.sum(), list(single.values())), strict=True):
            torch.testing.assert_close(gradients[name][replica], gradient, atol=atol, rtol=1e-9)


@pytest.mark.parametrize("options", VARIANTS)
def test_few_samples_have_the_outputs_and_gradients_that_they_have_among_all(options: dict[str, Any]) -> None:
    model = network(**options)
    rows = torch.tensor([0, 3, 60, 60, 117])[None].expand(2, -1)
    two = [weights(model, seed) for seed in (0, 1)]
    leaves = {name: torch.stack([each[name] for each in two]).requires_grad_() for name in two[0]}
    few = model.outputs(leaves, TASK.inputs[rows])
    among = model.outputs(leaves, TASK.inputs.expand(2, -1, -1))[:, rows[0]]
    torch.testing.assert_close(few, among, rtol=1e-9, atol=1e-9)
    pull = torch.randn(few.shape, generator=torch.Generator().manual_seed(0), dtype=few.dtype)
    for one, other in zip(*(torch.autograd.grad(z, list(leaves.values()), pull) for z in (few, among)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("chunk", [1, 7 * 20, 41 * 20, 90 * 20], ids=lambda chunk: f"{chunk} activations")
def test_chunks_change_nothing(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = network()
    packs = [weights(model, seed) for seed in (0, 1, 2)]
    stacked = {name: torch.stack([pack[name] for pack in packs]) for name in packs[0]}
    inputs = TASK.inputs[:40].expand(3, -1, -1)

    def loss(outputs: Tensor, _: slice, __: slice) -> tuple[Tensor, Tensor]:
        return outputs.square().sum(-1) / 2, outputs

    whole_losses, whole = model.program(inputs).gradients(stacked, loss)
    monkeypatch.setattr(transformer_plan, "CHUNK", chunk)
    losses, gradients = model.program(inputs).gradients(stacked, loss)
    torch.testing.assert_close(losses, whole_losses, atol=1e-12, rtol=1e-12)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, whole[name], atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_sites_equal_the_literal_network(options: dict[str, Any]) -> None:
    model = network(**options)
    params = weights(model)
    sites = Activations(model.sites, params, TASK.inputs)
    expected = literal(model, params, TASK.inputs)
    for name in ("pattern", "z", "resid_mid", "mlp_pre", "mlp_post", "resid_post"):
        torch.testing.assert_close(sites[name], expected[name], atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(sites["logits"], expected["outputs"][:, :P], atol=1e-9, rtol=1e-9)
    assert {site: sites[site] is not None for site in sites} == dict.fromkeys(model.sites, True)


@pytest.mark.parametrize(("site", "rank"), [("embed", 3), ("resid_mid", 1), ("mlp_post", 19), ("mlp_post", 20)])
def test_a_bottleneck_has_its_rank_and_keeps_the_scale(site: str, rank: int) -> None:
    model = network(bottleneck=site, bottleneck_rank=rank)
    params = model.init(torch.Generator().manual_seed(0))
    width = model.bottleneck_widths[site]
    singular = torch.linalg.svdvals(params["W_down"].double() @ params["W_up"].double())
    assert torch.allclose(
        singular, torch.tensor([math.sqrt(width / rank)] * rank + [0.0] * (width - rank)).double(), atol=1e-6
    )
    assert not params["W_down"][:, rank:].any()
    assert not params["W_up"][rank:].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bottleneck": "embed", "bottleneck_rank": 13}, "at most the width of embed, 12; got 13"),
        ({"bottleneck": "mlp_pots"}, "Did you mean 'mlp_post'"),
        ({"bottleneck_rank": 3}, "bottleneck_rank 3 needs a bottleneck"),
    ],
)
def test_an_impossible_bottleneck_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        network(**options)


def test_only_pairs_of_symbols_are_read() -> None:
    with pytest.raises(ValueError, match="reads pairs of symbols, this task's inputs have 43 features"):
        transformer(TransformerOptions(), Interface(n_symbols=0, n_operands=43, n_outputs=2))


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_options_are_read_off_the_shapes(options: dict[str, Any]) -> None:
    model = network(**options)
    hidden = {"attention_rate", "activation", "bottleneck", "bottleneck_rank"}
    found = transformer.infer(model.init(torch.Generator().manual_seed(0)))
    told = {name: value for name, value in model.settings.model_dump().items() if name in found and name not in hidden}
    told["unembed_equals"] = told["unembed_equals"] and told["equals_token"]
    assert found == told


def test_large_scores_do_not_overflow() -> None:
    model = network()
    params = {name: tensor * (40 if name in ("W_Q", "W_K") else 1) for name, tensor in weights(model).items()}
    ours = model.program(TASK.inputs[None]).outputs({name: tensor[None] for name, tensor in params.items()})
    torch.testing.assert_close(ours[0], literal(model, params, TASK.inputs)["outputs"], atol=1e-10, rtol=0)


def test_initial_weights_have_the_published_scales() -> None:
    model = transformer(TransformerOptions(), Interface(n_symbols=113, n_operands=2, n_outputs=113))
    params = model.init(torch.Generator().manual_seed(0))
    for name, tensor in params.items():
        if name.startswith("b_"):
            assert not tensor.any()
            continue
        scale = (114 if name == "W_U" else 128) ** -0.5
        # Standard error of a standard deviation from n draws is scale / sqrt(2 n); 4 of them.
        assert abs(tensor.std().item() - scale) < 4 * scale / math.sqrt(2 * tensor.numel())
    squared = sum(float(tensor.square().sum()) for tensor in params.values())
    assert 1500 < squared < 1900  # 226,816 weights of variance 1/128 or 1/114: about 1,785


def test_the_other_published_scale_of_W_in() -> None:
    one, other = (network(scale_W_in_by=width).init(torch.Generator().manual_seed(0)) for width in ("d_model", "d_mlp"))
    torch.testing.assert_close(other["W_in"] * math.sqrt(20 / 12), one["W_in"])
    assert torch.equal(other["W_out"], one["W_out"])


def test_permuting_neurons_and_heads_changes_nothing() -> None:
    model = network()
    params = weights(model)
    neurons, heads = torch.randperm(20), torch.tensor([2, 0, 1])
    permuted = dict(params)
    permuted |= {name: params[name][..., neurons] for name in ("W_in", "b_in")} | {"W_out": params["W_out"][neurons]}
    permuted |= {name: params[name][heads] for name in ("W_Q", "W_K", "W_V", "W_O")}
    one, other = (
        model.program(TASK.inputs[None]).outputs({name: tensor[None] for name, tensor in p.items()})
        for p in (params, permuted)
    )
    torch.testing.assert_close(one, other, atol=1e-9, rtol=0)


def test_an_unknown_site_is_answered_with_the_nearest() -> None:
    model = network()
    with pytest.raises(ValueError, match=r"unknown site 'mlp_pots'. Did you mean 'mlp_post'"):
        Activations(model.sites, weights(model), TASK.inputs)["mlp_pots"]


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="n_heads must divide d_model, got 5 and 12"):
        TransformerOptions(d_model=12, n_heads=5)
