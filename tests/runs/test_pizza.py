"""Networks of both training scripts of Zhong et al. 2023 (arXiv:2306.17844), each against its forward pass in words."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import grokscope as gs
from grokscope.measures.base import evaluate, measures
from grokscope.runs.foreign.importing import import_weights
from grokscope.runs.run import Run

C = 7
A, B = torch.cartesian_prod(torch.arange(C), torch.arange(C)).T


def drawn(**shapes: tuple[int, ...]) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        name.replace("__", "."): torch.randn(shape, generator=generator, dtype=torch.float64) / 2
        for name, shape in shapes.items()
    }


def imported(tmp_path: Path, weights: dict[str, Tensor], **config: Any) -> Run:
    torch.save({f"module.{name}": tensor for name, tensor in weights.items()}, tmp_path / "model_x.pt")
    (tmp_path / "config_x.json").write_text(json.dumps({"C": C} | config))
    return import_weights(tmp_path / "model_x.pt", "pizza", store=tmp_path / "runs")


def linear_script(kind: str) -> tuple[dict[str, Tensor], Tensor]:
    """Weights of a model type of the linear script, with 6 channels, and its logits."""
    d = 6
    tables = {"embed1": (C, d), "embed2": (C, d)} if kind == "X" else {"embed": (C, d // 2 if kind == "D" else d)}
    layers = ("l1", "l2") if kind in "BC" else ("l1",)
    w = drawn(
        **{f"{name}__weight": shape for name, shape in tables.items()},
        **{f"{name}__weight": (d, d) for name in layers},
        **{f"{name}__bias": (d,) for name in layers},
        unembed__weight=(C, d),
    )

    def layer(name: str, x: Tensor) -> Tensor:
        return torch.stack([w[f"{name}.weight"] @ row + w[f"{name}.bias"] for row in x])

    left, right = w[f"{next(iter(tables))}.weight"][A], w[f"{list(tables)[-1]}.weight"][B]
    if kind == "D":
        x = layer("l1", torch.cat([left, right], dim=1))
    elif kind == "C":
        x = layer("l1", left) + layer("l1", right)
    else:
        x = layer("l1", left + right)
    x = x.clamp(min=0)
    if "l2" in layers:
        x = layer("l2", x).clamp(min=0)
    return w, torch.stack([w["unembed.weight"] @ row for row in x])


@pytest.mark.parametrize("kind", ["A", "B", "C", "D", "X"])
def test_the_linear_script(tmp_path: Path, kind: str) -> None:
    w, logits = linear_script(kind)
    run = imported(tmp_path, w, model_type=kind, epoch=20, lr=1e-3, weight_decay=2.0, frac=0.8)
    snap = run.snapshot()
    torch.testing.assert_close(snap.outputs, logits, atol=1e-12, rtol=1e-12)
    norm = math.sqrt(sum(float(tensor.square().sum()) for tensor in w.values()))
    assert evaluate("weights.norm", snap) == pytest.approx(norm, rel=1e-12)
    assert (run.config.model, run.steps, run.config.weight_decay) == ("embedding_mlp", 20, 2)
    assert run.unknown >= {"betas", "warmup_steps", "seed", "n_train", "init"}
    for name, measure in measures().items():  # whatever the answer, there is one
        if measure.cost != "asked":
            evaluate(name, snap)
    again = gs.RunConfig(**(run.config.model_dump() | {"max_steps": 2, "n_train": 30, "weight_decay": 0.0}))
    trained = gs.train(again, store=tmp_path, progress=False).snapshot()
    assert {name: tensor.shape for name, tensor in trained.params.items()} == {
        name: tensor.shape for name, tensor in snap.params.items()
    }


def test_a_bias_counts_once_for_each_operand_in_type_C(tmp_path: Path) -> None:
    """Its gradient, too: it is two terms of one bias."""
    w, _ = linear_script("C")
    snap = imported(tmp_path, w, model_type="C").snapshot()
    params = {name: tensor[None].clone().requires_grad_() for name, tensor in snap.params.items()}
    snap.model.outputs(params, snap.task.inputs[None]).sum().backward()
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in w.items()}
    x = leaves["embed.weight"] @ leaves["l1.weight"].T + leaves["l1.bias"]
    x = (x[A] + x[B]).relu() @ leaves["l2.weight"].T + leaves["l2.bias"]
    (x.relu() @ leaves["unembed.weight"].T).sum().backward()
    torch.testing.assert_close(params["b_in"].grad[0], leaves["l1.bias"].grad)  # pyright: ignore[reportOptionalSubscript]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"l1.weight": None}, "weights lack the tensor l1.weight; they have embed.weight, l1.bias, unembed.weight"),
        ({"l2.weight": torch.zeros(6, 6)}, "the network of this config has no tensor l2.weight"),
        ({"l1.weight": torch.ones(6, 3)}, "W_in has shape (3, 6), expected (6, 6)"),
        ({"l1.bias": torch.ones(6, 1)}, "l1.bias has shape (6, 1), expected 1 axes"),
    ],
)
def test_what_is_not_of_its_type_is_named(tmp_path: Path, change: dict, message: str) -> None:
    w = {name: tensor for name, tensor in (linear_script("A")[0] | change).items() if tensor is not None}
    with pytest.raises(ValueError) as error:
        imported(tmp_path, w, model_type="A")
    assert str(error.value).startswith(message)


RATE = 0.3
ACTIVATIONS = {"ReLU": torch.relu, "GeLU": torch.nn.functional.gelu, "Tanh": torch.tanh}


def main_script(layers: int, d: int, act: str, *, apart: bool, equals: bool) -> tuple[dict[str, Tensor], Tensor]:
    """Weights of a transformer of the main script, with 4 heads of d // 4, and what it says at the last position."""
    vocabulary, width = C * (1 + apart) + equals, d // 4
    shapes: dict[str, tuple[int, ...]] = {"embed__W_E": (d, vocabulary), "unembed__W_U": (d, vocabulary)}
    shapes["pos_embed__W_pos"] = (2 + equals, d)
    for i in range(layers):
        block = f"blocks__{i}__"
        shapes |= {f"{block}attn__{name}": (4, width, d) for name in ("W_K", "W_Q", "W_V")}
        shapes |= {f"{block}attn__W_O": (d, 4 * width), f"{block}mlp__W_in": (4 * d, d), f"{block}mlp__b_in": (4 * d,)}
        shapes |= {f"{block}mlp__W_out": (d, 4 * d), f"{block}mlp__b_out": (d,)}
    w = drawn(**shapes)
    read = [A, B + C * apart] + ([torch.full_like(A, vocabulary - 1)] if equals else [])
    x = torch.stack([w["embed.W_E"][:, token].T + w["pos_embed.W_pos"][i] for i, token in enumerate(read)], dim=1)
    for i in range(layers):
        attn, mlp = f"blocks.{i}.attn.", f"blocks.{i}.mlp."
        q, k, v = (torch.einsum("hed,nsd->nhse", w[f"{attn}W_{kind}"], x) for kind in "QKV")
        weight = RATE * (torch.einsum("nhqe,nhke->nhqk", q, k) / math.sqrt(width)).softmax(-1) + (1 - RATE)
        z = torch.einsum("nhqk,nhke->nqhe", weight, v).flatten(2)
        x = x + torch.einsum("df,nqf->nqd", w[f"{attn}W_O"], z)
        post = ACTIVATIONS[act](torch.einsum("md,nqd->nqm", w[f"{mlp}W_in"], x) + w[f"{mlp}b_in"])
        x = x + torch.einsum("dm,nqm->nqd", w[f"{mlp}W_out"], post) + w[f"{mlp}b_out"]
    w |= {f"blocks.{i}.attn.mask": torch.ones(2 + equals, 2 + equals).tril() for i in range(layers)}  # read by nothing
    return w, x[:, -1] @ w["unembed.W_U"]


