"""The arms of a study: those that its theory declares, or all theories together, at a scale."""

from collections.abc import Iterable
from pathlib import Path

from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.families import Family, Follows
from grokscope.predictions.scales import NETWORKS, Scale
from grokscope.registry import component, names, unknown
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run
from grokscope.theories.base import theories

ALL = "all"


def studies() -> list[str]:
    """The studies: one a theory, and all of them together."""
    return [*names("theories"), ALL]


def arms(name: str, scale: Scale = "laptop", seeds: int | None = None, only: Iterable[str] = ()) -> Arms[RunConfig]:
    """The arms of a study with their configs by seed.

    seeds: so many in each arm; by default those of the scale. only: families, optional ones among them; by default all
    that are not optional. ValueError for an unknown study, scale or family, and for no seed.
    """
    if scale not in NETWORKS:
        raise ValueError(unknown("scale", scale, NETWORKS))
    if seeds is not None and seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {seeds}")
    made: dict[str, Arm[RunConfig]] = {}
    for family in _chosen(name, list(only)):
        for arm in family.arms(scale, seeds):
            assert made.get(arm.name, arm).runs == arm.runs, f"different runs are called {arm.name}"
            made[arm.name] = arm
    return Arms(made.values())


def following(name: str, runs: Arms[Run], folder: Path) -> list[Arm[RunConfig]]:
    """The arms of a study that go on from the weights of trained runs."""
    families = [one for theory in _theories(name) for one in theories()[theory].arms if isinstance(one, Follows)]
    return [arm for family in families for arm in family.arms(runs, folder)]


def measured(name: str, arm: str | None = None) -> tuple[str, ...]:
    """Measures that an arm of a study, or any of them, must have stored at every checkpoint, beside those that every
    run has while it trains; none: an empty tuple."""
    rows = [row for theory in _theories(name) for row in theories()[theory].predictions]
    asked = dict.fromkeys(
        measure for row in rows if arm is None or arm in (*row.arms, *row.controls) for measure in row.series
    )
    known = names("measures")
    return tuple(one for one in asked if one in known and component("measures", one).cost != "cheap")


def _theories(name: str) -> list[str]:
    if name not in studies():
        raise ValueError(unknown("study", name, studies()))
    return list(names("theories")) if name == ALL else [name]


def _chosen(name: str, only: list[str]) -> list[Family]:
    known = [one for theory in _theories(name) for one in theories()[theory].arms if isinstance(one, Family)]
    for family in only:
        if family not in {one.id for one in known}:
            raise ValueError(unknown("family of arms", family, {one.id for one in known}))
    return [one for one in known if (one.id in only if only else not one.optional)]
