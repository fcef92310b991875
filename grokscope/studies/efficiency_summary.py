"""What the arms of weight efficiency say: two curves of the norm, their crossing, ungrokking, semi-grokking."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.statistics.goldilocks import Shell, shell
from grokscope.statistics.intervals import Effect, geometric_effect
from grokscope.statistics.scaling import Crossing, Scaling, crossing, scaling
from grokscope.studies import grid
from grokscope.studies.efficiency import Trained

# Share of the logits' squared norm on the task's harmonics from which a network counts as generalising alone: the
# paper's 95 %, taken of the square, which asks for more than of the norm (there it is .95^2 of the square).
LEAST_SHARE = 0.95
MEMORISED = 0.99  # train accuracy from which a network has memorised, as `transitions.phases`
HALF = 0.5  # test accuracy that tells generalisation kept from generalisation lost
LAST = 5  # evaluations whose median is "at the end": two of them may be spikes
# Semi-grokking: an accuracy on fresh inputs between these at the end that the last quarter of training moves by less
# than DRIFT.
MIDDLING, DRIFT = (0.1, 0.9), 0.1


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Norm at a fixed logit by size of the training set. norms: (size, seed), NaN of networks that were left out, and
    where a seed has no run of a size."""

    sizes: tuple[int, ...]
    norms: Float[np.ndarray, "size seed"]
    scaling: Scaling


