"""A study in the store: its arms with their runs, and what has been measured; `studies/<id>/plan.json`."""

import dataclasses
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from grokscope.errors import StoreError
from grokscope.predictions.arms import Arm, Arms, runs_of
from grokscope.predictions.families import placed, read_arms
from grokscope.registry import component, names, unknown
from grokscope.runs.run import Run, load_pack
from grokscope.runs.store import jsonl
from grokscope.runs.store.catalogue import OnDamage
from grokscope.runs.store.documents import is_name, read_document, write_document
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.mirror import publish
from grokscope.runs.store.segments import check_numbers
from grokscope.statistics.looks import Looks
from grokscope.studies.outline import FOLDER
from grokscope.theories.base import families


def say_damage(error: StoreError) -> None:
    """A warning on stderr about a part of the store that is left out."""
    print(f"warning: left out: {error}", file=sys.stderr)


@dataclass(frozen=True, kw_only=True)
class Study:
    """Arms with the ids of their runs, in the order of their configs; the runs may not be trained yet.

    measures: ids measured on every checkpoint of some arm, beside those measured while training. axes: fields of a
    sweep with their values; empty for a study of named arms. packs: the packs planned for it, with their numbers of
    runs; runs that the store had before belong to other packs. looks: at which its claims are judged, if at several.
    """

    id: str
    name: str
    store: Path
    arms: Arms[str]
    measures: tuple[str, ...] = ()
    axes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    packs: Mapping[str, int] = field(default_factory=dict)
    looks: Looks | None = None

    @property
    def folder(self) -> Path:
        """Where the plan, the scorecard and the report lie."""
        return self.store / FOLDER / self.id

    def runs(self, *, on_damage: OnDamage = say_damage) -> Arms[Run]:
        """The arms with the runs that have ended. Others, and those of a pack whose description, events or numbers are
        damaged, are left out; on_damage is told of damage."""
        folders = {self.store / pack_of(run) for run in runs_of(self.arms)}
        runs: dict[str, Run] = {}
        for folder in (folder for folder in sorted(folders) if (folder / "pack.json").exists()):
            try:
                check_numbers(folder)
                if finished_at(folder) is not None:  # what a run has at the end is not known before
                    runs |= {run.id: run for run in load_pack(folder)}
            except StoreError as error:
                on_damage(error)
        trained = self.arms.having(lambda arm: [runs[run] for run in arm if run in runs])
        return placed(trained, () if self.axes else families(), lambda run: run.config)

    def measured(self) -> set[str]:
        """Packs whose checkpoints have been measured for this study, with its present measures and variants."""
        lines = jsonl.read_lines(self.folder / "measured.jsonl").body()
        return {line["pack"] for line in lines if line.get("measures") == self._digest and is_name(line.get("pack"))}

    def mark_measured(self, pack: str) -> None:
        """Records that a pack has been measured; the caller holds the study's lock."""
        path = self.folder / "measured.jsonl"
        jsonl.repair(path)
        jsonl.append(path, [{"pack": pack, "measures": self._digest}])

    def save(self, packs: Sequence[Mapping[str, Any]]) -> None:
        """Writes plan.json. packs: one object a pack, with "id" and "runs", the number of its runs."""
        about = {
            "study": self.id,
            "name": self.name,
            "versions": {"grokscope": version("grokscope")},
            "measures": self.measures,
            "axes": self.axes,
            "looks": None if self.looks is None else dataclasses.asdict(self.looks),
            "packs": list(packs),
            "arms": [_written(arm) for arm in self.arms.values()],
        }
        write_document(self.folder / "plan.json", about)
        publish(self.folder)

    @property
    def _digest(self) -> str:
        """A hash of the measures with their variants: a variant that was added later has not been measured."""
        known = names("measures")
        variants = {
            id_: [dict(variant) for variant in component("measures", id_).variants] if id_ in known else []
            for id_ in self.measures
        }
        return hashlib.sha256(json.dumps(variants, default=str).encode()).hexdigest()[:12]


def load_study(store: str | Path, name: str) -> Study:
    """The study with this id; or the newest with this name, which is its id without the hash (a study that goes on from
    its own weights has a second plan); or the only one whose id starts so. StoreError where there is none."""
    path = _plan_of(Path(store), name)
    try:
        about, _ = read_document(path)
        arms = _read(about["arms"])
        runs = runs_of(arms)
        if not all(map(is_name, [about["study"], *runs, *(pack["id"] for pack in about["packs"])])):
            raise ValueError("a name in it is none of a study, a run or a pack")
        return Study(
            id=about["study"],
            name=about["name"],
            store=Path(store),
            arms=arms,
            measures=tuple(about["measures"] or ()),
            axes={axis: tuple(values) for axis, values in about["axes"].items()},
            packs={pack["id"]: pack["runs"] for pack in about["packs"]},
            looks=_looks(about.get("looks")),
        )
    except (OSError, StoreError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} cannot be read ({error}); remove it to have the study planned anew") from error


def _plan_of(store: Path, name: str) -> Path:
    plans = {path.parent.name: path for path in sorted((store / FOLDER).glob("*/plan.json"))}
    if name in plans:
        return plans[name]
    alike = [study for study in plans if study.startswith(name)]
    if len(alike) > 1 and {study.rpartition("-")[0] for study in alike} == {name}:
        return max((plans[study] for study in alike), key=lambda path: path.stat().st_mtime_ns)
    if len(alike) > 1:
        raise StoreError(f"{name!r} is the start of {len(alike)} studies: {', '.join(alike)}")
    if not alike:
        raise StoreError(unknown("study", name, plans) if plans else f"store {store} has no study")
    return plans[alike[0]]


def _looks(about: Mapping[str, Any] | None) -> Looks | None:
    return None if about is None else Looks(sizes=tuple(about["sizes"]), first=about["first"], level=about["level"])


def _written(arm: Arm[str]) -> dict[str, Any]:
    about = {"name": arm.name, "family": arm.family, "value": arm.value, "changes": dict(arm.changes)}
    return json.loads(json.dumps(about | {"also": arm.also, "runs": arm.runs}, default=str))


def _read(arms: Any) -> Arms[str]:
    """The arms of a plan. A plan from before arms had families has their names alone."""
    if isinstance(arms, Mapping):
        return read_arms({name: tuple(runs) for name, runs in arms.items()}, families())
    return Arms(
        Arm(
            name=arm["name"],
            family=arm["family"],
            value=arm["value"],
            changes=arm["changes"],
            also=tuple((family, value) for family, value in arm["also"]),
            runs=tuple(arm["runs"]),
        )
        for arm in arms
    )


def pack_of(run: str) -> str:
    """The pack that a run's id names."""
    return run.partition("-")[0]
