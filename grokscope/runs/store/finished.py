"""The catalogue: copies of what finished packs hold, so that a question reads one file and not a hundred thousand.

    .catalogue/runs-000001-<token>.rows.parquet    the rows of one table (runs, numbers, events), with their packs
    .catalogue/runs-000001-<token>.packs.parquet   the packs in it, each with a signature; written last

The packs are the truth. A row is believed only while its pack has the signature it was read under: the times and the
inodes of the pack's folder and of the files that the rows come from (`Table.files`). A pack that is written to,
replaced or new is read itself; a catalogue that is missing, torn or damaged is no catalogue. Whoever locks a pack
changes the time of its folder (`lock.hold`), so no writer goes unnoticed, however it dies. A bit that flips without a
trace in these times changes no answer: the copy has its own checksum. The doctor reads the packs themselves.

Files never change under their names, so readers need no lock. A writer holds the catalogue's lock; where another does,
or nothing can be written, the packs are read, and the answer is the same.
"""

import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from grokscope.errors import StoreError
from grokscope.runs.store.atomic import clear_errors, sweep_temporaries, sync_folder, temporary_beside
from grokscope.runs.store.checksum import BLANK, FRESH, checked, stamp
from grokscope.runs.store.lock import hold, is_held
from grokscope.runs.store.merged import literal, merged, parquet, plain, quoted
from grokscope.runs.store.segments import damage_as_store_error, engine, sealed_numbers
from grokscope.runs.store.uncollected import uncollected

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FOLDER = ".catalogue"
# A column of the packs. It gets another name where the rows of a table get other columns: a version that does not find
# it has no catalogue, and builds one.
SIGNATURE = "signature"
# Packs that are worth a new catalogue: reading them takes 40 ms. Beyond, one in a hundred: writing takes 10 us a pack.
FEWEST, SHARE = 256, 100
_ATTEMPTS = 5  # a catalogue vanishes while it is read only when a newer one is there
KEPT_FOR = 600.0  # how long a replaced catalogue stays: somebody may be about to read its rows [s]

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
        about = os.stat(folder)
        found = (about.st_mtime_ns, about.st_ctime_ns, about.st_ino)
        for path in (*(f"{folder}/{name}" for name in self.files), *_paths(folder, segments)) if self.files else ():
            about = os.stat(path)
            found += (about.st_mtime_ns, about.st_ctime_ns, about.st_ino)
        return found


@dataclass(frozen=True, kw_only=True)
class Catalogued:
    """rows: the file of the rows; None where no pack is believed. packs: the believed ones. every: whether the file
    holds no other. others: folders of packs that must be read."""

    rows: Path | None
    packs: Sequence[str]
    every: bool
    others: Sequence[Path]

    def among(self, names: Collection[str]) -> "Catalogued":
        """The same without packs of other names."""
        packs = [name for name in self.packs if name in names]
        others = [folder for folder in self.others if folder.name in names]
        every = self.every and len(packs) == len(self.packs)
        return replace(self, rows=self.rows if packs else None, packs=packs, every=every, others=others)

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
    with uncollected():
        believed = _unchanged(table, root, names, known) if known else []
    left = sorted(set(names).difference(believed))
    others = [store / name for name in left if name[0] != "." and _is_pack(f"{root}/{name}")]
    every = len(believed) == len(known)
    return Catalogued(rows=rows if believed else None, packs=believed, every=every, others=others)


def compare(store: Path, table: Table) -> None:
    """StoreError if the catalogue says something else of the believed packs than the packs do."""
    found = look(store, table)
    cursor = engine()
    if (relation := found.relation(cursor)) is None:
        return
    with damage_as_store_error(store / FOLDER):
        vouched = set(table.gather(cursor, [store / name for name in found.packs]))
        _names(cursor, "vouched", sorted(vouched & set(found.packs)))
        pair = [f"(FROM {one} WHERE pack IN (FROM vouched))" for one in (relation, "fresh")]
        ours, theirs = (f"(SELECT {', '.join(_texts(cursor, one))} FROM {one})" for one in pair)
        wrong = cursor.execute(f"SELECT pack FROM ({ours} EXCEPT ALL {theirs}) LIMIT 1").fetchall()
        wrong += cursor.execute(f"SELECT pack FROM ({theirs} EXCEPT ALL {ours}) LIMIT 1").fetchall()
    if wrong:
        raise StoreError(f"the catalogue of {table.name} says something else of pack {wrong[0][0]} than the pack does")


