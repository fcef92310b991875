"""The Goldilocks zone: networks generalise at weight norms in a shell, and grok on their way to it."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from grokscope.errors import of_all
from grokscope.predictions.base import Answers, Prediction, Shares, Statistic, Text, Theory
from grokscope.predictions.readings import Number, Series
from grokscope.predictions.rows import HALF, MOST, along, last, text
from grokscope.predictions.subject import Subject
from grokscope.statistics.goldilocks import shell
from grokscope.statistics.phase_classes import CLASSES, PUBLISHED, classify_phases
from grokscope.theories.goldilocks.arms import ARMS, CORNER, RATES
from grokscope.theories.goldilocks.law import LAW
from grokscope.theories.goldilocks.toy import TOY

GENERALISED = 0.9  # test accuracy from which a network generalises, as in the study of the zone
TEST_ACCURACY, TRAIN_ACCURACY = (last(f"behaviour.{split}_accuracy").otherwise(math.nan) for split in ("test", "train"))
TEST_END, TRAIN_END = (last(f"behaviour.{split}_accuracy") for split in ("test", "train"))


def _phase(subject: Subject) -> float:
    """The phase of the run, one of four, by the published thresholds."""
    return float(CLASSES.index(str(classify_phases([subject.phases_by("test", **PUBLISHED)])[0])))


PHASE = Series("phase", _phase, ("behaviour.train_accuracy", "behaviour.test_accuracy"))


def _over_spheres(of: Callable[[np.ndarray, np.ndarray, np.ndarray], float]) -> Statistic:
    """1 or 0 a seed, from the norms of the spheres and its test and train accuracies on them."""

    def seed(norms: np.ndarray, runs: Sequence[Answers]) -> float:
        return of(norms, *(np.array([run[last] for run in runs]) for last in (TEST_ACCURACY, TRAIN_ACCURACY)))

    return along("sphere", seed, fewest=4, lacking="{} spheres; an edge on either side needs 4", kind=Shares)


def _on_spheres(of: Callable[[np.ndarray, np.ndarray, np.ndarray], float]) -> Statistic:
    """The same of seeds of which every accuracy is known."""

    def seed(norms: np.ndarray, runs: Sequence[Answers]) -> Number:
        values = [run[end] for end in (TEST_END, TRAIN_END) for run in runs]
        return of_all(lambda *both: of(norms, *np.reshape(both, (2, -1))), *values)

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


def _four_phases(_: np.ndarray, runs: Sequence[Answers]) -> float:
    """1 if a seed shows all four phases in the plane of learning rate and weight decay."""
    return float(len({run[PHASE] for run in runs}) == len(CLASSES))


KNOWN: Text = text(
    "a norm whose accuracy is missing made an edge of the shell, and so spoke for it; now the seed has no answer",
    "此前准确率缺失的范数被当作球壳边界，从而有利于主张；现在该种子没有答案",
)
SHELL = text("Generalisation needs the weight norm in a shell", "权重范数落在球壳内才能泛化")
# Part -> what a seed's accuracies show, and words.
SHELLS = {
    "edges": (
        _bounded,
        "trained on spheres: test accuracy is .9 in a stretch of norms with an edge on either side",
        "在球面上训练：测试准确率达 .9 的范数区间两侧都有边界",
    ),
    "outside": (
        _too_large,
        "some larger norm fits the training inputs and answers at most half of the others",
        "某个更大的范数上：训练集能拟合，测试至多答对一半",
    ),
    "inside": (_too_small, "the smallest norm does not fit the training inputs", "最小的范数连训练集也拟合不了"),
}


def _shell(part: str, *, newer: bool) -> Prediction:
    of, en, zh = SHELLS[part]
    changed: dict[str, Any] = {"version": 3, "changed": KNOWN, "ideal": 1.0} if newer else {}
    return Prediction(
        id="goldilocks.shell",
        part=part,
        claim=SHELL,
        arms=("sphere/1",),
        along=("sphere",),
        readings=(TEST_END, TRAIN_END) if newer else (TEST_ACCURACY, TRAIN_ACCURACY),
        statistic=_on_spheres(of) if newer else _over_spheres(of),
        supports=MOST,
        refutes=HALF,
        measured=text(en, zh),
        **changed,
    )


CORNER_ALONE: Text = text(
    "in eight points of the plane instead of 25, so that there can be more than five seeds, which never decide a share",
    "只看平面上的 8 个点而非 25 个，从而种子数可以超过 5 个（5 个种子永远无法判定占比）",
)
PLANE = text(
    "Four phases in the plane of learning rate and weight decay",
    "学习率与权重衰减平面上有四个相：理解、顿悟、记忆、混乱",
)


def _phases(family: str, *, newer: bool = False) -> Prediction:
    lacking = "{} points of the plane; four phases need as many"
    more: dict[str, Any] = {"version": 3, "changed": CORNER_ALONE, "ideal": 1.0} if newer else {}
    return Prediction(
        id="goldilocks.phases",
        claim=PLANE,
        arms=("plane/0.001,weight_decay=1",) if newer else (),
        along=(family,),
        readings=(PHASE,),
        statistic=along(family, _four_phases, fewest=len(CLASSES), kind=Shares, lacking=lacking),
        supports=MOST,
        refutes=HALF,
        measured=text("all four phases are there, by seed", "按种子：四个相全部出现"),
        **more,
    )


# Where the pre-registration names no region, it is fixed here from the claim: shares as everywhere; a factor 1.25 about
# a predicted number supports it and a factor 2 refutes it; the critical share .4 to within .05, refuted beyond .1.
goldilocks = Theory(
    id="goldilocks",
    title=text("Goldilocks zone", "Goldilocks 区"),
    source="Liu et al. 2022, arXiv:2205.10343; Liu, Michaud & Tegmark 2023, arXiv:2210.01117",
    arms=ARMS,
    predictions=(
        *(_shell(part, newer=newer) for part in SHELLS for newer in (False, True)),
        *LAW,
        _phases(RATES.id),
        _phases(CORNER.id, newer=True),
        *TOY,
    ),
)
