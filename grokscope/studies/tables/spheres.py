"""The L and the U: losses of networks trained at fixed norms, and the shell in which they generalise."""

from collections.abc import Sequence

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.base import Given
from grokscope.predictions.rows import FIRST_NORM, last, text
from grokscope.statistics.goldilocks import reduced, shell
from grokscope.studies.tables.base import Row, Table, matrix, present

GENERALISED = 0.9  # test accuracy from which a network generalises, as in the theory of the zone
FAMILIES = tuple(
    f"{setting}{kind}"
    for setting in ("", "squared_error/", "teacher_student/")
    for kind in ("sphere", "sphere of equal angle")
)
TRAIN, TEST, ACCURACY = (last(f"behaviour.{name}") for name in ("train_loss", "test_loss", "test_accuracy"))


def _rows(arms: Given) -> Sequence[Row]:
    rows: list[Row] = []
    for family, along in present(arms, FAMILIES).items():
        norms, absent = matrix(along, FIRST_NORM)
        if not norms.size:
            rows.append({"family": family, "norm": Missing(absent[0]), "train loss": "", "test loss": "", "shell": ""})
            continue
        train, test, accuracy = (matrix(along, reading)[0] for reading in (TRAIN, TEST, ACCURACY))
        if np.isnan(accuracy).all():  # a regression without a tolerance
            zone = shell(norms, test, kind="loss")
        else:
            zone = shell(norms, accuracy, least=GENERALISED)
        losses = reduced(norms, train, test)
        for norm, low, high in zip(losses.norms.tolist(), losses.train, losses.test, strict=True):
            rows.append({"family": family, "norm": norm, "train loss": low, "test loss": high, "shell": ""})
        for end, edge in (("from", zone.low), ("to", zone.high)):
            rows.append({"family": family, "norm": edge, "train loss": "", "test loss": "", "shell": end})
    return rows


spheres = Table(
    id="spheres",
    title=text("Losses at fixed norms, and the shell", "固定范数下的损失与球壳"),
    needs=FAMILIES,
    readings=(FIRST_NORM, TRAIN, TEST, ACCURACY),
    make=_rows,
)
