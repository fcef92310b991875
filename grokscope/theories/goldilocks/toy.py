"""The toy of Liu et al. 2022: from which share of the data it finds its representation, and how fast."""

import functools
import math
from collections.abc import Sequence

import numpy as np

from grokscope.errors import Missing, of_all
from grokscope.predictions.base import Answers, Means, Prediction
from grokscope.predictions.readings import Fact, Number, Series, answered, at
from grokscope.predictions.rows import HALF, MOST, along, text
from grokscope.predictions.subject import Subject
from grokscope.statistics.goldilocks import shell
from grokscope.statistics.regions import outside, within

FAMILY = "toy"
NO_RATE = Missing("no rate is predicted: the training set allows other representations")
NOWHERE = Missing("the seed finds its representation at no size tried")
INDEX = at("after", "representation.quality_index", convention="standardised").otherwise(0.0)
REACHED = 0.95  # of the index: Liu et al. 2022, section 3.1
# 2 where the training set leaves one linear representation, up to shift and scale.
SOLUTIONS = at("after", "representation.solution_dimension").otherwise(0.0)
RATE = at("after", "representation.predicted_rate")
N_INPUTS = Fact("number of inputs", lambda subject: float(subject.run.task.n_inputs))


def _critical(sizes: np.ndarray, runs: Sequence[Answers]) -> Number:
    """The share of the data from which a seed finds the representation."""
    index = np.array([run[INDEX] for run in runs])
    (edges,) = shell(sizes / runs[0][N_INPUTS], index[:, None], least=REACHED).edges
    if edges is None:
        return NOWHERE
    return Missing("the seed finds it at the smallest size tried") if edges[0] is None else edges[0]


def _first_found(sizes: np.ndarray, runs: Sequence[Answers]) -> Number:
    """The share of the data between the sizes at which a seed does not find the representation yet and does: their
    geometric middle. 1 for a seed that finds it at none."""
    found = np.array([float(_finds(run)) for run in runs])
    (edges,) = shell(sizes / runs[0][N_INPUTS], found[:, None], least=0.5).edges
    if edges is None:
        return 1.0
    return Missing("the seed finds it at the smallest size tried") if edges[0] is None else edges[0]


def _agrees(_: np.ndarray, runs: Sequence[Answers]) -> Number:
    """The share of sizes at which a seed finds the representation if and only if the training set allows one alone."""
    return float(np.mean([_finds(run) == (run[SOLUTIONS] == 2) for run in runs]))


def _rate(_: np.ndarray, runs: Sequence[Answers]) -> Number:
    """The mean of ln (measured / predicted time constant) over the sizes at which a seed finds the representation."""
    constants = [_constant(run) for run in runs if _finds(run)]
    known = answered(constants)
    return float(np.mean(known)) if known else constants[0] if constants else NOWHERE


def _finds(run: Answers) -> bool:
    return run[INDEX] >= REACHED


def _constant(run: Answers) -> Number:
    """ln of the measured over the predicted time constant of the effective loss, over all parallelograms."""

    def ratio(rate: float, constant: float) -> Number:
        return math.log(constant * rate) if rate > 0 else NO_RATE

    return of_all(ratio, run[RATE], run[DECAY])


def _decay(subject: Subject) -> Number:
    """The time constant of the effective loss in units of 1 / (the embedding's learning rate)."""
    rows = subject.rows("representation.effective_loss")
    positive = rows.values > 0
    steps, values = rows.steps[positive], rows.values[positive]
    if not len(values):
        return Missing("the effective loss has no answer at any checkpoint")
    # From a tenth of the first value down to a thousandth: after the start, before rounding.
    inside = (values <= values[0] / 10) & (values >= values[0] / 1000)
    if inside.sum() < 3:
        return Missing("fewer than three checkpoints in the decay")
    slope = float(np.polyfit(steps[inside], np.log(values[inside]), 1)[0])
    if slope >= 0:
        return Missing("the effective loss does not fall")
    config = subject.config
    # The loss is quadratic in the deviation that decays at the rate.
    return (-2 / slope) * config.learning_rate * config.tensor_rates.get("W_E", 1.0)


LOSS = "representation.effective_loss"
DECAY = Series("time constant of the effective loss", _decay, (LOSS,), (LOSS,))
SHARE_OF_SIZES = functools.partial(Means, bounds=(0.0, 1.0))
FRACTION = text("The toy has a critical share of data, .4, and a rate, λ3", "玩具模型有临界数据比例 0.4 与速率 λ₃")

TOY: tuple[Prediction, ...] = (
    Prediction(
        id="goldilocks.critical_fraction",
        part="share",
        claim=FRACTION,
        arms=(),
        along=(FAMILY,),
        readings=(INDEX, N_INPUTS),
        statistic=along(
            FAMILY, _critical, fewest=3, lacking="{} sizes of the toy's training set; needs 3: arms toy/n_train=20, ..."
        ),
        supports=within(0.35, 0.45),
        refutes=outside(0.3, 0.5),
        measured=text(
            "share of the data from which the toy's representation is found (index .95)",
            "玩具模型找到表示（RQI ≥ .95）所需的数据比例",
        ),
    ),
    Prediction(
        id="goldilocks.critical_fraction",
        part="share",
        version=3,
        claim=FRACTION,
        arms=("toy/n_train=45",),
        along=(FAMILY,),
        readings=(INDEX, N_INPUTS),
        statistic=along(
            FAMILY, _first_found, fewest=3, lacking="{} sizes of the toy's training set; needs 3", kind=SHARE_OF_SIZES
        ),
        supports=within(0.35, 0.45),
        refutes=outside(0.3, 0.5),
        ideal=0.41,
        changed=text(
            "the middle between the sizes, not nine tenths of the way to the larger one, where a network that finds it "
            "as soon as the data allow had .44; and a seed that finds it nowhere counts, as all the data",
            "取两个规模的中点，而非靠近较大者九成处（那里数据一允许就找到的网络也得 .44）；从未找到者按全部数据计",
        ),
        measured=text(
            "share of the data from which the toy's representation is found (index .95)",
            "玩具模型找到表示（RQI ≥ .95）所需的数据比例",
        ),
    ),
    Prediction(
        id="goldilocks.critical_fraction",
        part="unique",
        claim=FRACTION,
        arms=(),
        along=(FAMILY,),
        readings=(INDEX, SOLUTIONS),
        statistic=along(FAMILY, _agrees, fewest=1, lacking="no run of the toy", kind=SHARE_OF_SIZES),
        supports=MOST,
        refutes=HALF,
        measured=text(
            "by seed: share of sizes at which it is found just where the training set allows no other "
            "linear representation",
            "按种子：找到与否同训练集是否唯一确定线性表示相符的规模占比",
        ),
    ),
    Prediction(
        id="goldilocks.critical_fraction",
        part="rate",
        claim=FRACTION,
        arms=(),
        along=(FAMILY,),
        readings=(INDEX, RATE, DECAY),
        statistic=along(FAMILY, _rate, fewest=1, lacking="no run of the toy"),
        supports=within(-math.log(1.25), math.log(1.25)),
        refutes=outside(-math.log(2), math.log(2)),
        measured=text(
            "ln of the measured time constant of the effective loss over 1 / (λ3 x rate)",
            "有效损失的实测时间常数与 1/(λ₃η) 之比的对数",
        ),
    ),
)
