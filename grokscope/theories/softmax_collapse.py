"""Softmax collapse: without weight decay the logits grow until rounding leaves no gradient.

Arms are called collapse/float32 and so on (`predictions.shared`).
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from grokscope.errors import Missing, of_all
from grokscope.predictions.base import Answers, Given, Means, Prediction, Statistic, Theory
from grokscope.predictions.families import Family
from grokscope.predictions.readings import Number, Series, at
from grokscope.predictions.rows import GENERALISED, GROKKED, last, per_group, per_seed, text
from grokscope.predictions.seeds import of_seeds
from grokscope.predictions.series import COLLAPSED_AT, collapsed_at
from grokscope.predictions.shared import COLLAPSE, MORE_STABILITY, STABLEMAX, STALL, bias_free
from grokscope.predictions.subject import Subject
from grokscope.statistics.regions import above, below

NEVER = 1e12  # a step that no run has: readings are finite
ALIGNMENT = at("after", "stability.nlm_alignment")
# The output layer, of which the paper reports .9; when memorised, because later the loss is rounding.
OUTPUT = {stage: at(stage, "stability.nlm_alignment", "W_out") for stage in ("untrained", "memorised")}


def _severity(*steps: float) -> Number:
    """1 if a seed's dtypes collapse in this order; one that never does comes last, and two such are no order."""
    if not np.isfinite(steps[0]):
        return Missing("not even the shortest dtype collapses")
    return float(all(first < second for first, second in itertools.pairwise(steps)))


def _stalls(subject: Subject) -> Number:
    """Test accuracy at the end less that at collapse."""
    step, rows = collapsed_at(subject), subject.rows("behaviour.test_accuracy")
    if isinstance(step, Missing):
        return step
    return float(rows.values[-1] - rows.values[rows.steps >= step][0])


def _collapse(subject: Subject) -> Number:
    """The step of collapse; NEVER for a run whose softmax never does."""
    if not len(subject.rows("stability.collapse_rate")):
        return Missing("the run has stored nothing of stability.collapse_rate")
    step = collapsed_at(subject)
    return NEVER if isinstance(step, Missing) else step


def _in_order(*steps: float) -> Number:
    """`_severity` of steps that are NEVER where a dtype does not collapse."""
    return _severity(*(math.inf if step == NEVER else step for step in steps))


def _accuracy_at(step: int) -> Series:
    """Test accuracy at the first evaluation from a step on, or at the last one."""

    def of(subject: Subject) -> Number:
        rows = subject.rows("behaviour.test_accuracy")
        if not len(rows):
            return Missing("the run has stored nothing of behaviour.test_accuracy")
        return float(rows.values[min(int(np.searchsorted(rows.steps, step)), len(rows) - 1)])

    return Series(f"test accuracy at step {step}", of, ("behaviour.test_accuracy",))


def _gain(dtype: str) -> Statistic:
    """What test accuracy of a dtype gains from its collapse on."""

    def statistic(arms: Given) -> Means:
        arm = f"stall/{dtype}"
        return Means(of_seeds({arm: arms[arm]}, lambda runs: runs[0][GAIN]), bounds=GAINS)

    return statistic


def _control_gain(control: str, dtype: str) -> Statistic:
    """What a control gains meanwhile, seed by seed: from the first step of a grid from the collapse on.

    Readings are numbers of one run, so that accuracy is read at steps that are known beforehand. A later start leaves
    the control less to gain.
    """

    def seed(runs: Sequence[Answers]) -> Number:
        step = runs[0][STEP]
        if isinstance(step, Missing) or step == NEVER:
            return step if isinstance(step, Missing) else Missing("the softmax does not collapse")
        start = next((grid for grid in GRID if grid >= step), GRID[-1])
        return of_all(lambda end, begin: end - begin, runs[1][END], runs[1][ACCURACY[start]])

    def statistic(arms: Given) -> Means:
        return Means(of_seeds({arm: arms[arm] for arm in (f"stall/{dtype}", control)}, seed), bounds=GAINS)

    return statistic