def _texts(connection: "DuckDBPyConnection", relation: str) -> list[str]:
    """Every column that is not empty, by name, as text: columns of one kind here may be mixed there."""
    cells = plain(connection, relation)
    used = connection.execute(f"SELECT {', '.join(f'count({cell})' for cell in cells.values())} FROM {relation}")
    counts = dict(zip(cells, used.fetchall()[0], strict=True))
    return [f"{cells[name]}::VARCHAR AS {quoted(name)}" for name in sorted(cells) if counts[name] or name == "pack"]


def generations(store: Path, table: str) -> list[Path]:
    """The lists of packs of a table's catalogues, the newest first."""
    pattern = re.compile(rf"{table}-\d{{6,}}-[0-9a-f]{{8}}\.packs\.parquet")
    try:
        names = os.listdir(store / FOLDER)
    except OSError:
        return []
    found = [store / FOLDER / name for name in names if pattern.fullmatch(name)]
    return sorted(found, key=lambda path: (_number(path), path.name), reverse=True)


def _number(packs: Path) -> int:
    return int(packs.name.split("-")[1])


def rows_of(packs: Path) -> Path:
    """The rows that belong to a list of packs."""
    return packs.with_name(packs.name.replace(".packs.", ".rows."))


def _read(store: Path, table: Table) -> tuple[Path | None, dict[str, tuple[int, str]]]:
    """The rows of the newest intact catalogue of this layout, and its packs with their signatures and segments.
    StoreError where it vanished."""
    import duckdb

    for path in generations(store, table.name):
        rows = rows_of(path)
        if not (checked(path) and checked(rows)):
            continue
        with damage_as_store_error(path):
            try:
                columns = engine().execute(f"SELECT pack, {SIGNATURE}, segments FROM {parquet(path)}").fetchnumpy()
            except duckdb.BinderException:
                continue
        packs, signatures, segments = (columns[name].tolist() for name in ("pack", SIGNATURE, "segments"))
        return rows, dict(zip(packs, zip(signatures, segments, strict=True), strict=True))
    return None, {}


def _unchanged(table: Table, root: str, names: Iterable[str], known: Mapping[str, tuple[int, str]]) -> list[str]:
    """The packs that have the signature they were read under; of 100,000, most of this is calls of stat."""
    believed, start, stat, more = [], root + os.sep, os.stat, bool(table.files)
    for name in names:
        if (entry := known.get(name)) is None:
            continue
        try:
            if more:
                found = table.stats(start + name, entry[1])
            else:
                about = stat(start + name)
                found = (about.st_mtime_ns, about.st_ctime_ns, about.st_ino)
        except OSError:
            continue
        if hash(found) == entry[0]:
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
    """Writes a new generation, the list of packs last, and removes those that were replaced a while ago."""
    import numpy as np

    old = generations(folder.parent, table.name)
    number = _number(old[0]) + 1 if old else 1
    packs = folder / f"{table.name}-{number:06d}-{token_hex(4)}.packs.parquet"
    _copy(cursor, f"FROM {rows} ORDER BY {table.order}", rows_of(packs))
    signatures, segments = zip(*entries.values(), strict=True)
    columns = {"pack": np.array(list(entries), object), SIGNATURE: np.array(signatures, np.int64)}
    cursor.register("entries", columns | {"segments": np.array(segments, object)})
    _copy(cursor, "FROM entries ORDER BY pack", packs)
    cursor.unregister("entries")
    sync_folder(folder)
    for newer, path in reversed([*pairwise(old)]):
        with suppress(OSError):
            if time.time() - newer.stat().st_mtime > KEPT_FOR:
                rows_of(path).unlink()
                path.unlink()


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
