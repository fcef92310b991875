"""The numbers that verdicts rest on: `readings.jsonl` of a pack, one line a reading.

A line has the run, the key of the reading (measure, options, stage), the step, the value or the reason why there is
none, a digest of the measure's definition, the task whose truth the run was compared with, if not its own, and the
versions. A later line replaces an earlier one of the same run, key and truth.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from grokscope.errors import Missing, StoreError
from grokscope.runs.store import jsonl
from grokscope.runs.store.checksum import ADVICE

NAME = "readings.jsonl"
Place: TypeAlias = tuple[str, str, str]  # run, key, truth


@dataclass(frozen=True, kw_only=True)
class Record:
    """One reading. missing: why it has no value. truth: digest of the task whose truth the run was compared with, ""
    for its own. digest: of the measure's definition. step: None if the run has no such stage."""

    run: str
    key: str
    step: int | None
    value: float | None
    missing: str = ""
    truth: str = ""
    digest: str = ""
    versions: str = ""

    @property
    def place(self) -> Place:
        """The key among all readings."""
        return self.run, self.key, self.truth

    @property
    def number(self) -> float | Missing:
        """The value, or the reason why there is none."""
        return Missing(self.missing) if self.value is None else self.value


def read_readings(folder: Path) -> dict[Place, Record]:
    """The readings of a pack; empty if none was taken. StoreError for a damaged file."""
    path = folder / NAME
    records = [_record(line, path) for line in jsonl.read_lines(path).body()]
    return {record.place: record for record in records}


def append_readings(folder: Path, records: Iterable[Record]) -> None:
    """Stores readings; only the holder of the pack's lock may call it."""
    lines = [asdict(record) for record in records]
    if lines:
        jsonl.repair(folder / NAME)
        jsonl.append(folder / NAME, lines)


def _record(line: dict[str, Any], path: Path) -> Record:
    try:
        record = Record(**line)
    except TypeError:  # a field is missing, or unknown
        record = None
    if record is None or not _is_typed(record):
        raise StoreError(f"{path} is damaged: {str(line)[:200]} is no reading; {ADVICE}")
    return record


def _is_typed(record: Record) -> bool:
    texts = (record.run, record.key, record.missing, record.truth, record.digest, record.versions)
    return all(isinstance(text, str) for text in texts) and isinstance(record.value, float | int | None)
