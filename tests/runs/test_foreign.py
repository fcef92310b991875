"""Weights from elsewhere as a run of the store: names, layouts, what does not fit, and a file that would run code."""

import json
import os
import pickle
import shutil
import warnings
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from grokscope.errors import GrokscopeError, Missing
from grokscope.measures.base import evaluate
from grokscope.runs.config import RunConfig
from grokscope.runs.foreign.importing import import_weights
from grokscope.runs.run import Run, load, runs
from grokscope.studies.experiment import train

PIZZA = Path(__file__).parents[1] / "data" / "pizza" / "model_p99zdpze5l.pt"
OUTSIDE = {"W_E": "embed.W_E", "W_pos": "pos_embed.W_pos", "W_U": "unembed.W_U"}


def lens(params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A run's weights under TransformerLens's names, as its HookedTransformer gives its state dict: with the buffers
    and biases that are not trained. A decoder's leading axis of layers is taken apart."""
    state = {}
    for name, tensor in params.items():
        part = "attn" if name[2:] in ("Q", "K", "V", "O") else "mlp"
        if name.startswith("ln"):
            state |= {f"blocks.{i}.{name.replace('_', '.')}": one for i, one in enumerate(tensor)}
        elif name in OUTSIDE:
            state[OUTSIDE[name]] = tensor
        else:
            layers = tensor if params["W_Q"].ndim == 4 else [tensor]
            state |= {f"blocks.{i}.{part}.{name}": one for i, one in enumerate(layers)}
    state["blocks.0.attn.mask"] = torch.ones(3, 3, dtype=torch.bool).tril()
    state["blocks.0.attn.IGNORE"] = torch.tensor(-1e5)
    state["unembed.b_U"] = torch.zeros(len(state["unembed.W_U"].T))
    return {name: tensor.contiguous() for name, tensor in state.items()}


@pytest.fixture
def state(tiny_run: Run) -> dict[str, Tensor]:
    return lens(tiny_run.snapshot().params)


def saved(path: Path, state: Any) -> Path:
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(state, path)
    else:
        torch.save(state, path)
    return path


def test_the_released_pizza(store: Path) -> None:
    """arXiv:2306.17844, model A: loss 1.384e-7 over all inputs, norm 22.854; its JSON says the rest."""
    run = import_weights(PIZZA, "pizza", store=store)
    snap = load(store / run.id).snapshot()
    assert snap.mean(snap.sample_losses, "all") == pytest.approx(1.384e-7, rel=5e-4)
    assert evaluate("weights.norm", snap) == pytest.approx(22.854, abs=5e-4)
    assert (run.checkpoints, run.steps, run.status["state"]) == ([20_000], 20_000, "done")
    config = run.config
    assert (config.p, config.attention_rate, config.equals_token) == (59, 0, False)
    assert (config.train_fraction, config.weight_decay, config.learning_rate) == (0.8, 2, 1e-3)
    assert config.build_model(config.build_task()).shapes == {name: tuple(w.shape) for name, w in snap.params.items()}


def test_an_unknown_split_and_an_unknown_start_are_missing(store: Path) -> None:
    run = import_weights(PIZZA, "pizza", store=store)
    snap = run.snapshot()
    assert snap.train_mask.all()
    assert isinstance(evaluate("behaviour.test_loss", snap), Missing)
    assert isinstance(evaluate("weights.relative_movement", snap), Missing)
    told = import_weights(PIZZA, "pizza", store=store, train_fraction=0.5, seed=3).snapshot()
    assert torch.equal(told.train_mask, snap.task.split(0.5, 3))


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_a_state_dict_is_the_same_network(tiny_run: Run, state: dict, store: Path, tmp_path: Path, name: str) -> None:
    own = tiny_run.snapshot()
    run = import_weights(
        saved(tmp_path / name, state), "transformer-lens", store=store, p=11, train_fraction=0.5, step=60
    )
    snap = run.snapshot()
    assert torch.equal(snap.logits, own.logits)
    assert torch.equal(snap.train_mask, own.train_mask)
    assert run.checkpoints == [60]
    assert run.about["imported"]["file"] == name


def test_own_names_and_a_dict_around_them(tiny_run: Run, store: Path, tmp_path: Path) -> None:
    params = tiny_run.snapshot().params
    flat = import_weights(saved(tmp_path / "w.safetensors", params), "safetensors", store=store, p=11)
    around = {"model": lens(params), "config": {"lr": 1e-3}, "optimizer": {}}
    inner = import_weights(saved(tmp_path / "w.pth", around), "transformer-lens", store=store, p=11)
    assert flat.id == inner.id
    assert torch.equal(flat.snapshot().logits, tiny_run.snapshot().logits)


@pytest.mark.parametrize(
    "fields",
    [
        {"layer_norm": "none", "positions": "learned", "mlp_biases": True, "equals_token": False},
        {"layer_norm": "post", "positions": "sinusoidal", "attention_biases": True, "unembed_equals": False},
        {"layer_norm": "none", "positions": "learned", "n_layers": 1, "attention_biases": True},
    ],
)
def test_a_decoder_is_the_same_network(store: Path, tmp_path: Path, fields: dict) -> None:
    """Several layers, LayerNorm or attention biases; what the shapes say is not asked for."""
    size = {"p": 7, "d_model": 8, "n_heads": 2, "d_mlp": 12, "max_steps": 3, "warmup_steps": 0, "train_fraction": 0.5}
    own = train(RunConfig(model="decoder", **(size | fields)), store=store, progress=False).snapshot()
    path = saved(tmp_path / "w.pt", lens(own.params))
    run = import_weights(path, "transformer-lens", store=store, p=7)
    assert torch.equal(run.snapshot().logits, own.logits)
    assert run.config.model == "decoder"


def transposed(params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A two-layer decoder's weights in the layout of the released pizza networks, one einsum letter an axis."""
    found = {"embed.W_E": params["W_E"].T, "pos_embed.W_pos": params["W_pos"], "unembed.W_U": params["W_U"]}
    for layer in range(2):
        attn, mlp = f"blocks.{layer}.attn", f"blocks.{layer}.mlp"
        for name in ("W_Q", "W_K", "W_V"):
            found[f"{attn}.{name}"] = torch.einsum("hde->hed", params[name][layer])
        found[f"{attn}.W_O"] = torch.einsum("hed->dhe", params["W_O"][layer]).flatten(1)
        found[f"{attn}.mask"] = torch.ones(2, 2)
        for name in ("W_in", "W_out"):
            found[f"{mlp}.{name}"] = params[name][layer].T
        found |= {f"{mlp}.{name}": params[name][layer] for name in ("b_in", "b_out")}
    return {name: tensor.contiguous() for name, tensor in found.items()}


def test_pizzas_of_several_layers_attend_to_every_key(store: Path, tmp_path: Path) -> None:
    fields = {"p": 7, "d_model": 8, "n_heads": 2, "d_mlp": 32, "max_steps": 3, "warmup_steps": 0, "activation": "gelu"}
    kind = {"layer_norm": "none", "positions": "learned", "mlp_biases": True, "equals_token": False, "causal": False}
    config = RunConfig(model="decoder", attention_rate=0.3, **fields, **kind)
    own = train(config, store=store, progress=False).snapshot()
    path = saved(tmp_path / "model_a.pt", transposed(own.params))
    about = {"C": 7, "attn_coeff": 0.3, "act_fn": "GeLU", "n_layers": 2, "funcs": "lambda x: (x[0]+x[1])%7"}
    (tmp_path / "config_a.json").write_text(json.dumps(about))
    assert torch.equal(import_weights(path, "pizza", store=store).snapshot().logits, own.logits)


def test_the_same_twice_is_the_same_run(state: dict, store: Path, tmp_path: Path) -> None:
    def made(**more: Any) -> Run:
        path = saved(tmp_path / "w.pt", state)
        return import_weights(path, "transformer-lens", store=store, **({"p": 11} | more))

    first = made()
    written = {path: path.stat().st_mtime_ns for path in first.folder.rglob("*") if path.is_file()}
    assert made().id == first.id
    assert {path: path.stat().st_mtime_ns for path in first.folder.rglob("*") if path.is_file()} == written
    state["unembed.W_U"] = state["unembed.W_U"] + 1e-3
    others = {made().id, made(train_fraction=0.5).id, made(seed=1).id, made(step=7).id}
    assert len(others | {first.id}) == 5
    assert {run.id for run in runs(store)} == others | {first.id}


def test_an_import_that_was_killed_is_written_again(state: dict, store: Path, tmp_path: Path) -> None:
    path = saved(tmp_path / "w.pt", state)
    run = import_weights(path, "transformer-lens", store=store, p=11)
    (run.folder / "events.jsonl").unlink()
    (run.folder / "checkpoints.safetensors").unlink()
    again = import_weights(path, "transformer-lens", store=store, p=11)
    assert (again.id, again.checkpoints, again.status["state"]) == (run.id, [0], "done")


class Evil:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable, tuple]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("kind", ["saved", "bare", "legacy"])
@pytest.mark.parametrize("format", ["pizza", "transformer-lens"])
def test_a_file_that_would_run_code_is_refused(state: dict, tmp_path: Path, kind: str, format: Any) -> None:
    mark, path = tmp_path / "mark", tmp_path / "evil.pt"
    evil = {**state, "extra": Evil(mark)}
    if kind == "bare":
        path.write_bytes(pickle.dumps(evil))
    else:
        torch.save(evil, path, _use_new_zipfile_serialization=kind == "saved")
    with warnings.catch_warnings(record=True, action="always") as said, pytest.raises(GrokscopeError, match="code"):
        import_weights(path, format, store=tmp_path / "store", p=11)
    assert not said  # the error is the one line
    assert not mark.exists()
    assert not (tmp_path / "store").exists()
    with suppress(RuntimeError):  # a bare pickle runs first, and is found to be no file of torch.save then
        torch.load(path, weights_only=False)
    assert mark.exists()  # it would have


def test_the_refusal_says_what_would_have_run(state: dict, tmp_path: Path) -> None:
    torch.save({**state, "extra": Evil(tmp_path / "mark")}, tmp_path / "evil.pt")
    with pytest.raises(GrokscopeError, match=r"evil\.pt is refused: loading it would run \w+\.mkdir, and"):
        import_weights(tmp_path / "evil.pt", "transformer-lens", p=11)


@pytest.mark.parametrize(
    ("change", "fields", "message"),
    [
        ({}, {"p": 13}, "W_E has shape (12, 16), expected (14, 16)"),
        ({"blocks.0.mlp.b_in": torch.zeros(5)}, {}, "b_in has shape (5,), expected (24,)"),
        ({"blocks.0.attn.W_O": None}, {}, "weights lack the tensor W_O of shape (2, 8, 16)"),
        ({"blocks.0.attn.W_Q": None}, {}, "weights lack the tensor W_Q"),
        ({"unembed.b_X": torch.ones(12)}, {}, "the model has no tensor b_X, and it is not zero"),
        ({"unembed.b_X": torch.zeros(12)}, {}, "the model has no tensor b_X, though all of it is 0"),
        ({"pos_embed.W_pos": torch.zeros(2, 16)}, {}, "W_pos has shape (2, 16), expected (3, 16)"),
        (
            {"blocks.0.ln1.w": torch.ones(16)},
            {},
            "ln1 has a gain and no bias: that is RMSNorm, which no model here has",
        ),
        ({"blocks.0.attn.rotary_sin": torch.ones(3, 8)}, {}, "blocks.0.attn.rotary_sin belongs to rotary positions"),
        ({"blocks.0.attn.mask": torch.ones(3, 3).triu()}, {}, "blocks.0.attn.mask is neither causal nor all ones"),
        ({}, {"layout": "nanda"}, "blocks.0.attn.W_O has shape (2, 8, 16), expected 2 axes"),
        ({}, {"layout": "keras"}, "unknown layout 'keras'"),
        ({"blocks.1.attn.W_Q": torch.zeros(2, 16, 8)}, {}, "weights lack the tensor W_K of layer 1"),
        ({"blocks.1.attn.W_Q": torch.zeros(2)}, {"model": "transformer"}, "weights have 2 layers, the model"),
        ({"blocks.0.attn.attn.W_Q": torch.zeros(2)}, {}, "weights hold W_Q twice"),
        ({"W_in": torch.zeros(2)}, {}, "weights hold W_in both in a layer and outside"),
        ({}, {"wieght_decay": 1}, "unknown field 'wieght_decay'. Did you mean 'weight_decay'?"),
        ({}, {"task": "modular_adition"}, "unknown task 'modular_adition'"),
        ({}, {"model": "transfomer"}, "unknown model 'transfomer'"),
        ({}, {"format": "onnx"}, "unknown format 'onnx'. Known: pizza, safetensors, transformer-lens"),
        ({}, {"step": -1}, "step must be at least 0, got -1"),
        ({}, {"centred": True}, "centred=true needs the outputs at step 0"),
        ({}, {"n_train": 122}, "n_train must lie in 1..121"),
    ],
)
def test_what_does_not_fit_is_named(state: dict, tmp_path: Path, change: dict, fields: dict, message: str) -> None:
    store = tmp_path / "store"
    path = saved(tmp_path / "w.pt", {name: w for name, w in (state | change).items() if w is not None})
    with pytest.raises(ValueError) as error:
        import_weights(path, **({"format": "transformer-lens", "store": store, "p": 11} | fields))
    assert str(error.value).startswith(message)
    assert not store.exists()


def test_layers_of_different_shapes_are_named(state: dict, tmp_path: Path) -> None:
    second = {name.replace("blocks.0", "blocks.1"): tensor for name, tensor in state.items() if "blocks.0" in name}
    second["blocks.1.mlp.W_in"] = torch.zeros(16, 20)
    path = saved(tmp_path / "w.pt", state | second)
    with pytest.raises(ValueError, match=r"W_in of layer 1 has shape \(16, 20\), expected \(16, 24\)"):
        import_weights(path, "transformer-lens", p=11)


@pytest.mark.parametrize("format", ["pizza", "transformer-lens", "safetensors"])
@pytest.mark.parametrize("content", [b"", b"not weights", bytes(range(256)) * 8, pickle.dumps([1, 2]), b"\x80\x04."])
def test_no_such_file_or_no_file_of_that_kind(tmp_path: Path, format: Any, content: bytes) -> None:
    (path := tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(GrokscopeError, match=r"w\.pt (is no safetensors file|cannot be read as tensors|holds a list)"):
        import_weights(path, format)
    with pytest.raises(GrokscopeError, match=r"cannot read .*none\.pt: No such file"):
        import_weights(tmp_path / "none.pt", format)


def test_a_truncated_file_and_one_without_tensors(state: dict, tmp_path: Path) -> None:
    for path in (saved(tmp_path / "w.pt", state), saved(tmp_path / "w.safetensors", state)):
        path.write_bytes(path.read_bytes()[:-2000])
        with pytest.raises(GrokscopeError, match=r"w\.(pt cannot be read|safetensors is no)"):
            import_weights(path, "transformer-lens", p=11)
    path = saved(tmp_path / "w.pt", {"a": 1, "b": torch.zeros(2)})
    with pytest.raises(GrokscopeError, match="holds a dict of a, b; expected tensors by name"):
        import_weights(path, "transformer-lens", p=11)
    with zipfile.ZipFile(tmp_path / "z.pt", "w") as archive:
        archive.writestr("hello", "world")
    with pytest.raises(GrokscopeError, match=r"z\.pt cannot be read as tensors"):
        import_weights(tmp_path / "z.pt", "transformer-lens", p=11)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (None, GrokscopeError, "has no config_x.json beside it"),
        ("{", GrokscopeError, "config_x.json is not JSON"),
        ("[]", GrokscopeError, "config_x.json holds a list"),
        ('{"C": 59}', GrokscopeError, "config_x.json lacks attn_coeff"),
        ('{"C": 59, "attn_coeff": 0, "diff_vocab": 1}', ValueError, "lack the tensor W_E_right of shape (59, 128)"),
        ('{"C": 59, "model_type": "D"}', ValueError, "weights lack the tensor embed.weight"),
        ('{"C": 59, "model_type": "E"}', ValueError, "unknown model_type 'E'"),
        ('{"C": 59, "use_linear": true}', ValueError, "weights lack the tensor blocks.0.W_in of"),
        ('{"C": 59, "attn_coeff": 0, "act_fn": "Sine"}', ValueError, "unknown activation 'Sine'"),
        ('{"C": 59, "attn_coeff": 0, "funcs": "lambda x: (x[0]*x[1])%59"}', ValueError, "were trained on 'lambda x:"),
        ('{"C": 61, "attn_coeff": 0}', ValueError, "W_E has shape (59, 128), expected (61, 128) (axes as grokscope"),
    ],
)
def test_the_config_of_a_pizza(
    tmp_path: Path, store: Path, text: str | None, error: type[Exception], message: str
) -> None:
    path = tmp_path / "model_x.pt"
    shutil.copy(PIZZA, path)
    if text is not None:
        (tmp_path / "config_x.json").write_text(text)
    with pytest.raises(error) as raised:
        import_weights(path, "pizza", store=store)
    assert message in str(raised.value)
    beside = PIZZA.with_name("config_p99zdpze5l.json")
    assert import_weights(path, "pizza", store=store, config=beside).config.attention_rate == 0


@pytest.mark.parametrize("name", ["blocks.0.attn.W_Q", "embed.W_E", "blocks.0.attn.W_O"])
def test_a_pizza_of_another_layout_is_named(tmp_path: Path, name: str) -> None:
    weights = torch.load(PIZZA, weights_only=True, map_location="cpu")
    weights[name] = weights[name].flatten() if name != "blocks.0.attn.W_O" else weights[name][:, :-1]
    path = saved(tmp_path / "model_x.pt", weights)
    with pytest.raises(ValueError, match=rf"{name} has shape \({weights[name].shape[0]}, ?.*\), expected"):
        import_weights(path, "pizza", config=PIZZA.with_name("config_p99zdpze5l.json"))
