"""Softmax collapse: without weight decay the logits grow until rounding leaves no gradient.

Arms are called collapse/float32 and so on (`predictions.shared`).
"""

import itertools

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.base import Theory
from grokscope.predictions.families import Family
from grokscope.predictions.readings import Number, Series, at
from grokscope.predictions.rows import GENERALISED, GROKKED, per_group, per_seed, text
from grokscope.predictions.series import COLLAPSED_AT, collapsed_at
from grokscope.predictions.shared import COLLAPSE, MORE_STABILITY, bias_free
from grokscope.predictions.subject import Subject
from grokscope.statistics.regions import above, below

ALIGNMENT = at("after", "stability.nlm_alignment")


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


GAIN = Series("test accuracy gained after collapse", _stalls, ("stability.collapse_rate", "behaviour.test_accuracy"))
# Arms that no prediction needs.
MORE = Family(
    id="collapse/more", network=bias_free, values=lambda _, __: MORE_STABILITY, name="collapse/{}", optional=True
)
STOPS = text(
    "Without weight decay the softmax collapses, the shorter the dtype the sooner, and learning stalls",
    "没有权重衰减时 softmax 崩溃（精度越低越早），测试准确率停滞",
)
STABLEMAX = text("StableMax groks without weight decay", "StableMax 不用权重衰减也能顿悟")
PERPENDICULAR = text("⊥Grad generalises without delay and without weight decay", "⊥Grad 不用权重衰减，且无延迟地泛化")
ALONG = text("After memorisation gradients only scale the weights up", "记忆之后梯度只是在放大权重（朴素损失最小化）")

# Regions that the pre-registration does not name: shares as everywhere; a gain in accuracy of at most .05 is a stall,
# one of .2 is none; gradients are along the weights from a cosine of .7 (published: .9), and not below .3.
softmax_collapse = Theory(
    id="softmax_collapse",
    title=text("Softmax collapse", "Softmax 崩溃"),
    source="Prieto et al. 2025, arXiv:2501.04697",
    arms=(COLLAPSE, MORE),
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
            claim=STABLEMAX,
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
    ),
)
