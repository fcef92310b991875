"""The law: how the time to generalise grows with the logarithm of the initial norm."""

from collections.abc import Sequence

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.base import Given
from grokscope.predictions.readings import Number, Series
from grokscope.predictions.rows import FIRST_NORM, T_GEN, text
from grokscope.predictions.subject import Subject
from grokscope.statistics.goldilocks import generalisation_law
from grokscope.studies.tables.base import Row, Table, matrix, present

FAMILIES = ("init_scale", "squared_error/init_scale", "teacher_student/init_scale")
OUTSIDE = 1.0  # the law is of networks that start outside the shell, which the recipe's own does not


def _reached(subject: Subject) -> Number:
    """t_gen by a test accuracy of 90 %, or the end; the sign says which."""
    phases = subject.phases_by("test", test_threshold=0.9)
    reached = phases.generalized_at
    return float(reached) if reached is not None else -float(phases.last_at or 0)


TIME = Series("t_gen at 90 %, the end negative", _reached, ("behaviour.test_accuracy",))


def _rows(arms: Given) -> Sequence[Row]:
    rows: list[Row] = []
    for family, along in present(arms, FAMILIES).items():
        outside = {scale: arm for scale, arm in along.items() if scale > OUTSIDE}
        norms, times = matrix(outside, FIRST_NORM)[0].ravel(), matrix(outside, TIME)[0].ravel()
        config = next(iter(along.values()))[0].config
        law = (
            generalisation_law(norms, np.abs(times), times >= 0, rate=config.learning_rate, decay=config.weight_decay)
            if norms.size
            else Missing("no seed has a run at every norm")
        )
        if isinstance(law, Missing):
            rows.append({"family": family, "steps a factor e": law} | dict.fromkeys(REST, ""))
            continue
        values = (law.predicted, law.w_c, law.r_squared, law.n_censored)
        rows.append({"family": family, "steps a factor e": law.slope} | dict(zip(REST, values, strict=True)))
    return rows


REST = ("1 / (rate x decay)", "critical norm", "R2", "never generalised")
law = Table(
    id="law",
    title=text("Time to generalise over the initial norm", "泛化时间与初始范数"),
    needs=FAMILIES,
    readings=(FIRST_NORM, TIME, T_GEN),
    make=_rows,
)
