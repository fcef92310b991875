"""When a network leaves its tangent kernel, and whether that is when it generalises.

The arms of Kumar et al. 2024, arXiv:2310.06110, as data: polynomial regression without weight decay (figure 1) beside
its linearised network, kernel regression and the alignment of the kernel; and the delay over laziness alpha and over
the number of training samples (figures 3 and 9). The delay of a run that never generalises is censored, not 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.registry import component, unknown
from grokscope.runs.config import RunConfig
from grokscope.runs.run import Run
from grokscope.statistics.contrasts import Share, share
from grokscope.statistics.intervals import Effect, mean_effect
from grokscope.statistics.survival import Median, kaplan_meier
from grokscope.studies import grid
from grokscope.studies.experiment import train

Scale = Literal["tiny", "laptop"]
ARMS = ("figure 1", "alpha", "samples")
# A loss is low once it is below this share of its value at step 0: the source's 0.1 beside its first loss of 0.51.
LOW = 0.2
FLAT = 2000  # step to which the source's alignment is flat
Curve = Float[np.ndarray, " step"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a study trains.

    fields: changes to the recipe of figure 1. sweep: changes to `kumar_goldilocks` in the other arms. alphas, samples:
    output scales, and training samples, of the sweeps; alpha: the scale at which samples vary. seeds: of weights, data
    and the drawn direction alike. n_kernel: test inputs that kernels are taken on.
    """

    fields: Mapping[str, Any]
    sweep: Mapping[str, Any]
    alphas: tuple[float, ...]
    samples: tuple[int, ...]
    seeds: tuple[int, ...]
    alpha: float = 1.0
    n_kernel: int = 1000


PLANS = {
    "tiny": Plan(
        fields={"dimension": 6, "d_mlp": 12, "n_samples": 60, "n_train": 25, "learning_rate": 2.0, "max_steps": 60},
        sweep={"dimension": 6, "d_mlp": 12, "n_samples": 60, "n_train": 25, "learning_rate": 1.0, "max_steps": 60},
        alphas=(0.5, 2.0), samples=(10, 25), seeds=(0, 1),
    ),
    # Figure 1 as published. The sweeps have its ratios in 40 dimensions: 5 samples a dimension, rate N / alpha^2, and a
    # small eps, 0.05.
    "laptop": Plan(
        fields={},
        sweep={"n_samples": 700, "n_train": 200, "quadratic": 0.025, "learning_rate": 100.0, "max_steps": 20_000},
        alphas=(0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0), samples=(50, 100, 200, 400), seeds=tuple(range(5)),
    ),
}  # fmt: skip


def plan(scale: Scale = "laptop") -> Plan:
    """The plan of a scale: tiny takes seconds, laptop about two hours on one core."""
    if scale not in PLANS:
        raise ValueError(unknown("scale", scale, PLANS))
    return PLANS[scale]


def arms(plan: Plan) -> dict[str, list[RunConfig]]:
    """The packs, each by alpha (or number of samples) and then by seed."""
    first = component("recipes", "kumar2024")().replace(**plan.fields)
    base = component("recipes", "kumar_goldilocks")().replace(**plan.sweep)

    def seeded(config: RunConfig) -> list[RunConfig]:
        return [config.replace(seed=seed, data_seed=seed) for seed in plan.seeds]

    return {
        "figure 1": seeded(first),
        "alpha": [each for alpha in plan.alphas for each in seeded(base.replace(output_scale=alpha))],
        "samples": [each for n in plan.samples for each in seeded(base.replace(output_scale=plan.alpha, n_train=n))],
    }


