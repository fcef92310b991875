"""The catalogue: copies of what finished packs hold, so that a question reads one file and not a hundred thousand.

    .catalogue/runs-<token>.rows.parquet    the rows of one table (runs, numbers, events), with their packs
    .catalogue/runs-<token>.packs.parquet   the packs in it, each with a signature; written last

The packs are the truth. A row is believed only while its pack has the signature it was read under: the times and the
inodes of the pack's folder and of the files that the rows come from (`Table.files`). A pack that is written to,
replaced or new is read itself; a catalogue that is missing, torn or damaged is no catalogue. Whoever locks a pack
changes the time of its folder (`lock.hold`), so no writer goes unnoticed, however it dies. A bit that flips without a
trace in these times changes no answer: the copy has its own checksum. The doctor reads the packs themselves.

Files never change under their names, so readers need no lock. A writer holds the catalogue's lock; where another does,
or nothing can be written, the packs are read, and the answer is the same.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from grokscope.errors import StoreError
from grokscope.runs.store.atomic import clear_errors, sweep_temporaries, sync_folder, temporary_beside
from grokscope.runs.store.checksum import BLANK, FRESH, checked, stamp
from grokscope.runs.store.lock import hold, is_held
from grokscope.runs.store.merged import literal, merged, parquet
from grokscope.runs.store.segments import damage_as_store_error, engine, sealed_numbers

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FOLDER = ".catalogue"
# Packs that are worth a new catalogue: reading them takes 40 ms. Beyond, one in a hundred: writing takes 10 us a pack.
FEWEST, SHARE = 256, 100
_ATTEMPTS = 5  # a catalogue vanishes while it is read only when a newer one is there

# Reads packs into the temporary table `fresh`, with a column "pack"; returns those that it vouches for.
Gather = Callable[["DuckDBPyConnection", Sequence[Path]], Iterable[str]]


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of the catalogue. order: of its rows. files: what of a pack its rows come from, beside the folder.
    segments: its segments too."""

    name: str
    gather: Gather
    order: str
    files: tuple[str, ...] = ()
    segments: bool = False

    def stats(self, folder: str, segments: str) -> tuple[int, ...]:
        """Times and inodes of the files; OSError where one is missing. segments: their numbers."""
        found: list[int] = []
        for path in (folder, *(f"{folder}/{name}" for name in self.files), *_paths(folder, segments)):
            about = os.stat(path)
            found += (about.st_mtime_ns, about.st_ctime_ns, about.st_ino)
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Catalogued:
    """rows: the file of the rows; None where no pack is believed. packs: the believed ones. every: whether the file
    holds no other. others: folders of packs that must be read."""

    rows: Path | None
    packs: Sequence[str]
    every: bool
    others: Sequence[Path]

    def relation(self, connection: "DuckDBPyConnection") -> str | None:
        """The believed rows, for FROM; None where there are none."""
        if self.rows is None:
            return None
        if self.every:
            return parquet(self.rows)
        _names(connection, "believed", self.packs)
        return f"(FROM {parquet(self.rows)} WHERE pack IN (FROM believed))"