STEP = Series("step of collapse, or never", _collapse, ("stability.collapse_rate",))
GRID = tuple(round(2 ** (k / 2)) for k in range(6, 35))  # 8 to 131,072
GAINS = (-1.0, 1.0)
ACCURACY = {step: _accuracy_at(step) for step in GRID}
END = last("behaviour.test_accuracy")
GAIN = Series("test accuracy gained after collapse", _stalls, ("stability.collapse_rate", "behaviour.test_accuracy"))
# Arms that no prediction needs.
MORE = Family(
    id="collapse/more", network=bias_free, values=lambda _, __: MORE_STABILITY, name="collapse/{}", optional=True
)
STOPS = text(
    "Without weight decay the softmax collapses, the shorter the dtype the sooner, and learning stalls",
    "没有权重衰减时 softmax 崩溃（精度越低越早），测试准确率停滞",
)
STABLEMAX_GROKS = text("StableMax groks without weight decay", "StableMax 不用权重衰减也能顿悟")
PERPENDICULAR = text("⊥Grad generalises without delay and without weight decay", "⊥Grad 不用权重衰减，且无延迟地泛化")
ALONG = text("After memorisation gradients only scale the weights up", "记忆之后梯度只是在放大权重（朴素损失最小化）")


def _stall(dtype: str) -> Prediction:
    own = f"stall/{dtype}"
    return Prediction(
        id="collapse.stops",
        part=f"stalls in {dtype}",
        version=3,
        claim=STOPS,
        arms=(own,),
        readings=(GAIN, STEP, END, *ACCURACY.values()),
        statistic=_gain(dtype),
        controls={control: _control_gain(control, dtype) for control in ("stall/weight_decay", "stall/float64")},
        supports=below(0.05),
        refutes=above(0.2),
        ideal=0.0,
        changed=text(
            "on enough data to learn a part first, as published: on less, accuracy is at chance before the collapse "
            "and after it; and against what weight decay, and float64, gain in the same steps: the control had to "
            "collapse before. float64 does not collapse here, so that its row ends",
            "改在能先学会一部分的数据量上（与原文一致）：数据更少时崩溃前后都是瞎猜；"
            "并与权重衰减组、float64 组同一段步数内的提升比较，此前对照组要先崩溃才有值。float64 在此不崩溃，不再设行",
        ),
        measured=text(
            f"rise of test accuracy from the collapse on, {dtype}; beside it that of its controls in the same steps",
            f"{dtype}：自崩溃起测试准确率的提升；旁列对照组同一段步数内的提升",
        ),
    )


STABLE = per_seed(
    GROKKED,
    arm="stablemax/stablemax",
    share=True,
    controls=("stablemax/cross_entropy",),
    id="collapse.stablemax",
    version=3,
    claim=STABLEMAX_GROKS,
    ideal=1.0,
    changed=text(
        "where the paper saw it and a smaller network shows it too: parity of 3 of 43 bits. At p = 59 and 40 % no "
        "network of this size groks, at p = 113 it takes 100,000 steps; the control is the same in all but the loss",
        "改在论文见到该现象、小网络也能显示的任务上：43 位中 3 位的奇偶校验。p = 59、40 % 时没有网络顿悟，"
        "p = 113 需 10 万步；对照组只有损失函数不同",
    ),
    measured=text(
        "share of runs that grok with StableMax in float64 and no weight decay; cross-entropy in float64 beside it",
        "StableMax（float64、无权重衰减）下顿悟的训练占比；对照为 float64 交叉熵",
    ),
)
ABOUT_NLM: dict[str, Any] = {"id": "collapse.nlm", "claim": ALONG, "version": 3}
NLM = (
    per_seed(
        OUTPUT["memorised"],
        arm="collapse/float32",
        controls=(),
        bounds=(-1.0, 1.0),
        supports=above(0.7),
        refutes=below(0.3),
        ideal=1.0,
        changed=text(
            "of the output layer, as published, and after memorisation, not at the end, where the loss is rounding; "
            "weight decay and ⊥Grad are no controls: where they come to rest the gradient lies along the weights too",
            "只看输出层（与原文一致），取记忆之后而非末尾（那时损失只剩舍入误差）；权重衰减与 ⊥Grad 不是对照："
            "它们稳定时梯度同样沿着权重方向",
        ),
        measured=text(
            "cosine between the output weights and steepest descent when memorised, float32",
            "记忆期输出层权重与最速下降方向夹角的余弦（float32）",
        ),
        **ABOUT_NLM,
    ),
    per_seed(
        OUTPUT["memorised"],
        OUTPUT["untrained"],
        of=lambda after, before: after - before,
        part="turns",
        arm="collapse/float32",
        controls=(),
        bounds=(-2.0, 2.0),
        supports=above(0.3),
        refutes=below(0),
        ideal=1.0,
        changed=text("the contrast with step 0 of the same run", "与同一训练第 0 步的对比"),
        measured=text("the same cosine less that of step 0", "同一余弦减去第 0 步的值"),
        **ABOUT_NLM,
    ),
)

