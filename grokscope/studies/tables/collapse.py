"""What became of the arms of softmax collapse: memorised, generalised, collapsed, and how far the norm grew."""

from collections.abc import Sequence

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.base import Given
from grokscope.predictions.readings import Number, Series
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


def _growth(subject: Subject) -> Number:
    values = subject.rows("weights.norm").values
    return float(values[-1] / values[0]) if len(values) else Missing("nothing is stored of weights.norm")


def _peak(subject: Subject) -> Number:
    values = subject.rows("behaviour.test_accuracy").values
    return float(values.max()) if len(values) else Missing("nothing is stored of behaviour.test_accuracy")


COLUMNS: dict[str, Series] = {
    "t_mem": _step("memorized_at"),
    "t_gen": _step("generalized_at"),
    "test accuracy": last("behaviour.test_accuracy"),
    "best": Series("best test accuracy", _peak, ("behaviour.test_accuracy",)),
    "collapse rate": Series("largest collapse rate", _largest, ("stability.collapse_rate",)),
    "collapsed at": COLLAPSED_AT,
    "norm over first": Series("growth of the norm", _growth, ("weights.norm",)),
}


def _rows(arms: Given) -> Sequence[Row]:
    rows: list[Row] = []
    for name, arm in (arms.along(FAMILIES[0]) | arms.along(FAMILIES[1])).items():
        row: dict[str, object] = {"arm": name}
        for column, reading in COLUMNS.items():
            known = [value for one in arm if not isinstance(value := one[reading], Missing)]
            row[column] = float(np.median(known)) if known else "never"
        reached = sum(not isinstance(one[COLUMNS["t_gen"]], Missing) for one in arm)
        rows.append(row | {"generalise": share(reached, len(arm))})
    return rows


collapse = Table(
    id="collapse",
    title=text("What became of the arms, medians of seeds", "各组结果（种子中位数）"),
    needs=FAMILIES,
    readings=tuple(COLUMNS.values()),
    make=_rows,
)