def current(store: Path, table: Table) -> Catalogued:
    """What the catalogue says of a store, after it was told of finished packs, if they are many."""
    found = look(store, table)
    if len(found.others) >= max(FEWEST, len(found.packs) // SHARE):
        with suppress(StoreError):  # somebody else writes it, or nobody may
            if _keep(store, table, found):
                return look(store, table)
    return found


def look(store: Path, table: Table) -> Catalogued:
    """The packs of a store whose rows are believed, and the others. StoreError if there is no store."""
    try:
        names = sorted(os.listdir(store))
    except OSError as error:
        raise StoreError(f"no store at {store}: give the folder that holds the runs with --store") from error
    for _ in range(_ATTEMPTS):
        try:
            rows, known = _read(store, table)
            break
        except StoreError:
            continue
    else:
        rows, known = None, {}
    root = os.fspath(store)
    believed = _unchanged(table, root, names, known) if known else []
    left = set(names).difference(believed)
    others = [store / name for name in names if name in left and name[0] != "." and _is_pack(f"{root}/{name}")]
    every = len(believed) == len(known)
    return Catalogued(rows=rows if believed else None, packs=believed, every=every, others=others)


def generations(store: Path, table: str) -> list[Path]:
    """The lists of packs of a table's catalogues, the largest first; one is the rule."""
    try:
        found = [path for path in (store / FOLDER).iterdir() if path.match(f"{table}-*.packs.parquet")]
        return sorted(found, key=lambda path: (-path.stat().st_size, path.name))
    except OSError:
        return []


def rows_of(packs: Path) -> Path:
    """The rows that belong to a list of packs."""
    return packs.with_name(packs.name.replace(".packs.", ".rows."))


def _read(store: Path, table: Table) -> tuple[Path | None, dict[str, tuple[int, str]]]:
    """The rows of the largest intact catalogue, and its packs with their signatures and segments. StoreError where it
    vanished."""
    for path in generations(store, table.name):
        rows = rows_of(path)
        if not (checked(path) and checked(rows)):
            continue
        with damage_as_store_error(path):
            columns = engine().execute(f"SELECT pack, signature, segments FROM {parquet(path)}").fetchnumpy()
        packs, signatures, segments = (columns[name].tolist() for name in ("pack", "signature", "segments"))
        return rows, dict(zip(packs, zip(signatures, segments, strict=True), strict=True))
    return None, {}


def _unchanged(table: Table, root: str, names: Iterable[str], known: Mapping[str, tuple[int, str]]) -> list[str]:
    believed = []
    for name in names:
        if (entry := known.get(name)) is not None:
            with suppress(OSError):
                if hash(table.stats(f"{root}/{name}", entry[1])) == entry[0]:
                    believed.append(name)
    return believed


def _is_pack(folder: str) -> bool:
    return os.path.lexists(f"{folder}/pack.json")


def _paths(folder: str, segments: str) -> list[str]:
    return [f"{folder}/metrics/seg-{int(number):06d}.parquet" for number in segments.split()] if segments else []


def _keep(store: Path, table: Table, found: Catalogued) -> bool:
    """Writes a catalogue of the believed packs and of the finished ones among the others; False if these are few."""
    import duckdb

    folder = store / FOLDER
    with hold(folder, store=store):
        sweep_temporaries(folder)
        cursor, before = engine(), _signed(table, found.others)
        try:
            vouched = set(table.gather(cursor, [path for path in found.others if path.name in before]))
            after = _signed(table, [path for path in found.others if path.name in vouched])
            new = {name: entry for name, entry in after.items() if before[name] == entry}
            if len(new) < max(FEWEST, len(found.packs) // SHARE):
                return False
            known = _read(store, table)[1]
            entries = {name: known[name] for name in found.packs} | new
            _names(cursor, "kept", list(new))
            source = merged(cursor, found.relation(cursor), "(FROM fresh WHERE pack IN (FROM kept))")
            _write(cursor, folder, table, source, entries)
        except (duckdb.Error, KeyError) as error:  # memory, or another process was faster
            raise StoreError(f"cannot write the catalogue: {error}") from error
        finally:
            cursor.close()
    return True


def _signed(table: Table, folders: Iterable[Path]) -> dict[str, tuple[int, str]]:
    """Pack -> signature and segments, of packs that nobody writes, nor did a moment ago."""
    signed = {}
    for folder in folders:
        with suppress(OSError):
            numbers = " ".join(map(str, sealed_numbers(folder))) if table.segments else ""
            stats = table.stats(os.fspath(folder), numbers)
            newest = max(*stats[0::3], *stats[1::3])
            if time.time_ns() - newest > FRESH and not is_held(folder):
                signed[folder.name] = hash(stats), numbers
    return signed


def _write(
    cursor: "DuckDBPyConnection", folder: Path, table: Table, rows: str, entries: Mapping[str, tuple[int, str]]
) -> None:
    """Writes a new generation, the list of packs last, and removes the others."""
    import numpy as np

    old = generations(folder.parent, table.name)
    packs = folder / f"{table.name}-{token_hex(4)}.packs.parquet"
    _copy(cursor, f"FROM {rows} ORDER BY {table.order}", rows_of(packs))
    signatures, segments = zip(*entries.values(), strict=True)
    columns = {"pack": np.array(list(entries), object), "signature": np.array(signatures, np.int64)}
    cursor.register("entries", columns | {"segments": np.array(segments, object)})
    _copy(cursor, "FROM entries ORDER BY pack", packs)
    cursor.unregister("entries")
    sync_folder(folder)
    for path in old:
        for part in (path, rows_of(path)):
            with suppress(OSError):
                part.unlink()


def _copy(cursor: "DuckDBPyConnection", query: str, target: Path) -> None:
    temporary = temporary_beside(target)
    options = f"FORMAT parquet, COMPRESSION zstd, KV_METADATA {{grokscope: {literal(BLANK)}}}"
    with clear_errors(target):
        try:
            cursor.execute(f"COPY ({query}) TO {literal(str(temporary))} ({options})")
            stamp(temporary)
            os.replace(temporary, target)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _names(connection: "DuckDBPyConnection", table: str, names: Sequence[str]) -> None:
    """A temporary table of the names of packs."""
    import numpy as np

    connection.register("incoming", {"pack": np.array(names, object)})
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT pack::VARCHAR AS pack FROM incoming")
    connection.unregister("incoming")