@pytest.mark.parametrize(("layers", "d", "act"), [(1, 10, "GeLU"), (2, 10, "ReLU"), (4, 8, "Tanh")])
@pytest.mark.parametrize("tokens", ["plain", "apart", "equals", "apart equals"])
def test_the_main_script(tmp_path: Path, layers: int, d: int, act: str, tokens: str) -> None:
    apart, equals = "apart" in tokens, "equals" in tokens
    w, outputs = main_script(layers, d, act, apart=apart, equals=equals)
    config = {"attn_coeff": RATE, "act_fn": act, "n_layers": layers, "n_heads": 4, "d_model": d}
    run = imported(tmp_path, w, **config, diff_vocab=int(apart), eqn_sign=int(equals))
    snap = run.snapshot()
    torch.testing.assert_close(snap.outputs, outputs, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(snap.model.sites["logits"](snap.activations), outputs[:, :C], atol=1e-9, rtol=1e-9)
    assert evaluate("weights.squared_norm", snap) == pytest.approx(
        sum(float(tensor.square().sum()) for name, tensor in w.items() if "mask" not in name), rel=1e-9
    )


@pytest.mark.parametrize(("layers", "d"), [(1, 8), (2, 7), (3, 9)])
@pytest.mark.parametrize(("apart", "equals"), [(False, False), (True, False), (True, True)])
def test_the_main_script_without_attention(tmp_path: Path, layers: int, d: int, apart: bool, equals: bool) -> None:
    """`use_linear`: embeddings of d // n_tokens channels one after another, zeros up to d, then square layers."""
    n_tokens, vocabulary = 2 + equals, C * (1 + apart) + equals
    shapes: dict[str, tuple[int, ...]] = {"embed__W_E": (d // n_tokens, vocabulary), "unembed__W_U": (d, vocabulary)}
    for i in range(layers):
        shapes |= {f"blocks__{i}__W_in": (d, d), f"blocks__{i}__b_in": (d,)}
    w = drawn(**shapes)
    tokens = [A, B + C * apart] + ([torch.full_like(A, vocabulary - 1)] if equals else [])
    x = torch.cat([w["embed.W_E"][:, token].T for token in tokens], dim=1)
    x = torch.nn.functional.pad(x, (0, d - x.shape[1]))
    for i in range(layers):
        x = (x @ w[f"blocks.{i}.W_in"].T + w[f"blocks.{i}.b_in"]).relu()
    config = {"attn_coeff": 0.5, "use_linear": True, "diff_vocab": apart, "eqn_sign": equals}
    run = imported(tmp_path, w, **config)
    torch.testing.assert_close(run.snapshot().outputs, (x @ w["unembed.W_U"])[:, :C], atol=1e-9, rtol=1e-9)
    assert len(run.about["imported"]["notes"]) == equals + (vocabulary > C)
