"""The L and the U: losses of networks trained at fixed norms, and the shell in which they generalise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.predictions.base import Given
from grokscope.predictions.rows import FIRST_NORM, last, text
from grokscope.statistics.goldilocks import Reduced, Shell, reduced, shell
from grokscope.studies.tables.base import Row, Table, matrix, present

GENERALISED = 0.9  # test accuracy from which a network generalises, as in the theory of the zone
FAMILIES = tuple(
    f"{setting}{kind}"
    for setting in ("", "squared_error/", "teacher_student/")
    for kind in ("sphere", "sphere of equal angle")
)
TRAIN, TEST, ACCURACY = (last(f"behaviour.{name}") for name in ("train_loss", "test_loss", "test_accuracy"))


@dataclass(frozen=True, kw_only=True, eq=False)
class Losses:
    """Final losses over the norm that training kept, of one way to train.

    title: its name. norms, train, test: (run,), every run. reduced: their means over seeds. shell: where they
    generalise. squared_error: what the loss is, instead of nats.
    """

    title: str
    norms: Float[np.ndarray, " run"]
    train: Float[np.ndarray, " run"]
    test: Float[np.ndarray, " run"]
    reduced: Reduced
    shell: Shell
    squared_error: bool = False


def losses(arms: Given) -> dict[str, Losses | Missing]:
    """The losses of each family that has runs; `Missing` where no seed has a run at every norm."""
    known: dict[str, Losses | Missing] = {}
    for family, along in present(arms, FAMILIES).items():
        norms, absent = matrix(along, FIRST_NORM)
        if not norms.size:
            known[family] = Missing(absent[0])
            continue
        train, test, accuracy = (matrix(along, reading)[0] for reading in (TRAIN, TEST, ACCURACY))
        if np.isnan(accuracy).all():  # a regression without a tolerance
            zone = shell(norms, test, kind="loss")
        else:
            zone = shell(norms, accuracy, least=GENERALISED)
        known[family] = Losses(
            title=family, norms=norms.ravel(), train=train.ravel(), test=test.ravel(),
            reduced=reduced(norms, train, test), shell=zone,
            squared_error=next(iter(along.values()))[0].config.loss == "mse",
        )  # fmt: skip
    return known


def _rows(arms: Given) -> Sequence[Row]:
    rows: list[Row] = []
    for family, of in losses(arms).items():
        empty = {"family": family, "norm": of, "train loss": "", "test loss": "", "shell": ""}
        if isinstance(of, Missing):
            rows.append(empty)
            continue
        means = of.reduced
        for norm, train, test in zip(means.norms.tolist(), means.train, means.test, strict=True):
            rows.append(empty | {"norm": norm, "train loss": train, "test loss": test})
        rows += [empty | {"norm": of.shell.low, "shell": "from"}, empty | {"norm": of.shell.high, "shell": "to"}]
    return rows


def setting(family: str) -> str:
    """ "squared_error" of "squared_error/sphere"; "" of "sphere"."""
    return family.rpartition("/")[0]


def _drawn(arms: Given) -> dict[str, list[Losses]]:
    """A figure a setting, with a panel a way to train."""
    figures: dict[str, list[Losses]] = {}
    for family, of in losses(arms).items():
        if not isinstance(of, Missing):
            figures.setdefault(setting(family), []).append(of)
    return figures


spheres = Table(
    id="spheres",
    title=text("Losses at fixed norms, and the shell", "固定范数下的损失与球壳"),
    needs=FAMILIES,
    readings=(FIRST_NORM, TRAIN, TEST, ACCURACY),
    make=_rows,
    figure="l_and_u",
    drawn=_drawn,
)
