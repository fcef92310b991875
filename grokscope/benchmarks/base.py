"""Speed as ratios: rates of two or more things, taken in turns in one process."""

import time
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Any

import torch

from grokscope.measures.base import measures
from grokscope.runs.snapshot import Snapshot

# Side of the square float32 product that stands for what the arithmetic units can do.
CEILING_SIDE = 2048


def rate(step: Callable[[], Any], seconds: float) -> float:
    """Calls a second over at least this long."""
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds or count < 3:
        step()
        count += 1
    return count / elapsed


def in_turns(steps: Mapping[str, Callable[[], Any]], *, rounds: int, seconds: float) -> dict[str, list[float]]:
    """The rate of each in every round; in each round all of them have their turn. One turn before is not counted."""
    for step in steps.values():
        rate(step, seconds / 4)
    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            found[name].append(rate(step, seconds))
    return found


def matrix_product() -> tuple[Callable[[], Any], float]:
    """A large float32 product, and its operations: two a multiply-add."""
    side = CEILING_SIDE
    one, other, product = torch.randn(side, side), torch.randn(side, side), torch.empty(side, side)
    return lambda: torch.mm(one, other, out=product), 2.0 * side**3


def summary(values: Mapping[str, list[float]]) -> dict[str, Any]:
    """Median of each over the rounds, and under `spread` its least and largest value."""
    medians: dict[str, Any] = {name: median(each) for name, each in values.items()}
    return medians | {"spread": {name: [min(each), max(each)] for name, each in values.items()}}


def timed(step: Callable[..., Any], *given: Any) -> float:
    """The seconds of one call."""
    start = time.perf_counter()
    step(*given)
    return time.perf_counter() - start


def family(prefix: str, fresh: Callable[[], Snapshot], *, rounds: int, bar: float) -> dict[str, Any]:
    """Seconds of all measures of a family that a run stores on one checkpoint, and of each: a row for a table of bars.

    Those of cost "asked" are timed as parts and not counted in the sum.

    In a round all share one snapshot, in which nothing is computed yet, so that the first measure that asks pays for
    what others ask again, as where a run is measured. A round before the first is not counted: it imports.
    """
    chosen = {name: measure for name, measure in measures().items() if name.startswith(prefix)}
    found: dict[str, list[float]] = {name: [] for name in chosen}
    for turn in range(rounds + 1):
        snapshot = fresh()
        for name, measure in chosen.items():
            taken = timed(_all, measure.rows(snapshot))
            if turn:
                found[name].append(taken)
    stored = [times for name, times in found.items() if chosen[name].cost != "asked"]
    seconds = [sum(each, 0.0) for each in zip(*stored, strict=True)]
    row = {"name": f"measures {prefix}*, one checkpoint", "bar": bar}
    return row | {"parts": summary(found)} | summary({"seconds": seconds})


def _all(rows: Iterable[Any]) -> None:
    for _ in rows:
        pass
