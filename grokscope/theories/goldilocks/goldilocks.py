"""The Goldilocks zone: networks generalise at weight norms in a shell, and grok on their way to it."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from grokscope.errors import Missing, of_all
from grokscope.predictions.arms import BASE
from grokscope.predictions.base import Answers, Fit, Given, Means, Prediction, Sample, Shares, Statistic, Theory
from grokscope.predictions.readings import Fact, Number, Series, at
from grokscope.predictions.rows import FIRST_NORM, HALF, MOST, TIMES, last, text, times
from grokscope.predictions.seeds import of_seeds
from grokscope.predictions.subject import Subject
from grokscope.statistics.goldilocks import generalisation_law, shell
from grokscope.statistics.phase_classes import CLASSES, PUBLISHED, classify_phases
from grokscope.statistics.regions import outside, within
from grokscope.theories.goldilocks.arms import ARMS, RATES

GENERALISED = 0.9  # test accuracy from which a network generalises, as in the study of the zone
TEST_ACCURACY, TRAIN_ACCURACY = (last(f"behaviour.{split}_accuracy").otherwise(math.nan) for split in ("test", "train"))
INDEX = at("after", "representation.quality_index", convention="standardised").otherwise(0.0)
REACHED = 0.95  # of the index: Liu et al. 2022, section 3.1
# 2 where the training set leaves one linear representation, up to shift and scale.
SOLUTIONS = at("after", "representation.solution_dimension").otherwise(0.0)
RATE = at("after", "representation.predicted_rate")
UNIT = Fact("rate x decay", lambda subject: subject.config.learning_rate * subject.config.weight_decay)
N_INPUTS = Fact("number of inputs", lambda subject: float(subject.run.task.n_inputs))


def _phase(subject: Subject) -> float:
    """Which of the four phases the run is in, by the published thresholds."""
    return float(CLASSES.index(str(classify_phases([subject.phases_by("test", **PUBLISHED)])[0])))


PHASE = Series("phase", _phase, ("behaviour.train_accuracy", "behaviour.test_accuracy"))


def _over_spheres(of: Callable[[np.ndarray, np.ndarray, np.ndarray], float]) -> Statistic:
    """1 or 0 a seed, of its norms and its test and train accuracies on spheres of these."""

    def statistic(arms: Given) -> Sample | Missing:
        spheres = arms.along("sphere")
        if len(spheres) < 4:
            return Missing(f"{len(spheres)} spheres; an edge on either side needs 4")
        norms = np.array(list(spheres))

        def seed(runs: Sequence[Answers]) -> float:
            return of(norms, *(np.array([one[last] for one in runs]) for last in (TEST_ACCURACY, TRAIN_ACCURACY)))

        return Shares(of_seeds(spheres, seed))

    return statistic


def _bounded(norms: np.ndarray, test: np.ndarray, _: np.ndarray) -> float:
    """1 if the shell has both its edges inside the norms that were tried."""
    (edges,) = shell(norms, test[:, None], least=GENERALISED).edges
    return float(edges is not None and None not in edges)


def _too_large(_: np.ndarray, test: np.ndarray, train: np.ndarray) -> float:
    """1 if some norm beyond the best one fits the training inputs and answers half of the test inputs or less."""
    beyond = np.arange(len(test)) > int(test.argmax())
    return float((beyond & (train >= 0.99) & (test <= 0.5)).any())


def _too_small(_: np.ndarray, __: np.ndarray, train: np.ndarray) -> float:
    """1 if the smallest norm does not even fit the training inputs."""
    return float(train[0] < 0.99)


def _law(arms: Given) -> Sample | Missing:
    """Slope of t_gen on ln w0, in units of 1 / (eta gamma)."""
    free = {scale: arm for scale, arm in arms.along("init_scale").items() if scale >= 1}
    runs = [one for arm in free.values() for one in arm if not isinstance(one[FIRST_NORM], Missing)]
    if len(free) < 3:
        return Missing(f"{len(free)} initial norms; needs 3: arms init_scale=1.4, init_scale=2, ...")
    if not runs:
        return Missing("the runs have stored nothing of weights.norm")
    norms, unit = np.array([one[FIRST_NORM] for one in runs]), runs[0][UNIT]
    t_gen, reached = times(runs)

    def interval(level: float) -> tuple[float, float]:
        law = generalisation_law(norms, t_gen, reached, level=level)
        if isinstance(law, Missing) or isinstance(law.slope.low, Missing) or isinstance(law.slope.high, Missing):
            return -math.inf, math.inf
        return law.slope.low * unit, law.slope.high * unit

    law = generalisation_law(norms, t_gen, reached)
    if isinstance(law, Missing):
        return law
    return Fit(value=law.slope.value * unit, n=min(len(arm) for arm in free.values()), intervals=interval)


def _phases(arms: Given) -> Sample | Missing:
    """1 if a seed shows all four phases in the plane of learning rate and weight decay."""
    plane = arms.along(RATES.id)
    if len(plane) < len(CLASSES):
        return Missing(f"{len(plane)} points of the plane; four phases need as many")
    return Shares(of_seeds(plane, lambda seed: float(len({one[PHASE] for one in seed}) == len(CLASSES))))


def _critical(arms: Given) -> Sample | Missing:
    """Per seed the share of the data from which the toy finds its representation."""
    sizes = arms.along("toy")
    if len(sizes) < 3:
        return Missing(f"{len(sizes)} sizes of the toy's training set; needs 3: arms toy/n_train=20, ...")
    shares = np.array(list(sizes)) / next(iter(sizes.values()))[0][N_INPUTS]

    def from_share(seed: Sequence[Answers]) -> Number:
        values = np.array([one[INDEX] for one in seed])
        return _low(*shell(shares, values[:, None], least=REACHED).edges)

    return Means(of_seeds(sizes, from_share))


def _low(edge: tuple[float | None, float | None] | None) -> Number:
    if edge is None:
        return Missing("the seed finds its representation at no size tried")
    return Missing("the seed finds it at the smallest size tried") if edge[0] is None else edge[0]


def _agrees(arms: Given) -> Sample | Missing:
    """Per seed: the share of sizes at which it finds the representation just where the training set leaves no other."""
    sizes = arms.along("toy")
    if not sizes:
        return Missing("no run of the toy")
    return Means(of_seeds(sizes, lambda seed: float(np.mean([_found(one) == (one[SOLUTIONS] == 2) for one in seed]))))


def _rate(arms: Given) -> Sample | Missing:
    """Per seed: mean over the sizes at which it finds the representation of ln measured / predicted time constant."""
    sizes = arms.along("toy")
    return Means(of_seeds(sizes, _mean_constant)) if sizes else Missing("no run of the toy")


def _found(run: Answers) -> bool:
    return run[INDEX] >= REACHED


def _mean_constant(seed: Sequence[Answers]) -> Number:
    constants = [_constant(one) for one in seed if _found(one)]
    if not constants:
        return Missing("the seed finds its representation at no size tried")
    known = [value for value in constants if not isinstance(value, Missing)]
    return float(np.mean(known)) if known else constants[0]


def _constant(run: Answers) -> Number:
    """ln of the measured over the predicted time constant of the effective loss, over all parallelograms."""
    rate, measured = run[RATE], run[DECAY]
    if isinstance(rate, Missing):
        return rate
    if rate <= 0:
        return Missing("no rate is predicted: the training set leaves others")
    return of_all(lambda constant: math.log(constant * rate), measured)


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
    # The loss is quadratic in what decays at the rate.
    return (-2 / slope) * config.learning_rate * config.tensor_rates.get("W_E", 1.0)


LOSS = "representation.effective_loss"
DECAY = Series("time constant of the effective loss", _decay, (LOSS,), (LOSS,))
SHELL = text("Generalisation needs the weight norm in a shell", "权重范数落在球壳内才能泛化")
LAW = text("From a large norm, t_gen grows as ln(w0 / wc) / (rate x decay)", "从大范数出发，t_gen ∝ ln(w0/wc)/(ηγ)")
PLANE = text(
    "Four phases in the plane of learning rate and weight decay",
    "学习率与权重衰减平面上有四个相：理解、顿悟、记忆、混乱",
)
FRACTION = text("The toy has a critical share of data, .4, and a rate, λ3", "玩具模型有临界数据比例 0.4 与速率 λ₃")

# Where the pre-registration names no region, it is fixed here from the claim: shares as everywhere; a factor 1.25 about
# a predicted number supports it and a factor 2 refutes it; the critical share .4 to within .05, refuted beyond .1.
goldilocks = Theory(
    id="goldilocks",
    title=text("Goldilocks zone", "Goldilocks 区"),
    source="Liu et al. 2022, arXiv:2205.10343; Liu, Michaud & Tegmark 2023, arXiv:2210.01117",
    arms=ARMS,
    predictions=(
        *(
            Prediction(
                id="goldilocks.shell",
                part=part,
                claim=SHELL,
                arms=("sphere/1",),
                along=("sphere",),
                readings=(TEST_ACCURACY, TRAIN_ACCURACY),
                statistic=_over_spheres(of),
                supports=MOST,
                refutes=HALF,
                measured=text(en, zh),
            )
            for part, of, en, zh in (
                (
                    "edges",
                    _bounded,
                    "trained on spheres: test accuracy is .9 in a stretch of norms with an edge on either side",
                    "在球面上训练：测试准确率达 .9 的范数区间两侧都有边界",
                ),
                (
                    "outside",
                    _too_large,
                    "some larger norm fits the training inputs and answers at most half of the others",
                    "某个更大的范数上：训练集能拟合，测试至多答对一半",
                ),
                (
                    "inside",
                    _too_small,
                    "the smallest norm does not fit the training inputs",
                    "最小的范数连训练集也拟合不了",
                ),
            )
        ),
        Prediction(
            id="goldilocks.time",
            claim=LAW,
            arms=(BASE,),
            along=("init_scale",),
            readings=(FIRST_NORM, UNIT, *TIMES),
            statistic=_law,
            supports=within(0.8, 1.25),
            refutes=outside(0.5, 2),
            measured=text(
                "slope of t_gen on ln w0, runs that never generalise censored, over 1 / (rate x decay)",
                "t_gen 对 ln w0 的斜率（未泛化者按删失处理）÷ 1/(ηγ)",
            ),
        ),
        Prediction(
            id="goldilocks.phases",
            claim=PLANE,
            arms=(),
            along=(RATES.id,),
            readings=(PHASE,),
            statistic=_phases,
            supports=MOST,
            refutes=HALF,
            measured=text("all four phases are there, by seed", "按种子：四个相全部出现"),
        ),
        Prediction(
            id="goldilocks.critical_fraction",
            part="share",
            claim=FRACTION,
            arms=(),
            along=("toy",),
            readings=(INDEX, N_INPUTS),
            statistic=_critical,
            supports=within(0.35, 0.45),
            refutes=outside(0.3, 0.5),
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
            along=("toy",),
            readings=(INDEX, SOLUTIONS),
            statistic=_agrees,
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
            along=("toy",),
            readings=(INDEX, RATE, DECAY),
            statistic=_rate,
            supports=within(-math.log(1.25), math.log(1.25)),
            refutes=outside(-math.log(2), math.log(2)),
            measured=text(
                "ln of the measured time constant of the effective loss over 1 / (λ3 x rate)",
                "有效损失的实测时间常数与 1/(λ₃η) 之比的对数",
            ),
        ),
    ),
)
