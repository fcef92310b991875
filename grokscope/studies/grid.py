"""Grids: every combination of values of some fields, with seeds in each."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from grokscope.predictions.arms import shown
from grokscope.registry import shortened
from grokscope.runs.config import RunConfig

MOST_RUNS = 100_000


def grid(base: RunConfig, axes: Mapping[str, Sequence[Any]], seeds: int = 1) -> dict[str, list[RunConfig]]:
    """One arm a cell, named like "weight_decay=0.5, p=59"; its seeds count up from the base's.

    axes: field -> values; the last one varies fastest. Raises ValueError for a field or a value that the config does
    not take, for an axis without values or with one twice, and for the seed as an axis.
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
    arms = {}
    for cell in itertools.product(*axes.values()):
        fields = dict(zip(axes, cell, strict=True))
        config = base.replace(**fields)
        name = ", ".join(f"{field}={shown(value)}" for field, value in fields.items())
        arms[name] = list(config.seeds(seeds))
    return arms


def require_few(n_runs: int) -> None:
    """ValueError for more runs than one command plans: each takes 1.8 kB of memory."""
    if n_runs > MOST_RUNS:
        raise ValueError(f"{shortened(n_runs)} runs at a time, at most {MOST_RUNS:,}: take fewer seeds or values")