@dataclass(frozen=True, kw_only=True)
class Shrunk:
    """Networks that went on with fewer inputs under one weight decay; tables (size, seed), at the end.

    seeds: those that have a run of every size. absent: what the others lack.
    critical: the size from which accuracy stays at one half or more, on all inputs that are not trained on now;
    critical_fresh: on fresh ones alone; critical_early: on all, at the step that has seen as much weight decay (rate
    times decay times step) as the last one under the smallest of the decays.
    """

    sizes: tuple[int, ...]
    accuracy: Float[np.ndarray, "size seed"]
    fresh: Float[np.ndarray, "size seed"]
    critical: Shell
    critical_fresh: Shell
    critical_early: Shell
    seeds: tuple[int, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """Networks trained from scratch on one size: accuracy on fresh inputs at the end, and how much it moved in the last
    quarter. t_gen: steps, infinite where it did not come by step `last`."""

    fresh: Float[np.ndarray, " seed"]
    drift: Float[np.ndarray, " seed"]
    t_gen: Float[np.ndarray, " seed"]
    last: int

    @property
    def semi(self) -> int:
        """How many have come to rest in between."""
        low, high = MIDDLING
        return int(((self.fresh > low) & (self.fresh < high) & (self.drift < DRIFT)).sum())


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the trained arms say; an arm that was not trained is Missing, or not there.

    at: the logit that norms are compared at. crossing: the size from which memorising takes more of it than
    generalising, which takes the same at every size. ungrokking: by weight decay. independence: the critical size under
    the largest weight decay over that under the smallest, seed by seed; 1 where it does not depend on it.
    independence_early: the same at equal amounts of decay instead of steps: networks that are still losing what they
    knew lose it at the pace of weight decay.
    """

    at: float
    memorising: Curve | Missing
    generalising: Curve | Missing
    crossing: Crossing | Missing
    ungrokking: Mapping[float, Shrunk]
    independence: Effect | Missing
    independence_early: Effect | Missing
    scratch: Mapping[int, Scratch]

    def __str__(self) -> str:
        lines = [f"norm at a logit of {self.at:g}"]
        for name, curve in (("memorising", self.memorising), ("generalising", self.generalising)):
            lines += _curve_lines(name, curve)
        met = self.crossing
        lines.append(
            f"  crossing: {_shown(met) if isinstance(met, Missing) else _shown(met.size)}"
            + ("" if isinstance(met, Missing) else f"; {met.beyond} of {len(met.by_seed)} beyond the sizes trained on")
        )
        for decay, arm in self.ungrokking.items():
            lines.append(f"ungrokking, weight decay {decay:g}")
            for size, accuracy, fresh in zip(arm.sizes, arm.accuracy, arm.fresh, strict=True):
                lines.append(f"  {size}: test {_listed(accuracy)}, fresh {_listed(fresh)}")
            lines += [f"  left out: {reason}" for reason in arm.absent]
            for name, found in (("", arm.critical), (" (fresh)", arm.critical_fresh), (" (early)", arm.critical_early)):
                lines.append(f"  critical size{name}: {_shown(found.low)}")
        lines.append(
            f"critical size, largest over smallest weight decay: {_shown(self.independence)}; at equal amounts of "
            f"decay: {_shown(self.independence_early)}"
        )
        for size, arm in self.scratch.items():
            lines.append(
                f"from scratch, {size}: fresh {_listed(arm.fresh)}, semi-grokked {arm.semi} of {len(arm.fresh)}, "
                f"generalised {np.isfinite(arm.t_gen).sum()} by step {arm.last:,}"
            )
        return "\n".join(lines)


def summarise(trained: Trained, *, at: float = 10.0, least_share: float = LEAST_SHARE) -> Summary:
    """The summary of trained arms.

    at: the logit [nats] (`measures.efficiency.norm_per_logit`, rescaled). least_share: of the squared logits on the
    task's harmonics, from which a network generalises alone (`circuit_split`).
    """

    def generalises(snapshot: Snapshot) -> bool:
        share = evaluate("efficiency.circuit_split", snapshot, of="share")
        return isinstance(share, Mapping) and share["generalising"] >= least_share

    absent = Missing("the arm was not trained")
    memorising = _curve(trained.memorising, at, _memorises) if trained.memorising else absent
    generalising = _curve(trained.generalising, at, generalises) if trained.generalising else absent
    least = min(trained.ungrokking, default=0.0)
    ungrokking = {decay: _shrunk(runs, early=least / decay) for decay, runs in trained.ungrokking.items()}
    return Summary(
        at=at,
        memorising=memorising,
        generalising=generalising,
        crossing=_crossing(memorising, generalising),
        ungrokking=ungrokking,
        independence=_independence(ungrokking, lambda arm: arm.critical),
        independence_early=_independence(ungrokking, lambda arm: arm.critical_early),
        scratch={size: _scratch(runs) for size, runs in trained.scratch.items()},
    )


def _memorises(snapshot: Snapshot) -> bool:
    accuracy = evaluate("behaviour.train_accuracy", snapshot)
    return isinstance(accuracy, float) and accuracy >= MEMORISED


def _curve(runs: Mapping[int, list[Run]], at: float, counts: Callable[[Snapshot], bool]) -> Curve:
    def size_of(run: Run) -> float:
        snapshot = run.snapshot()
        if not (snapshot.is_finite and counts(snapshot)):
            return np.nan
        found = evaluate("efficiency.norm_per_logit", snapshot, of="rescaled", at=at)
        return found if isinstance(found, float) else np.nan

    seeds = sorted({run.config.seed for some in runs.values() for run in some})
    norms = np.full((len(runs), len(seeds)), np.nan)
    for row, some in enumerate(runs.values()):
        for run in some:
            norms[row, seeds.index(run.config.seed)] = size_of(run)
    return Curve(sizes=tuple(runs), norms=norms, scaling=scaling(tuple(runs), norms))


def _crossing(memorising: Curve | Missing, generalising: Curve | Missing) -> Crossing | Missing:
    if isinstance(memorising, Missing):
        return memorising
    if isinstance(generalising, Missing):
        return generalising
    return crossing(memorising.sizes, memorising.norms, generalising.norms)


def _shrunk(runs: Mapping[int, list[Run]], *, early: float) -> Shrunk:
    """early: share of the steps after which critical_early is taken."""
    sizes = tuple(runs)
    ordered, absent = grid.table("n_train", sizes, [run for some in runs.values() for run in some])

    def table(split: str, share: float = 1.0) -> Float[np.ndarray, "size seed"]:
        return np.array([_accuracy(run, split, share) for run in ordered]).reshape(len(sizes), -1)

    def critical(accuracy: Float[np.ndarray, "size seed"]) -> Shell:
        return shell(sizes, accuracy, least=HALF, axis="size")

    accuracy, fresh = table("test"), table("fresh")
    return Shrunk(
        sizes=sizes,
        accuracy=accuracy,
        fresh=fresh,
        critical=critical(accuracy),
        critical_fresh=critical(fresh),
        critical_early=critical(table("test", early)),
        seeds=tuple(run.config.seed for run in ordered[: accuracy.shape[1]]),
        absent=absent,
    )


def _accuracy(run: Run, split: str, share: float) -> float:
    """After a share of the steps; NaN of a run whose loss was not finite, which counts as not generalising."""
    ended = any(event["event"] == "non-finite" for event in run.events)
    rows = run.rows(f"behaviour.{split}_accuracy")
    return np.nan if ended else _at_the_end(rows.values[rows.steps <= share * run.steps])


def _independence(arms: Mapping[float, Shrunk], critical: Callable[[Shrunk], Shell]) -> Effect | Missing:
    if len(arms) < 2:
        return Missing(f"{len(arms)} weight decays were trained; two can be compared")
    smallest, largest = (
        {seed: edge and edge[0] for seed, edge in zip(arm.seeds, critical(arm).edges, strict=True)}
        for arm in (arms[min(arms)], arms[max(arms)])
    )
    both = [(smallest[seed], largest[seed]) for seed in smallest if seed in largest]
    ratios = [high / low for low, high in both if low is not None and high is not None]
    if len(ratios) < len(both) or not both:
        return Missing(f"{len(both) - len(ratios)} of {len(both)} seeds have no critical size in both")
    return geometric_effect(ratios)


def _scratch(runs: list[Run]) -> Scratch:
    found = [run.phases(split="fresh") for run in runs]
    rows = [run.rows("behaviour.fresh_accuracy") for run in runs]
    early = np.array([_at_the_end(some.values[some.steps <= 0.75 * some.steps[-1:]]) for some in rows])
    fresh = np.array([_at_the_end(some.values) for some in rows])
    return Scratch(
        fresh=fresh,
        drift=np.abs(fresh - early),
        t_gen=np.array([np.inf if phases.generalized_at is None else phases.generalized_at for phases in found]),
        last=max(run.steps for run in runs),
    )


def _at_the_end(values: Float[np.ndarray, " evaluation"]) -> float:
    """The median of the last evaluations; NaN where there are none."""
    return float(np.median(values[-LAST:])) if len(values) else np.nan


def _curve_lines(name: str, curve: Curve | Missing) -> list[str]:
    if isinstance(curve, Missing):
        return [f"  {name}: none ({curve.reason})"]
    rows = [f"  {name}, {size}: {_listed(norms)}" for size, norms in zip(curve.sizes, curve.norms, strict=True)]
    left = curve.scaling
    return [
        *rows,
        f"  {name}: grows as n^b, b = {_shown(left.exponent)}; {left.n_left_out} of "
        f"{left.n_networks + left.n_left_out} networks left out",
    ]


def _shown(effect: Effect | Missing) -> str:
    if isinstance(effect, Missing):
        return f"none ({effect.reason})"
    if isinstance(effect.low, Missing) or isinstance(effect.high, Missing):
        return f"{effect.value:.3g} (n = {effect.n})"
    return f"{effect.value:.3g} [{effect.low:.3g}, {effect.high:.3g}] (n = {effect.n})"


def _listed(values: Float[np.ndarray, " seed"]) -> str:
    return " ".join("-" if np.isnan(value) else f"{value:.3g}" for value in values)
