"""Grids: every combination of values of some fields, with seeds in each; and the runs of one as a table."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from grokscope.errors import Missing
from grokscope.predictions.seeds import paired
from grokscope.registry import shortened
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run

MOST_RUNS = 100_000


def grid(base: RunConfig, axes: Mapping[str, Sequence[Any]], seeds: int = 1) -> dict[str, list[RunConfig]]:
    """One arm a cell, named like "weight_decay=0.5, p=59", of so many seeds counted up from the base's.

    axes: field -> values; the last one varies fastest. Raises ValueError for a field or a value that the config does
    not take, for an axis without values or with one twice, and where the seed is an axis.
    """
    if seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {seeds}")
    if not axes:
        raise ValueError("a sweep needs at least one axis: --grid field=v1,v2,v3")
    for name, values in axes.items():
        if not values:
            raise ValueError(f"the grid over {name} has no values: give --grid {name}=v1,v2,v3")
        twice = [value for place, value in enumerate(values) if value in list(values)[:place]]
        if twice:
            raise ValueError(f"the grid over {name} has {twice[0]!r} twice")
        if name == "seed":
            raise ValueError("a grid over seed has one run a cell, and no spread: give --seeds N instead")
    require_few(seeds * math.prod(map(len, axes.values())))
    found = {}
    for cell in itertools.product(*axes.values()):
        fields = dict(zip(axes, cell, strict=True))
        config = base.replace(**fields)
        found[label(fields)] = [config.replace(seed=config.seed + number) for number in range(seeds)]
    return found


def require_few(n_runs: int) -> None:
    """ValueError for more runs than one command plans: each holds its config in memory, 4.5 kB."""
    if n_runs > MOST_RUNS:
        raise ValueError(f"{shortened(n_runs)} runs at a time, at most {MOST_RUNS:,}: take fewer seeds or values")


def label(fields: Mapping[str, Any]) -> str:
    """The name of a cell."""
    return ", ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in fields.items()
    )


def table(field: str, values: Sequence[Any], runs: Sequence[Run]) -> tuple[list[Run], tuple[str, ...]]:
    """The runs by value of a field and then by seed, of the seeds that have a run at every value; and what the others
    lack. ValueError where no seed has one at every value."""
    groups = paired({value: [run for run in runs if getattr(run.config, field) == value] for value in values})
    whole = [group for group in groups.values() if not isinstance(group, Missing)]
    absent = tuple(group.reason for group in groups.values() if isinstance(group, Missing))
    if not whole:
        raise ValueError(f"no seed has a run at every {field}: {'; '.join(absent) or 'there is no run'}")
    return [run for row in zip(*whole, strict=True) for run in row], absent
