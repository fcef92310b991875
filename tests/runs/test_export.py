"""What is exported is what the run holds, and weights come back as the same network."""

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import grokscope as gs
from grokscope.errors import StoreError
from grokscope.runs.config import RunConfig
from grokscope.runs.export import beyond_lens, export_run
from grokscope.runs.foreign.importing import import_weights
from grokscope.runs.run import Run
from grokscope.studies.experiment import train
from tests.conftest import tiny


@pytest.mark.parametrize(
    ("to", "name"), [("transformer-lens", "w.pt"), ("transformer-lens", "w.safetensors"), ("safetensors", "w")]
)
@pytest.mark.parametrize("step", [0, None])
def test_weights_come_back(tiny_run: Run, store: Path, to: Any, name: str, step: int | None) -> None:
    path = export_run(tiny_run, to, store / name, step=step)
    snap = import_weights(path, to, store=store, p=11).snapshot()
    assert torch.equal(snap.logits, tiny_run.snapshot(step).logits)


@pytest.mark.parametrize("layer_norm", ["none", "pre", "post"])
@pytest.mark.parametrize(
    ("to", "name"), [("transformer-lens", "w.pt"), ("transformer-lens", "w.safetensors"), ("safetensors", "w")]
)
def test_layers_come_back(store: Path, layer_norm: str, to: Any, name: str) -> None:
    size = {"p": 7, "d_model": 8, "n_heads": 2, "d_mlp": 12, "max_steps": 3, "warmup_steps": 0, "train_fraction": 0.5}
    run = train(
        RunConfig(model="decoder", layer_norm=layer_norm, attention_biases=True, positions="learned", **size),
        store=store,
        progress=False,
    )
    path = export_run(run, to, store / name)
    snap = import_weights(path, to, store=store, p=7, model="decoder").snapshot()
    assert torch.equal(snap.logits, run.snapshot().logits)


@pytest.mark.parametrize("model", ["transformer", "decoder"])
@pytest.mark.parametrize("to", ["transformer-lens", "safetensors"])
def test_two_tables_and_a_bias_of_the_outputs_come_back(store: Path, model: str, to: Any) -> None:
    """TransformerLens has one table: the second operand's symbols follow the first's, "=" is the last."""
    size = {"p": 7, "d_model": 10, "n_heads": 3, "d_head": 4, "d_mlp": 12, "max_steps": 3, "warmup_steps": 0}
    kind = {"model": model, "tied": False, "extra_outputs": 7, "unembed_bias": True, "train_fraction": 0.5}
    told = {"positions": "learned", "layer_norm": "none"} if model == "decoder" else {}
    run = train(RunConfig(**(size | kind | told)), store=store, progress=False)
    assert run.snapshot().params["b_U"].any()
    back = import_weights(export_run(run, to, store / "w"), to, store=store, p=7, model=model).snapshot()
    assert torch.equal(back.outputs, run.snapshot().outputs)
    assert back.outputs.shape == (49, 15)


def test_what_is_not_known_is_not_exported(tiny_run: Run, store: Path) -> None:
    foreign = import_weights(
        export_run(tiny_run, "transformer-lens", store / "w.pt"), "transformer-lens", p=11, store=store
    )
    with safe_open(export_run(foreign, "safetensors", store / "w"), framework="pt") as file:
        config = json.loads(file.metadata()["config"])
    assert (config["p"], config["weight_decay"], config["learning_rate"]) == (11, None, None)


def test_names_are_those_of_transformer_lens(tiny_run: Run, store: Path) -> None:
    """The keys of HookedTransformer.state_dict(): its buffers too, and the biases that are not trained here."""
    state = torch.load(export_run(tiny_run, "transformer-lens", store / "w.pt"), weights_only=True)
    attention = {f"blocks.0.attn.{kind}_{name}" for name in "QKVO" for kind in "Wb"}
    mlp = {f"blocks.0.mlp.{name}" for name in ("W_in", "b_in", "W_out", "b_out")}
    buffers = {"blocks.0.attn.mask", "blocks.0.attn.IGNORE"}
    outside = {"embed.W_E", "pos_embed.W_pos", "unembed.W_U", "unembed.b_U"}
    assert set(state) == attention | mlp | buffers | outside
    assert state["blocks.0.attn.W_Q"].shape == (2, 16, 8)
    assert not any(state[name].any() for name in state if ".b_" in name and ".mlp." not in name)


