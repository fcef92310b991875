"""Two curves of the norm at a fixed logit over the size of the training set, and where they cross."""

from collections.abc import Sequence

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.arms import Arm
from grokscope.predictions.base import Answers, Given
from grokscope.predictions.readings import at
from grokscope.predictions.rows import text
from grokscope.statistics.scaling import crossing, scaling
from grokscope.studies.tables.base import Row, Table, matrix

# From this share of the logits' squared norm on the task's harmonics a network counts as generalising alone. It is the
# paper's 95 %, but of the square, which asks for more than 95 % of the norm (.95^2 of the square).
LEAST_SHARE = 0.95
MEMORISED = 0.99  # train accuracy from which a network has memorised, as `transitions.phases`
NORM = at("after", "efficiency.norm_per_logit", of="rescaled", at=10.0)
PURE = at("after", "efficiency.circuit_split", "generalising", of="share")
TRAIN = at("after", "behaviour.train_accuracy")
FAMILIES = ("varma/memorising", "varma/generalising", "varma/full")


def _norms(along: dict[int, Arm[Answers]], *, generalising: bool) -> np.ndarray:
    """Norm by size and seed; NaN for networks that do not count for the curve."""
    norms, _ = matrix(along, NORM)
    counts = matrix(along, PURE)[0] >= LEAST_SHARE if generalising else matrix(along, TRAIN)[0] >= MEMORISED
    return np.where(counts, norms, np.nan)


def _rows(arms: Given) -> Sequence[Row] | Missing:
    memorising = arms.along(FAMILIES[0])
    generalising = dict(sorted((arms.along(FAMILIES[1]) | arms.along(FAMILIES[2])).items()))
    rows: list[Row] = []
    tables = {}
    for name, along in (("memorising", memorising), ("generalising", generalising)):
        if not along:
            continue
        tables[name] = table = _norms(along, generalising=name == "generalising")
        left = scaling(list(along), table)
        for size, norms in zip(along, table, strict=True):
            known = norms[np.isfinite(norms)]
            mean = float(np.mean(known)) if len(known) else Missing("no network counts")
            rows.append({"curve": name, "size": size, "norm": mean, "networks": len(known)})
        rows.append({"curve": name, "size": "exponent", "norm": left.exponent, "networks": left.n_networks})
    if len(tables) == 2:
        met = crossing(list(memorising), tables["memorising"], tables["generalising"])
        rows.append({"curve": "crossing", "size": met.size, "norm": "", "networks": met.beyond})
    return rows


norms = Table(
    id="norms",
    title=text("Norm at a logit of 10 over the training set", "logit 为 10 时的范数随训练集的变化"),
    needs=FAMILIES,
    readings=(NORM, PURE, TRAIN),
    make=_rows,
)
