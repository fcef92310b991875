"""State dicts as others save them, against a forward pass written out here: names, axes, what is left out, refused."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import grokscope as gs
from grokscope.runs.foreign.importing import import_weights
from grokscope.runs.run import Run
from tests.runs.test_foreign import lens, saved

P = 7
PAIRS = torch.cartesian_prod(torch.arange(P), torch.arange(P))


def state(
    *,
    d: int = 10,
    heads: int = 3,
    width: int = 3,
    layers: int = 1,
    rows: int = P + 1,
    outputs: int = P + 1,
    n_ctx: int = 3,
) -> dict[str, Tensor]:
    """Random weights under TransformerLens's names and axes, in float64."""
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64) / 2

    found = {"embed.W_E": drawn(rows, d), "pos_embed.W_pos": drawn(n_ctx, d), "unembed.W_U": drawn(d, outputs)}
    for layer in range(layers):
        for name in ("W_Q", "W_K", "W_V"):
            found[f"blocks.{layer}.attn.{name}"] = drawn(heads, d, width)
        found[f"blocks.{layer}.attn.W_O"] = drawn(heads, width, d)
        found |= {f"blocks.{layer}.mlp.W_in": drawn(d, 12), f"blocks.{layer}.mlp.W_out": drawn(12, d)}
        found |= {f"blocks.{layer}.mlp.b_in": drawn(12), f"blocks.{layer}.mlp.b_out": drawn(d)}
    return found


def with_attention_biases(weights: Mapping[str, Tensor], layers: int) -> dict[str, Tensor]:
    found = dict(weights)
    for layer in range(layers):
        heads, d, width = found[f"blocks.{layer}.attn.W_Q"].shape
        for i, name in enumerate(("b_Q", "b_K", "b_V")):
            found[f"blocks.{layer}.attn.{name}"] = torch.linspace(-1, 1 + i, heads * width).double().view(heads, width)
        found[f"blocks.{layer}.attn.b_O"] = torch.linspace(-1, 2, d).double()
    return found


def literal(
    weights: Mapping[str, Tensor],
    tokens: Tensor,
    *,
    normed: bool = False,
    causal: bool = True,
    bias: Tensor | float = 0.0,
) -> Tensor:
    """The network of TransformerLens, position by position and head by head; normed: LayerNorm without gain or bias."""

    def norm(x: Tensor) -> Tensor:
        if not normed:
            return x
        x = x - x.mean(-1, keepdim=True)
        return x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()

    stream = weights["embed.W_E"][tokens] + weights["pos_embed.W_pos"][: tokens.shape[1]]
    for layer in range(sum(name.endswith("W_in") for name in weights)):
        attn, mlp = f"blocks.{layer}.attn.", f"blocks.{layer}.mlp."
        read, written = norm(stream), torch.zeros_like(stream)
        for head in range(len(weights[attn + "W_Q"])):
            q, k, v = (
                read @ weights[f"{attn}W_{kind}"][head] + weights.get(f"{attn}b_{kind}", torch.zeros(99))[head]
                for kind in "QKV"
            )
            for place in range(tokens.shape[1]):
                keys = range(place + 1) if causal else range(tokens.shape[1])
                scores = torch.stack([(q[:, place] * k[:, key]).sum(-1) for key in keys], -1) / q.shape[-1] ** 0.5
                z = sum(scores.softmax(-1)[:, i, None] * v[:, key] for i, key in enumerate(keys))
                written[:, place] += z @ weights[attn + "W_O"][head]
        stream = stream + written + weights.get(f"{attn}b_O", 0.0)
        post = (norm(stream) @ weights[mlp + "W_in"] + weights.get(mlp + "b_in", 0.0)).relu()
        stream = stream + post @ weights[mlp + "W_out"] + weights.get(mlp + "b_out", 0.0)
    W_U = weights.get("unembed.W_U", weights["embed.W_E"].T)
    return norm(stream)[:, -1] @ W_U + bias


def tokens(second: int = 0, equals: int | None = P) -> Tensor:
    found = PAIRS + torch.tensor([0, second])
    return found if equals is None else torch.cat([found, torch.full_like(found[:, :1], equals)], dim=1)