LENS = json.loads((Path(__file__).parents[1] / "data" / "transformer-lens" / "state_dicts.json").read_text())


@pytest.fixture(scope="module", params=["LN", None])
def layers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, str | None]:
    """A decoder of the sizes that the kept keys and shapes are of, and its normalisation."""
    size = {"p": 7, "d_model": 10, "n_heads": 3, "d_head": 4, "d_mlp": 12, "max_steps": 3, "train_fraction": 0.5}
    kind = {"model": "decoder", "layer_norm": "pre" if request.param else "none", "positions": "learned"}
    run = train(RunConfig(**(size | kind)), store=tmp_path_factory.mktemp("layers"), progress=False)
    return run, request.param


@pytest.mark.parametrize(
    ("to", "network", "version"),
    [
        ("transformer-lens", "HookedTransformer", "2.16.1"),
        ("transformer-lens", "HookedTransformer", "3.9.0"),
        ("transformer-bridge", "TransformerBridge", "3.9.0"),
    ],
)
def test_keys_and_shapes_are_those_that_transformer_lens_loads_strictly(
    layers: tuple[Run, str | None], store: Path, to: Any, network: str, version: str
) -> None:
    """Side by side with the library, 2.16.1 and 3.9.0: strict=True, and logits that differ by 2e-6 of the largest."""
    run, norm = layers
    path = export_run(run, to, store / "w.safetensors")
    with safe_open(path, framework="pt") as file:
        shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    expected = LENS[version][f"{network} {norm}"]
    if version == "3.9.0" and to == "transformer-lens":  # whose mask is empty, and may have any shape in a file
        expected |= {name: [3, 3] for name in expected if name.endswith(".mask")}
    assert shapes == expected
    assert json.loads((store / "w.json").read_text()) == LENS["config"] | {"normalization_type": norm}


def test_the_bridge_holds_the_same_matrices(layers: tuple[Run, str | None], store: Path) -> None:
    """torch.nn.Linear computes x W^T; the heads stand side by side."""
    run, params = layers[0], layers[0].snapshot().params
    state = torch.load(export_run(run, "transformer-bridge", store / "w.pt"), weights_only=True)
    x, z = torch.randn(5, 10), torch.randn(5, 3, 4)
    for layer in range(2):
        read = torch.nn.functional.linear(x, state[f"blocks.{layer}.attn.q.weight"]).unflatten(1, (3, 4))
        torch.testing.assert_close(read, torch.einsum("nd,hde->nhe", x, params["W_Q"][layer]))
        written = torch.nn.functional.linear(z.flatten(1), state[f"blocks.{layer}.attn.o.weight"])
        torch.testing.assert_close(written, torch.einsum("nhe,hed->nd", z, params["W_O"][layer]))
        inner = torch.nn.functional.linear(x, state[f"blocks.{layer}.mlp.in.weight"])
        torch.testing.assert_close(inner, x @ params["W_in"][layer])
    torch.testing.assert_close(torch.nn.functional.linear(x, state["unembed.weight"]), x @ params["W_U"])


def test_what_attends_everywhere_says_so(store: Path) -> None:
    size = {"p": 7, "d_model": 8, "n_heads": 2, "d_mlp": 12, "max_steps": 1, "train_fraction": 0.5}
    kind = {"model": "decoder", "layer_norm": "none", "positions": "learned", "causal": False, "equals_token": False}
    run = train(RunConfig(**(size | kind)), store=store, progress=False)
    path = export_run(run, "transformer-lens", store / "w.pt")
    config = json.loads((store / "w.json").read_text())
    assert (config["attention_dir"], config["n_ctx"], config["d_vocab"]) == ("bidirectional", 2, 7)
    back = import_weights(path, "transformer-lens", store=store, p=7, model="decoder").snapshot()
    assert torch.equal(back.logits, run.snapshot().logits)


