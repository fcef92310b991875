"""The arms of a study: those that its theory declares, or all theories together, at a scale."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import Theory
from grokscope.predictions.controls import asked
from grokscope.predictions.families import AnyFamily, Family, Follows, placed
from grokscope.predictions.readings import At
from grokscope.predictions.scales import NETWORKS, Scale
from grokscope.registry import component, names, unknown
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run
from grokscope.studies.tables.base import tables
from grokscope.theories.base import families, theories

ALL = "all"


def studies() -> list[str]:
    """The studies: one a theory, and one of all theories."""
    return [*names("theories"), ALL]


def arms(
    name: str, scale: Scale = "laptop", seeds: int | None = None, only: Iterable[str] = (), *, first: int = 0
) -> Arms[RunConfig]:
    """The arms of a study with their configs by seed.

    seeds: how many in each arm, from the first on; by default as many as the scale has. only: families, which may be
    optional ones; by default all that are not optional. ValueError for an unknown study, scale or family, and for no
    seed.
    """
    if scale not in NETWORKS:
        raise ValueError(unknown("scale", scale, NETWORKS))
    if (seeds is not None and seeds < 1) or first < 0:
        raise ValueError(f"seeds must be at least 1 and the first at least 0, got {seeds} and {first}")
    made: dict[str, Arm[RunConfig]] = {}
    for family in _chosen(name, list(only)):
        for arm in family.arms(scale, seeds, first):
            assert made.get(arm.name, arm).runs == arm.runs, f"different runs are called {arm.name}"
            made[arm.name] = arm
    return Arms(made.values())


def followers(name: str) -> list[Follows]:
    """The families of a study that go on from trained weights."""
    return [family for family in _families(name) if isinstance(family, Follows)]


def following(name: str, runs: Arms[Run], folder: Path) -> list[Arm[RunConfig]]:
    """The arms of a study that go on from the weights of trained runs."""
    return [arm for family in followers(name) for arm in family.arms(runs, folder)]


def wanted(name: str, arms: Arms[RunConfig]) -> dict[str, Any]:
    """What the verdicts and tables of a study need beside the weights, as arguments of `plan`: by arm, the measures at
    every checkpoint (beside those that every run has while it trains) and the readings."""
    chosen = theories_of(name)
    arms = placed(arms, families(), lambda config: config)
    heavy = {id_ for id_ in names("measures") if component("measures", id_).cost != "cheap"}
    measures = {}
    for arm in arms.values():
        rows = (row for theory in chosen for row in theory.predictions if row.looks_at(arm))
        measures[arm.name] = tuple(dict.fromkeys(id_ for row in rows for id_ in row.series if id_ in heavy))
    readings = asked(chosen, arms)
    for arm in arms.values():
        shown = (reading for table in tables().values() if table.looks_at(arm) for reading in table.readings)
        more = (reading for reading in shown if isinstance(reading, At))
        readings[arm.name] = tuple(dict.fromkeys((*readings[arm.name], *more)))
    return {"measures": measures, "readings": readings}


def theories_of(name: str) -> list[Theory]:
    """The theories of a study."""
    if name not in studies():
        raise ValueError(unknown("study", name, studies()))
    return [theory for id_, theory in theories().items() if name in (ALL, id_)]


def _families(name: str) -> list[AnyFamily]:
    return [family for theory in theories_of(name) for family in theory.arms]


def _chosen(name: str, only: list[str]) -> list[Family]:
    known = [family for family in _families(name) if isinstance(family, Family)]
    ids = {family.id for family in known}
    for id_ in only:
        if id_ not in ids:
            raise ValueError(unknown("family of arms", id_, ids))
    return [family for family in known if (family.id in only if only else not family.optional)]