def imported(weights: Mapping[str, Any], tmp_path: Path, name: str = "w.pt", **fields: Any) -> Run:
    return import_weights(saved(tmp_path / name, dict(weights)), "transformer-lens", store=tmp_path, p=P, **fields)


def agree(run: Run, expected: Tensor) -> None:
    torch.testing.assert_close(run.snapshot().outputs, expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(
    "prefix",
    [
        "module.",
        "_orig_mod.",
        "model.",
        "_forward_module.",
        "module._orig_mod.",
        "_orig_mod.module.model.",
        "net.student.",
    ],
)
def test_wrappers_change_no_id(tiny_run: Run, tmp_path: Path, prefix: str) -> None:
    plain = lens(tiny_run.snapshot().params)
    wrapped = {prefix + name: tensor for name, tensor in plain.items()}
    inner = {name.replace("blocks.0.", "blocks.0._orig_mod."): tensor for name, tensor in wrapped.items()}
    ids = {
        import_weights(saved(tmp_path / "w.pt", one), "transformer-lens", store=tmp_path, p=11).id
        for one in (plain, wrapped, inner)
    }
    assert len(ids) == 1
    assert torch.equal(gs.snapshot(wrapped, p=11).logits, tiny_run.snapshot().logits)


def in_nandas_axes(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """His repositories: out = W x for all but W_U and W_pos; W_O holds the heads' channels side by side."""
    found = {}
    for full, tensor in weights.items():
        name = full.rpartition(".")[2]
        if name in ("W_Q", "W_K", "W_V"):
            found[full] = torch.einsum("hde->hed", tensor)
        elif name == "W_O":
            found[full] = torch.cat([head.T for head in tensor], dim=1)
        else:
            found[full] = tensor.T if name in ("W_E", "W_in", "W_out") else tensor
        if name == "W_Q":
            found[full.replace("W_Q", "mask")] = torch.ones(3, 3).tril()
    return {name: tensor.contiguous() for name, tensor in found.items()}


@pytest.mark.parametrize(
    "sizes", [{}, {"d": 12, "heads": 1, "width": 12}, {"d": 8, "heads": 2, "width": 4, "layers": 2}]
)
def test_nandas_axes_are_told_by_W_O(tmp_path: Path, sizes: dict) -> None:
    """Where all matrices are square, too: 12 neurons, d_model 12, one head of 12."""
    weights = state(**sizes)
    run = imported(in_nandas_axes(weights), tmp_path)
    agree(run, literal(weights, tokens()))
    assert run.id == imported(weights, tmp_path).id
    agree(imported(in_nandas_axes(weights), tmp_path, layout="nanda"), literal(weights, tokens()))


def test_heads_need_not_add_up_to_d_model(tmp_path: Path) -> None:
    run = imported(weights := state(), tmp_path)
    agree(run, literal(weights, tokens()))
    assert (run.config.d_head, run.config.d_model, run.config.n_heads) == (3, 10, 3)
    small = gs.RunConfig(p=P, d_model=10, n_heads=3, d_head=3, d_mlp=8, max_steps=2, train_fraction=0.5)
    assert gs.train(small, store=tmp_path, progress=False).snapshot().params["W_O"].shape == (3, 3, 10)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("equals", [True, False])
def test_a_second_operand_with_symbols_of_its_own(tmp_path: Path, layers: int, equals: bool) -> None:
    rows = 2 * P + equals
    weights = state(layers=layers, rows=rows, outputs=rows)
    read = tokens(P, 2 * P if equals else None)
    run = imported(weights, tmp_path)
    agree(run, literal(weights, read))
    snap = run.snapshot()
    torch.testing.assert_close(snap.activations["embed_right"], weights["embed.W_E"][P : 2 * P])
    torch.testing.assert_close(snap.activations["logits"], snap.outputs[:, :P])
    assert any("symbols of its own" in note for note in run.about["imported"]["notes"])


def test_tied_embeddings_a_bias_of_the_outputs_and_positions_to_spare(tmp_path: Path) -> None:
    weights = state(n_ctx=5)
    tied = {name: tensor for name, tensor in weights.items() if name != "unembed.W_U"}
    run = imported(tied, tmp_path)
    agree(run, literal(tied, tokens()))
    assert [note.split(":")[0] for note in run.about["imported"]["notes"][:2]] == [
        "no W_U", "W_pos has 5 rows, inputs have 3 tokens",
    ]  # fmt: skip
    bias = torch.linspace(-1, 1, P + 1).double()
    for layers in (1, 2):
        weights = state(layers=layers)
        agree(imported(weights | {"unembed.b_U": bias}, tmp_path), literal(weights, tokens(), bias=bias))


def test_blocks_that_see_every_position_are_told_by_their_mask(tmp_path: Path) -> None:
    weights = state(layers=2)
    masks = {f"blocks.{layer}.attn.mask": torch.ones(3, 3, dtype=torch.bool) for layer in (0, 1)}
    agree(imported(weights | masks, tmp_path), literal(weights, tokens(), causal=False))
    agree(imported(weights, tmp_path), literal(weights, tokens()))


@pytest.mark.parametrize("layers", [1, 2])
def test_a_layer_norm_that_was_folded_away(tmp_path: Path, layers: int) -> None:
    weights = with_attention_biases(state(layers=layers), layers)
    run = imported(weights, tmp_path, layer_norm="pre")
    agree(run, literal(weights, tokens(), normed=True))
    assert "weight 1 and bias 0" in run.about["imported"]["notes"][0]
    (note,) = imported(weights, tmp_path).about["imported"]["notes"]
    assert "a LayerNorm may be missing, and the answers wrong; layer_norm=pre" in note
    assert not imported(weights, tmp_path, layer_norm="none").about["imported"]["notes"]


def test_a_folded_layer_norm_is_suspected_without_biases_too(tmp_path: Path) -> None:
    """Folding leaves what reads the stream with mean 0 over it (TransformerLens, fold_ln with center_weights)."""
    weights = state()
    (plain,) = imported(weights, tmp_path).about["imported"]["notes"]
    assert "LayerNorm" in plain
    assert "may be missing" not in plain
    for name in weights:
        if name.rpartition(".")[2] in ("W_Q", "W_K", "W_V", "W_in"):
            weights[name] = weights[name] - weights[name].mean(-2, keepdim=True)
    (note,) = imported(weights, tmp_path).about["imported"]["notes"]
    assert "may be missing" in note
    with pytest.warns(UserWarning, match="a LayerNorm may be missing"):
        gs.snapshot(weights, p=P)


def quantised(tensor: Tensor) -> Tensor:
    return torch.quantize_per_tensor(tensor.float(), 0.1, 0, torch.qint8)


@pytest.mark.filterwarnings("ignore")  # torch's own, on quantised and sparse tensors
@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda w: w.to("meta"), "blocks.0.mlp.W_in is a meta tensor"),
        (quantised, "blocks.0.mlp.W_in is quantised (torch.qint8)"),
        (lambda w: w.to_sparse(), "blocks.0.mlp.W_in is sparse (torch.sparse_coo)"),
        (lambda w: w.to_sparse_csr(), "blocks.0.mlp.W_in is sparse (torch.sparse_csr)"),
        (lambda w: (10 * w).to(torch.int8), "blocks.0.mlp.W_in holds int8; weights are float16, bfloat16"),
        (lambda w: w > 0, "blocks.0.mlp.W_in holds bool"),
        (lambda w: w.to(torch.complex64), "blocks.0.mlp.W_in holds complex64"),
        (lambda w: w.to(torch.float8_e4m3fn), "blocks.0.mlp.W_in holds float8_e4m3fn"),
    ],
)
def test_what_holds_no_floating_numbers_is_one_line(tmp_path: Path, made: Any, message: str) -> None:
    weights = state()
    weights["blocks.0.mlp.W_in"] = made(weights["blocks.0.mlp.W_in"])
    for taken in (lambda: imported(weights, tmp_path), lambda: gs.snapshot(weights, p=P)):
        with pytest.raises(ValueError) as error:
            taken()
        assert str(error.value).startswith(message)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_short_floats_are_read_as_float32(tmp_path: Path, dtype: torch.dtype) -> None:
    weights = {name: tensor.to(dtype) for name, tensor in state().items()}
    run = imported(weights, tmp_path)
    assert run.config.dtype == "float32"
    expected = literal({name: tensor.float() for name, tensor in weights.items()}, tokens())
    torch.testing.assert_close(run.snapshot().outputs, expected, atol=1e-4, rtol=1e-4)


