"""Follows a log that somebody else's training writes, in any language: its curves so far, and its phases as they come.

Only what is new is read. A line counts once its end is there. The file may not exist yet, be cut off, rotated, or
written anew.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

import numpy as np

from grokscope.errors import GrokscopeError
from grokscope.runs.curves.columns import Doubtful, chosen
from grokscope.runs.curves.formats.delimited import delimited
from grokscope.runs.curves.formats.json_lines import json_lines
from grokscope.runs.curves.series import curves_of, merged
from grokscope.runs.curves.tables import Table
from grokscope.runs.outcomes import CURVES
from grokscope.runs.store.events import STAGES
from grokscope.statistics.series import Curve
from grokscope.statistics.transitions import Phases, phases

Outcome: TypeAlias = Literal["grokked", "no_delay", "idle", "max_steps", "interrupted"]
BLOCK = 2**22  # bytes read at a time
BUSY = 10  # pauses are so many times as long as a look: the training needs the processor
LONGEST_LINE = 2**26  # bytes; a file without line ends is no log
MARK = 256  # bytes before the place that was read to; where they differ, the file was written anew
BOM = b"\xef\xbb\xbf"


class Lines:
    """The whole lines that a file has got since it was last looked at."""

    def __init__(self, path: Path) -> None:
        self.path, self.anew, self.torn = path, False, b""  # anew: the next block begins the file
        self._file: BinaryIO | None = None
        self._place, self._mark = 0, b""

    def new(self) -> Iterator[bytes]:
        """Blocks of whole lines. A file that was renamed is read to its end before the one that has its name now."""
        try:
            while self._file is not None or self._open():
                assert self._file is not None
                if not self._is_same(self._file):
                    self.begin()
                    continue
                yield from self._rest(self._file)
                if not self._is_elsewhere(self._file):
                    break
                self.close()
            if os.name == "nt":  # there nobody can rename a file that is open
                self.close()
        except OSError as error:
            raise GrokscopeError(f"cannot read {self.path}: {error.strerror or error}") from error

    def begin(self) -> None:
        """The next block begins the file."""
        self.close()
        self._place, self._mark, self.torn, self.anew = 0, b"", b"", True

    def close(self) -> None:
        """Lets the file go; `new` opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> bool:
        """Opens the file, if there is one; goes on in it if it begins like the one before: a longer copy of it."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return False
        if not self._place or not self._is_same(file):
            self.begin()
        self._file = file
        return True

    def _is_same(self, file: BinaryIO) -> bool:
        """Whether what was read of the file stands in it as it was."""
        file.seek(self._place - len(self._mark))
        return file.read(len(self._mark)) == self._mark

    def _is_elsewhere(self, file: BinaryIO) -> bool:
        """Whether another file has the name now."""
        try:
            now, own = self.path.stat(), os.fstat(file.fileno())
        except FileNotFoundError:
            return False
        return (now.st_dev, now.st_ino) != (own.st_dev, own.st_ino)

    def _rest(self, file: BinaryIO) -> Iterator[bytes]:
        file.seek(self._place)
        while data := file.read(BLOCK):
            self._place += len(data)
            self._mark = (self._mark + data)[-MARK:]
            whole, end, self.torn = (self.torn + data).rpartition(b"\n")
            if len(self.torn) > LONGEST_LINE:
                raise GrokscopeError(f"{self.path} has a line of more than {LONGEST_LINE:,} bytes: it is no log")
            if end:
                yield whole + end


class Log:
    """The curves that a log has had so far. given: name -> column, as of `columns.chosen`; percent: of accuracies.

    columns: those that are read. lacking: why there are none yet. notes: sentences on what happened to the file.
    """

    def __init__(self, path: Path, given: Mapping[str, str], *, percent: bool = False) -> None:
        known = [format for format in (delimited, json_lines) if path.suffix.lower()[1:] in format.what.split(", ")]
        if not known:
            what = ", ".join(format.what for format in (delimited, json_lines))
            raise ValueError(f"{path} ends in {path.suffix.lower() or 'nothing'}: a log to follow ends in {what}")
        self.lines, self._given, self._percent, self._format = Lines(path), dict(given), percent, known[0]
        self.columns: dict[str, str] = {}
        self.lacking: ValueError | None = None
        self.notes: list[str] = []
        self._head = b""
        self._n_lines = 0  # of the file, before this block
        self._names: dict[str, None] = {}  # of all columns so far
        self._curves: dict[str, Curve] = {}
        self._begins = False  # the next values are the first of a file
        self._n_repeated = 0

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_: object) -> None:
        self.lines.close()

    @property
    def last_step(self) -> int | None:
        return max((int(steps[-1]) for steps, _ in self._curves.values()), default=None)

    def look(self) -> bool:
        """Reads what is new; whether there was any.

        GrokscopeError for a file that cannot be read; ValueError for columns that leave a doubt.
        """
        came = False
        for block in self.lines.new():
            came = True
            if self.lines.anew:
                self.lines.anew, self._begins, self._n_lines = False, True, 0
            table = self._parsed(block)
            before = self._names
            self._names = before | dict.fromkeys(table)
            if self._choose(before):
                self._curves = {}
                self.lines.begin()  # rows that were read before have values of them
                return self.look()
            if self.columns:
                self._add(table)
            self._n_lines += block.count(b"\n")
        return came

    def phases(self, *, until: int | None = None, **thresholds: Any) -> Phases | None:
        """As `statistics.transitions.phases` of the curves, up to a step; None while there is no value."""
        curves: dict[str, Curve] = {}
        for name in CURVES:
            steps, values = self._curves.get(name, (np.empty(0, np.int64), np.empty(0)))
            end = len(steps) if until is None else int(np.searchsorted(steps, until, side="right"))
            if end:
                curves[name] = steps[:end], values[:end]
        if not curves:
            return None
        all_steps = np.unique(np.concatenate([steps for steps, _ in curves.values()]))
        aligned = {name: np.full(len(all_steps), np.nan) for name in curves}
        for name, (steps, values) in curves.items():
            aligned[name][np.searchsorted(all_steps, steps)] = values
        return phases(all_steps, **aligned, **thresholds)

    def remarks(self) -> list[str]:
        """What a reader of the curves must know of them."""
        remarks = [*self.notes]
        if self._n_repeated:
            remarks.append(f"{self._n_repeated} values came at a step that had one: the last counts")
        if self.lines.torn.strip():
            remarks.append("the last line has no end yet and was left out")
        if self._curves:
            found = {name.partition("_")[0] for name in self._curves}
            remarks += [
                f"no {split} curve was found: grokking needs both" for split in ("train", "test") if split not in found
            ]
        return remarks

    def require_values(self) -> None:
        """The error of a log without a value."""
        if self._curves:
            return
        if self.lacking is not None:
            raise self.lacking
        raise GrokscopeError(f"{self.lines.path} {'holds no values' if self.lines.path.exists() else 'is not there'}")

    def _parsed(self, block: bytes) -> Mapping[str, list[Any]]:
        """The columns of a block of lines, by the reader of its format."""
        path = self.lines.path
        try:
            if self._format is json_lines:
                # A last line that is damaged would be taken for torn; it has its end, so it is damaged.
                columns, _ = json_lines.columns(path, [(path, block + b"{}\n")])
                return {name: cells[:-1] for name, cells in columns.items()}
            return self._delimited(block)
        except (GrokscopeError, ValueError) as error:
            where = f" (line 1 is here line {self._n_lines + 1:,} of the file)" if self._n_lines else ""
            raise GrokscopeError(f"{error}{where}") from error

    def _delimited(self, block: bytes) -> Mapping[str, list[Any]]:
        path, lines = self.lines.path, [line for line in block.splitlines(keepends=True) if line.strip()]
        begins = self._n_lines == 0 or not self._head
        if begins and lines:
            try:
                delimited.columns(path, [(path, lines[0])])
                self._head = lines[0].removeprefix(BOM)
            except ValueError:  # numbers: a rotated file has no head of its own
                if not self._head:
                    raise
        # A training that was resumed writes its head again.
        rows = [line for line in lines if line.removeprefix(BOM).strip() != self._head.strip()]
        return delimited.columns(path, [(path, b"".join([self._head, *rows]))])[0] if self._head else {}

    def _choose(self, before: Mapping[str, None]) -> bool:
        """Chooses among the columns, if there are new ones; whether rows of before have values of a chosen one. What
        was chosen stays."""
        if len(self._names) == len(before):
            return False
        try:
            found = chosen(list(self._names), self.columns or self._given)
        except ValueError as error:
            if self._format is delimited or isinstance(error, Doubtful):
                raise
            self.lacking = error  # a later row may have more keys
            return False
        new = {name for name in found if name not in self.columns}
        self.columns, self.lacking = found, None
        return any(found[name] in before for name in new)

    def _add(self, table: Mapping[str, list[Any]]) -> None:
        n_rows = len(next(iter(table.values()), ()))
        cells = {column: table.get(column) or [None] * n_rows for column in self.columns.values()}
        try:
            part = Table(columns=cells, sha256="")
            read = curves_of(part, self.columns, file=self.lines.path.name, percent=self._percent).curves
        except ValueError as error:
            where = f" (row 1 is the one in line {self._n_lines + 1:,})" if self._n_lines else ""
            raise GrokscopeError(f"{self.lines.path}: {error}{where}") from error
        if read and self._begins:
            self._begin(min(int(steps[0]) for steps, _ in read.values()))
        for name, (steps, values) in read.items():
            old_steps, old_values = self._curves.get(name, (steps[:0], values[:0]))
            both = np.concatenate([old_steps, steps]), np.concatenate([old_values, values])
            is_later = not len(old_steps) or old_steps[-1] < steps[0]
            self._curves[name], twice = (both, ()) if is_later else merged(*both)
            self._n_repeated += len(twice)

    def _begin(self, step: int) -> None:
        """The first values of a file: another part of the same log, or a log that begins again."""
        self._begins = False
        if self._curves and step <= min(int(steps[0]) for steps, _ in self._curves.values()):
            self._curves = {}
            self.notes.append(f"the log was begun again, at step {step:,}: what came before is forgotten")


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Why following ended. no_delay: memorised and generalised, without the delay of grokking. phases: None where no
    value came."""

    outcome: Outcome
    phases: Phases | None


