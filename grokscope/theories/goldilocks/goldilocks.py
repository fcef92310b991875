"""The Goldilocks zone: networks generalise at weight norms in a shell, and grok on their way to it."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.arms import BASE
from grokscope.predictions.base import Answers, Fit, Given, Prediction, Sample, Shares, Statistic, Theory
from grokscope.predictions.readings import Fact, Series
from grokscope.predictions.rows import FIRST_NORM, HALF, MOST, TIMES, along, last, text, times
from grokscope.predictions.subject import Subject
from grokscope.statistics.goldilocks import generalisation_law, shell
from grokscope.statistics.phase_classes import CLASSES, PUBLISHED, classify_phases
from grokscope.statistics.regions import outside, within
from grokscope.theories.goldilocks.arms import ARMS, RATES
from grokscope.theories.goldilocks.toy import TOY

GENERALISED = 0.9  # test accuracy from which a network generalises, as in the study of the zone
TEST_ACCURACY, TRAIN_ACCURACY = (last(f"behaviour.{split}_accuracy").otherwise(math.nan) for split in ("test", "train"))
UNIT = Fact("rate x decay", lambda subject: subject.config.learning_rate * subject.config.weight_decay)


def _phase(subject: Subject) -> float:
    """The phase of the run, one of four, by the published thresholds."""
    return float(CLASSES.index(str(classify_phases([subject.phases_by("test", **PUBLISHED)])[0])))


PHASE = Series("phase", _phase, ("behaviour.train_accuracy", "behaviour.test_accuracy"))


def _over_spheres(of: Callable[[np.ndarray, np.ndarray, np.ndarray], float]) -> Statistic:
    """1 or 0 a seed, from the norms of the spheres and its test and train accuracies on them."""

    def seed(norms: np.ndarray, runs: Sequence[Answers]) -> float:
        return of(norms, *(np.array([run[last] for run in runs]) for last in (TEST_ACCURACY, TRAIN_ACCURACY)))

    return along("sphere", seed, fewest=4, lacking="{} spheres; an edge on either side needs 4", kind=Shares)


def _bounded(norms: np.ndarray, test: np.ndarray, _: np.ndarray) -> float:
    """1 if both edges of the shell lie inside the norms that were tried."""
    (edges,) = shell(norms, test[:, None], least=GENERALISED).edges
    return float(edges is not None and None not in edges)


def _too_large(_: np.ndarray, test: np.ndarray, train: np.ndarray) -> float:
    """1 if a norm beyond the best one fits the training inputs and answers at most half of the test inputs."""
    beyond = np.arange(len(test)) > int(test.argmax())
    return float((beyond & (train >= 0.99) & (test <= 0.5)).any())


def _too_small(_: np.ndarray, __: np.ndarray, train: np.ndarray) -> float:
    """1 if the smallest norm does not fit the training inputs."""
    return float(train[0] < 0.99)


def _law(arms: Given) -> Sample | Missing:
    """Slope of t_gen on ln w0, in units of 1 / (eta gamma)."""
    free = {scale: arm for scale, arm in arms.along("init_scale").items() if scale >= 1}
    runs = [run for arm in free.values() for run in arm if not isinstance(run[FIRST_NORM], Missing)]
    if len(free) < 3:
        return Missing(f"{len(free)} initial norms; needs 3: arms init_scale=1.4, init_scale=2, ...")
    if not runs:
        return Missing("the runs have stored nothing of weights.norm")
    norms, unit = np.array([run[FIRST_NORM] for run in runs]), runs[0][UNIT]
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


def _four_phases(_: np.ndarray, runs: Sequence[Answers]) -> float:
    """1 if a seed shows all four phases in the plane of learning rate and weight decay."""
    return float(len({run[PHASE] for run in runs}) == len(CLASSES))


SHELL = text("Generalisation needs the weight norm in a shell", "权重范数落在球壳内才能泛化")
LAW = text("From a large norm, t_gen grows as ln(w0 / wc) / (rate x decay)", "从大范数出发，t_gen ∝ ln(w0/wc)/(ηγ)")
PLANE = text(
    "Four phases in the plane of learning rate and weight decay",
    "学习率与权重衰减平面上有四个相：理解、顿悟、记忆、混乱",
)

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
            statistic=along(
                RATES.id,
                _four_phases,
                fewest=len(CLASSES),
                kind=Shares,
                lacking="{} points of the plane; four phases need as many",
            ),
            supports=MOST,
            refutes=HALF,
            measured=text("all four phases are there, by seed", "按种子：四个相全部出现"),
        ),
        *TOY,
    ),
)
