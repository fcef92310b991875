"""The arms of softmax collapse: when they memorise, generalise and collapse, and how far the norm grows."""

from collections.abc import Callable, Sequence

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.base import Given
from grokscope.predictions.readings import Number, Series, answered
from grokscope.predictions.rows import last, text
from grokscope.predictions.series import COLLAPSED_AT
from grokscope.predictions.subject import Subject
from grokscope.statistics.contrasts import share
from grokscope.studies.tables.base import Row, Table

FAMILIES = ("collapse", "collapse/more")


def _step(name: str) -> Series:
    def of(subject: Subject) -> Number:
        reached = getattr(subject.phases, name)
        return Missing("never") if reached is None else float(reached)

    return Series(f"phase {name}", of, ("behaviour.train_accuracy", "behaviour.test_accuracy"))


def _largest(subject: Subject) -> Number:
    rows = subject.rows("stability.collapse_rate")
    here = rows.values[rows.views == f"dtype={subject.config.softmax_dtype}"]
    return float(here.max()) if len(here) else Missing("nothing is stored of stability.collapse_rate")


def _of_values(measure: str, of: Callable[[np.ndarray], float]) -> Callable[[Subject], Number]:
    def number(subject: Subject) -> Number:
        values = subject.rows(measure).values
        return float(of(values)) if len(values) else Missing(f"nothing is stored of {measure}")

    return number


ACCURACY, NORM = "behaviour.test_accuracy", "weights.norm"
COLUMNS: dict[str, Series] = {
    "t_mem": _step("memorized_at"),
    "t_gen": _step("generalized_at"),
    "test accuracy": last(ACCURACY),
    "best": Series("best test accuracy", _of_values(ACCURACY, np.max), (ACCURACY,)),
    "collapse rate": Series("largest collapse rate", _largest, ("stability.collapse_rate",)),
    "collapsed at": COLLAPSED_AT,
    "norm over first": Series("growth of the norm", _of_values(NORM, lambda norms: norms[-1] / norms[0]), (NORM,)),
}


def _rows(arms: Given) -> Sequence[Row]:
    rows: list[Row] = []
    for name, arm in (arms.along(FAMILIES[0]) | arms.along(FAMILIES[1])).items():
        row: dict[str, object] = {"arm": name}
        for column, reading in COLUMNS.items():
            known = answered(run[reading] for run in arm)
            row[column] = float(np.median(known)) if known else "never"
        reached = len(answered(run[COLUMNS["t_gen"]] for run in arm))
        rows.append(row | {"generalise": share(reached, len(arm))})
    return rows


collapse = Table(
    id="collapse",
    title=text("Collapse by arm, medians of seeds", "各组结果（种子中位数）"),
    needs=FAMILIES,
    readings=tuple(COLUMNS.values()),
    make=_rows,
)
