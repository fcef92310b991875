"""The law: from a large norm, the time to generalise grows with the logarithm of that norm over rate times decay."""

import math
from collections.abc import Mapping

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.arms import BASE
from grokscope.predictions.base import Answers, Fit, Given, Prediction, Sample, Statistic
from grokscope.predictions.readings import Fact
from grokscope.predictions.rows import FIRST_NORM, TIMES, text, times
from grokscope.statistics.goldilocks import generalisation_law
from grokscope.statistics.linearity import linearity
from grokscope.statistics.regions import above, below, outside, within

UNIT = Fact("rate x decay", lambda subject: subject.config.learning_rate * subject.config.weight_decay)
CLAIM = text("From a large norm, t_gen grows as ln(w0 / wc) / (rate x decay)", "从大范数出发，t_gen ∝ ln(w0/wc)/(ηγ)")
# Families that vary the initial norm, with one of their arms: of the network that groks, and of the paper's teacher
# and student.
SETTINGS = (
    ("init_scale", "init_scale=2", "", "", ""),
    (
        "teacher_student/init_scale",
        "teacher_student/init_scale/2",
        ", teacher and student",
        ", teacher and student",
        "（教师—学生网络）",
    ),
)


def _runs(arms: Given, family: str, *, beyond: float) -> dict[float, list[Answers]] | Missing:
    """By factor on the initial norm, the runs whose first norm is known; of factors from this one on."""
    every = {factor: arm for factor, arm in arms.along(family).items() if factor >= beyond}
    if len(every) < 3:
        return Missing(f"{len(every)} initial norms; needs 3: arms {family}=1.4, ...")
    known = {f: [run for run in arm if not isinstance(run[FIRST_NORM], Missing)] for f, arm in every.items()}
    return known if all(known.values()) else Missing("the runs have stored nothing of weights.norm")


def _slope(family: str, *, beyond: float) -> Statistic:
    """Slope of t_gen on ln w0, in units of 1 / (eta gamma)."""

    def statistic(arms: Given) -> Sample | Missing:
        by_factor = _runs(arms, family, beyond=beyond)
        if isinstance(by_factor, Missing):
            return by_factor
        runs = [run for group in by_factor.values() for run in group]
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
        return Fit(value=law.slope.value * unit, n=_seeds(by_factor), intervals=interval)

    return statistic


def _linear(family: str) -> Statistic:
    """The share of the way that medians of t_gen vary which a line in ln w0 explains; a norm of which half of the runs
    never generalise has no median and is left out."""

    def statistic(arms: Given) -> Sample | Missing:
        by_factor = _runs(arms, family, beyond=BEYOND)
        if isinstance(by_factor, Missing):
            return by_factor
        groups = {factor: np.where(*_reached(runs)) for factor, runs in by_factor.items()}
        finite = [factor for factor, group in groups.items() if np.isfinite(np.median(group))]
        places = [float(np.mean(np.log([run[FIRST_NORM] for run in by_factor[factor]]))) for factor in finite]
        found = linearity(places, [groups[factor] for factor in finite])
        if isinstance(found, Missing):
            return found
        return Fit(value=found.value, n=_seeds({f: by_factor[f] for f in finite}), intervals=found.intervals)

    return statistic


def _reached(runs: list[Answers]) -> tuple[np.ndarray, np.ndarray, float]:
    t_gen, reached = times(runs)
    return reached, t_gen, math.inf


def _seeds(by_factor: Mapping[float, list[Answers]]) -> int:
    return min(map(len, by_factor.values()))


# Networks that start beyond the shell. The recipe's own norm lies in it, where nothing has to decay.
BEYOND = 1.001
LAW: tuple[Prediction, ...] = (
    Prediction(
        id="goldilocks.time",
        until=2,
        claim=CLAIM,
        arms=(BASE,),
        along=("init_scale",),
        readings=(FIRST_NORM, UNIT, *TIMES),
        statistic=_slope("init_scale", beyond=1.0),
        supports=within(0.8, 1.25),
        refutes=outside(0.5, 2),
        measured=text(
            "slope of t_gen on ln w0, runs that never generalise censored, over 1 / (rate x decay)",
            "t_gen 对 ln w0 的斜率（未泛化者按删失处理）÷ 1/(ηγ)",
        ),
    ),
    *(
        Prediction(
            id="goldilocks.time",
            part=f"linear{part}",
            version=3,
            claim=CLAIM,
            arms=(one,),
            along=(family,),
            readings=(FIRST_NORM, *TIMES),
            statistic=_linear(family),
            supports=above(0.9),
            refutes=below(0.5),
            ideal=1.0,
            changed=text(
                "proportional was tested as equal; the first of two parts, of networks that start beyond the shell",
                "“成正比”此前被当作“等于”检验；拆成两部分，这是第一部分，只看从球壳之外出发的网络",
            ),
            measured=text(
                f"share of the way that medians of t_gen vary which a rising line in ln w0 explains{en}",
                f"t_gen 中位数的变化中，由随 ln w0 上升的直线解释的份额{zh}",
            ),
        )
        for family, one, part, en, zh in SETTINGS
    ),
    *(
        Prediction(
            id="goldilocks.time",
            part=f"constant{part}",
            version=3,
            claim=CLAIM,
            arms=(one,),
            along=(family,),
            readings=(FIRST_NORM, UNIT, *TIMES),
            statistic=_slope(family, beyond=BEYOND),
            supports=within(2 / 3, 1.5),
            refutes=outside(0.5, 2),
            ideal=1.0,
            changed=text(
                "the second part: the constant, within a factor 1.5; and in the paper's own setting as well",
                "第二部分：比例常数，在 1.5 倍以内；并加入论文自己的设定",
            ),
            measured=text(
                f"slope of t_gen on ln w0, runs that never generalise censored, over 1 / (rate x decay){en}",
                f"t_gen 对 ln w0 的斜率（未泛化者按删失处理）÷ 1/(ηγ){zh}",
            ),
        )
        for family, one, part, en, zh in SETTINGS
    ),
)
