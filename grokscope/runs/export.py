"""A run's weights or numbers as a file for others.

Formats: "safetensors", the weights of a checkpoint under this project's names, with the run's config in the file's
metadata; "transformer-lens", the same under TransformerLens's names, by torch.save, or as safetensors if the path ends
so; "csv" and "parquet", every measured number, in the columns run, step, measure, view, value. `runs.foreign` imports
both kinds of weights.
"""

import io
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from grokscope.errors import StoreError
from grokscope.registry import unknown
from grokscope.runs.config import RunConfig
from grokscope.runs.foreign.weights import is_transformer
from grokscope.runs.output import write_output
from grokscope.runs.run import Run
from grokscope.runs.store.segments import engine

Format: TypeAlias = Literal["transformer-lens", "safetensors", "csv", "parquet"]
SUFFIX = {"transformer-lens": "pt"}
OUTSIDE_LAYERS = {
    "W_E": "embed.W_E",
    "W_pos": "pos_embed.W_pos",
    "W_U": "unembed.W_U",
    "b_U": "unembed.b_U",
    "ln_final_w": "ln_final.w",
    "ln_final_b": "ln_final.b",
}
# Field that a TransformerLens network does not have -> the values at which it computes the same function.
BEYOND_LENS = {
    "attention_rate": (1.0,),
    "activation": ("relu", "gelu"),
    "layer_norm": ("none", "pre"),
    "positions": ("learned",),
    "output_scale": (1.0,),
    "centred": (False,),
}


def export_run(run: Run, format: Format, path: str | Path | None = None, *, step: int | None = None) -> Path:
    """Writes the file atomically and returns its path, by default in the run's folder.

    step: the checkpoint of the weights; by default the last. Numbers are those of all steps.

    ValueError for an unknown format, for weights without names in TransformerLens, and for a step with csv or parquet.
    """
    if format not in get_args(Format):
        raise ValueError(unknown("format", format, get_args(Format)))
    suffix = SUFFIX.get(format, format)
    if format in ("csv", "parquet"):
        if step is not None:
            raise ValueError(f"{format} holds the numbers of all steps; step = {step} is for weights")
        path = run.folder / f"{run.id}.{suffix}" if path is None else Path(path)
        return write_output(path, _table(run, format))
    snap = run.snapshot(step)
    path = run.folder / f"{run.id}-step-{snap.step}.{suffix}" if path is None else Path(path)
    params = lens_names(run.config, snap.params) if format == "transformer-lens" else snap.params
    about = {"run": run.id, "step": str(snap.step), "config": json.dumps(run.fields)}
    as_torch = format == "transformer-lens" and path.suffix != ".safetensors"
    return write_output(path, _weights(params, about, as_torch=as_torch))


def lens_names(config: RunConfig, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A transformer's weights under TransformerLens's names, `blocks.0.attn.W_Q`, ...; the shapes are the same."""
    named_there = is_transformer(config.model)
    if not named_there or config.bottleneck:
        what = f"a bottleneck at {config.bottleneck}" if named_there else f"model {config.model}"
        raise ValueError(f"TransformerLens has no names for {what}; export to safetensors instead")
    named, params = {}, dict(params)
    if "W_E_right" in params:  # there the symbols of the second operand follow those of the first
        n = len(right := params.pop("W_E_right"))
        params["W_E"] = torch.cat([params["W_E"][:n], right, params["W_E"][n:]])
    for name, tensor in params.items():
        if name in OUTSIDE_LAYERS:
            named[OUTSIDE_LAYERS[name]] = tensor
            continue
        if name.startswith("ln"):
            place = name.replace("_", ".")
        else:
            place = f"attn.{name}" if name[2:] in ("Q", "K", "V", "O") else f"mlp.{name}"
        layers = tensor if config.model == "decoder" else [tensor]
        named |= {f"blocks.{layer}.{place}": part for layer, part in enumerate(layers)}
    return named


def beyond_lens(config: RunConfig) -> dict[str, object]:
    """The fields, with their values, that a TransformerLens network of these weights does not have, so it computes
    another function. A later import of the weights must set them."""
    fields = config.model_dump()
    return {name: fields[name] for name, same in BEYOND_LENS.items() if name in fields and fields[name] not in same}


def _weights(params: Mapping[str, Tensor], about: dict[str, str], *, as_torch: bool) -> bytes:
    if not as_torch:
        from safetensors.torch import save

        return save(dict(params), about)
    torch.save(dict(params), file := io.BytesIO())
    return file.getvalue()


def _table(run: Run, format: str) -> bytes:
    rows = run.rows()
    if not len(rows):
        raise StoreError(f"run {run.id} has no numbers yet; measure it: grokscope measure {run.id}")
    columns = {"run": rows.runs, "step": rows.steps, "measure": rows.measures, "view": rows.views, "value": rows.values}
    columns = {name: column if column.dtype.kind in "if" else column.astype(object) for name, column in columns.items()}
    connection = engine()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "table"
        connection.register("numbers", columns)
        header = ", HEADER" if format == "csv" else ""
        connection.execute(
            f"COPY (SELECT * FROM numbers ORDER BY measure, view, step) TO '{target}' (FORMAT {format}{header})"
        )
        connection.unregister("numbers")
        return target.read_bytes()