@dataclass(frozen=True, kw_only=True)
class Delays:
    """The delay at each value of a sweep [steps].

    t_train, t_test: (value, seed), first evaluation with a loss below `LOW` of its first; infinite where never. delay:
    the median of t_test - t_train over seeds whose training loss got there, censored where the test loss never did.
    generalised: the share of runs whose test loss did.
    """

    values: tuple[float, ...]
    t_train: Float[np.ndarray, "value seed"]
    t_test: Float[np.ndarray, "value seed"]
    delay: tuple[Median | Missing, ...]
    generalised: tuple[Share, ...]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the trained arms say; those that were not trained are not there.

    figure: the numbers of figure 1 by name, mean over seeds with its interval, losses over the test loss of step 0.
    delays: by arm. absent: which seeds were left out of them, as they have no run at some value.
    """

    figure: Mapping[str, Effect | Missing]
    delays: Mapping[str, Delays]
    absent: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"figure 1, {name}: {_shown(effect)}" for name, effect in self.figure.items()]
        for arm, found in self.delays.items():
            for value, delay, some in zip(found.values, found.delay, found.generalised, strict=True):
                said = delay.reason if isinstance(delay, Missing) else _median(delay)
                lines.append(f"{arm} {value:g}: delay {said}; {some.k} of {some.n} generalise")
        lines += [f"left out of {reason}" for reason in self.absent]
        return "\n".join(lines)


def study(
    *, scale: Scale = "laptop", store: str | Path = "runs", only: Iterable[str] = ARMS, progress: bool = True
) -> Summary:
    """Trains what the store lacks of the arms, and summarises them.

    only: some of the arms. Packs that were interrupted are gone on with.
    """
    chosen = plan(scale)
    packs = arms(chosen)
    for name in only:
        if name not in packs:
            raise ValueError(unknown("arm", name, packs))
    runs = {
        name: train(packs[name], store=store, device="cpu", progress=progress, resume=True)
        for name in packs
        if name in set(only)
    }
    return summarise(chosen, runs)


def summarise(plan: Plan, runs: Mapping[str, list[Run]]) -> Summary:
    """The summary of trained packs; runs: by arm, in any order, each told by its config."""
    numbers = [figure(run, plan.n_kernel) for run in runs.get("figure 1", [])]
    fields: dict[str, tuple[str, Sequence[float]]] = {
        "alpha": ("output_scale", plan.alphas),
        "samples": ("n_train", plan.samples),
    }
    tables = {name: grid.table(field, of, runs[name]) for name, (field, of) in fields.items() if name in runs}
    values = {name: tuple(map(float, of)) for name, (_, of) in fields.items()}
    return Summary(
        figure={name: _mean([each[name] for each in numbers]) for name in (numbers[0] if numbers else ())},
        delays={name: delays(values[name], ordered) for name, (ordered, _) in tables.items()},
        absent=tuple(f"{name}: {reason}" for name, (_, absent) in tables.items() for reason in absent),
    )


def figure(run: Run, n_kernel: int = 1000) -> dict[str, float | Missing]:
    """The numbers of figure 1 of one run; losses over the test loss of step 0, alignments over that of step 0."""
    steps, test = run.series("test/loss")
    train_loss = run.series("train/loss")[1] / test[0]
    test = test / test[0]
    scale = float(run.series("test/loss")[1][0])
    peak = int(test.argmax())
    last = run.snapshot()
    line = _over(evaluate("kernel.kernel_regression_loss", last, n_samples=n_kernel), scale)
    at, alignments = _alignments(run, n_kernel)
    return {
        "test loss at its peak": float(test[peak]),
        "step of that peak": float(steps[peak]),
        "kernel regression": line,
        "step at which test loss crosses it": line
        if isinstance(line, Missing)
        else _first(steps[peak:], test[peak:] < line),
        "training loss at the peak of the test loss": float(train_loss[peak]),
        "training loss at the end": float(train_loss[-1]),
        "test loss at the end": float(test[-1]),
        "linearised training loss at the end": _over(evaluate("kernel.linearised_loss", last, split="train"), scale),
        "linearised test loss at the end": _over(evaluate("kernel.linearised_loss", last, split="test"), scale),
        f"alignment at step {FLAT}": float(np.interp(FLAT, at, alignments)),
        "alignment at the end": float(alignments[-1]),
        "share of its rise while test loss falls from 90 to 10 % of its peak": _during(
            steps[peak:], test[peak:], at, alignments
        ),
    }


def delays(values: tuple[float, ...], runs: Sequence[Run]) -> Delays:
    """The delays of a sweep; runs: by value and then by seed."""

    def times(name: str) -> Float[np.ndarray, "value seed"]:
        found = []
        for run in runs:
            steps, losses = run.series(name)
            first = _first(steps, losses < LOW * losses[0])
            found.append(np.inf if isinstance(first, Missing) else first)
        return np.array(found).reshape(len(values), -1)

    t_train, t_test = times("train/loss"), times("test/loss")
    last = np.array([run.steps for run in runs]).reshape(t_train.shape)
    return Delays(
        values=values,
        t_train=t_train,
        t_test=t_test,
        delay=tuple(_delay(*rows) for rows in zip(t_train, t_test, last, strict=True)),
        generalised=tuple(share(int(np.isfinite(row).sum()), len(row)) for row in t_test),
    )


def _delay(t_train: Curve, t_test: Curve, last: Curve) -> Median | Missing:
    fitted = np.isfinite(t_train)
    if not fitted.any():
        return Missing("no training loss got low")
    reached = np.isfinite(t_test)
    until = np.where(reached, t_test, last)
    # A test loss that is low first has no delay.
    return kaplan_meier(np.maximum(until - t_train, 0)[fitted], reached[fitted]).median


def _alignments(run: Run, n_kernel: int) -> tuple[Curve, Curve]:
    """Steps of checkpoints, and the alignment in the paper's convention over that of step 0."""
    found = [evaluate("kernel.ntk_alignment", run.snapshot(step), n_samples=n_kernel) for step in run.checkpoints]
    numbers = np.array([np.nan if isinstance(each, Missing) else each for each in found], dtype=np.float64)
    return np.array(run.checkpoints, dtype=np.float64), numbers / numbers[0]