def follow(
    log: Log,
    *,
    say: Callable[[str], None],
    interval: float = 2.0,
    until_idle: float | None = None,
    max_steps: int | None = None,
    thresholds: Mapping[str, Any] | None = None,
) -> Ending:
    """Looks at a log every `interval` seconds until it has grokked, or is decided otherwise; `say` gets a line a stage.

    until_idle: ends after so many seconds without a new line. max_steps: ends at this step, and what comes later is
    left out. Without both it goes on until it is interrupted. The onset is known in hindsight: with generalisation.
    """
    for name, value in {"interval": interval, "until_idle": until_idle, "max_steps": max_steps}.items():
        if value is not None and not 0 < value < float("inf"):
            raise ValueError(f"{name} = {value}: expected more than 0")
    thresholds = dict(thresholds or {})
    phases([0], train_accuracy=[0.0], **thresholds)  # ValueError for thresholds out of range
    said: dict[str, int] = {}
    reached, told, last_news = None, 0, time.monotonic()
    try:
        while True:
            began = time.monotonic()
            if log.look():
                last_news = time.monotonic()
                reached = log.phases(until=max_steps, **thresholds)
                told = _tell(log, reached, said, told, say)
            now = time.monotonic()
            idle, pause = now - last_news, max(interval, BUSY * (now - began))
            if outcome := _ended(log, reached, None if until_idle is None else idle - until_idle, max_steps):
                return Ending(outcome=outcome, phases=reached)
            time.sleep(pause if until_idle is None else min(pause, max(until_idle - idle, 0.01)))
    except KeyboardInterrupt:
        return Ending(outcome="interrupted", phases=reached)


def _ended(log: Log, reached: Phases | None, over: float | None, max_steps: int | None) -> Outcome | None:
    """over: seconds beyond the time in which a line must come."""
    if reached is not None and reached.memorized_at is not None and reached.generalized_at is not None:
        return "grokked" if reached.grokked else "no_delay"
    if max_steps is not None and (log.last_step or 0) >= max_steps:
        return "max_steps"
    return "idle" if over is not None and over >= 0 else None


def _tell(log: Log, reached: Phases | None, said: dict[str, int], told: int, say: Callable[[str], None]) -> int:
    """Says what is new: notes, and stages. A log that goes back can change them. Returns how many notes are said."""
    for note in log.notes[told:]:
        say(note)
    for stage, field in STAGES.items():
        step = None if reached is None else getattr(reached, field)
        if step is not None and said.get(stage) != step:
            say(f"{stage} at step {step:,}")
            said[stage] = step
        elif step is None and said.pop(stage, None) is not None:
            say(f"{stage} no longer: the log has gone back")
    return len(log.notes)
