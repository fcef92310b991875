"""Lazy to rich: grokking is the passage of a network from its first features to others."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.arms import BASE, NO_DECAY, arm_name, changes
from grokscope.predictions.base import Answers, Given, Prediction, Sample, Shares, Statistic, Theory
from grokscope.predictions.families import Family, Table
from grokscope.predictions.readings import At, Number, Stage, at
from grokscope.predictions.rows import (
    GROKKED,
    HALF,
    MOST,
    RANDOM_LABELS,
    RANKED_T_GEN,
    T_MEM,
    along,
    per_seed,
    rank_correlation,
    text,
)
from grokscope.predictions.scales import Scale, recipe, sized
from grokscope.predictions.seeds import of_seeds
from grokscope.predictions.shared import BASES, of_field
from grokscope.runs.config import RunConfig
from grokscope.statistics.regions import above, below

LAZY = {"centred": True, "divide_rate_by_scale": True}


def _scales(scale: Scale, _: RunConfig) -> Table:
    """As published, at scale 1 too: outputs less those of step 0, and the rate over the scale squared."""
    factors = sized(scale, tiny=(0.5, 0.7, 1.0, 1.4), laptop=(0.35, 0.5, 0.7, 1.0, 1.4, 2.0))
    return {factor: LAZY | {"output_scale": factor} for factor in factors}


def _regression(scale: Scale) -> RunConfig:
    """Polynomial regression; at laptop scale its published ratios in 40 dimensions, 5 samples a dimension."""
    tiny = {"max_steps": 4_000, "dimension": 20, "n_samples": 300, "n_train": 100, "d_mlp": 50, "learning_rate": 50.0}
    laptop = {"dimension": 40, "n_samples": 700, "n_train": 200, "d_mlp": 100, "quadratic": 0.025}
    laptop |= {"learning_rate": 100.0, "max_steps": 20_000}
    return recipe("kumar2024", **sized(scale, tiny=tiny, laptop=laptop, paper={}))


def _shares(scale: Scale, base: RunConfig) -> Table:
    shares = sized(scale, tiny=(0.4, 0.55), laptop=(0.35, 0.45, 0.55, 0.65, 0.75))
    return {share: {"train_fraction": share} for share in (*shares, 0.9)} | {base.train_fraction: {}}


KUMAR = "kumar/"  # arms of the polynomial regression of Kumar et al.
# The data of a regression, and the direction it is asked for, are drawn anew for each seed.
DRAWN = ("seed", "data_seed")
SCALES = of_field("output_scale", _scales, network="small")
KUMAR_SCALES = Family(
    id="kumar/output_scale", network=_regression, values=_scales, name="kumar/output_scale={}", drawn=DRAWN,
    field="output_scale",
)  # fmt: skip
KUMAR_BASE = Family(
    id=KUMAR + BASE, network=_regression, values=lambda _, __: {None: LAZY | {"output_scale": 1.0}}, drawn=DRAWN
)
# One network at several shares of the data; runs of one network have them as arms of the field.
SHARES = Family(
    id="shares", network="small", values=_shares, name=lambda config, base: "shares/" + arm_name(changes(config, base)),
    prefixes=("shares/train_fraction=", "shares/"), field="train_fraction",
)  # fmt: skip
SMALL = {"dimension": 6, "d_mlp": 12, "n_samples": 60, "n_train": 25, "learning_rate": 2.0, "max_steps": 60}


def _sweep(scale: Scale) -> RunConfig:
    """The published ratios in 40 dimensions: 5 samples a dimension, rate N / alpha^2, and a small eps, 0.05."""
    laptop = {"n_samples": 700, "n_train": 200, "quadratic": 0.025, "learning_rate": 100.0, "max_steps": 20_000}
    return recipe("kumar_goldilocks", **sized(scale, tiny=SMALL | {"learning_rate": 1.0}, laptop=laptop))


# Arms that no prediction needs: Kumar et al.'s figures 1, 3 and 9.
FIGURE_1 = Family(
    id="kumar/figure 1",
    network=lambda scale: recipe("kumar2024", **sized(scale, tiny=SMALL, laptop={})),
    drawn=DRAWN,
    most=5,
    optional=True,
)
ALPHAS = Family(
    id="kumar/alpha", network=_sweep, drawn=DRAWN, most=5, field="output_scale", optional=True,
    values=lambda scale, _: {
        alpha: {"output_scale": alpha}
        for alpha in sized(scale, tiny=(0.5, 2.0), laptop=(0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0))
    },
)  # fmt: skip
SAMPLES = Family(
    id="kumar/samples", network=_sweep, drawn=DRAWN, most=5, field="n_train", optional=True,
    values=lambda scale, _: {
        n: {"output_scale": 1.0, "n_train": n} for n in sized(scale, tiny=(10, 25), laptop=(50, 100, 200, 400))
    },
)  # fmt: skip
CHANGE, ALIGNMENT = "kernel.ntk_change", "kernel.ntk_alignment"
# Test inputs a kernel is taken on. Of 512, at p = 59, the relative change is 5 % less, a way's share .02 less, and it
# takes four times as long: 20 s a kernel, five of which a run needs.
SAMPLED = {"n_samples": 128}


def _delay_against(family: str) -> Statistic:
    """Per seed: rank correlation of the output scale with t_gen / t_mem; runs that never generalise come last.

    A ratio, because the published rate falls with the scale squared, which alone lengthens every time.
    """

    def seed(scales: np.ndarray, runs: Sequence[Answers]) -> Number:
        return rank_correlation(scales, np.array([run[RANKED_T_GEN] / max(run[T_MEM], 1) for run in runs]))

    return along(family, seed, fewest=4, lacking="{} values of output_scale; needs 4")


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


def _stays(*changes: float) -> Number:
    """The share before onset of the way that the kernel's distance from step 0 goes since memorisation.

        |d(onset) - d(t_mem)| / (|d(onset) - d(t_mem)| + |d(end) - d(onset)|)

    at the checkpoints nearest to both steps; of a control, those of the run whose truth it is held against.
    """
    before, after = (abs(second - first) for first, second in pairwise(changes))
    return before / (before + after) if before + after else Missing("the kernel does not change")


def _kernel(stage: Stage, by: str) -> At:
    return at(stage, CHANGE, by=by, **SAMPLED)


def _aligns(before: float, after: float) -> Number:
    """ln of the kernel's alignment with the labels at the end, over that when memorised."""
    return math.log(after / before) if after > 0 and before > 0 else Missing("the alignment is not positive")


