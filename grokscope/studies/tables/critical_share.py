"""The share of the data from which networks generalise by the end."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.predictions.base import Given
from grokscope.predictions.rows import last, text
from grokscope.statistics.goldilocks import shell
from grokscope.statistics.intervals import Effect
from grokscope.studies.tables.base import Row, Table, matrix, present
from grokscope.studies.tables.spheres import GENERALISED

FAMILIES = ("shares", "train_fraction", "squared_error/shares", "teacher_student/shares")
ACCURACY = last("behaviour.test_accuracy")


@dataclass(frozen=True, kw_only=True, eq=False)
class Shares:
    """shares: of the data trained on. accuracy: on the test inputs at the end. critical: the share from which runs
    generalise."""

    shares: Sequence[float]
    accuracy: Float[np.ndarray, "share seed"]
    critical: Effect | Missing


def _shares(arms: Given) -> dict[str, Shares]:
    shares = {}
    for family, along in present(arms, FAMILIES).items():
        accuracy, absent = matrix(along, ACCURACY)
        if len(along) < 2 or not accuracy.size:
            edge = Missing(absent[0] if absent else "one share alone has no edge")
        else:
            edge = shell(list(along), accuracy, least=GENERALISED, axis="share").low
        shares[family] = Shares(shares=list(along), accuracy=accuracy, critical=edge)
    return shares


def _rows(arms: Given) -> Sequence[Row]:
    return [{"family": family, "critical share": of.critical} for family, of in _shares(arms).items()]


def _drawn(arms: Given) -> dict[str, Shares]:
    """A figure a family of several shares that has a seed at every one."""
    return {family: of for family, of in _shares(arms).items() if len(of.shares) > 1 and of.accuracy.size}


critical_share = Table(
    id="critical_share",
    title=text("Critical share of the data", "临界数据比例"),
    needs=FAMILIES,
    readings=(ACCURACY,),
    make=_rows,
    figure="fractions",
    drawn=_drawn,
)
