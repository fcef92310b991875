"""The table `runs`: a row a replica; its columns are the pack's state and every scalar of its config and summary.

The summary comes from the status if its checksum fits, else, for a finished pack, from the numbers.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.outcomes import outcomes
from grokscope.runs.store.documents import read_pack
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.status import read_status

FIXED = {
    "run": "VARCHAR",
    "pack": "VARCHAR",
    "replica": "BIGINT",
    "dir": "VARCHAR",
    "state": "VARCHAR",
    "step": "BIGINT",
}
SCALARS = (bool, int, float, str)

OnDamage = Callable[[StoreError], None]  # called with the reason why a pack is left out
Source = tuple[str, str]  # ("fixed" | "config" | "summary", field) of a column


def require_store(store: Path) -> None:
    """StoreError if there is no store."""
    if not store.is_dir():
        raise StoreError(f"no store at {store}: give the folder that holds the runs with --store")


def packs(store: Path) -> list[Path]:
    """The pack folders of a store, sorted; a folder without pack.json is not one (yet)."""
    require_store(store)
    return sorted(path.parent for path in store.glob("*/pack.json") if not path.parent.name.startswith("."))


def oldest_first(folders: Iterable[Path]) -> list[Path]:
    """Pack folders by when their pack.json was written."""
    return sorted(folders, key=written)


def written(folder: Path) -> int:
    """When the pack.json of a folder was written [ns since 1970]; 0 for a link to nowhere, which its reader reports."""
    try:
        return (folder / "pack.json").stat().st_mtime_ns
    except OSError:
        return 0


def refuse(error: StoreError) -> None:
    """An `OnDamage` that raises the error."""
    raise error


def records(folder: Path) -> list[dict[Source, Any]]:
    """The rows of a pack."""
    pack, status = read_pack(folder), read_status(folder)
    if "runs" not in status and (end := finished_at(folder)) is not None:
        status |= {"state": "done", "step": end, "runs": outcomes(folder, pack["runs"])}
    return records_of(folder, pack, status)


def records_of(folder: Path, pack: dict, status: dict) -> list[dict[Source, Any]]:
    """The rows of a pack with these documents."""
    return [_record(folder, pack, replica, run, status) for replica, run in enumerate(pack["runs"])]


def _record(folder: Path, pack: dict, replica: int, run: dict, status: dict) -> dict[Source, Any]:
    fixed = {
        "run": run["run"],
        "pack": pack.get("pack", folder.name),
        "replica": replica,
        "dir": str(folder),
        "state": status.get("state"),
        "step": status.get("step"),
    }
    summary = status.get("runs", {}).get(run["run"], {})
    record: dict[Source, Any] = {("fixed", name): value for name, value in fixed.items()}
    for source, fields in (("config", run["config"] or {}), ("summary", summary)):
        scalars = {name: value for name, value in fields.items() if value is None or isinstance(value, SCALARS)}
        record.update({(source, name): value for name, value in scalars.items()})
    return record


def column_names(sources: Iterable[Source]) -> dict[Source, str]:
    """Column names. SQL ignores case, so a name that is taken gets its source as a prefix: config_step, summary_p."""
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