ALIGNED = [at(stage, ALIGNMENT, convention="kumar", **SAMPLED) for stage in ("memorised", "after")]
ALPHA = text(
    "The output scale sets the delay: small none, large long or never", "输出尺度 α 决定延迟：小则无，大则很长或永不"
)
DISPUTED = text(
    "A shallow network with squared error groks without weight decay", "浅层网络 + MSE 不用权重衰减也能顿悟"
)
NTK = text(
    "The tangent kernel stays until onset, then moves and aligns with the labels",
    "NTK 到起始点前不动，此后移动并与标签对齐",
)
DATA = text("Grokking only at data sizes in between", "只有中等数据量才出现顿悟")
# No regions are in the pre-registration; fixed from the claims: correlations as in reread.goldilocks; shares as
# everywhere, "none" being at most a fifth; a kernel stays if it goes at most a fifth of its way before onset.
lazy_rich = Theory(
    id="lazy_rich",
    title=text("Lazy to rich", "懒惰 → 丰富"),
    source="Kumar et al. 2024, arXiv:2310.06110",
    arms=(*BASES, SCALES, KUMAR_SCALES, KUMAR_BASE, SHARES, FIGURE_1, ALPHAS, SAMPLES),
    predictions=(
        *(
            Prediction(
                id="lazy.alpha",
                part=f"{where}delay",
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
        *(
            per_seed(
                *(_kernel(stage, by) for stage in ("t_mem", "onset", "after")),
                of=_stays,
                controls=(RANDOM_LABELS,),
                id="lazy.ntk",
                part=part,
                version=2,
                changed=text(
                    "of the way it goes, not of its net change: a kernel that grows and shrinks again has hardly any",
                    "按走过的路程而非净变化计算：先增后减的核几乎没有净变化",
                ),
                claim=NTK,
                supports=below(0.2),
                refutes=above(0.5),
                measured=text(
                    f"of the way that the kernel's {en} goes since memorisation, the share before onset",
                    f"核{zh}自记忆以来走过的路程中，起始点之前所占比例",
                ),
            )
            for by, part, en, zh in (
                ("frobenius", "stays", "relative change since step 0", "相对第 0 步的变化量"),
                ("distance", "stays, but for its scale", "distance 1 - CKA from step 0", "与第 0 步的距离 1 − CKA"),
            )
        ),
        per_seed(
            *ALIGNED,
            of=_aligns,
            controls=(RANDOM_LABELS, NO_DECAY),
            id="lazy.ntk",
            part="aligns",
            claim=NTK,
            supports=above(0),
            refutes=below(0),
            measured=text(
                "ln of the kernel's alignment with the labels at the end over that when memorised",
                "核与标签的对齐度：结束时与记忆期之比的对数",
            ),
        ),
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
