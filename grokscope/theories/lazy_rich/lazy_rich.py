"""Lazy to rich: grokking is the passage of a network from its first features to others."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.arms import BASE
from grokscope.predictions.base import Answers, Given, Means, Prediction, Sample, Shares, Statistic, Theory
from grokscope.predictions.readings import Number
from grokscope.predictions.rows import (
    GENERALISED,
    GROKKED,
    HALF,
    MOST,
    RANKED_T_GEN,
    REGIONS,
    T_MEM,
    along,
    per_seed,
    rank_correlation,
    text,
)
from grokscope.predictions.seeds import of_seeds
from grokscope.statistics.regions import above, below
from grokscope.theories.lazy_rich.arms import ALPHAS, ARMS, KUMAR
from grokscope.theories.lazy_rich.kernel import KERNEL

LACKING = "{} values of output_scale; needs 4"
CORRELATIONS = functools.partial(Means, bounds=(-1.0, 1.0))  # of an ideal network all are 1


def _delay_against(family: str) -> Statistic:
    """Per seed: rank correlation of the output scale with t_gen / t_mem; runs that never generalise come last.

    A ratio, because the published rate falls with the scale squared, which alone lengthens every time.
    """

    def seed(scales: np.ndarray, runs: Sequence[Answers]) -> Number:
        return rank_correlation(scales, np.array([run[RANKED_T_GEN] / max(run[T_MEM], 1) for run in runs]))

    return along(family, seed, fewest=4, lacking=LACKING, kind=CORRELATIONS)


def _small_and_large(_: np.ndarray, runs: Sequence[Answers]) -> float:
    """1 if a seed generalises without a delay at the smallest scale, and groks or never generalises at the largest."""
    smallest, largest = runs[0], runs[-1]
    none = smallest[GENERALISED] and not smallest[GROKKED]
    return float(none and (largest[GROKKED] or not largest[GENERALISED]))


def _some(_: np.ndarray, runs: Sequence[Answers]) -> float:
    """1 if a seed groks at some scale."""
    return float(any(run[GROKKED] for run in runs))


def _over_scales(of: Callable[[np.ndarray, Sequence[Answers]], float]) -> Statistic:
    return along(ALPHAS.id, of, fewest=4, lacking=LACKING, kind=Shares)


def _grokked_at(which: str, *families: str) -> Statistic:
    """Share of seeds that grok at the smallest value, at the largest, or at one between, of the first of these families
    that has arms."""

    def statistic(arms: Given) -> Sample | Missing:
        members = next((list(known.items()) for family in families if (known := arms.along(family))), [])
        if len(members) < 3:
            return Missing(f"{len(members)} values of {families[-1]}; needs 3")
        chosen = {"smallest": members[:1], "largest": members[-1:], "middle": members[1:-1]}[which]
        return Shares(of_seeds(dict(chosen), lambda runs: float(any(run[GROKKED] for run in runs))))

    return statistic


ALPHA = text(
    "The output scale sets the delay: small none, large long or never", "输出尺度 α 决定延迟：小则无，大则很长或永不"
)
DISPUTED = text(
    "A shallow network with squared error groks without weight decay", "浅层网络 + MSE 不用权重衰减也能顿悟"
)
BOTH = text(
    "Without weight decay a shallow network with squared error groks, and the output scale sets the delay: small none, "
    "large long or never",
    "浅层网络 + MSE 不用权重衰减也能顿悟，且输出尺度 α 决定延迟：小则无，大则很长或永不",
)
WHERE = text(
    "over the scales at which the paper saw it, 1/16 to 4, in its own regression. The transformer's rows end: the "
    "paper's ran 200,000 steps at a rate of 6e-6 over the squared scale, ours at .001 over it, .008 at the smallest",
    "改在论文观察到该现象的尺度（1/16 至 4）与其回归任务上检验。变换器的几行到此为止：论文的学习率为 6e-6/α²、"
    "共 20 万步，我们的是 .001/α²，最小尺度下达 .008",
)
DATA = text("Grokking only at data sizes in between", "只有中等数据量才出现顿悟")
ABOUT: dict[str, Any] = {
    "id": "lazy.alpha", "version": 3, "claim": BOTH, "arms": (f"{ALPHAS.id}/1",), "along": (ALPHAS.id,),
    "changed": WHERE, "ideal": 1.0,
}  # fmt: skip
SCALED: tuple[Prediction, ...] = (
    Prediction(
        part="regression, delay",
        readings=(RANKED_T_GEN, T_MEM),
        statistic=_delay_against(ALPHAS.id),
        supports=above(0.7),
        refutes=below(0.2),
        measured=text(
            "by seed: rank correlation of the output scale with t_gen / t_mem, polynomial regression",
            "按种子：多项式回归中输出尺度与 t_gen/t_mem 的秩相关",
        ),
        **ABOUT,
    ),
    Prediction(
        part="regression, smallest and largest",
        readings=(GENERALISED, GROKKED),
        statistic=_over_scales(_small_and_large),
        measured=text(
            "share of seeds that generalise without a delay at the smallest output scale, and grok or never generalise "
            "at the largest",
            "最小输出尺度下无延迟地泛化、最大尺度下顿悟或从不泛化的种子占比",
        ),
        **REGIONS,
        **ABOUT,
    ),
    Prediction(
        part="without weight decay",
        readings=(GROKKED,),
        statistic=_over_scales(_some),
        measured=text(
            "share of seeds that grok at some output scale, without weight decay, losses below .1",
            "无权重衰减时在某个输出尺度下顿悟的种子占比（损失低于 .1）",
        ),
        **REGIONS,
        **ABOUT,
    ),
)
# No regions are in the pre-registration; fixed from the claims: correlations as in reread.goldilocks; shares as
# everywhere, "none" being at most a fifth; a kernel stays if it goes at most a fifth of its way before onset.
lazy_rich = Theory(
    id="lazy_rich",
    title=text("Lazy to rich", "懒惰 → 丰富"),
    source="Kumar et al. 2024, arXiv:2310.06110",
    arms=ARMS,
    predictions=(
        *(
            Prediction(
                id="lazy.alpha",
                part=f"{where}delay",
                until=None if where else 2,
                claim=ALPHA,
                arms=(base,),
                along=(f"{prefix}output_scale",),
                readings=(RANKED_T_GEN, T_MEM),
                statistic=_delay_against(f"{prefix}output_scale"),
                supports=above(0.7),
                refutes=below(0.2),
                measured=text(
                    f"by seed: rank correlation of the output scale with t_gen / t_mem{en}",
                    f"按种子：输出尺度与 t_gen/t_mem 的秩相关{zh}",
                ),
            )
            for where, prefix, base, en, zh in (
                ("", "", "output_scale=1", "", ""),
                ("regression, ", KUMAR, f"{KUMAR}{BASE}", ", polynomial regression", "（多项式回归）"),
            )
        ),
        Prediction(
            id="lazy.alpha",
            part="smallest",
            until=2,
            claim=ALPHA,
            arms=("output_scale=1",),
            along=("output_scale",),
            readings=(GROKKED,),
            statistic=_grokked_at("smallest", "output_scale"),
            supports=below(0.2),
            refutes=above(0.5),
            measured=text("share of runs that grok at the smallest output scale", "最小输出尺度下顿悟的训练占比"),
        ),
        per_seed(
            GROKKED,
            arm=f"{KUMAR}{BASE}",
            share=True,
            controls=(),
            id="lazy.alpha",
            part="without weight decay",
            claim=DISPUTED,
            measured=text(
                "share of runs of the regression without weight decay that grok, losses below .1",
                "无权重衰减的多项式回归中顿悟的训练占比（损失低于 .1）",
            ),
        ),
        *SCALED,
        *KERNEL,
        *(
            Prediction(
                id="lazy.goldilocks_data",
                part=which,
                claim=DATA,
                arms=(),
                along=("shares", "train_fraction"),
                readings=(GROKKED,),
                statistic=_grokked_at(which, "shares", "train_fraction"),
                supports=MOST if which == "middle" else below(0.2),
                refutes=HALF if which == "middle" else above(0.5),
                measured=text(f"share of seeds that grok at {en} of the data", f"数据比例取{zh}时顿悟的种子占比"),
            )
            for which, en, zh in (
                ("smallest", "the smallest share", "最小值"),
                ("middle", "some share in between", "中间某值"),
                ("largest", "the largest share", "最大值"),
            )
        ),
    ),
)
