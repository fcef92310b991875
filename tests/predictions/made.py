"""Runs that are made up for every arm of every theory: random phases, series and readings, each from its own seed."""

import functools
import zlib
from dataclasses import fields
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.families import Family, placed
from grokscope.predictions.readings import At
from grokscope.predictions.subject import Subject
from grokscope.registry import component
from grokscope.runs.config import RunConfig
from grokscope.runs.store.rows import Rows
from grokscope.statistics.transitions import Phases
from grokscope.studies.arms import arms as studied
from grokscope.theories.base import families, theories

STEPS = np.unique(np.geomspace(1, 4000, 60).round().astype(int))
WHOLE = (  # measures that count
    *("manifold.betti", "manifold.certified_circles", "manifold.circles_of_keys"),
    "representation.solution_dimension",
)
DECAYS = 300.0  # time constant of the effective loss
SMALL = (  # shares
    *("circuits.gradient_symmetricity", "circuits.distance_irrelevance", "circuits.neuron_explained"),
    *("representation.quality_index", "manifold.circular_coordinate", "manifold.clock_agreement"),
    *("circuits.logit_explained", "circuits.influence_explained", "stability.nlm_alignment"),
    *("behaviour.test_accuracy", "behaviour.train_accuracy"),
)
DIMENSIONS = ("manifold.gride", "manifold.plane_dimension")  # of which differences are read
PARTS = {
    "weights.norm_by_tensor": ["tensor=W_in", "tensor=b_in"],
    "attention.entropy": ["head=0", "head=1"],
    "manifold.gride": ["n1=1", "n1=4", "n1=16"],
}
# Inputs that networks go on with.
FEWER = {"ungrok at": (60, 75, 100, 130, 170), "efficiency/going on": (185, 265, 370, 475)}
FOLLOWED = ("follow/keep", "follow/noise", "follow/norm", "follow/circle/0.5", "follow/circle/1", "follow/circle/2")


class Made:
    """A run that may memorise, generalise late or at once, and have series that rise or fall at some step."""

    checkpoints = STEPS.tolist()
    events: tuple[Any, ...] = ()

    def __init__(self, arm: str, config: RunConfig, world: int) -> None:
        self.arm, self.config, self.world, self.id = arm, config, world, f"{arm}-{config.seed}"

    def rng(self, *about: object) -> np.random.Generator:
        return np.random.default_rng(zlib.crc32(repr((self.world, self.arm, self.config.seed, *about)).encode()))

    @cached_property
    def task(self) -> Any:
        return self.config.build_task()

    @cached_property
    def train_mask(self) -> Any:
        return self.config.train_mask(self.task)

    @functools.cache  # noqa: B019, as many as a test has
    def phases(self, split: str = "test", **_: Any) -> Phases:
        rng = self.rng("phases", split)
        memorised = int(rng.choice(STEPS[10:25]))
        onset, generalised = (int(rng.choice(STEPS[(memorised < STEPS) & (end > STEPS)])) for end in (1500, 3500))
        come = bool(rng.random() < 0.8)
        t_10, t_90 = sorted((onset, generalised))
        reached = {
            "onset_at": onset,
            "generalized_at": generalised,
            "delay": generalised - memorised,
            "t_10": t_10,
            "t_50": (t_10 + t_90) // 2,
            "t_90": t_90,
        }
        known: dict[str, Any] = {field.name: None for field in fields(Phases)} | (reached if come else {})
        known |= {"memorized_at": memorised if rng.random() < 0.95 else None, "last_at": int(STEPS[-1])}
        return Phases(**(known | {"grokked": come and bool(rng.random() < 0.7)}))

    @functools.cache  # noqa: B019
    def rows(self, measure: str) -> Rows:
        known = component("measures", measure)
        parts = PARTS.get(measure, [""])
        labels = [",".join(f"{key}={value}" for key, value in variant.items()) for variant in known.variants]
        views = [",".join(filter(None, (label, part))) for label in labels for part in parts]
        values = np.concatenate([self._series(measure, view) for view in views])
        order = np.argsort(np.tile(STEPS, len(views)), kind="stable")
        same = np.full(len(values), measure)
        return Rows(
            steps=np.tile(STEPS, len(views))[order],
            values=values[order],
            runs=same,
            measures=same,
            views=np.repeat(views, len(STEPS))[order],
        )

    def _series(self, measure: str, view: str) -> np.ndarray:
        rng = self.rng(measure, view)
        if measure == "representation.effective_loss":
            return np.exp(-STEPS / DECAYS)
        first, last = rng.random(2)
        if measure == "manifold.harmonic_share":  # rises from nothing to all
            first, last = first / 10, 1 - last / 10
        if measure == "circuits.restricted_loss":  # from beyond guessing, to anywhere
            first, last = 4 + first, 4 * last
        if measure == "weights.squared_norm":
            first = 2 + first
        if measure == "weights.norm":  # so that first norms ascend with the factor on them
            first = 1 + first / 20
        both = self.rng(measure, "bump")  # of all heads
        bump = both.choice([0.0, 1.0]) * np.exp(-np.square(np.log(STEPS / both.choice(STEPS[25:45]))) * 4)
        centre, width = rng.choice(STEPS[15:55]), rng.uniform(0.05, 0.5)
        rise = 1 / (1 + np.exp(-np.clip(np.log(STEPS / centre) / width, -500, 500)))
        values = first + (last - first) * rise + bump + 0.003 * rng.random(len(STEPS))
        if "accuracy" in measure or "share" in measure:
            return np.clip(1.6 * values - 0.3, 0, 1)
        return values * self.config.init_scale if measure == "weights.norm" else values


