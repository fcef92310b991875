"""Sealing: the rows of the journal become one immutable Parquet file, and the journal starts anew.

    write seg-k to a temporary file, sync it, rename it      <- the rows are in segment k from here on
    replace the journal (header k) by an empty one (k + 1)

A writer killed between the two leaves a journal whose segment exists; `recover` resets it, and readers skip it
(`at_one_instant`). So each row counts once at every instant. A segment has its checksum in its metadata, and the
journal's header says which segments must exist.
"""

import errno
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from glob import escape
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from grokscope.errors import StoreError
from grokscope.runs.store.atomic import clear_errors, make_folder, sweep_temporaries, sync_folder, temporary_beside
from grokscope.runs.store.checksum import ADVICE, BLANK, require, stamp
from grokscope.runs.store.events import read_events
from grokscope.runs.store.journal import Contents, Journal, Measured, read_journal
from grokscope.runs.store.readings import NAME as READINGS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NAME = re.compile(r"seg-(\d{6,})\.parquet")
_COLUMNS = "{segment: 'BIGINT', run: 'VARCHAR', step: 'BIGINT', measure: 'VARCHAR', view: 'VARCHAR', value: 'DOUBLE'}"


def recover(folder: Path) -> Journal:
    """Open a pack for writing, after any crash: sweep temporary files, finish a half-done seal, cut off a torn line.

    The caller holds the pack's lock. Returns the journal to append to. StoreError if a segment is lost.
    """
    metrics = folder / "metrics"
    with clear_errors(metrics):
        make_folder(metrics)
    for place in (folder, metrics, folder / "checkpoints"):
        sweep_temporaries(place)
    numbers = sealed_numbers(folder)
    following = max(numbers, default=0) + 1
    journal = Journal(folder / "journal.jsonl", segment=following)
    contents = journal.read()
    if lost := missing_segments(contents, numbers):
        raise _gone(folder, lost)
    journal.sealed, journal.forgotten = numbers, contents.forgotten
    if contents.segment in numbers:
        journal.reset(following)
    journal.prepare()
    return journal


def seal(folder: Path, journal: Journal) -> Path | None:
    """Move the journal's rows into the next segment, sorted by run, measure, view, step; None if there are no rows.

    Seal after saving the resume point, so that no segment reaches beyond it (`rewind` mends one that does).
    """
    journal.prepare()
    contents = journal.read()
    if not contents.rows or contents.segment is None:
        return None
    target = segment_path(folder, contents.segment)
    if target.exists():
        raise StoreError(f"{target} exists already and is immutable: open the pack with recover() before writing to it")
    source = f"read_json({_quoted(journal.path)}, format = 'newline_delimited', columns = {_COLUMNS})"
    _write_parquet(source, "run IS NOT NULL", target)  # the header has no run
    if journal.sealed is not None:
        journal.sealed = [*journal.sealed, contents.segment]
    journal.reset(contents.segment + 1)
    return target


def rewind(folder: Path, journal: Journal, step: int) -> None:
    """Drop the metric rows after `step` from the journal, and from segments that reach beyond it.

    For resuming. In the normal order (save the resume point, then seal) no segment changes; a resume point older than
    the last segment would otherwise count the rows in between twice.
    """
    journal.truncate_after(step)
    counts = {number: _count(segment_path(folder, number), step) for number in sealed_numbers(folder)}
    beyond = {number: before for number, (total, before) in counts.items() if before < total}
    if not all(beyond.values()):
        journal.sealed = [number for number in counts if beyond.get(number, 1)]
        journal.announce()
    for number, before in sorted(beyond.items(), reverse=True):
        path = segment_path(folder, number)
        if before:
            _write_parquet(f"read_parquet({_quoted(path)})", f"step <= {int(step)}", path)
        else:
            with clear_errors(path):
                path.unlink()
                sync_folder(path.parent)


def count_rows(folder: Path, step: int) -> int:
    """The number of rows of a pack up to `step`, with those that were dropped to be measured again (`forget`)."""
    contents = read_journal(folder / "journal.jsonl")
    numbers = sealed_numbers(folder)
    live = 0 if contents.segment in numbers else sum(row["step"] <= step for row in contents.rows)
    return live + contents.forgotten + sum(_count(segment_path(folder, number), step)[1] for number in numbers)


def at_one_instant(folder: Path, *, containing: Sequence[bytes] = ()) -> tuple[list[int], list[Measured]]:
    """The segments and journal rows that together hold every row once, though a writer may seal meanwhile.

    First the journal, in one read; its header k says that all segments below k were renamed before it began. Then one
    listing, which must show those. If it shows k too, the journal's rows are in k. Later segments are left out: a
    listing may show one and miss an earlier one. `containing` is read_journal's. StoreError if a segment is lost that
    the journal lists, also after a second reading (a writer may have rewound it away).
    """
    for again in (True, False):
        contents = read_journal(folder / "journal.jsonl", containing=containing)
        numbers = sealed_numbers(folder)
        if not (lost := missing_segments(contents, numbers)):
            break
        if not again:
            raise _gone(folder, lost)
    if contents.segment is None:
        return numbers, []
    numbers = [number for number in numbers if number <= contents.segment]
    return numbers, [] if contents.segment in numbers else contents.rows


