"""The table `runs`: one row a replica, with its pack's state and every scalar of its config and summary as a column."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.store.status import read_status

FIXED = {
    "run": "VARCHAR",
    "pack": "VARCHAR",
    "replica": "BIGINT",
    "dir": "VARCHAR",
    "state": "VARCHAR",
    "step": "BIGINT",
}
_SCALARS = (bool, int, float, str)
_BIGINT = 2**63

Source = tuple[str, str]  # ("fixed" | "config" | "summary", field): where the values of a column come from


def packs(store: Path) -> list[Path]:
    """The pack folders of a store, sorted; a folder without pack.json is not one (yet)."""
    if not store.is_dir():
        raise StoreError(f"no store at {store}: give the folder that holds the runs with --store")
    return sorted(path.parent for path in store.glob("*/pack.json"))


def runs_table(folders: Iterable[Path]) -> tuple[dict[str, str], dict[str, list[Any]]]:
    """The table as ({column: SQL type}, {column: values})."""
    records = [record for folder in folders for record in _records(folder)]
    sources = dict.fromkeys(("fixed", name) for name in FIXED)
    sources.update(dict.fromkeys(source for record in records for source in record))
    types: dict[str, str] = {}
    values: dict[str, list[Any]] = {}
    for source, name in _names(sources).items():
        cells = [record.get(source) for record in records]
        types[name] = FIXED[name] if source[0] == "fixed" else _type(cells)
        values[name] = cells
    return types, values


def _records(folder: Path) -> list[dict[Source, Any]]:
    path = folder / "pack.json"
    try:
        pack = json.loads(path.read_bytes())
        status = read_status(folder)
        return [_record(folder, pack, replica, run, status) for replica, run in enumerate(pack["runs"])]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{path} is damaged ({type(error).__name__}: {error}); move its folder away or repair it"
        ) from error
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error


def _record(folder: Path, pack: dict, replica: int, run: dict, status: dict) -> dict[Source, Any]:
    fixed = {
        "run": run["run"],
        "pack": pack.get("pack", folder.name),
        "replica": replica,
        "dir": str(folder),
        "state": status.get("state"),
        "step": status.get("step"),
    }
    summary = (status.get("runs") or {}).get(run["run"]) or {}
    record: dict[Source, Any] = {("fixed", name): value for name, value in fixed.items()}
    for source, fields in (("config", run.get("config") or {}), ("summary", summary)):
        scalars = {name: value for name, value in fields.items() if value is None or isinstance(value, _SCALARS)}
        record.update({(source, name): value for name, value in scalars.items()})
    return record


def _names(sources: Iterable[Source]) -> dict[Source, str]:
    """Column names; SQL ignores case, so a name that is taken gets its source in front: config_step, summary_p."""
    names: dict[Source, str] = {}
    taken: set[str] = set()
    order = ("fixed", "config", "summary")
    for source in sorted(sources, key=lambda source: order.index(source[0])):  # stable: fields keep their order
        name = source[1]
        while name.lower() in taken:
            name = f"{source[0]}_{name}"
        taken.add(name.lower())
        names[source] = name
    return names


def _type(cells: list[Any]) -> str:
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {bool}:
        return "BOOLEAN"
    if kinds == {int} and all(cell is None or -_BIGINT <= cell < _BIGINT for cell in cells):
        return "BIGINT"
    return "DOUBLE" if kinds and kinds <= {int, float} else "VARCHAR"
