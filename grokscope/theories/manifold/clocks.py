"""Predictions of what there is after grokking, held against ideal clocks.

A clock of several circles at a finite p shows neither dimension 1 nor one loop: its residues are few points a circle.
So the reference is the ideal clock with the network's own frequencies, amplitudes and noise level (`analyses.views`,
like=clock), and beside it a normal cloud with the network's spectrum, in which nothing is a clock (like=normal).
"""

import math
from collections.abc import Sequence

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.base import Prediction
from grokscope.predictions.readings import At, Number, at
from grokscope.predictions.rows import RANDOM_LABELS, per_seed, text
from grokscope.statistics.regions import above, below, outside, within
from grokscope.theories.manifold.dimension import AFTER as DIMENSION
from grokscope.theories.manifold.topology import AFTER, CERTIFIED, COORDINATE, TABLES, WRITTEN

ORBITS = ("resid_mid/orbits", "轨道点")
# Neighbours of residues come in pairs, of sums in fours, at one distance: smaller scales see the lattice. Of the 59
# points of a table n1 = 16 looks at half.
SCALES = (4, 8, 16)


def _curves(view: str) -> tuple[At, ...]:
    """Gride at every scale: the view's, its ideal clock's, its normal cloud's; nan at a scale without an answer."""
    views = (view, f"{view}/like=clock", f"{view}/like=normal")
    return tuple(at("after", "manifold.gride", n1, view=one).otherwise(math.nan) for one in views for n1 in SCALES)


def _curve_less_clock(*values: float) -> Number:
    """The mean over scales of the dimension less its ideal clock's."""
    own, clock, _ = np.reshape(values, (3, -1))
    known = np.isfinite(own) & np.isfinite(clock)
    if not known.any():
        return Missing("the view carries no frequency, so that it has no ideal clock, or Gride has no answer")
    return float((own - clock)[known].mean())


def _nearer(*values: float) -> Number:
    """By how much nearer the curve is to the clock's than to the normal cloud's; 0 without a frequency."""
    own, clock, normal = np.reshape(values, (3, -1))
    if not np.isfinite(clock).any():
        return 0.0 if np.isfinite(own).any() else Missing("Gride has no answer")
    known = np.isfinite(own) & np.isfinite(clock) & np.isfinite(normal)
    if not known.any():
        return Missing("Gride has no scale at which all three have an answer")
    return float((np.abs(own - normal) - np.abs(own - clock))[known].mean())


CLOCK = text(
    "held against the ideal clock with the network's own frequencies, amplitudes and noise: several circles at this p "
    "show neither dimension 1 nor one loop, whatever the network does; class means are those of what the neurons write "
    "(mlp_out) and of the logits, as those of resid_mid carry .9 % of the variance there",
    "改与同频率、同振幅、同噪声的理想时钟比较：在这样的 p 下，多个圆无论如何都不会呈现维数 1 或单个环；"
    "类均值改取神经元写入残差流的量（mlp_out）与 logit，因为 resid_mid 的类均值只占其方差的 0.9 %",
)
DOUBLES = text(
    "the circles must be those of the key frequencies, up to their doubles: the square of a wave has its double",
    "圆必须正是各关键频率的圆，二倍频不计：波的平方含有二倍频",
)


def _dimension(part: str, view: str, zh: str) -> Sequence[Prediction]:
    fields = {"id": "dimension.after", "version": 3, "claim": DIMENSION, "changed": CLOCK}
    return (
        per_seed(
            *_curves(view),
            of=_curve_less_clock,
            part=part,
            controls=(),  # a network without frequencies has no clock: the next part compares it
            ideal=0.0,
            supports=within(-0.5, 0.5),
            refutes=outside(-1, 1),
            measured=text(
                f"Gride of {part} at the end, less that of its ideal clock, mean over n1 = 4, 8, 16",
                f"训练结束时{zh}的 Gride 维数减去其理想时钟的维数，取 n1 = 4、8、16 的平均",
            ),
            **fields,
        ),
        per_seed(
            *_curves(view),
            of=_nearer,
            part=f"{part}, nearer",
            supports=above(0),
            refutes=below(0),
            measured=text(
                "distance of that curve from that of a normal cloud with the same spectrum, less its distance from the "
                f"ideal clock's ({part}); 0 where there is no frequency",
                f"该曲线到同谱正态点云曲线的距离，减去到理想时钟曲线的距离（{zh}）；没有频率则为 0",
            ),
            **fields,
        ),
    )


def _loops(part: str, view: str, zh: str) -> Prediction:
    return per_seed(
        at("after", "manifold.clock_agreement", view=view),
        of=lambda share: float(share >= 0.2),  # one of five: near the level of significance clocks differ
        share=True,
        ideal=1.0,
        id="topology.after",
        part=part,
        version=3,
        claim=AFTER,
        changed=CLOCK,
        measured=text(
            f"{part} at the end: b0 and b1 are those of one of five ideal clocks at least; not so without a frequency",
            f"结束时{zh}的 β₀、β₁ 至少与五个理想时钟之一相同；没有频率则为否",
        ),
    )


def _coordinate(part: str, view: str, zh: str) -> Prediction:
    return per_seed(
        at("after", "manifold.circular_coordinate", view=view, loops=1),
        bounds=(0.0, 1.0),
        ideal=1.0,
        id="topology.coordinate",
        part=part,
        version=3,
        claim=COORDINATE,
        supports=above(0.9),
        refutes=below(0.5),
        changed=CLOCK,
        measured=text(
            f"coherence of the angle of the strongest loop of {part} with a character of the answer",
            f"{zh}最强的环的角度与答案的某个特征标的一致度",
        ),
    )


def _of_keys(missed: float, extra: float, keys: float, before: float) -> float:
    """1 if the circles are those of the key frequencies, and there were none when memorised."""
    return float(missed == extra == before == 0 and keys > 0)


CLOCKS: tuple[Prediction, ...] = (
    *_dimension("orbits", *ORBITS),
    *(row for part, views in WRITTEN.items() for row in _dimension(part, *views)),
    *(
        per_seed(
            at("after", "manifold.plane_dimension", view=view),
            at("after", "manifold.plane_dimension", view=f"{view}/like=clock"),
            of=lambda own, clock: own - clock,
            id="dimension.after",
            part=f"planes of {part}",
            version=3,
            controls=(),
            claim=DIMENSION,
            ideal=0.0,
            supports=within(-0.3, 0.3),
            refutes=outside(-1, 1),
            changed=CLOCK,
            measured=text(
                f"Gride (n1 = 4) of {part} in the planes of the key frequencies, their median, less that of its ideal "
                "clock",
                f"{zh}在各关键频率平面内的 Gride（n1 = 4）维数的中位数，减去其理想时钟的同一数值",
            ),
        )
        for part, (view, zh) in WRITTEN.items()
    ),
    *(_loops(part, *views) for part, views in TABLES.items()),
    per_seed(
        *(at("after", "manifold.circles_of_keys", kind, view="embed/tokens") for kind in ("missed", "extra", "keys")),
        at("memorised", "manifold.certified_circles", view="embed/tokens"),
        of=_of_keys,
        share=True,
        ideal=1.0,
        id="topology.certified",
        part="all",
        version=3,
        controls=(RANDOM_LABELS,),  # at step 0 alone there are as many before as after
        claim=CERTIFIED,
        changed=DOUBLES,
        measured=text(
            "certified circles of the embedding: those of the key frequencies at the end, none when memorised",
            "嵌入的认证圆：结束时正是各关键频率的圆，记忆期没有",
        ),
    ),
    *(_coordinate(part, *views) for part, views in WRITTEN.items()),
)
