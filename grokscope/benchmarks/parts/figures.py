"""The figures of a benchmark's answer: what the table prints and what `--against` compares.

An answer is a dict of numbers; those under `spread` have a least and a largest value. Its `rows` or `rates` are such
dicts too, and so are the `parts` of a row. One reader serves all benchmarks, and files that were saved before.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

# Fields that say what a row is about; they name it and are not measured.
ABOUT = ("name", "kind", "shape", "truth", "n", "p", "d_model", "replicas")
# Fields of an answer that are no figures: what it ran on, and with.
SETTINGS = ("threads", "blas_threads", "rounds", "draws", "level", "bar", "within_bar")
# The end of a field's name -> its unit.
UNITS = {
    "per_second": "1/s", "milliseconds": "ms", "seconds": "s", "seconds_to_grok": "s", "steps_to_grok": "steps",
    "gflops": "GFLOP/s", "flops_per_step": "FLOP", "mib": "MiB", "bytes": "B",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Figure:
    """row: what it is about, "" for the whole answer. spread: least and largest value over the rounds. bar: the aim, as
    (at most or at least, number)."""

    row: str
    name: str
    value: float
    unit: str
    spread: tuple[float, float] | None = None
    bar: tuple[str, float] | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What it is compared by."""
        return self.row, self.name

    @property
    def is_within(self) -> bool:
        """Whether it keeps to its bar."""
        kind, bar = self.bar or ("at most", math.inf)
        return self.value < bar if kind == "at most" else self.value >= bar


def figures(answer: Mapping[str, Any], row: str = "") -> Iterator[Figure]:
    """All figures of an answer, in its order. What is no number is left out, also in a file that nobody checked."""
    spreads, bars = answer.get("spread"), _bars(answer)
    spreads = spreads if isinstance(spreads, Mapping) else {}
    for name, value in answer.items():
        if name in ABOUT or name in SETTINGS:
            continue
        if is_number(value):
            yield Figure(
                row=row,
                name=_words(name),
                value=value,
                unit=_unit(name),
                spread=_pair(spreads.get(name)),
                bar=bars.get(name),
            )
        elif name in ("rows", "rates") and isinstance(value, list):
            for part in value:
                if isinstance(part, Mapping):
                    yield from figures(part, _label(part))
        elif name == "parts" and isinstance(value, Mapping):
            for figure in figures(value, row):
                yield replace(figure, unit="s")


def is_number(value: Any) -> bool:
    """Whether it is a finite number that a figure can be."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300  # also not NaN


def _bars(answer: Mapping[str, Any]) -> dict[str, tuple[str, float]]:
    """The bar of each field: `bar` is of the share, or else the seconds; `at_least` names its fields."""
    least = answer.get("at_least")
    bars = {name: ("at least", bar) for name, bar in least.items()} if isinstance(least, Mapping) else {}
    if is_number(answer.get("bar")):
        bars["share" if "share" in answer else "seconds"] = ("at most", answer["bar"])
    return {name: bar for name, bar in bars.items() if is_number(bar[1])}


def _label(row: Mapping[str, Any]) -> str:
    """What a row is about: its name, then numbers as `p = 59`."""
    said = {name: row[name] for name in ABOUT if isinstance(row.get(name), str | int)}
    return ", ".join(str(value) if isinstance(value, str) else f"{name} = {value}" for name, value in said.items())


def _words(name: str) -> str:
    return name.partition(" [")[0].replace("_", " ") if "." not in name else name


def _unit(name: str) -> str:
    if name.endswith("]") and " [" in name:
        return name.rpartition(" [")[2][:-1]
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "1")


def _pair(spread: Any) -> tuple[float, float] | None:
    whole = isinstance(spread, list | tuple) and len(spread) == 2 and all(map(is_number, spread))
    return (spread[0], spread[1]) if whole else None
