"""A run's weights or numbers, or the numbers of many runs, as files for others.

Formats: "safetensors", the weights of a checkpoint under this project's names, with the run's config in the file's
metadata; "transformer-lens" and "transformer-bridge", the state dict of TransformerLens's HookedTransformer and of its
successor, by torch.save, or as safetensors if the path ends so, with their config beside it (FILE.json); "hub", a
folder as the Hugging Face hub has it; "csv" and "parquet", every measured number, in the columns run, step, measure,
view, value. `runs.foreign` imports the weights; "zip" is `runs.archive`.
"""

import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor

from grokscope.errors import StoreError
from grokscope.registry import unknown
from grokscope.runs.foreign.hub import UNKNOWN, card, hub_config, require_licence
from grokscope.runs.foreign.lens import beyond_lens, bridge_state, hooked_state, lens_config
from grokscope.runs.output import require_free, write_output
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.store.atomic import refuse_links
from grokscope.runs.store.segments import engine

__all__ = ["Format", "beyond_lens", "export_run", "export_table"]

Tables: TypeAlias = Literal["csv", "parquet"]
Format: TypeAlias = Literal["transformer-lens", "transformer-bridge", "hub", "safetensors", "csv", "parquet"]
LENS = {"transformer-lens": hooked_state, "transformer-bridge": bridge_state}
SUFFIX = {"transformer-lens": ".pt", "transformer-bridge": "-bridge.pt", "hub": "-hub"}


def export_run(
    run: Run,
    format: Format,
    path: str | Path | None = None,
    *,
    step: int | None = None,
    license: str = UNKNOWN,
    overwrite: bool = False,
) -> Path:
    """Writes the files, each atomically, and returns the path of the first; of "hub" that of the folder.

    path: by default in the run's folder. step: the checkpoint of the weights; by default the last. Numbers are those of
    all steps. license: of the weights, an identifier as the hub has them; for "hub". overwrite: replace files that hold
    something else.

    ValueError for an unknown format, for weights without names in TransformerLens, for a step with csv or parquet, and
    for files that are there and hold something else.
    """
    if format not in get_args(Format):
        raise ValueError(unknown("format", format, get_args(Format)))
    if license != UNKNOWN and format != "hub":
        raise ValueError(f"license = {license} is for the card of a hub folder; {format} has none")
    if format in ("csv", "parquet"):
        if step is not None:
            raise ValueError(f"{format} holds the numbers of all steps; step = {step} is for weights")
        path = run.folder / f"{run.id}.{format}" if path is None else path
        return export_table([run], format, path, overwrite=overwrite)
    snap = run.snapshot(step)
    suffix = SUFFIX.get(format, f".{format}")
    target = run.folder / f"{run.id}-step-{snap.step}{suffix}" if path is None else Path(path)
    files = _hub(run, snap, target, license) if format == "hub" else _weights(run, snap, format, target)
    for file in files if path is None else ():
        refuse_links(file, run.folder.parent)  # a store may come from elsewhere
    _write(files, overwrite=overwrite)
    return target


def export_table(
    runs: Sequence[Run],
    format: Tables,
    path: str | Path,
    *,
    fields: Sequence[str] = (),
    overwrite: bool = False,
) -> Path:
    """Writes the numbers of runs into one table. fields: of the configs, which become columns after `run`.

    StoreError where no run has a number; ValueError as `export_run`.
    """
    _write({Path(path): _table(runs, format, fields)}, overwrite=overwrite)
    return Path(path)


def _weights(run: Run, snap: Snapshot, format: str, path: Path) -> dict[Path, bytes]:
    """The file of weights, and the config beside it."""
    about = {"run": run.id, "step": str(snap.step), "config": json.dumps(run.fields)}
    if format not in LENS:
        return {path: _as_safetensors(snap.params, about)}
    params, config = LENS[format](run.config, snap.params), lens_config(run.config, snap.params)
    if path.suffix == ".json":
        raise ValueError(f"{path} is the name of the config beside the weights; name the weights FILE.pt")
    data = _as_safetensors(params, about) if path.suffix == ".safetensors" else _as_torch(params)
    return {path: data} | ({} if config is None else {path.with_suffix(".json"): _as_json(config)})


def _hub(run: Run, snap: Snapshot, folder: Path, licence: str) -> dict[Path, bytes]:
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"cannot write {folder}: it is a file; the hub's format is a folder of files")
    licence, config = require_licence(licence), hub_config(run, snap)
    about = {"format": "pt", "run": run.id, "step": str(snap.step), "config": json.dumps(run.fields)}
    return {
        folder / "model.safetensors": _as_safetensors(snap.params, about),
        folder / "config.json": _as_json(config),
        folder / "README.md": card(run, config, licence).encode(),
    }


def _write(files: Mapping[Path, bytes], *, overwrite: bool) -> None:
    """All files, or none where one may not be written."""
    for path, data in files.items():
        require_free(path, data, overwrite=overwrite)
    for path, data in files.items():
        write_output(path, data)


def _as_json(value: Any) -> bytes:
    return f"{json.dumps(value, indent=1)}\n".encode()


def _as_safetensors(params: Mapping[str, Tensor], about: dict[str, str]) -> bytes:
    """The same weights are the same bytes: safetensors itself writes the metadata in any order."""
    from safetensors.torch import save

    data = save({name: tensor.contiguous() for name, tensor in params.items()}, about)
    end = 8 + int.from_bytes(data[:8], "little")  # the header, after its length
    header = json.loads(data[8:end]) | {"__metadata__": dict(sorted(about.items()))}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[end:]


def _as_torch(params: Mapping[str, Tensor]) -> bytes:
    torch.save({name: params[name].clone() for name in sorted(params)}, file := io.BytesIO())
    return file.getvalue()


def _table(runs: Sequence[Run], format: str, fields: Sequence[str]) -> bytes:
    parts = [_columns(run, fields) for run in runs]
    if not sum(len(part["step"]) for part in parts):
        name = runs[0].id if len(runs) == 1 else "RUN"
        raise StoreError(
            f"{', '.join(run.id for run in runs)[:80]} has no numbers yet; measure it: grokscope measure {name}"
        )
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    connection = engine()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "table"
        connection.register("numbers", columns)
        header = ", HEADER" if format == "csv" else ""
        connection.execute(
            f"COPY (SELECT * FROM numbers ORDER BY run, measure, view, step) TO '{target}' (FORMAT {format}{header})"
        )
        connection.unregister("numbers")
        return target.read_bytes()


def _columns(run: Run, fields: Sequence[str]) -> dict[str, np.ndarray]:
    """The rows of a run as columns that DuckDB takes; fields that are no plain values as JSON."""
    rows = run.rows()
    columns = {"run": rows.runs}
    for name in fields:
        value = (run.fields or {}).get(name)
        plain = value if isinstance(value, bool | int | float | str) else json.dumps(value)
        columns[name] = np.full(len(rows), plain, dtype=None if isinstance(plain, int | float) else object)
    columns |= {"step": rows.steps, "measure": rows.measures, "view": rows.views, "value": rows.values}
    return {name: column if column.dtype.kind in "bif" else column.astype(object) for name, column in columns.items()}