# Regions that the pre-registration does not name: shares as everywhere; a gain in accuracy of at most .05 is a stall,
# one of .2 is none; gradients are along the weights from a cosine of .7 (published: .9), and not below .3.
softmax_collapse = Theory(
    id="softmax_collapse",
    title=text("Softmax collapse", "Softmax 崩溃"),
    source="Prieto et al. 2025, arXiv:2501.04697",
    arms=(COLLAPSE, STALL, MORE, STABLEMAX),
    predictions=(
        per_group(
            _severity,
            COLLAPSED_AT.otherwise(np.inf),
            arms=("collapse/float16", "collapse/float32", "collapse/float64"),
            share=True,
            id="collapse.stops",
            part="order",
            claim=STOPS,
            measured=text(
                "by seed: float16 collapses before float32, and that before float64",
                "按种子：float16 先于 float32、float32 先于 float64 崩溃",
            ),
        ),
        *(
            per_seed(
                GAIN,
                arm=f"collapse/{dtype}",
                controls=("collapse/weight_decay",),
                id="collapse.stops",
                part=f"stalls in {dtype}",
                until=2 if dtype == "float64" else None,
                claim=STOPS,
                supports=below(0.05),
                refutes=above(0.2),
                measured=text(
                    f"test accuracy at the end less that at collapse, {dtype}", f"{dtype}：结束时与崩溃时测试准确率之差"
                ),
            )
            for dtype in ("float16", "float32", "float64")
        ),
        per_seed(
            GROKKED,
            arm="collapse/stablemax",
            share=True,
            controls=("collapse/float64",),
            id="collapse.stablemax",
            claim=STABLEMAX_GROKS,
            measured=text(
                "share of runs that grok with StableMax in float64 and no weight decay",
                "StableMax（float64、无权重衰减）下顿悟的训练占比",
            ),
        ),
        per_seed(
            GENERALISED,
            arm="collapse/perpendicular",
            share=True,
            controls=("collapse/float32", "collapse/sphere"),
            id="collapse.perpgrad",
            part="generalises",
            claim=PERPENDICULAR,
            measured=text(
                "share of runs that generalise with ⊥Grad and no weight decay", "⊥Grad（无权重衰减）下泛化的训练占比"
            ),
        ),
        per_seed(
            GENERALISED,
            GROKKED,
            # Without the delay of grokking.
            of=lambda generalised, grokked: float(generalised and not grokked),
            arm="collapse/perpendicular",
            share=True,
            controls=("collapse/float32", "collapse/sphere"),
            id="collapse.perpgrad",
            part="at once",
            claim=PERPENDICULAR,
            measured=text("share of them that generalise without the delay of grokking", "其中没有顿悟延迟的占比"),
        ),
        per_seed(
            ALIGNMENT,
            arm="collapse/float32",
            controls=("collapse/weight_decay", "collapse/perpendicular"),
            id="collapse.nlm",
            claim=ALONG,
            supports=above(0.7),
            refutes=below(0.3),
            measured=text(
                "mean over layers of the cosine between weights and steepest descent at the end, float32",
                "结束时权重与最速下降方向夹角余弦的层平均（float32）",
            ),
        ),
        per_group(
            _in_order,
            STEP,
            arms=("collapse/float16", "collapse/float32", "collapse/float64"),
            share=True,
            id="collapse.stops",
            part="order",
            version=3,
            claim=STOPS,
            ideal=1.0,
            changed=text(
                "a run without a series counted as one that never collapses, and so for the claim",
                "此前没有曲线的训练被算作“从不崩溃”，从而有利于主张",
            ),
            measured=text(
                "by seed: float16 collapses before float32, and that before float64",
                "按种子：float16 先于 float32、float32 先于 float64 崩溃",
            ),
        ),
        *map(_stall, ("float16", "float32")),
        STABLE,
        *NLM,
    ),
)
