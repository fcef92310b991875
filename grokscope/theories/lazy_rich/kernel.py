"""The tangent kernel: when it moves, and whether it comes to lie along the labels."""

import math
from itertools import pairwise

from grokscope.errors import Missing
from grokscope.predictions.arms import NO_DECAY
from grokscope.predictions.base import Prediction
from grokscope.predictions.readings import At, Number, Stage, at
from grokscope.predictions.rows import RANDOM_LABELS, per_seed, text
from grokscope.statistics.regions import above, below

CHANGE, ALIGNMENT = "kernel.ntk_change", "kernel.ntk_alignment"
# Test inputs a kernel is taken on. Of 512, at p = 59, the relative change is 5 % less, a way's share .02 less, and it
# takes four times as long: 20 s a kernel, five of which a run needs.
SAMPLED = {"n_samples": 128}


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
NTK = text(
    "The tangent kernel stays until onset, then moves and aligns with the labels",
    "NTK 到起始点前不动，此后移动并与标签对齐",
)
WAY = text(
    "of the way it goes, not of its net change: a kernel that grows and shrinks again has hardly any",
    "按走过的路程而非净变化计算：先增后减的核几乎没有净变化",
)
COMPARED = text(
    "the kernel with random labels less this, seed by seed, must be above 0: both were shown and never compared",
    "随机标签的核减去它（逐种子）必须大于 0：此前两者并列，从未比较",
)

KERNEL: tuple[Prediction, ...] = (
    *(
        per_seed(
            *(_kernel(stage, by) for stage in ("t_mem", "onset", "after")),
            of=_stays,
            controls=(RANDOM_LABELS,),
            id="lazy.ntk",
            part=part,
            claim=NTK,
            **about,
            supports=below(0.2),
            refutes=above(0.5),
            measured=text(
                f"of the way that the kernel's {en} goes since memorisation, the share before onset",
                f"核{zh}自记忆以来走过的路程中，起始点之前所占比例",
            ),
        )
        for about in (
            {"version": 2, "changed": WAY},
            {"version": 3, "changed": COMPARED, "bounds": (0.0, 1.0), "ideal": 0.0},
        )
        for by, part, en, zh in (
            ("frobenius", "stays", "relative change since step 0", "相对第 0 步的变化量"),
            ("distance", "stays, but for its scale", "distance 1 - CKA from step 0", "与第 0 步的距离 1 − CKA"),
        )
    ),
    *(
        per_seed(
            *ALIGNED,
            of=_aligns,
            controls=(RANDOM_LABELS, NO_DECAY),
            id="lazy.ntk",
            part="aligns",
            claim=NTK,
            **about,
            supports=above(0),
            refutes=below(0),
            measured=text(
                "ln of the kernel's alignment with the labels at the end over that when memorised",
                "核与标签的对齐度：结束时与记忆期之比的对数",
            ),
        )
        for about in (
            {},
            {
                "version": 3,
                "changed": text(
                    "less the same of random labels and of a network without weight decay, seed by seed",
                    "逐种子减去随机标签组与无权重衰减组的同一量",
                ),
            },
        )
    ),
)
