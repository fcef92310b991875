"""Runs of several arms, paired by the number of their seed: a run that is not there moves no other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from grokscope.errors import Missing
from grokscope.predictions.readings import Number

One = TypeVar("One")  # a Run, or the answers of one
Key = tuple[Any, ...]


def paired(arms: Mapping[Any, Sequence[One]]) -> dict[Key, tuple[One, ...] | Missing]:
    """The runs of each seed that any arm has, in the order of the arms; `Missing` where an arm has none, or several.

    The key of a run is its seed and, where an arm has several runs of one seed, the fields in which these differ
    (another split).
    """
    told = _told(arms)
    tables = {name: _table(arm, told) for name, arm in arms.items()}
    keys = sorted({key for table in tables.values() for key in table}, key=lambda key: (key[0], *map(repr, key[1:])))
    return {key: _group(key, told, tables) for key in keys}


def of_seeds(arms: Mapping[Any, Sequence[One]], of: Callable[[tuple[One, ...]], Number]) -> tuple[Number, ...]:
    """One number of each seed's runs in several arms together; `Missing`, and which run, where an arm lacks the
    seed."""
    return tuple(group if isinstance(group, Missing) else of(group) for group in paired(arms).values())


def _told(arms: Mapping[Any, Sequence[Any]]) -> tuple[str, ...]:
    """Fields that tell the runs of one seed in an arm apart."""
    found: dict[str, None] = {}
    for arm in arms.values():
        first: dict[int, dict[str, Any]] = {}
        seeds = [one.config.seed for one in arm]
        for config in (one.config for one in arm if seeds.count(one.config.seed) > 1):
            own = config.model_dump()
            other = first.setdefault(config.seed, own)
            found |= dict.fromkeys(field for field in own if own[field] != other.get(field))
    return tuple(found)


def _table(arm: Sequence[Any], told: Sequence[str]) -> dict[Key, list[Any]]:
    table: dict[Key, list[Any]] = {}
    for one in arm:
        config = one.config
        fields = config.model_dump() if told else {}
        table.setdefault((config.seed, *(fields.get(field) for field in told)), []).append(one)
    return table


def _group(
    key: Key, told: Sequence[str], tables: Mapping[Any, Mapping[Key, Sequence[One]]]
) -> tuple[One, ...] | Missing:
    runs = {name: table.get(key, ()) for name, table in tables.items()}
    for name, found in runs.items():
        if len(found) != 1:
            seed = ", ".join([f"seed {key[0]}", *(f"{f} = {v}" for f, v in zip(told, key[1:], strict=True))])
            where = f"the arm {name}" if isinstance(name, str) else f"the arm of {name:g}"
            return Missing(f"{seed} has {'no run' if not found else f'{len(found)} runs'} in {where}")
    return tuple(found[0] for found in runs.values())
