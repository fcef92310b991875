"""Subjects: runs as predictions look at them. Controls have the truth and the windows of the base's runs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from grokscope.errors import Missing
from grokscope.predictions.arms import BASE, NO_BOTTLENECK, Arm, Arms, changes, runs_of
from grokscope.predictions.base import UNTRAINED, Theory
from grokscope.predictions.readings import At, Reading
from grokscope.predictions.subject import HeldTruth, Numbers, Subject
from grokscope.predictions.taking import Asked
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run
from grokscope.runs.store.readings import Place, Record


class Placed(Protocol):
    """A run, trained or planned."""

    @property
    def id(self) -> str: ...
    @property
    def config(self) -> RunConfig: ...


One = TypeVar("One", bound=Placed)
Other = TypeVar("Other")
SPLITS = ("train", "test", "fresh", "twin")


def counterpart(run: One, base: Sequence[One]) -> tuple[HeldTruth | None, One | None, str]:
    """Of a run with random labels: the task that it is held against, the base's run of its seed, and why there is none.

    Empty for other runs, and for runs on another task than the base's.
    """
    alike = [other for other in base if _task_of(other.config) == _task_of(run.config)]
    if not run.config.random_labels or not alike:
        return None, None, ""
    same = [other for other in alike if other.config.seed == run.config.seed]
    if len(same) > 1:  # such as of several splits: the run that is otherwise alike
        same = [other for other in same if set(changes(run.config, other.config)) <= {"random_labels"}] or same
    if len(same) == 1:
        return HeldTruth.of(same[0].config), same[0], ""
    many = f"{len(same)} runs" if same else "no run"
    lacking = f"seed {run.config.seed} has {many} in the arm {BASE}: the control has no window of steps"
    return HeldTruth.of(alike[0].config), None, lacking


def subjects(
    arms: Arms[Run], records: Mapping[Place, Record] | None = None, numbers: Numbers | None = None
) -> Arms[Subject]:
    """The arms with subjects, and the base's as what stands beside it."""
    base, shared = list(arms.get(BASE, ())), {"records": records or {}, "numbers": numbers}

    def subject(run: Run, arm: str) -> Subject:
        if arm not in arms:
            return Subject(run=run, untrained=arm == UNTRAINED, **shared)
        truth, reference, lacking = counterpart(run, base)
        unpaired = Missing(lacking) if lacking else None
        return Subject(run=run, truth=truth, reference=reference, unpaired=unpaired, **shared)

    return beside_base(arms, subject)


def beside_base(arms: Arms[Any], made: Callable[[Any, str], Other]) -> Arms[Other]:
    """Arms with what is made of their runs, in which the base's runs stand under other names too: step 0 of them, and
    the network without a bottleneck where the study has no other one. made: of a run and the name of its arm."""
    derived = (*((NO_BOTTLENECK,) if NO_BOTTLENECK not in arms else ()), UNTRAINED)
    base = [(name, [made(run, name) for run in arms.get(BASE, ())]) for name in derived]
    return arms.having(lambda arm: [made(run, arm.name) for run in arm]).with_arms(
        *(Arm(family=name, name=name, runs=tuple(runs)) for name, runs in base)
    )


def numbers(theories: Iterable[Theory]) -> Numbers:
    """The series that some theories read."""
    return numbers_of(reading for theory in theories for row in theory.predictions for reading in row.readings)


def numbers_of(readings: Iterable[Reading]) -> Numbers:
    """The series of some readings, and all of behaviour."""
    measures = {measure.partition("[")[0] for reading in readings for measure in reading.measures}
    return Numbers(measures | {f"behaviour.{split}_{kind}" for split in SPLITS for kind in ("accuracy", "loss")})


def asked(theories: Iterable[Theory], arms: Arms[Any]) -> dict[str, tuple[At, ...]]:
    """Arm -> what some theories read of the checkpoints of its runs."""
    rows = [row for theory in theories for row in theory.predictions]
    wanted: dict[str, tuple[At, ...]] = {}
    for arm in arms.values():
        own: dict[At, None] = {}
        for row in rows:
            taken = [At(reading.stage, reading.instrument) for reading in row.readings if isinstance(reading, At)]
            if row.looks_at(arm):
                own |= dict.fromkeys(taken)
            if arm.name == BASE and UNTRAINED in row.controls:
                own |= {At("untrained", reading.instrument): None for reading in taken}
        wanted[arm.name] = tuple(own)
    return wanted


def asked_by_run(arms: Arms[Any], readings: Mapping[str, Sequence[At]]) -> dict[str, Asked]:
    """The readings to take of each run, trained or planned: those of all arms in which it stands.

    readings: by arm. Runs of which nothing is asked are left out.
    """
    base, wanted = list(arms.get(BASE, ())), {run.id: (run, dict[At, None]()) for run in runs_of(arms)}
    for arm in arms.values():
        for run in arm:
            wanted[run.id][1].update(dict.fromkeys(readings.get(arm.name, ())))
    every: dict[str, Asked] = {}
    for id_, (run, own) in wanted.items():
        if own:
            truth, reference, lacking = counterpart(run, base)
            every[id_] = Asked(id_, tuple(own), truth, None if reference is None else reference.id, lacking)
    return every


def _task_of(config: RunConfig) -> dict[str, Any]:
    return {"task": config.task} | config.options("task").model_dump(exclude={"data_seed"})
