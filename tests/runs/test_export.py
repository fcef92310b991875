"""What is exported is what the run holds, and weights come back as the same network."""

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
import torch
from safetensors import safe_open

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
    """The keys of HookedTransformer.state_dict(), but for its buffers and the biases that are not trained here."""
    state = torch.load(export_run(tiny_run, "transformer-lens", store / "w.pt"), weights_only=True)
    attention = {f"blocks.0.attn.W_{name}" for name in "QKVO"}
    mlp = {f"blocks.0.mlp.{name}" for name in ("W_in", "b_in", "W_out", "b_out")}
    assert set(state) == attention | mlp | {"embed.W_E", "pos_embed.W_pos", "unembed.W_U"}
    assert state["blocks.0.attn.W_Q"].shape == (2, 16, 8)


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
