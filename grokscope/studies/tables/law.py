"""The law: how the time to generalise grows with the logarithm of the initial norm."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from grokscope.errors import Missing
from grokscope.predictions.arms import Arm
from grokscope.predictions.base import Answers, Given
from grokscope.predictions.readings import Number, Series
from grokscope.predictions.rows import FIRST_NORM, text
from grokscope.predictions.subject import Subject
from grokscope.statistics.goldilocks import Law, Shell, generalisation_law
from grokscope.studies.tables.base import Row, Table, matrix, present
from grokscope.studies.tables.spheres import losses, setting, spheres

FAMILIES = ("init_scale", "squared_error/init_scale", "teacher_student/init_scale")
OUTSIDE = 1.0  # the law is of networks that start outside the shell, which the recipe's own does not


def _reached(subject: Subject) -> Number:
    """t_gen by a test accuracy of 90 %, or the end; the sign says which."""
    phases = subject.phases_by("test", test_threshold=0.9)
    reached = phases.generalized_at
    return float(reached) if reached is not None else -float(phases.last_at or 0)


TIME = Series("t_gen at 90 %, the end negative", _reached, ("behaviour.test_accuracy",))


@dataclass(frozen=True, kw_only=True, eq=False)
class Times:
    """When runs that start at several norms generalise, and the law fitted to them.

    norms, times, reached: (run,), as given to `generalisation_law`; a run that never generalised stands at its last
    step. fitted: which runs the law was fitted to. shell: the Goldilocks shell, found on spheres.
    """

    law: Law | Missing
    norms: Float[np.ndarray, " run"]
    times: Float[np.ndarray, " run"]
    reached: Bool[np.ndarray, " run"]
    fitted: Bool[np.ndarray, " run"]
    shell: Shell | None = None


def _times(along: dict[float, Arm[Answers]]) -> Times:
    """The law of the arms that start outside; the others are left out of the fit."""
    sides = [{scale: arm for scale, arm in along.items() if (scale > OUTSIDE) == out} for out in (True, False)]
    norms, times = ([matrix(side, of)[0].ravel() for side in sides] for of in (FIRST_NORM, TIME))
    config = next(iter(along.values()))[0].config
    steps = {"rate": config.learning_rate, "decay": config.weight_decay}
    fit = (
        generalisation_law(norms[0], np.abs(times[0]), times[0] >= 0, **steps)
        if norms[0].size
        else Missing("no seed has a run at every norm")
    )
    every = np.concatenate(times)
    return Times(
        law=fit, norms=np.concatenate(norms), times=np.abs(every), reached=every >= 0,
        fitted=np.arange(len(every)) < len(times[0]),
    )  # fmt: skip


def _rows(arms: Given) -> Sequence[Row]:
    rows: list[Row] = []
    for family, along in present(arms, FAMILIES).items():
        fit = _times(along).law
        if isinstance(fit, Missing):
            rows.append({"family": family, "steps a factor e": fit} | dict.fromkeys(REST, ""))
            continue
        values = (fit.predicted, fit.w_c, fit.r_squared, fit.n_censored)
        rows.append({"family": family, "steps a factor e": fit.slope} | dict(zip(REST, values, strict=True)))
    return rows


def _drawn(arms: Given) -> dict[str, Times]:
    """A figure a family, with the shell of the spheres of its setting."""
    on_spheres = losses(arms)
    figures = {}
    for family, along in present(arms, FAMILIES).items():
        times, place = _times(along), setting(family)
        of = on_spheres.get(f"{place}/sphere" if place else "sphere")
        if times.norms.size:
            figures[family] = replace(times, shell=None if of is None or isinstance(of, Missing) else of.shell)
    return figures


REST = ("1 / (rate x decay)", "critical norm", "R2", "never generalised")
law = Table(
    id="law",
    title=text("Time to generalise over the initial norm", "泛化时间与初始范数"),
    needs=FAMILIES,
    readings=(*spheres.readings, TIME),
    make=_rows,
    figure="law",
    drawn=_drawn,
)