def test_a_network_that_transformer_lens_does_not_have_gets_no_config(store: Path) -> None:
    run = train(tiny(max_steps=1, attention_rate=0.5, equals_token=False), store=store, progress=False)
    export_run(run, "transformer-lens", store / "w.pt")
    assert not (store / "w.json").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": "decoder", "layer_norm": "pre", "positions": "learned", "n_layers": 2},
        {"model": "quadratic_mlp", "loss": "mse", "n_train": 30, "equals_token": None, "bottleneck": None},
    ],
)
def test_a_hub_folder_is_the_same_network(store: Path, changes: dict[str, Any]) -> None:
    """As the card says: gs.snapshot of the weights with the arguments of config.json."""
    names = {"p": 11, "train_fraction": 0.5, "max_steps": 3, "d_model": 16, "n_heads": 2, "d_mlp": 24}
    fields = {name: value for name, value in (names | changes).items() if value is not None}
    if changes.get("model") == "quadratic_mlp":
        fields = {name: value for name, value in fields.items() if name not in ("d_model", "n_heads", "d_mlp")}
    run = train(RunConfig(**fields), store=store, progress=False)
    folder = export_run(run, "hub", store / "hub", license="apache-2.0")
    assert {path.name for path in folder.iterdir()} == {"model.safetensors", "config.json", "README.md"}
    config = json.loads((folder / "config.json").read_text())
    snap = gs.snapshot(load_file(folder / "model.safetensors"), **config["snapshot"])
    assert torch.equal(snap.logits, run.snapshot().logits)
    assert torch.equal(snap.train_mask, run.train_mask)
    assert RunConfig(**config["config"]) == run.config
    assert (config["transformer_lens"] is None) == (changes.get("model") == "quadratic_mlp")
    _, header, text = (folder / "README.md").read_text().split("---\n", 2)
    assert header.splitlines()[0] == 'license: "apache-2.0"'
    assert f"run `{run.id}`, step 3" in text
    assert "| grokked | no |" in text


def test_a_card_promises_no_way_to_load_what_is_another_network(store: Path) -> None:
    run = train(tiny(max_steps=1, output_scale=2.0), store=store, progress=False)
    folder = export_run(run, "hub")
    assert json.loads((folder / "config.json").read_text())["snapshot"] is None
    assert "gs.snapshot" not in (folder / "README.md").read_text()


def test_a_card_of_weights_without_curves_tells_no_phases(tiny_run: Run, store: Path) -> None:
    weights = export_run(tiny_run, "safetensors", store / "w")
    folder = export_run(import_weights(weights, "safetensors", store=store, p=11), "hub")
    text = (folder / "README.md").read_text()
    assert "it is not known when it memorised or generalised" in text
    assert "grokked |" not in text
    config = json.loads((folder / "config.json").read_text())
    assert gs.snapshot(load_file(folder / "model.safetensors"), **config["snapshot"]).train_mask.all()


@pytest.mark.parametrize("license", ["", "MIT\n---", 'mit"', "x" * 41, "a b", "<b>"])
def test_a_licence_is_an_identifier(tiny_run: Run, store: Path, license: str) -> None:
    with pytest.raises(ValueError, match="expected an identifier such as mit"):
        export_run(tiny_run, "hub", store / "hub", license=license)
    assert not (store / "hub").exists()


@pytest.mark.parametrize("to", ["transformer-lens", "hub", "safetensors", "csv"])
def test_a_file_that_is_there_is_not_replaced_unasked(tiny_run: Run, store: Path, to: Any) -> None:
    """The same content again changes nothing, and is no mistake."""
    path = export_run(tiny_run, to, store / "it's; $HOME")
    last = path / "README.md" if to == "hub" else path.with_suffix(".json") if to == "transformer-lens" else path
    assert export_run(tiny_run, to, path) == path
    before = last.read_bytes()
    last.write_bytes(b"mine")
    with pytest.raises(ValueError, match="is there already and holds something else: give another name, or --over"):
        export_run(tiny_run, to, path)
    assert last.read_bytes() == b"mine"
    export_run(tiny_run, to, path, overwrite=True)
    assert last.read_bytes() == before


