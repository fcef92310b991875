"""The delay of free networks: the ratio of norms over rate and decay (arXiv:2603.13331, arXiv:2605.18845)."""

from typing import Any

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.base import Answers, Given, Prediction, Sample, Statistic
from grokscope.predictions.readings import Fact
from grokscope.predictions.rows import FIRST_NORM, TIMES, text
from grokscope.statistics.regions import above, below, outside, within
from grokscope.statistics.slopes import censored_slope
from grokscope.theories.delay_laws.arms import COUPLED, DECAY, RATE, SQUARED
from grokscope.theories.delay_laws.fits import fitted, rising
from grokscope.theories.delay_laws.readings import CAME, DELAY, LEARNING_RATE, LOG_RATIO, TWICE, WAITED, WEIGHT_DECAY

MOST = 0.75  # of runs that must have a number: those that never come are not drawn at random
BEYOND = 1.001  # factors on the initial norm from which something has to decay


def _runs(arms: Given, family: str) -> tuple[list[Answers], int] | Missing:
    """The runs of a family, and the seeds of its smallest arm."""
    groups = arms.along(family)
    if len(groups) < 3:
        return Missing(f"{len(groups)} arms of {family}; a slope needs 3")
    return [run for group in groups.values() for run in group], min(map(len, groups.values()))


def _ratio(of: str) -> Statistic:
    """Slope or intercept of delay x 2 eta lambda on ln(V_mem / V_post), of the runs that generalised."""

    def statistic(arms: Given) -> Sample | Missing:
        if isinstance(runs := _runs(arms, DECAY), Missing):
            return runs
        every, n = runs
        known = [run for run in every if not isinstance(run[LOG_RATIO], Missing)]
        if len(known) < MOST * len(every):
            return Missing(f"{len(known)} of {len(every)} runs generalised: the norm at generalising is not known")
        x, y = ([run[LOG_RATIO] for run in known], [run[DELAY] * run[TWICE] for run in known])
        return fitted(censored_slope(x, y, [True] * len(known)), n, of)

    return statistic


def _power(family: str, of: Fact) -> Statistic:
    """The power of a rate or a decay with which the delay goes: the slope of its logarithm, runs that never generalised
    with their bound."""

    def statistic(arms: Given) -> Sample | Missing:
        if isinstance(runs := _runs(arms, family), Missing):
            return runs
        every, n = runs
        known = [run for run in every if not isinstance(run[WAITED], Missing)]
        if len(known) < MOST * len(every):
            return Missing(f"{len(known)} of {len(every)} runs memorised")
        x, y = np.log([run[of] for run in known]), np.log([run[WAITED] for run in known])
        return fitted(censored_slope(x, y, [bool(run[CAME]) for run in known]), n)

    return statistic


def _linear(family: str) -> Statistic:
    """The share of the way that medians of t_gen vary which a rising line in ln w0 explains."""

    def statistic(arms: Given) -> Sample | Missing:
        groups = [arm for factor, arm in arms.along(family).items() if factor >= BEYOND]
        norms = [[run[FIRST_NORM] for run in arm] for arm in groups]
        if any(isinstance(norm, Missing) for arm in norms for norm in arm):
            return Missing("the runs have stored nothing of weights.norm")
        return rising([float(np.mean(np.log(arm))) for arm in norms], groups)

    return statistic


