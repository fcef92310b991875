"""Grids: every combination of values of some fields, with seeds in each."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from grokscope.predictions.arms import Arm, Arms, shown
from grokscope.registry import shortened
from grokscope.runs.config import RunConfig
from grokscope.runs.fields import COMPONENTS
from grokscope.runs.seeds import Seeds

# Runs that one command makes, each a config of its own.
MOST_RUNS = 100_000
# Runs that one sweep plans (.35 kB of memory each, if each has a pack of its own), and its combinations (2 kB each).
MOST_SWEPT, MOST_CELLS = 1_000_000, 100_000


def grid(base: RunConfig, axes: Mapping[str, Sequence[Any]], seeds: int = 1) -> Arms[RunConfig]:
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
    require_few(n_cells := math.prod(map(len, axes.values())), MOST_CELLS, "combinations")
    require_few(seeds * n_cells, MOST_SWEPT)
    outside = [field for field in axes if field in COMPONENTS or field not in RunConfig.model_fields]
    arms, alike = list[Arm[RunConfig]](), dict[str, RunConfig]()
    for cell in itertools.product(*axes.values()):
        fields = dict(zip(axes, cell, strict=True))
        config = base.replace(**fields)
        config.share(alike.setdefault(repr([fields[field] for field in outside]), config))
        name = ", ".join(f"{field}={shown(value)}" for field, value in fields.items())
        arms.append(Arm(family=name, name=name, runs=Seeds(config, seeds)))
    return Arms(arms)


def require_few(number: int, most: int = MOST_RUNS, what: str = "runs") -> None:
    """ValueError for more than one command takes."""
    if number > most:
        raise ValueError(f"{shortened(number)} {what} at a time, at most {most:,}: take fewer seeds or values")