def test_a_link_in_a_store_leads_no_export_out(store: Path, tmp_path: Path) -> None:
    run = train(tiny(max_steps=1), store=store, progress=False)
    (tmp_path / "mine").mkdir()
    (run.folder / f"{run.id}-step-1-hub").symlink_to(tmp_path / "mine")
    with pytest.raises(StoreError, match="is a link to"):
        export_run(run, "hub", overwrite=True)
    assert not list((tmp_path / "mine").iterdir())


def test_safetensors_carry_the_config(tiny_run: Run, store: Path) -> None:
    with safe_open(export_run(tiny_run, "safetensors", store / "w"), framework="pt") as file:
        about = file.metadata()
    assert RunConfig(**json.loads(about["config"])) == tiny_run.config
    assert (about["run"], about["step"]) == (tiny_run.id, "60")


@pytest.mark.parametrize("to", ["csv", "parquet"])
def test_numbers_are_all_there_to_the_last_bit(tiny_run: Run, store: Path, to: Any) -> None:
    path = export_run(tiny_run, to, store / f"it's.{to}")
    if to == "csv":
        with path.open(newline="") as file:
            head, *found = csv.reader(file)
        found = [(run, int(step), measure, view, float(value)) for run, step, measure, view, value in found]
        assert head == ["run", "step", "measure", "view", "value"]
    else:
        found = duckdb.read_parquet(str(path)).fetchall()
    rows = tiny_run.rows()
    columns = (rows.runs, rows.steps.tolist(), rows.measures, rows.views, rows.values.tolist())
    assert set(found) == set(zip(*columns, strict=True))
    assert len(found) == len(rows)


def test_one_replica_of_a_pack(store: Path) -> None:
    pack = train([tiny(max_steps=3, seed=seed) for seed in (1, 2)], store=store, progress=False)
    state = torch.load(export_run(pack[1], "transformer-lens"), weights_only=True)
    assert torch.equal(state["embed.W_E"], pack[1].snapshot().params["W_E"])
    with export_run(pack[1], "csv").open(newline="") as file:
        assert {row["run"] for row in csv.DictReader(file)} == {pack[1].id}
    assert {path.name for path in pack[1].folder.glob(f"{pack[1].id}*")} == {
        f"{pack[1].id}-step-3.pt",
        f"{pack[1].id}-step-3.json",
        f"{pack[1].id}.csv",
    }


def test_what_transformer_lens_does_not_have_is_said(tiny_run: Run, store: Path) -> None:
    assert beyond_lens(tiny_run.config) == {}
    pizza = RunConfig(attention_rate=0.5, activation="tanh", output_scale=2.0)
    assert beyond_lens(pizza) == {"attention_rate": 0.5, "activation": "tanh", "output_scale": 2.0}
    assert beyond_lens(RunConfig(model="decoder")) == {"layer_norm": "post", "positions": "sinusoidal"}
    neck = train(tiny(max_steps=1, bottleneck="resid_mid", bottleneck_rank=2), store=store, progress=False)
    with pytest.raises(ValueError, match="no names for a bottleneck at resid_mid; export to safetensors"):
        export_run(neck, "transformer-lens")
    mlp = train(RunConfig(model="mlp", p=5, train_fraction=0.5, max_steps=1), store=store, progress=False)
    with pytest.raises(ValueError, match="no names for model mlp"):
        export_run(mlp, "transformer-lens")


def test_bad_arguments(tiny_run: Run, store: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown format 'cvs'\. Did you mean 'csv'"):
        export_run(tiny_run, "cvs", store / "w")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="csv holds the numbers of all steps; step = 3 is for weights"):
        export_run(tiny_run, "csv", store / "w", step=3)
    with pytest.raises(StoreError, match="no checkpoint at step 1 "):
        export_run(tiny_run, "safetensors", store / "w", step=1)
    foreign = import_weights(export_run(tiny_run, "safetensors", store / "w"), "safetensors", store=store, p=11)
    with pytest.raises(StoreError, match=f"has no numbers yet; measure it: grokscope measure {foreign.id}"):
        export_run(foreign, "parquet")