RATIO_CLAIM = text(
    "After memorising, the delay is ln(V_mem / V_post) / (2 x rate x decay)",
    "记住之后的延迟等于 ln(V_mem/V_post) ÷ (2ηλ)",
)
DECOUPLED_CLAIM = text(
    "The delay goes as 1 / decay where decay is decoupled (AdamW), and not as L2 in Adam's gradient",
    "权重衰减解耦时（AdamW）延迟 ∝ 1/λ；作为 L2 进入 Adam 的梯度时则不然",
)
LOSS_CLAIM = text(
    "That time grows as ln w0 is a law of squared error and not of cross-entropy",
    "时间随 ln w0 增长的规律属于平方误差，而不属于交叉熵",
)
INVERSE: dict[str, Any] = {"supports": within(-1.2, -0.8), "refutes": outside(-1.5, -0.5), "ideal": -1.0}
NORMS: tuple[Prediction, ...] = (
    Prediction(
        id="delay.norm_ratio",
        part="slope",
        claim=RATIO_CLAIM,
        arms=(f"{DECAY}/1",),
        along=(DECAY,),
        readings=(LOG_RATIO, DELAY, TWICE),
        statistic=_ratio("slope"),
        supports=within(0.8, 1.25),
        refutes=outside(0.5, 2),
        ideal=1.0,
        measured=text(
            "slope of delay x 2 x rate x decay on ln(V_mem / V_post), over weight decays, runs that generalised",
            "在不同权重衰减下（已泛化的训练），延迟 × 2ηλ 对 ln(V_mem/V_post) 的斜率",
        ),
    ),
    Prediction(
        id="delay.norm_ratio",
        part="intercept",
        claim=RATIO_CLAIM,
        arms=(f"{DECAY}/1",),
        along=(DECAY,),
        readings=(LOG_RATIO, DELAY, TWICE),
        statistic=_ratio("intercept"),
        supports=within(-0.5, 0.5),
        refutes=outside(-1.5, 1.5),
        ideal=0.0,
        measured=text(
            "what is left of delay x 2 x rate x decay where the norm does not change; the published ratio is 2.3",
            "范数不变时 延迟 × 2ηλ 还剩多少（已发表的 ln 比值为 2.3）",
        ),
    ),
    Prediction(
        id="delay.rate",
        claim=text("Rate times delay is one number over learning rates", "延迟乘以学习率，在不同学习率下是同一个数"),
        arms=(f"{RATE}/1",),
        along=(RATE,),
        readings=(WAITED, CAME, LEARNING_RATE),
        statistic=_power(RATE, LEARNING_RATE),
        measured=text(
            "power of the learning rate with which the delay goes, runs that never generalise as bounds",
            "延迟随学习率变化的幂次（未泛化者按下界处理）",
        ),
        **INVERSE,
    ),
    Prediction(
        id="delay.decoupled",
        part="AdamW",
        claim=DECOUPLED_CLAIM,
        arms=(f"{DECAY}/1",),
        along=(DECAY,),
        readings=(WAITED, CAME, WEIGHT_DECAY),
        statistic=_power(DECAY, WEIGHT_DECAY),
        measured=text("power of the weight decay with which the delay goes, AdamW", "AdamW：延迟随 λ 变化的幂次"),
        **INVERSE,
    ),
    Prediction(
        id="delay.decoupled",
        part="Adam with L2",
        claim=DECOUPLED_CLAIM,
        arms=(f"{COUPLED}/0.001",),
        along=(COUPLED,),
        readings=(WAITED, CAME, WEIGHT_DECAY),
        statistic=_power(COUPLED, WEIGHT_DECAY),
        supports=outside(-1.25, -0.75),
        refutes=within(-1.2, -0.8),
        measured=text(
            "power of the penalty with which the delay goes, Adam with L2", "带 L2 的 Adam：延迟随 λ 变化的幂次"
        ),
    ),
    Prediction(
        id="delay.loss",
        part="squared error",
        claim=LOSS_CLAIM,
        arms=(f"{SQUARED}/2",),
        along=(SQUARED,),
        readings=(FIRST_NORM, *TIMES),
        statistic=_linear(SQUARED),
        supports=above(0.9),
        refutes=below(0.5),
        ideal=1.0,
        measured=text(
            "share of the way that medians of t_gen vary which a rising line in ln w0 explains, squared error",
            "平方误差：t_gen 中位数的变化中，由随 ln w0 上升的直线解释的份额",
        ),
    ),
    Prediction(
        id="delay.loss",
        part="cross-entropy",
        claim=LOSS_CLAIM,
        arms=("init_scale=2",),
        along=("init_scale",),
        readings=(FIRST_NORM, *TIMES),
        statistic=_linear("init_scale"),
        supports=below(0.5),
        refutes=above(0.9),
        measured=text(
            "share of the way that medians of t_gen vary which a rising line in ln w0 explains, cross-entropy",
            "交叉熵：t_gen 中位数的变化中，由随 ln w0 上升的直线解释的份额",
        ),
    ),
)
