"""Progress: a live panel on a terminal, a bar in a notebook, plain lines on stderr elsewhere, nothing unless wanted."""

import math
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from markupsafe import Markup

from grokscope.statistics.transitions import Phases
from grokscope.training.loop import DiskUse, Progress

PLAIN_SECONDS = 5.0
NOTEBOOK_SECONDS = 0.25  # as often as a terminal is redrawn
COLUMNS = ("phase", "step", "steps/s", "left", "train loss", "test loss", "train acc", "test acc", "fresh acc")


class Display:
    """Shows nothing; the base of the others."""

    def start(self, folder: Path, disk: DiskUse) -> None:
        pass

    def update(self, progress: Progress) -> None:
        pass

    def note(self, line: str) -> None:
        """A line that stays."""
        print(line, file=sys.stderr, flush=True)


class PlainDisplay(Display):
    """One line every few seconds, for logs and pipes."""

    def __init__(self) -> None:
        self._last = -math.inf

    def start(self, folder: Path, disk: DiskUse) -> None:
        print(f"run {folder.name} in {folder}; disk: {disk}", file=sys.stderr, flush=True)

    def update(self, progress: Progress) -> None:
        if time.monotonic() - self._last > PLAIN_SECONDS or progress.ended:
            self._last = time.monotonic()
            cells = zip(COLUMNS, row(progress), strict=True)
            print("  ".join(f"{name} {cell}" for name, cell in cells), file=sys.stderr, flush=True)


class LiveDisplay(Display):
    """A table of one row that is redrawn in place."""

    def note(self, line: str) -> None:
        self._live.console.print(line, highlight=False, markup=False)

    def __init__(self, live: Any) -> None:
        self._live = live
        self._title = ""

    def start(self, folder: Path, disk: DiskUse) -> None:
        self._title = f"run {folder.name} in {folder}; disk: {disk}"

    def update(self, progress: Progress) -> None:
        from rich.table import Table

        table = Table(title=self._title, title_justify="left", box=None, header_style="dim", padding=(0, 1))
        for name in COLUMNS:
            table.add_column(name.replace(" ", "\n"), justify="right")
        table.add_row(*row(progress))
        self._live.update(table)


class NotebookDisplay(Display):
    """A bar below the cell, with the same numbers; it is redrawn in place."""

    def __init__(self, place: Any) -> None:
        self._place = place  # a handle of IPython's `display`
        self._title = ""
        self._last = -math.inf

    def start(self, folder: Path, disk: DiskUse) -> None:
        self._title = f"run {folder.name}; disk: {disk}"

    def update(self, progress: Progress) -> None:
        if time.monotonic() - self._last < NOTEBOOK_SECONDS and not progress.ended:
            return
        self._last = time.monotonic()
        text = "  ".join(f"{name} {cell}" for name, cell in zip(COLUMNS, row(progress), strict=True))
        bar = Markup('<progress value="{}" max="{}" style="width: 100%"></progress><div>{}</div><div>{}</div>')
        html = bar.format(progress.step, progress.max_steps, self._title, text)
        self._place.update({"text/plain": text, "text/html": str(html)}, raw=True)


def notebook() -> Any:
    """A place below the cell that can be drawn again; None where this is no notebook."""
    asked = getattr(sys.modules.get("IPython"), "get_ipython", None)
    if asked is None or not hasattr(asked(), "kernel"):
        return None
    from IPython.display import display as shown  # pyright: ignore[reportMissingImports]

    return shown({"text/plain": ""}, raw=True, display_id=True)


@contextmanager
def display(wanted: bool) -> Iterator[Display]:
    """The display that fits."""
    if not wanted:
        yield Display()
        return
    if (place := notebook()) is not None:
        yield NotebookDisplay(place)
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    if not console.is_terminal:
        yield PlainDisplay()
        return
    with Live(console=console, refresh_per_second=4) as live:
        yield LiveDisplay(live)


def row(progress: Progress) -> list[str]:
    """The cells of one line; medians over the replicas of a pack."""
    left = (progress.max_steps - progress.step) / progress.steps_per_second if progress.steps_per_second else math.nan
    shown = {"train_loss": 3, "test_loss": 3, "train_accuracy": 4, "test_accuracy": 4, "fresh_accuracy": 4}  # digits
    medians = {name: median([curve[name] for curve in progress.curves]) for name in shown}
    numbers = [f"{medians[name]:.{digits}g}" for name, digits in shown.items()]
    speed = f"{progress.steps_per_second:.0f}"
    return [phase(progress.phases), str(progress.step), speed, f"≤ {clock(left)}", *numbers]


def phase(phases: Sequence[Phases | None]) -> str:
    """The stage of a run; of a pack, how many replicas are in each stage."""
    stages = [stage(of_replica) for of_replica in phases]
    if len(stages) == 1:
        return stages[0]
    return ", ".join(f"{stages.count(name)} {name}" for name in dict.fromkeys(stages))


def stage(phases: Phases | None) -> str:
    if phases is None:
        return "ended: loss not finite"
    if phases.generalized_at is not None:
        return "generalised"
    return "memorised" if phases.memorized_at is not None else "memorising"


def median(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return statistics.median(finite) if finite else math.nan


def clock(seconds: float) -> str:
    """3:07, or 1:02:03; a dash when unknown."""
    if not math.isfinite(seconds):
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