def forget(folder: Path, journal: Journal, *, run: str, measures: Sequence[str], steps: Sequence[int]) -> None:
    """Drop the rows of some measures of a run at some steps, so that they can be measured again.

    Only this and `rewind` rewrite segments, each atomically. A crash leaves fewer rows, and missing rows are measured
    again.
    """
    seal(folder, journal)
    if not measures or not steps:
        return
    hits: dict[int, int] = {}
    those = ", ".join(_literal(name) for name in measures)
    condition = f"run = {_literal(run)} AND measure IN ({those}) AND step IN ({', '.join(map(str, steps))})"
    for number in sealed_numbers(folder):
        path = segment_path(folder, number)
        with damage_as_store_error(path):
            query = f"SELECT count(*) FROM read_parquet({_quoted(path)}) WHERE {condition}"
            hits[number] = engine().execute(query).fetchall()[0][0]
    if sum(hits.values()):
        journal.forgotten += sum(hits.values())
        journal.announce()
    for number in (number for number, hit in hits.items() if hit):
        path = segment_path(folder, number)
        _write_parquet(f"read_parquet({_quoted(path)})", f"NOT ({condition})", path)


def sealed_numbers(folder: Path) -> list[int]:
    """The numbers of the sealed segments of a pack, sorted."""
    try:
        names = os.listdir(folder / "metrics")
    except FileNotFoundError:
        return []
    return sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))


def segment_path(folder: Path, number: int) -> Path:
    """Where segment `number` of the pack lies."""
    return folder / "metrics" / f"seg-{number:06d}.parquet"


def check_numbers(folder: Path) -> None:
    """StoreError for a damaged event or number of a pack; each file is checked once a process."""
    read_events(folder)
    numbers, _ = at_one_instant(folder)
    for number in numbers:
        require(segment_path(folder, number), "truncated or damaged segment in")


def missing_segments(contents: Contents, numbers: Sequence[int]) -> list[int]:
    """The segments that a journal says must exist, and do not."""
    return sorted(set(contents.sealed or ()) - set(numbers))


def digests(folder: Path) -> dict[str, str]:
    """File name -> the first 16 hexadecimal digits of its SHA-256, of the segments, of a live journal with rows, and of
    the readings."""
    files = [segment_path(folder, number) for number in sealed_numbers(folder)]
    files += [folder / "journal.jsonl"] if read_journal(folder / "journal.jsonl").rows else []
    files += [folder / READINGS] if (folder / READINGS).exists() else []
    return {path.name: sha256(path.read_bytes()).hexdigest()[:16] for path in files}


def engine() -> "DuckDBPyConnection":
    """A cursor on this process's in-memory DuckDB. Opening DuckDB costs 30 ms, a cursor nothing; each thread needs its
    own."""
    return _database(os.getpid()).cursor()


@contextmanager
def damage_as_store_error(path: Path, segments: Sequence[Path] = ()) -> Iterator[None]:
    """Check the checksums of `segments`, or of `path` itself, and turn DuckDB's error about a Parquet file into a
    StoreError of one line."""
    import duckdb

    for segment in segments or ([path] if path.suffix == ".parquet" else ()):
        require(segment, "truncated or damaged segment in")
    try:
        yield
    except duckdb.Error as error:
        raise StoreError(f"truncated or damaged segment in {path}: {first_line(error)}; {ADVICE}") from error


def first_line(error: Exception) -> str:
    """The first line of DuckDB's message, which says what is wrong; the query and hints follow it."""
    return str(error).strip().partition("\n")[0]


@cache
def _database(pid: int) -> "DuckDBPyConnection":  # noqa: ARG001  by process: DuckDB's threads do not survive a fork
    import atexit

    import duckdb

    # DuckDB's Python binding complains on stderr about objects that outlive the interpreter.
    atexit.register(_database.cache_clear)
    return duckdb.connect()


def _write_parquet(source: str, condition: str, target: Path) -> None:
    """Write the rows of an SQL source to `target`: temporary file, sync, rename, sync of the folder."""
    import duckdb

    temporary = temporary_beside(target)
    with clear_errors(target):
        try:
            engine().execute(
                f"COPY (SELECT run, step, measure, view, value FROM {source} WHERE {condition} "
                f"ORDER BY run, measure, view, step) TO {_literal(str(temporary))} "
                f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{grokscope: {_literal(BLANK)}}})"
            )
            stamp(temporary)
            os.replace(temporary, target)
            sync_folder(target.parent)
        except duckdb.Error as error:
            raise _cause(error) from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _count(path: Path, step: int) -> tuple[int, int]:
    """The number of rows of a segment, and of those up to `step`."""
    with damage_as_store_error(path):
        query = f"SELECT count(*), count(*) FILTER (step <= $1) FROM read_parquet({_quoted(path)})"
        return engine().execute(query, [step]).fetchall()[0]


def _gone(folder: Path, lost: Sequence[int]) -> StoreError:
    names = ", ".join(segment_path(folder, number).name for number in lost)
    return StoreError(f"{folder / 'metrics'} has lost {names}, with the rows in it; {ADVICE}")


def _cause(error: Exception) -> Exception:
    """The operating system's error inside DuckDB's, if `clear_errors` has a message for it."""
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES):
        if os.strerror(number) in str(error):
            return OSError(number, os.strerror(number))
    return StoreError(f"cannot seal: {first_line(error)}")


def _quoted(path: Path) -> str:
    """A path as an SQL list of one file; escaped, because DuckDB reads *, ? and [ as patterns."""
    return f"[{_literal(escape(str(path)))}]"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
