"""The essay's predictions of the manifold as one number a seed: each as it is literally written, and careful.

The literal form of a prediction can be decided by something else than what it means: the number of points, two inputs
that are near twins, several circles at once, a window that twins open. The careful form is what it can mean then. Its
regions are those fixed before the data. Deciding is not done here: a verdict needs controls beside the interval.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.statistics.contrasts import LowHighMid, Share, share
from grokscope.statistics.intervals import Effect, mean_effect
from grokscope.studies.manifold import Instrument, Number, Subject, half_way, low_high_mids, planes, share_inside, where

Readings = Mapping[str, Mapping[str, Number]]
ORBITS, NAIVE = "view=resid_mid/orbits,n1=4", "view=resid_mid/all,method=mle"


@dataclass(frozen=True, kw_only=True)
class Seed:
    """One run: its readings by stage (`manifold.Subject.readings`) and what they were made of."""

    subject: Subject
    readings: Readings

    def at(self, stage: str, name: str) -> Number:
        return self.readings.get(stage, {}).get(name, Missing(f"the run has no stage {stage!r}"))

    def holds(self, stage: str, **expected: float) -> Number:
        """1 if all the instruments of the stage have these values, else 0."""
        found = [self.at(stage, f"{'class means' if key[0] == 'c' else 'embedding'}: {key[2:]}") for key in expected]
        missing = next((value for value in found if isinstance(value, Missing)), None)
        return missing if missing is not None else float(found == list(expected.values()))


Statistic = Callable[[Seed], Number]


@dataclass(frozen=True)
class Row:
    """A statistic of a prediction; supports, refutes: the regions fixed for its mean."""

    prediction: str
    form: str
    says: str
    of: Statistic
    supports: str
    refutes: str

    @property
    def share(self) -> bool:
        """Whether it is 1 or 0 in a seed, and its mean a share of them."""
        return "seeds" in self.supports


def _ratio(stage: str, name: str, of: Callable[[Subject], float]) -> Statistic:
    def statistic(seed: Seed) -> Number:
        value = seed.at(stage, name)
        return value if isinstance(value, Missing) else value / of(seed.subject)

    return statistic


def _excess(stage: str, name: str) -> Statistic:
    """A dimension less the task's."""

    def statistic(seed: Seed) -> Number:
        value = seed.at(stage, name)
        return value if isinstance(value, Missing) else value - _dimension(seed.subject)

    return statistic


def _n_train(subject: Subject) -> float:
    return float(subject.run.snapshot(0).train_mask.sum())


def _dimension(subject: Subject) -> float:
    return float(subject.run.snapshot(0).task.truth.intrinsic_dimension or 1)


def _planes(part: int, summary: Callable[[Sequence[float]], float], view: str) -> Statistic:
    """Of b1 (part 0) or dimension (part 1) of the planes of all key frequencies at the end."""

    def statistic(seed: Seed) -> Number:
        found = planes(seed.subject, view, seed.subject.stages["after"])
        known = [value for each in found.values() if not isinstance(value := each[part], Missing)]
        return summary(known) if known else Missing("no key frequency")

    return statistic


def _inside(measure: str, view: str, *, fresh: bool) -> Statistic:
    """1 if half of a measure's change since memorisation was made within the transition."""

    def statistic(seed: Seed) -> Number:
        found = seed.subject.fresh if fresh else seed.subject.run.phases()
        place = where(half_way(seed.subject.run, measure, view), found.transition)
        return place if isinstance(place, Missing) else float(place == "in")

    return statistic


def _drop(measure: str, view: str, *, fresh: bool) -> Statistic:
    return lambda seed: share_inside(
        seed.subject.run, measure, view, (seed.subject.fresh if fresh else seed.subject.run.phases()).transition
    )


def _change_point(measure: str, view: str, *, fresh: bool) -> Statistic:
    """1 if half of the change since memorisation is made between onset and generalisation."""

    def statistic(seed: Seed) -> Number:
        found = seed.subject.fresh if fresh else seed.subject.run.phases()
        if found.onset_at is None or found.generalized_at is None:
            return Missing("the run has not generalised")
        place = where(half_way(seed.subject.run, measure, view), (found.onset_at, found.generalized_at))
        return place if isinstance(place, Missing) else float(place == "in")

    return statistic


