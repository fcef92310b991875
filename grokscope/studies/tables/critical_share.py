"""The share of the data from which networks generalise by the end."""

from collections.abc import Sequence

from grokscope.errors import Missing
from grokscope.predictions.base import Given
from grokscope.predictions.rows import last, text
from grokscope.statistics.goldilocks import shell
from grokscope.studies.tables.base import Row, Table, matrix, present
from grokscope.studies.tables.spheres import GENERALISED

FAMILIES = ("shares", "train_fraction", "squared_error/shares", "teacher_student/shares")
ACCURACY = last("behaviour.test_accuracy")


def _rows(arms: Given) -> Sequence[Row]:
    rows: list[Row] = []
    for family, along in present(arms, FAMILIES).items():
        accuracy, absent = matrix(along, ACCURACY)
        if len(along) < 2 or not accuracy.size:
            edge = Missing(absent[0] if absent else "one share alone has no edge")
        else:
            edge = shell(list(along), accuracy, least=GENERALISED, axis="share").low
        rows.append({"family": family, "critical share": edge})
    return rows


critical_share = Table(
    id="critical_share",
    title=text("Critical share of the data", "临界数据比例"),
    needs=FAMILIES,
    readings=(ACCURACY,),
    make=_rows,
)
