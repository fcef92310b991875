"""Speed as ratios: rates of two or more things, taken in turns in one process."""

import time
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Any

import torch

from grokscope.measures.base import measures
from grokscope.numerics.products import products
from grokscope.runs.snapshot import Snapshot

# Side of the square float32 product that stands for what the arithmetic units can do.
CEILING_SIDE = 2048


def rate(step: Callable[[], Any], seconds: float) -> float:
    """Calls a second, over at least so many seconds and three calls."""
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds or count < 3:
        step()
        count += 1
    return count / elapsed


def in_turns(steps: Mapping[str, Callable[[], Any]], *, rounds: int, seconds: float) -> dict[str, list[float]]:
    """The rate of each in every round; in each round all have their turn. One turn before is not counted."""
    for step in steps.values():
        rate(step, seconds / 4)
    return _rounds({name: lambda step=step: rate(step, seconds) for name, step in steps.items()}, rounds)


def durations(
    calls: Mapping[str, Callable[[], float]], *, rounds: int, seconds: float = 0.0, warm: bool = False
) -> dict[str, list[float]]:
    """The seconds that each call returns, by round; in each round all have their turn.

    warm: one round before the first is not counted.
    A turn is one call, or several until `seconds` have passed, and then their mean. Large clouds take seconds a call,
    which `in_turns` would call three times at least. The preparation of a call is not in the seconds it returns.
    """

    def turn(call: Callable[[], float]) -> float:
        start, times = time.perf_counter(), [call()]
        while time.perf_counter() - start < seconds:
            times.append(call())
        return sum(times) / len(times)

    taken = _rounds({name: lambda call=call: turn(call) for name, call in calls.items()}, rounds + warm)
    return {name: times[warm:] for name, times in taken.items()}


def _rounds(turns: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    numbers: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, turn in turns.items():
            numbers[name].append(turn())
    return numbers


def matrix_products() -> tuple[dict[str, Callable[[], Any]], float]:
    """A large float32 product by torch's own operator and by the engine's (oneDNN, where torch has it), and its
    operations: two a multiply-add."""
    side = CEILING_SIDE
    left, right, product = torch.randn(side, side), torch.randn(side, side), torch.empty(side, side)
    by = {"torch": lambda: torch.mm(left, right, out=product)}
    return by | {"onednn": lambda: products(left[None], right[None], product[None])}, 2.0 * side**3


def summary(values: Mapping[str, list[float]]) -> dict[str, Any]:
    """Median of each over the rounds, and under `spread` its least and largest value."""
    medians: dict[str, Any] = {name: median(numbers) for name, numbers in values.items()}
    return medians | {"spread": {name: [min(numbers), max(numbers)] for name, numbers in values.items()}}


def table(rows: Iterable[dict[str, Any]], **about: Any) -> dict[str, Any]:
    """The answer of a benchmark with bars: threads, whatever else it runs on, and rows that say if they are within.

    A row is held to its bar by its share, or, without one, by its seconds; a row may have no bar (None).
    """
    held = [(row, row.get("share", row["seconds"])) for row in rows]
    within = [row | {"within_bar": row["bar"] is None or number < row["bar"]} for row, number in held]
    return {"threads": torch.get_num_threads(), **about, "rows": within}


def timed(step: Callable[..., Any], *given: Any) -> float:
    """The seconds of one call."""
    start = time.perf_counter()
    step(*given)
    return time.perf_counter() - start


def family(prefix: str, fresh: Callable[[], Snapshot], *, rounds: int, bar: float) -> dict[str, Any]:
    """A row for a table of bars: seconds of all stored measures of a family on one checkpoint, and of each as parts.

    Measures of cost "asked" are parts, but not counted in the sum.

    In a round all measures share a fresh snapshot, as when a run is measured: the first measure that needs something
    pays for the others. A round before the first is not counted: it imports.
    """
    chosen = {name: measure for name, measure in measures().items() if name.startswith(prefix)}
    parts: dict[str, list[float]] = {name: [] for name in chosen}
    for turn in range(rounds + 1):
        snapshot = fresh()
        for name, measure in chosen.items():
            seconds = timed(list, measure.rows(snapshot))
            if turn:
                parts[name].append(seconds)
    stored = [times for name, times in parts.items() if chosen[name].cost != "asked"]
    total = [sum(times, 0.0) for times in zip(*stored, strict=True)]
    row = {"name": f"measures {prefix}*, one checkpoint", "bar": bar}
    return row | {"parts": summary(parts)} | summary({"seconds": total})