def _kept(name: str) -> Statistic:
    """What is left of a number after generalisation, as a share of what it was when memorised."""

    def statistic(seed: Seed) -> Number:
        before, after = seed.at("memorised", name), seed.at("after", name)
        if isinstance(before, Missing) or isinstance(after, Missing):
            return before if isinstance(before, Missing) else after
        return after / before

    return statistic


def _certified(seed: Seed, *, exactly: bool) -> Number:
    """Certified circles of the embedding over key frequencies; exactly: 1 if they are as many, and none before."""
    after, before = (seed.at(stage, "embedding: certified circles") for stage in ("after", "memorised"))
    keys = evaluate("circuits.key_frequencies", seed.subject.snapshot(seed.subject.stages["after"]))
    if isinstance(after, Missing) or isinstance(before, Missing) or isinstance(keys, Missing):
        return next(each for each in (after, before, keys) if isinstance(each, Missing))
    n = len(np.asarray(keys))
    if exactly:
        return float(after == n and before == 0)
    return after / n if n else Missing("no key frequency")


def _entropy(literal: bool, what: Callable[[LowHighMid, Seed], float]) -> Statistic:
    def statistic(seed: Seed) -> Number:
        found = low_high_mids(seed.subject, literal=literal).get("mean", Missing("the network has no attention"))
        return found if isinstance(found, Missing) else what(found, seed)

    return statistic


def _supports(found: LowHighMid, _: Seed) -> float:
    return float(found.supports)


def _reversed(found: LowHighMid, _: Seed) -> float:
    return float(found.reversed)


def _rise_before(found: LowHighMid, seed: Seed) -> float:
    t_50 = seed.subject.run.phases().t_50
    return float(found.half_rise_at is not None and t_50 is not None and found.half_rise_at < t_50)


