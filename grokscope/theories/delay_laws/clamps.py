"""The delay of clamped networks: exponential in the norm (arXiv:2606.13753), or in what the norm does to the logits
(arXiv:2606.18465)."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from grokscope.errors import Missing, of_all
from grokscope.predictions.base import Answers, Given, Means, Prediction, Sample, Statistic
from grokscope.predictions.readings import Number
from grokscope.predictions.rows import GENERALISED, T_GEN, T_MEM, TIMES, over, per_seed, text, times
from grokscope.predictions.seeds import of_seeds
from grokscope.statistics.regions import NOWHERE, above, below, outside, within
from grokscope.statistics.slopes import censored_slope
from grokscope.theories.delay_laws.arms import HIGH, LOGITS, SQUARED_FREE, free
from grokscope.theories.delay_laws.fits import fitted, rising
from grokscope.theories.delay_laws.readings import CLAMPED_AT, W_C

HALF = 0.5  # of the free runs that must have a W_c


def _at(arms: Given, family: str) -> tuple[list[float], list[Sequence[Answers]]] | Missing:
    """rho of each arm of a family, and its runs: the norm it is clamped to over the W_c of the free runs."""
    found = [run[W_C] for run in arms[free(family)]] if free(family) in arms else []
    known = [value for value in found if not isinstance(value, Missing)]
    if not known or len(known) < HALF * len(found):
        return Missing(f"{len(known)} of {len(found)} free runs have a W_c")
    critical = math.exp(float(np.mean(np.log(known))))
    clamped = (arm for arm in arms.along(family).values() if not isinstance(arm[0][CLAMPED_AT], Missing))
    groups: list[Sequence[Answers]] = list(clamped)
    if len(groups) < 3:
        return Missing(f"{len(groups)} clamped norms; a slope needs 3")
    return [arm[0][CLAMPED_AT] / critical for arm in groups], groups


def _slope(family: str) -> Statistic:
    """Slope of ln t_gen on rho, runs that never generalised as bounds."""

    def statistic(arms: Given) -> Sample | Missing:
        if isinstance(clamped := _at(arms, family), Missing):
            return clamped
        rhos, groups = clamped
        t_gen, reached = (np.concatenate(each) for each in zip(*map(times, groups), strict=True))
        x = np.repeat(rhos, [len(group) for group in groups])
        return fitted(censored_slope(x, _logs(t_gen), reached), min(map(len, groups)))

    return statistic


def _linear(family: str) -> Statistic:
    """The share of the way that medians of ln t_gen vary which a rising line in rho explains."""

    def statistic(arms: Given) -> Sample | Missing:
        if isinstance(clamped := _at(arms, family), Missing):
            return clamped
        return rising(*clamped, of=_logs)

    return statistic


def _logs(t_gen: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(t_gen, 1))


def _share(arm: str, *, recovered: bool) -> Statistic:
    """Of each seed, the share of ln t_gen(high) - ln t_gen(1) that the logits make: what putting them back takes away,
    or what they add alone.

    A run that never generalised has no time. Where it is the high one, its end stands for it if the logits are put
    back: the share is then no smaller than the number.
    """

    def of(runs: Sequence[Answers]) -> Number:
        one, high, other = runs
        if not (one[GENERALISED] and other[GENERALISED]) or not (recovered or high[GENERALISED]):
            return Missing("a clamped run did not generalise by its last step")
        return of_all(_part, *(run[T_GEN] for run in runs))

    def _part(one: float, high: float, other: float) -> Number:
        low, top, here = (math.log(max(value, 1.0)) for value in (one, high, other))
        if top <= low:
            return Missing("the higher norm did not wait longer")
        return (top - here) / (top - low) if recovered else (here - low) / (top - low)

    def statistic(arms: Given) -> Sample:
        names = ("delay/clamp/1", f"delay/clamp/{HIGH:g}", f"{LOGITS}/{arm}")
        return Means(of_seeds({name: arms[name] for name in names}, of))

    return statistic


def _clamped(family: str, part: str, en: str, zh: str, **about: Any) -> Prediction:
    linear = part.startswith("linear")
    return Prediction(
        part=part,
        arms=(free(family), f"{family}/1"),
        along=(family,),
        readings=(W_C, CLAMPED_AT, *TIMES),
        statistic=(_linear if linear else _slope)(family),
        measured=text(en, zh),
        **about,
    )


def _through(arm: str, part: str, en: str, zh: str) -> Prediction:
    return Prediction(
        id="delay.logits",
        part=part,
        claim=text(
            "Under cross-entropy a clamped norm sets the delay through the size of the logits",
            "在交叉熵下，被固定的范数是通过 logit 的大小决定延迟的",
        ),
        arms=("delay/clamp/1", f"delay/clamp/{HIGH:g}", f"{LOGITS}/{arm}"),
        readings=TIMES,
        statistic=_share(arm, recovered=arm == "put back"),
        supports=above(0.7),
        refutes=below(0.5),
        ideal=1.0,
        measured=text(en, zh),
    )


CLAMP_CLAIM = text(
    "Held at rho times W_c, a network takes exp(alpha rho), alpha near 7.5",
    "范数固定在 ρ·W_c 时，泛化时间 ∝ exp(αρ)，α 约为 7.5",
)
NO_DELAY = text(
    "with squared error this network generalises as it memorises (150 and 100 steps in the pilots): there is no wait "
    "of which a share could go away; fewer pairs or less decay would have to be found at which it waits",
    "用平方误差时这个网络一记住就泛化（试验中为 150 步与 100 步）：没有等待，就没有可消失的份额；需先找到会等待的设置",
)
CLAMPS: tuple[Prediction, ...] = (
    _clamped(
        "delay/clamp",
        "slope",
        "alpha: slope of ln t_gen on rho, runs that never generalise as bounds",
        "α：ln t_gen 对 ρ 的斜率（未泛化者按下界处理）",
        id="delay.clamp",
        claim=CLAMP_CLAIM,
        supports=within(6.0, 9.0),
        refutes=outside(3.75, 15.0),
        ideal=7.5,
    ),
    _clamped(
        "delay/clamp",
        "linear",
        "share of the way that medians of ln t_gen vary which a rising line in rho explains",
        "ln t_gen 中位数的变化中，由随 ρ 上升的直线解释的份额",
        id="delay.clamp",
        claim=CLAMP_CLAIM,
        supports=above(0.9),
        refutes=below(0.5),
        ideal=1.0,
    ),
    _clamped(
        "delay/attention",
        "",
        "alpha of a transformer without LayerNorm",
        "没有 LayerNorm 的 Transformer 的 α",
        id="delay.attention",
        claim=text(
            "A transformer without LayerNorm has the law too, about twice as steep: alpha near 15",
            "没有 LayerNorm 的 Transformer 也遵守这条规律，但陡一倍：α 约为 15",
        ),
        supports=within(12.0, 18.0),
        refutes=outside(7.5, 30.0),
        ideal=15.0,
    ),
    _clamped(
        "delay/layer_norm",
        "",
        "alpha of a transformer with LayerNorm before each sublayer and the unembedding",
        "每个子层和输出之前都有 LayerNorm 的 Transformer 的 α",
        id="delay.layer_norm",
        claim=text("With LayerNorm a clamped norm does not set the delay", "有 LayerNorm 时，被固定的范数不决定延迟"),
        supports=within(-1.5, 1.5),
        refutes=outside(-3.75, 3.75),
        ideal=0.0,
    ),
    _through(
        "put back",
        "put back",
        "share of the longer wait at rho = 1.15 that goes away when the logits have the size of rho = 1",
        "ρ = 1.15 时多等的时间中，把 logit 恢复到 ρ = 1 的大小后消失的份额",
    ),
    _through(
        "alone",
        "alone",
        "share of that wait that comes at rho = 1 when the logits have the size of rho = 1.15",
        "在 ρ = 1 下把 logit 放大到 ρ = 1.15 的大小后出现的份额",
    ),
    per_seed(
        T_GEN,
        T_MEM,
        of=over,
        id="delay.logits_squared",
        claim=text(
            "Under squared error the norm acts by another route than the logits' size",
            "在平方误差下，范数不是通过 logit 的大小起作用的",
        ),
        measured=text(
            "t_gen over t_mem of the free network with squared error: what has no wait cannot answer",
            "平方误差下自由网络的 t_gen ÷ t_mem：没有等待就无法回答",
        ),
        arm=SQUARED_FREE,
        controls=(),
        supports=above(3.0),
        refutes=NOWHERE,
        untested=NO_DELAY,
    ),
)