def test_a_snapshot_under_other_names_with_a_split_of_its_own(tiny_run: Run) -> None:
    own = tiny_run.snapshot()
    theirs = {"W_E": "encoder.table", "W_in": "ff.0.weight"}
    params = {theirs.get(name, name): tensor for name, tensor in own.params.items()}
    snap = gs.snapshot(params, p=11, rename=theirs, train_mask=own.train_mask)
    assert torch.equal(snap.logits, own.logits)
    assert torch.equal(snap.train_mask, own.train_mask)
    with pytest.raises(ValueError, match="rename: weights lack nowhere; they have"):
        gs.snapshot(params, p=11, rename={"W_E": "nowhere"})


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        ({"W_E": "embed.weigth"}, "rename: weights lack embed.weigth; they have"),
        ({"W_E": "embed.weight", "W_pos": "embed.weight"}, "rename: embed.weight cannot be both W_E and W_pos"),
        ({"W_E": "embed.weight", "W_U": "other"}, "rename: the weights have a W_U of their own, beside other"),
        ({"W_X": "embed.weight"}, "weights lack the tensor W_E"),
        ({"W_E": "embed.weight", "W_X": "other"}, "the model has no tensor W_X, and it is not zero"),
        (["W_E"], "rename is {our name: the name in the weights}"),
        ("W_E", "rename is {our name: the name in the weights}"),
        ({1: "other"}, "rename is {our name: the name in the weights}"),
        ({"W_E": ["embed.weight"]}, "rename is {our name: the name in the weights}"),
    ],
)
def test_a_rename_that_does_not_fit_is_named(tiny_run: Run, rename: Any, message: str) -> None:
    params = dict(tiny_run.snapshot().params)
    params["embed.weight"], params["other"] = params.pop("W_E"), torch.ones_like(params["W_U"])
    with pytest.raises(ValueError, match=re.escape(message)):
        gs.snapshot(params, p=11, rename=rename)


