"""Runs of several arms, paired by seed: a missing run does not shift the others."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from grokscope.errors import Missing
from grokscope.predictions.base import Key
from grokscope.predictions.readings import Number

One = TypeVar("One")  # a Run, or the answers of one


def paired(arms: Mapping[Any, Sequence[One]]) -> dict[Key, tuple[One, ...] | Missing]:
    """The runs of each seed that any arm has, in the order of the arms; `Missing` where an arm has none, or several.

    The key of a run is its seed and, where an arm has several runs of one seed, the fields in which these differ
    (another split).
    """
    fields = _fields(arms)
    tables = {name: _table(arm, fields) for name, arm in arms.items()}
    keys = sorted({key for table in tables.values() for key in table}, key=lambda key: (key[0], *map(repr, key[1:])))
    return {key: _pair(key, fields, tables) for key in keys}


def of_seeds(arms: Mapping[Any, Sequence[One]], of: Callable[[tuple[One, ...]], Number]) -> dict[Key, Number]:
    """One number of each seed, from its runs in several arms; `Missing`, which names the run, where an arm lacks the
    seed."""
    return {key: runs if isinstance(runs, Missing) else of(runs) for key, runs in paired(arms).items()}


def _fields(arms: Mapping[Any, Sequence[Any]]) -> tuple[str, ...]:
    """Fields in which the runs of one seed in an arm differ."""
    fields: dict[str, None] = {}
    for arm in arms.values():
        first: dict[int, dict[str, Any]] = {}
        configs = [run.config for run in arm]
        times = Counter(config.seed for config in configs)
        for config in (config for config in configs if times[config.seed] > 1):
            own = config.model_dump()
            other = first.setdefault(config.seed, own)
            fields |= dict.fromkeys(field for field in own if own[field] != other.get(field))
    return tuple(fields)


def _table(arm: Sequence[Any], fields: Sequence[str]) -> dict[Key, list[Any]]:
    """The runs of an arm by key."""
    table: dict[Key, list[Any]] = {}
    for run in arm:
        values = run.config.model_dump() if fields else {}
        table.setdefault((run.config.seed, *(values.get(field) for field in fields)), []).append(run)
    return table


def _pair(
    key: Key, fields: Sequence[str], tables: Mapping[Any, Mapping[Key, Sequence[One]]]
) -> tuple[One, ...] | Missing:
    """The run of a key in each arm."""
    runs_of = {name: table.get(key, ()) for name, table in tables.items()}
    for name, runs in runs_of.items():
        if len(runs) != 1:
            seed = ", ".join([f"seed {key[0]}", *(f"{f} = {v}" for f, v in zip(fields, key[1:], strict=True))])
            where = f"the arm {name}" if isinstance(name, str) else f"the arm of {name:g}"
            return Missing(f"{seed} has {f'{len(runs)} runs' if runs else 'no run'} in {where}")
    return tuple(run for (run,) in runs_of.values())
