"""The transformer against a literal three-position network."""

import math
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from grokscope.losses import cross_entropy
from grokscope.models.base import Activations, Interface
from grokscope.models.transformer import Transformer, init, outputs, transformer
from grokscope.tasks.modular_addition import ModularAddition, build

P = 11
TASK = build(ModularAddition(p=P))
INTERFACE = Interface(n_symbols=P, n_operands=2, n_classes=P)


def weights(seed: int = 0, **options: int | bool) -> dict[str, Tensor]:
    chosen = Transformer(**({"d_model": 12, "n_heads": 3, "d_mlp": 20} | options))
    generator = torch.Generator().manual_seed(seed)
    params = {name: tensor.double() for name, tensor in init(chosen, INTERFACE, generator).items()}
    # Biases start at 0, and attention is near uniform: make both count.
    return {
        name: 3 * tensor + (0.3 * torch.randn(tensor.shape, generator=generator) if name.startswith("b_") else 0)
        for name, tensor in params.items()
    }


def literal(params: Mapping[str, Tensor], tokens: Tensor) -> dict[str, Tensor]:
    """All three positions, token by token and head by head, as one would write it on a blackboard."""
    n_heads, _, d_head = params["W_Q"].shape
    streams, patterns, zs, mids, pres, posts = [], [], [], [], [], []
    for sequence in tokens:
        stream = torch.stack([params["W_E"][token] + params["W_pos"][i] for i, token in enumerate(sequence)])
        attended = torch.zeros_like(stream)
        heads, z_heads = [], []
        for head in range(n_heads):
            q, k, v = (stream @ params[name][head] for name in ("W_Q", "W_K", "W_V"))
            scores = q @ k.T / math.sqrt(d_head)
            scores = scores.masked_fill(torch.ones(3, 3).triu(1).bool(), -math.inf)
            pattern = scores.softmax(-1)
            heads.append(pattern[-1])
            z_heads.append((pattern @ v)[-1])
            attended = attended + pattern @ v @ params["W_O"][head]
        mid = stream + attended
        pre = mid @ params["W_in"] + params.get("b_in", 0.0)
        post = pre.clamp(min=0)
        streams.append((mid + post @ params["W_out"] + params.get("b_out", 0.0))[-1])
        patterns.append(torch.stack(heads))
        zs.append(torch.stack(z_heads))
        mids.append(mid[-1])
        pres.append(pre[-1])
        posts.append(post[-1])
    final = torch.stack(streams)
    return {
        "pattern": torch.stack(patterns),
        "z": torch.stack(zs),
        "resid_mid": torch.stack(mids),
        "mlp_pre": torch.stack(pres),
        "mlp_post": torch.stack(posts),
        "resid_post": final,
        "outputs": final @ params["W_U"],
    }


@pytest.mark.parametrize("options", [{}, {"mlp_biases": False}, {"unembed_equals": False}], ids=str)
def test_outputs_loss_and_gradients_equal_the_literal_network(options: dict[str, bool]) -> None:
    packs = [weights(seed, **options) for seed in (0, 1)]
    stacked = {name: torch.stack([pack[name] for pack in packs]).requires_grad_() for name in packs[0]}
    subset = torch.arange(0, P * P, 3)
    ours = outputs(stacked, TASK.operands[subset].expand(2, -1, -1))
    losses = cross_entropy(ours, TASK.labels[subset].expand(2, -1), reduction="none").mean(-1)
    gradients = torch.autograd.grad(losses.sum(), list(stacked.values()))
    for replica, pack in enumerate(packs):
        single = {name: tensor.clone().requires_grad_() for name, tensor in pack.items()}
        expected = literal(single, TASK.tokens[subset])["outputs"]
        loss = torch.nn.functional.cross_entropy(expected, TASK.labels[subset])
        torch.testing.assert_close(ours[replica], expected, atol=1e-10, rtol=0)
        torch.testing.assert_close(losses[replica], loss, atol=1e-10, rtol=0)
        for ours_g, theirs in zip(gradients, torch.autograd.grad(loss, list(single.values())), strict=True):
            torch.testing.assert_close(ours_g[replica], theirs, atol=1e-10, rtol=0)


def test_sites_equal_the_literal_network() -> None:
    params = weights()
    sites = Activations(transformer.sites, params, TASK.operands)
    expected = literal(params, TASK.tokens)
    for name in ("pattern", "z", "resid_mid", "mlp_pre", "mlp_post", "resid_post"):
        torch.testing.assert_close(sites[name], expected[name], atol=1e-10, rtol=0)
    torch.testing.assert_close(sites["logits"], expected["outputs"][:, :P], atol=1e-10, rtol=0)
    torch.testing.assert_close(sites["embed"], params["W_E"][:P])
    assert {site: sites[site] is not None for site in sites} == dict.fromkeys(transformer.sites, True)


def test_large_scores_do_not_overflow() -> None:
    params = {name: tensor * (40 if name in ("W_Q", "W_K") else 1) for name, tensor in weights().items()}
    ours = outputs({name: tensor.unsqueeze(0) for name, tensor in params.items()}, TASK.operands.unsqueeze(0))
    torch.testing.assert_close(ours[0], literal(params, TASK.tokens)["outputs"], atol=1e-10, rtol=0)


def test_initial_weights_have_the_published_scales() -> None:
    options = Transformer()
    params = init(options, Interface(n_symbols=113, n_operands=2, n_classes=113), torch.Generator().manual_seed(0))
    for name, tensor in params.items():
        if name.startswith("b_"):
            assert not tensor.any()
            continue
        scale = (114 if name == "W_U" else 128) ** -0.5
        # Standard error of a standard deviation from n draws is scale / sqrt(2 n); 4 of them.
        assert abs(tensor.std().item() - scale) < 4 * scale / math.sqrt(2 * tensor.numel())
    squared = sum(float(tensor.square().sum()) for tensor in params.values())
    assert 1500 < squared < 1900  # 226,816 weights of variance 1/128 or 1/114: about 1,785


def test_permuting_neurons_and_heads_changes_nothing() -> None:
    params = weights()
    neurons, heads = torch.randperm(20), torch.tensor([2, 0, 1])
    permuted = dict(params)
    permuted |= {name: params[name][..., neurons] for name in ("W_in", "b_in")} | {"W_out": params["W_out"][neurons]}
    permuted |= {name: params[name][heads] for name in ("W_Q", "W_K", "W_V", "W_O")}
    one, other = (
        outputs({name: tensor.unsqueeze(0) for name, tensor in p.items()}, TASK.operands.unsqueeze(0))
        for p in (params, permuted)
    )
    torch.testing.assert_close(one, other, atol=1e-9, rtol=0)


def test_an_unknown_site_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"unknown site 'mlp_pots'. Did you mean 'mlp_post'"):
        Activations(transformer.sites, weights(), TASK.operands)["mlp_pots"]


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="n_heads must divide d_model, got 5 and 12"):
        Transformer(d_model=12, n_heads=5)