MOST, HALF = "≥ .8 of seeds", "≤ .5 of seeds"
CIRCLES, EQUIVARIANCE, LOOP = (
    ("manifold.certified_circles", "view=embed/tokens"),
    ("manifold.equivariance", "view=embed/tokens"),
    ("manifold.persistence_ratio", "view=resid_mid/class_means"),
)
ROWS: tuple[Row, ...] = (
    Row("dimension.before", "literal", "TwoNN of training inputs, memorised, over n_train",
         _ratio("memorised", "TwoNN, training inputs", _n_train), ".5 to 2", "< .1"),
    Row("dimension.before_weak", "careful", "TwoNN of orbits, memorised, over the task's dimension",
         _ratio("memorised", "Gride, orbits, n1 = 1", _dimension), "> 3", "< 1.5"),
    Row("dimension.after", "literal", "TwoNN of all inputs, after, less the task's dimension",
         _excess("after", "TwoNN, all inputs (naive)"), "-.3 to .3", "beyond ±1"),
    Row("dimension.after", "careful", "the same of orbits",
         _excess("after", "Gride, orbits, n1 = 1"), "-.3 to .3", "beyond ±1"),
    Row("dimension.after", "careful", "the same of class means, Gride n1 = 16",
         _excess("after", "class means: Gride, n1 = 16"), "-.3 to .3", "beyond ±1"),
    Row("dimension.after", "careful", "class means in the planes of key frequencies (median), Gride n1 = 4, less 1",
         _planes(1, lambda known: float(np.median(known)) - 1, "resid_mid/class_means"), "-.3 to .3", "beyond ±1"),
    Row("dimension.drop", "literal", "half of TwoNN's change (all inputs) lies in [t_on, t_gen]",
         _change_point("manifold.dimension", NAIVE, fresh=False), MOST, HALF),
    Row("dimension.drop", "literal", "share of TwoNN's drop (all inputs) inside the transition",
         _drop("manifold.dimension", NAIVE, fresh=False), "> .5", "< .25"),
    Row("dimension.drop", "careful", "half of the change of orbits' Gride n1 = 4 is in [t_on, t_gen], fresh inputs",
         _change_point("manifold.gride", ORBITS, fresh=True), MOST, HALF),
    *(
        Row("dimension.drop", "careful", f"orbits' Gride n1 = {n1} after, over memorised",
            _kept(f"Gride, orbits, n1 = {n1}"), "< 1", "> 1")
        for n1 in (1, 4, 16)
    ),
    Row("dimension.drop", "careful", "share of that change inside the fresh transition, where there is one",
         _drop("manifold.gride", ORBITS, fresh=True), "> .5", "< .25"),
    Row("topology.before", "literal", "class means, memorised: b1 = 0",
         lambda seed: seed.holds("memorised", c_b1=0), MOST, HALF),
    Row("topology.before", "literal", "embedding, memorised: b1 = 0",
         lambda seed: seed.holds("memorised", e_b1=0), MOST, HALF),
    Row("topology.after", "literal", "class means, after: b0 = b1 = 1",
         lambda seed: seed.holds("after", c_b0=1, c_b1=1), MOST, HALF),
    Row("topology.after", "literal", "embedding, after: b0 = b1 = 1",
         lambda seed: seed.holds("after", e_b0=1, e_b1=1), MOST, HALF),
    Row("topology.after", "careful", "class means in the plane of every key frequency, after: b1 = 1",
         _planes(0, lambda known: float(all(b1 == 1 for b1 in known)), "resid_mid/class_means"), MOST, HALF),
    Row("topology.after", "careful", "embedding in the plane of every key frequency, after: b1 = 1",
         _planes(0, lambda known: float(all(b1 == 1 for b1 in known)), "embed/tokens"), MOST, HALF),
    Row("topology.certified", "careful", "certified circles = key frequencies after, 0 when memorised (embedding)",
         lambda seed: _certified(seed, exactly=True), MOST, HALF),
    Row("topology.certified", "careful", "certified circles over key frequencies, after (embedding)",
         lambda seed: _certified(seed, exactly=False), "1", "0"),
    *(
        Row("topology.order", form, f"half-rise of {name} in the transition{' of fresh inputs' if fresh else ''}",
             _inside(*of, fresh=fresh), MOST, HALF)
        for form, fresh in (("literal", False), ("careful", True))
        for name, of in (("certified circles", CIRCLES), ("equivariance", EQUIVARIANCE), ("the strongest loop", LOOP))
    ),
    Row("topology.coordinate", "literal", "class means, after: coherence of the strongest loop's angle",
         lambda seed: _loop(seed, 1), "> .9", "< .5"),
    Row("topology.coordinate", "careful", "the same, as many loops as certified circles",
         lambda seed: seed.at("after", "class means: circular coordinates, coherence"), "> .9", "< .5"),
    Row("attention.low_high_mid", "literal", "all three contrasts of the mean entropy, any difference",
         _entropy(True, _supports), MOST, HALF),
    Row("attention.low_high_mid", "careful", "all three beyond the series' own fluctuation",
         _entropy(False, _supports), MOST, HALF),
    Row("attention.low_high_mid", "careful", "some contrast reversed beyond fluctuation",
         _entropy(False, _reversed), "< .5 of seeds", "≥ .5 of seeds"),
    Row("attention.rise_before", "careful", "half of the rise is made before t_50",
         _entropy(False, _rise_before), MOST, HALF),
)  # fmt: skip


def _loop(seed: Seed, n: int) -> Number:
    snapshot = seed.subject.snapshot(seed.subject.stages["after"])
    return Instrument("manifold.circular_coordinate", {"view": "resid_mid/class_means", "loops": n})(snapshot)


def effects(seeds: Sequence[Seed]) -> list[tuple[Row, Effect | Share | Missing, int]]:
    """Each row with mean and interval (exact for shares) over the seeds that have an answer, and how many have not."""
    found: list[tuple[Row, Effect | Share | Missing, int]] = []
    for row in ROWS:
        values = [row.of(seed) for seed in seeds]
        known = [value for value in values if not isinstance(value, Missing)]
        lacking = len(values) - len(known)
        if not known:
            found.append((row, next(value for value in values if isinstance(value, Missing)), lacking))
        elif row.share:
            found.append((row, share(round(sum(known)), len(known)), lacking))
        else:
            found.append((row, mean_effect(known), lacking))
    return found
