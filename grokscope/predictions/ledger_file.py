"""A ledger as a file: one Parquet table of lines, and beside it the arms with their runs and the looks, in JSON.

    columns   theory claim part version arm seed reading run value missing digest versions      (`Line`)
    text      ledger: {"format": 1, "looks": {"sizes", "first", "level"} | null, "arms": [...]}
    an arm    name, place, family, value, also, changes; config: the fields that all of its runs share; drawn: those
              that are the seed; runs: [seed, id], or [seed, id, {fields of its own}]

The lines are sorted by their first seven columns, so that the same readings give the same bytes.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from grokscope.errors import StoreError
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.ledger import Ledger, Line, Ran
from grokscope.runs.store.atomic import clear_errors, make_folder
from grokscope.runs.store.parquet import read_table, write_table
from grokscope.statistics.looks import Looks

SUFFIX = ".parquet"
COLUMNS = {
    "theory": str, "claim": str, "part": str, "version": int, "arm": str, "seed": int, "reading": str, "run": str,
    "value": float, "missing": str, "digest": str, "versions": str,
}  # fmt: skip
FORMAT = 1


def write_ledger(of: Ledger, path: str | Path) -> Path:
    """Writes a ledger, and returns its path. ValueError for a name that is not FILE.parquet."""
    require_name(path)
    about = {"format": FORMAT, "looks": None if of.looks is None else asdict(of.looks)}
    about["arms"] = [_written(arm, of.places[arm.name]) for arm in of.arms.values()]
    rows = [tuple(getattr(line, name) for name in COLUMNS) for line in of.lines]
    text = json.dumps(about, ensure_ascii=False, separators=(",", ":"))
    return write_table(path, COLUMNS, rows, {"ledger": text})


def read_ledger(path: str | Path) -> Ledger:
    """The ledger that `write_ledger` wrote. ValueError where there is none; StoreError, of one line, for a file that is
    damaged, is no ledger, or contradicts itself."""
    rows, texts = read_table(path, COLUMNS, "ledger")
    try:
        about = json.loads(texts["ledger"])
        if about["format"] != FORMAT:
            raise StoreError(f"its format is {about['format']}, and this version of grokscope reads {FORMAT}")
        arms = [_read(arm) for arm in sorted(about["arms"], key=lambda arm: (arm["place"], arm["name"]))]
        looks = None if about["looks"] is None else Looks(**about["looks"] | {"sizes": tuple(about["looks"]["sizes"])})
        lines = sorted((Line(**dict(zip(COLUMNS, row, strict=True))) for row in rows), key=lambda line: line.place)
        places = {arm["name"]: arm["place"] for arm in about["arms"]}
        return Ledger(arms=Arms(arms), places=places, lines=tuple(lines), looks=looks)
    except StoreError as error:
        raise StoreError(f"{path}: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} is no ledger: {' '.join(str(error).split()) or type(error).__name__}") from error


@contextmanager
def alone(path: str | Path) -> Iterator[None]:
    """Within it no other process adds to this ledger: it waits, and then reads what was written."""
    from filelock import FileLock

    require_name(path)
    place = Path(os.path.realpath(path))
    lock = FileLock(place.with_name(f".{place.name}.lock"))
    with clear_errors(place):
        make_folder(place.parent)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def require_name(path: str | Path) -> None:
    """ValueError for a name that no ledger has."""
    if Path(path).suffix != SUFFIX:
        raise ValueError(f"a ledger is a file {SUFFIX}, got {path}")


def file_digest(path: str | Path) -> str:
    """The first 16 digits of a file's SHA-256, as a scorecard names its ledger."""
    return sha256(Path(path).read_bytes()).hexdigest()[:16]


def _written(arm: Arm[Ran], place: int) -> dict[str, Any]:
    seeds, runs = [run.seed for run in arm], list(arm)
    names = list(dict.fromkeys(name for run in runs for name in run.fields))
    values = {name: [run.fields.get(name) for run in runs] for name in names}
    drawn = [name for name in names if name == "seed" or (values[name] == seeds and len(set(seeds)) > 1)]
    shared = {name: values[name][0] for name in names if name not in drawn and _alike(name, runs)}
    own = [name for name in names if name not in drawn and name not in shared]
    return {
        "name": arm.name,
        "place": place,
        "family": arm.family,
        "value": arm.value,
        "also": arm.also,
        "changes": arm.changes,
        "config": shared,
        "drawn": drawn,
        "runs": [_ran(run, own) for run in runs],
    }


def _alike(name: str, runs: list[Ran]) -> bool:
    return all(name in run.fields and run.fields[name] == runs[0].fields.get(name) for run in runs)


def _ran(run: Ran, own: list[str]) -> list[Any]:
    fields = {name: run.fields[name] for name in own if name in run.fields}
    return [run.seed, run.id, fields] if fields else [run.seed, run.id]


def _read(arm: Mapping[str, Any]) -> Arm[Ran]:
    runs = []
    for seed, id_, *own in arm["runs"]:
        fields = arm["config"] | dict.fromkeys(arm["drawn"], seed) | (own[0] if own else {})
        runs.append(Ran(id_, fields))
    return Arm(
        name=arm["name"],
        family=arm["family"],
        value=arm["value"],
        also=tuple((family, value) for family, value in arm["also"]),
        changes=arm["changes"],
        runs=tuple(sorted(runs, key=lambda run: run.seed)),
    )