def read(subject: Subject, reading: At) -> float:
    """A reading drawn at random, of the kind that the measure gives."""
    run: Any = subject.run
    instrument, stage = reading.instrument, "untrained" if subject.untrained else reading.stage
    rng = run.rng(instrument.measure, instrument.view, instrument.element, stage, subject.truth is None)
    if instrument.measure in (*WHOLE, "circuits.n_key_frequencies"):
        return float(rng.integers(0, 3 if instrument.measure in WHOLE else 10))
    if instrument.measure == "manifold.plane_circles":
        return float(rng.choice([0.5, 1.0]))
    if instrument.measure == "representation.predicted_rate":  # about what DECAYS has
        return float(
            np.exp(rng.normal(0, 0.5))
            / (2 * DECAYS * run.config.learning_rate * run.config.tensor_rates.get("W_E", 1.0))
        )
    if instrument.measure == "efficiency.norm_per_logit":  # grows with some power of the number of samples
        power = np.random.default_rng([run.world, run.config.seed]).choice([0.0, 0.5])
        return float(run.config.n_train**power * np.exp(0.001 * rng.normal()))
    if instrument.measure in (*SMALL, *DIMENSIONS):
        return float(min(1.0, 1.2 * rng.random()) if instrument.measure in SMALL else rng.uniform(1, 4))
    return float(10 ** rng.uniform(-1, 3))


@functools.cache
def arms(world: int, seeds: int = 5) -> Arms[Any]:
    """All arms that the theories ask for, with runs by seed."""
    configs = _configs(seeds)
    later = (*FOLLOWED, "ungrok/small", "ungrok/near", "ungrok/large")
    more = [Arm(family=name, name=name, runs=tuple(configs["base"])) for name in later]
    for family, sizes in FEWER.items():
        at = {n: tuple(config.replace(n_train=n) for config in configs["base"]) for n in sizes}
        more += [Arm(family=family, value=n, name=f"{family}/{n}", runs=runs) for n, runs in at.items()]
    every = placed(configs.with_arms(*more), families(), lambda config: config)
    return every.having(lambda arm: [Made(arm.name, config, world) for config in arm])


@functools.cache
def _configs(seeds: int) -> Arms[RunConfig]:
    return studied("all", "tiny", seeds)


@functools.cache
def every_family() -> Arms[Any]:
    """Runs of every family, those that no verdict needs among them; five seeds each."""
    arms: dict[str, Arm[Any]] = {}
    for theory in theories().values():
        known = [family for family in theory.arms if isinstance(family, Family)]
        arms |= studied(theory.id, "tiny", 5, [family.id for family in known]).items()
    full = arms["varma/full/40"]
    for family in ("varma/generalising", "varma/ungrokking/weight_decay=1", "varma/ungrokking/weight_decay=2"):
        for size in (10, 30):
            name = f"{family}/{size}"
            arms[name] = Arm(family=family, value=size, name=name, runs=full.runs)
    return Arms(arms.values()).having(lambda arm: [Made(arm.name, config, 1) for config in arm])


def use(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readings, all drawn at random."""
    monkeypatch.setattr(Subject, "_taken", read)