def test_names_that_are_exchanged_are_exchanged(tiny_run: Run) -> None:
    params = dict(tiny_run.snapshot().params)
    theirs = params | {"W_Q": params["W_K"], "W_K": params["W_Q"]}
    snap = gs.snapshot(theirs, p=11, rename={"W_Q": "W_K", "W_K": "W_Q"})
    assert torch.equal(snap.logits, tiny_run.snapshot().logits)


def test_tied_embeddings_are_not_assumed_silently(tiny_run: Run) -> None:
    params = {name: tensor for name, tensor in tiny_run.snapshot().params.items() if name != "W_U"}
    with pytest.warns(UserWarning, match="no W_U: taken as W_E transposed"):
        gs.snapshot(params, p=11)


def test_training_inputs_are_given_once_and_whole(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    mask = snap.train_mask.numpy()
    mask.flags.writeable = False
    assert torch.equal(gs.snapshot(snap.params, p=11, train_mask=mask).train_mask, snap.train_mask)
    hidden = np.ma.masked_array(mask, mask=np.arange(len(mask)) == 3)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"train_mask": mask, "train_fraction": 0.5}, "train_mask and train_fraction both name the training inputs"),
        ({"train_mask": hidden}, "train_mask has masked cells"),
        ({"train_mask": mask.astype(complex)}, "train_mask is torch.complex128"),
        ({"train_mask": mask * 0.5}, "train_mask is torch.float64"),
        ({"train_mask": mask[:-1]}, "train_mask has shape"),
        ({"train_mask": mask[None]}, "train_mask has shape"),
        ({"train_mask": -mask.astype(int)}, "train_mask has indices -1 to 0"),
    ]
    for given, message in cases:
        with pytest.raises(ValueError, match=message):
            gs.snapshot(snap.params, p=11, **given)