def _during(steps: Curve, test: Curve, at: Curve, alignments: Curve) -> float | Missing:
    begin, end = (_first(steps, test < level * test[0]) for level in (0.9, 0.1))
    rise = float(alignments[-1] - alignments[0])
    if isinstance(begin, Missing) or isinstance(end, Missing):
        return Missing("test loss did not fall to 10 % of its peak")
    if rise <= 0:
        return Missing("the alignment did not rise")
    return float(np.diff(np.interp([begin, end], at, alignments))[0]) / rise


def _first(steps: Curve, holds: np.ndarray) -> float | Missing:
    return float(steps[holds.argmax()]) if holds.any() else Missing(f"not by step {steps[-1]:,.0f}")


def _over(value: Any, scale: float) -> float | Missing:
    return value if isinstance(value, Missing) else float(value) / scale


def _mean(values: Sequence[float | Missing]) -> Effect | Missing:
    """Missing as soon as one seed has no answer: a mean over the others would be another quantity."""
    known = [value for value in values if not isinstance(value, Missing)]
    if len(known) < len(values):
        reason = next(value.reason for value in values if isinstance(value, Missing))
        return Missing(f"{len(values) - len(known)} of {len(values)} seeds: {reason}")
    return mean_effect(known)


def _shown(effect: Effect | Missing) -> str:
    if isinstance(effect, Missing):
        return f"none ({effect.reason})"
    if isinstance(effect.low, Missing) or isinstance(effect.high, Missing):
        return f"{effect.value:.4g} (n = {effect.n})"
    return f"{effect.value:.4g} [{effect.low:.4g}, {effect.high:.4g}]"


def _median(found: Median) -> str:
    value = "never by the end" if found.value is None else f"{found.value:,.0f}"
    low, high = ("open" if end is None else f"{end:,.0f}" for end in (found.low, found.high))
    return f"{value} [{low}, {high}]"
