"""A task's inputs and labels from a file, and the copy of them that a pack keeps.

    pairs.csv     columns with names: label; split (train or test), if there is one; every other column is an operand
    data.npz      arrays inputs, labels; split (a bool an input), n_symbols, n_classes and truth, if they are there

A pack that is trained on such data keeps them in data-HASH.safetensors: the inputs, labels and split, as the smallest
integers that hold them, or float32. So its runs can be read when the file is gone or has changed.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from grokscope.errors import GrokscopeError
from grokscope.registry import Options, component, shortened
from grokscope.runs.outside import array_of, read_file
from grokscope.runs.store import checkpoints
from grokscope.tasks import table
from grokscope.tasks.base import TaskFamily

ID = "table"
SPLIT = {"train": True, "test": False, "true": True, "false": False, "1": True, "0": False}
TOLD = ("n_symbols", "n_classes", "truth")
_WHOLE = re.compile(r"[+-]?[0-9]+")


def completed(options: table.Table) -> table.Table:
    """The options of a table with the hash of its data and all that follows from them. ValueError for a file that
    cannot be read as a table."""
    path = options.path
    if path is None:
        return options
    if options.path_hash is not None:
        table.offer(options.path_hash, path, lambda: read(Path(path))[0])
        return options
    whole = Path(path).expanduser().absolute()
    found, told = read(whole)
    return table.completed(options.model_copy(update={"path": str(whole)}), found, told)


def options_of(family: TaskFamily, fields: Mapping[str, Any]) -> Options:
    """The options of a task from fields; of a table with what its data say."""
    made = family.options(**fields)
    return completed(made) if isinstance(made, table.Table) else made


def read(path: Path) -> tuple[table.Data, dict[str, Any]]:
    """The data in a file, and what it tells of them."""
    of = {".npz": _arrays, ".csv": _columns, ".tsv": _columns}.get(path.suffix.lower())
    if of is None:
        raise ValueError(f"{path} is no table: expected .csv or .npz")
    try:
        return of(path)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from error
    except GrokscopeError as error:
        raise ValueError(str(error)) from error
    except ValueError as error:
        said = str(error).splitlines()[0]
        raise ValueError(said if str(path) in said else f"{path}: {said}") from error


def keep(folder: Path, configs: Any) -> None:
    """Writes the data of a pack's configs into its folder."""
    for digest in {config.path_hash for config in configs if config is not None and config.task == ID}:
        checkpoints.save_data(folder, digest, table.recall(digest).narrow)


def offer(folder: Path, config: Any) -> None:
    """Says that a pack's folder may have the data of a config."""
    if config.task == ID:
        table.offer(config.path_hash, str(folder), lambda: _kept(folder, config.path_hash))


def look_in(store: Path) -> None:
    """Says that the packs of a store may have data."""
    table.look_in(str(store), lambda digest: _in_a_pack(store, digest))


def _in_a_pack(store: Path, digest: str) -> table.Data:
    for path in store.glob(f"*/{checkpoints.data_file(store, digest).name}"):
        return _kept(path.parent, digest)
    raise ValueError(f"no pack in {store} keeps them")


def _kept(folder: Path, digest: str) -> table.Data:
    parts = checkpoints.load_data(folder, digest)
    whole = {name: part.long() if not part.is_floating_point() else part for name, part in parts.items()}
    train = whole.get("train")
    return table.Data(whole["inputs"], whole["labels"], None if train is None else train.bool(), whole.get("elements"))


def _arrays(path: Path) -> tuple[table.Data, dict[str, Any]]:
    arrays = array_of(path)
    if isinstance(arrays, np.ndarray):
        raise ValueError("it holds one array, expected an archive of numpy (.npz) with inputs and labels")
    with arrays:
        names = set(arrays.files)
        if not {"inputs", "labels"} <= names:
            raise ValueError(f"it holds {', '.join(sorted(names)) or 'nothing'}; expected inputs and labels")
        split = arrays["split"] if "split" in names else None
        if split is not None and split.dtype.kind in "US":
            split = [_is_trained(str(word), place) for place, word in enumerate(split.tolist(), 1)]
        found = table.data(arrays["inputs"], arrays["labels"], split)
        return found, {name: arrays[name].item() for name in TOLD if name in names}


def _columns(path: Path) -> tuple[table.Data, dict[str, Any]]:
    columns, _ = component("runs.curves.formats", "delimited").columns(path, [(path, read_file(path))])
    named = {name.lower(): cells for name, cells in columns.items()}
    operands = [name for name in named if name not in ("label", "split")]
    if "label" not in named or not operands:
        raise ValueError(f"its columns are {', '.join(columns)}; expected one or more operands, and label")
    inputs = np.stack([_numbers(name, named[name]) for name in operands], axis=1)
    split = [_is_trained(cell, place) for place, cell in enumerate(named["split"], 1)] if "split" in named else None
    return table.data(inputs, _numbers("label", named["label"]), split), {}


def _numbers(name: str, cells: list[Any]) -> Any:
    """Whole numbers, if all of a column are; else numbers."""
    for place, cell in enumerate(cells, 1):
        try:
            float(cell or "")
        except ValueError:
            what = "is empty" if cell is None else f"is {shortened(cell)}, expected a number: symbols are 0, 1, 2, ..."
            raise ValueError(f"{name} in row {place} {what}") from None
    whole = all(_WHOLE.fullmatch(cell) for cell in cells)
    if whole and any(len(cell) > 18 for cell in cells):
        raise ValueError(f"{name} has a number of more than 18 digits")
    return np.array([int(cell) if whole else float(cell) for cell in cells])


def _is_trained(cell: str | None, place: int) -> bool:
    if (word := (cell or "").strip().lower()) not in SPLIT:
        raise ValueError(f"split in row {place} is {shortened(cell)}, expected train or test")
    return SPLIT[word]
