"""Polynomial regression without weight decay, beside its linearised network, its kernel, and the kernel's alignment."""

from collections.abc import Sequence

import numpy as np

from grokscope.errors import Missing, first_missing, of_all
from grokscope.predictions.base import Answers, Given
from grokscope.predictions.readings import Number, Reading, Series, answered, at
from grokscope.predictions.rows import text
from grokscope.predictions.subject import Subject
from grokscope.statistics.intervals import Effect, mean_effect
from grokscope.studies.tables.base import Row, Table

FAMILY = "kumar/figure 1"
ON = {"n_samples": 1000}  # test inputs that kernels are taken on
LOSSES = ("behaviour.test_loss", "behaviour.train_loss")


def _curve(subject: Subject, split: str) -> tuple[np.ndarray, np.ndarray]:
    """A loss over the test loss of step 0."""
    rows, first = subject.rows(f"behaviour.{split}_loss"), subject.rows("behaviour.test_loss").values[:1]
    return rows.steps, rows.values / first


def _peak(subject: Subject) -> int:
    return int(_curve(subject, "test")[1].argmax())


SCALE = Series("test loss at step 0", lambda subject: float(subject.rows("behaviour.test_loss").values[0]), LOSSES)
OF_SERIES: dict[str, Series] = {
    "test loss at its peak": Series("peak", lambda run: float(_curve(run, "test")[1].max()), LOSSES),
    "step of that peak": Series("peak step", lambda run: float(_curve(run, "test")[0][_peak(run)]), LOSSES),
    "training loss at that peak": Series("train", lambda run: float(_curve(run, "train")[1][_peak(run)]), LOSSES),
    "training loss at the end": Series("train end", lambda run: float(_curve(run, "train")[1][-1]), LOSSES),
    "test loss at the end": Series("test end", lambda run: float(_curve(run, "test")[1][-1]), LOSSES),
}
OVER_FIRST: dict[str, Reading] = {
    "kernel regression": at("after", "kernel.kernel_regression_loss", **ON),
    "linearised training loss at the end": at("after", "kernel.linearised_loss", split="train"),
    "linearised test loss at the end": at("after", "kernel.linearised_loss", split="test"),
}
ALIGNED = tuple(at(stage, "kernel.ntk_alignment", convention="kumar", **ON) for stage in ("untrained", "after"))


def _over(top: Reading, bottom: Reading, run: Answers) -> Number:
    return of_all(lambda upper, lower: upper / lower, run[top], run[bottom])


def _mean(values: Sequence[Number]) -> Effect | Missing:
    """`Missing` where a seed has no answer: a mean over the others would be another quantity."""
    known, missing = answered(values), first_missing(*values)
    if missing is not None:
        return Missing(f"{len(values) - len(known)} of {len(values)} seeds: {missing.reason}")
    return mean_effect(known)


def _rows(arms: Given) -> Sequence[Row]:
    (arm,) = arms.along(FAMILY).values()
    means = {name: _mean([run[reading] for run in arm]) for name, reading in OF_SERIES.items()}
    means |= {name: _mean([_over(reading, SCALE, run) for run in arm]) for name, reading in OVER_FIRST.items()}
    means["alignment at the end over that of step 0"] = _mean([_over(ALIGNED[1], ALIGNED[0], run) for run in arm])
    return [{"quantity": name, "mean of seeds": mean} for name, mean in means.items()]


regression = Table(
    id="regression",
    title=text("Polynomial regression without weight decay", "无权重衰减的多项式回归"),
    needs=(FAMILY,),
    readings=(SCALE, *OF_SERIES.values(), *OVER_FIRST.values(), *ALIGNED),
    make=_rows,
)
