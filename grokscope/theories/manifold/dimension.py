"""Predictions of the manifold's dimension: high before grokking, the task's after, and a drop between the two."""

import math
from collections.abc import Callable
from typing import Any

from grokscope.errors import Missing
from grokscope.predictions.readings import At, Fact, Number, Series, Stage, at
from grokscope.predictions.rows import RANDOM_LABELS, over, per_seed, text
from grokscope.predictions.series import changes_within, label, share_inside
from grokscope.predictions.subject import Subject
from grokscope.statistics.regions import above, below, outside, within

NAIVE, GRIDE = ("manifold.dimension", "view=resid_mid/all,method=mle"), ("manifold.gride", "view=resid_mid/orbits,n1=4")
SCALES = (16, 8, 4)  # n1, the largest first: few points have no neighbours so far apart


def _twonn(stage: Stage, points: str) -> At:
    return at(stage, "manifold.dimension", view=f"resid_mid/{points}", method="mle")


def _gride(stage: Stage, points: str, n1: int) -> At:
    return at(stage, "manifold.gride", n1, view=f"resid_mid/{points}")


def _dimension(subject: Subject) -> float:
    known = subject.true.intrinsic_dimension
    return 1.0 if known is None else float(known)  # 0: isolated points


TASK = Fact("dimension of the task", _dimension)
N_TRAIN = Fact("number of training inputs", lambda subject: float(subject.run.train_mask.sum()))
BEFORE_TRAIN = _twonn("memorised", "train")


def _excess(value: float, of_task: float) -> float:
    """A dimension less the task's."""
    return value - of_task


def _coarsest(*values: float) -> Number:
    """The dimension at the largest scale that has an answer, less the task's; few points have none at large scales."""
    *scales, of_task = values
    known = [value for value in scales if not math.isnan(value)]
    return known[0] - of_task if known else Missing(f"Gride has no answer at n1 = {', '.join(map(str, SCALES))}")


def _coarse(points: str) -> list[At]:
    return [_gride("after", points, n1).otherwise(math.nan) for n1 in SCALES]


def _place(series: tuple[str, str], *, fresh: bool) -> Series:
    """1 if half of a series' change is made between onset and generalisation."""

    def of(subject: Subject) -> Number:
        phases = subject.stages_of_reference(fresh)
        if isinstance(phases, Missing):
            return phases
        if phases.onset_at is None or phases.generalized_at is None:
            return Missing("the run has not generalised")
        return changes_within(subject, *series, (phases.onset_at, phases.generalized_at))

    return Series(f"changes between onset and generalisation: {label(*series)}", of, (label(*series),), series[:1])


def _share(series: tuple[str, str], *, fresh: bool) -> Series:
    def of(subject: Subject) -> Number:
        return share_inside(subject, *series, subject.transition(fresh))

    return Series(f"share of the change inside the transition: {label(*series)}", of, (label(*series),), series[:1])


BEFORE = text(
    "Before grokking every training sample is a point of its own: the dimension is about their number",
    "顿悟前每个训练样本各占一个自由度：内在维度约等于训练样本数",
)
BEFORE_WEAK = text("Before grokking the dimension is well above the task's", "顿悟前内在维度远高于任务的自由度")
AFTER = text("After grokking the dimension is the task's", "顿悟后内在维度等于任务的真实自由度")
DROP = text("The dimension drops suddenly at the transition", "内在维度在顿悟的瞬间突然下降")
TWINS = text(
    "orbits instead of all inputs, and the transition of fresh inputs: the fall of the dimension of all inputs, and "
    "the start of the transition on all of them, are made by (b, a) coming to lie on (a, b)",
    "改用轨道而非全部输入，并改用全新输入的转变期：全部输入的维数下降以及转变期的开端，"
    "都只是 (b, a) 与 (a, b) 重合造成的",
)
LATTICE = text(
    "Gride at a larger scale instead of TwoNN: residues are a lattice, on which the two nearest are equally far",
    "改用较大尺度的 Gride：剩余类构成格点，最近的两个邻居等距，TwoNN 没有意义",
)

# Part, reading, what decides it, and what is measured of a series {}.
DROPS: tuple[tuple[str, Callable[..., Series], dict[str, Any], str, str], ...] = (
    (
        "place", _place, {"share": True},
        "half of the change of {} is made between onset and generalisation", "{}的变化有一半发生在起始点与泛化之间",
    ),
    (
        "share", _share, {"supports": above(0.5), "refutes": below(0.25)},
        "share of the change of {} that lies inside the transition", "{}的变化中落在转变期内的比例",
    ),
)  # fmt: skip

DIMENSION = (
    per_seed(
        BEFORE_TRAIN,
        N_TRAIN,
        of=over,
        id="dimension.before",
        claim=BEFORE,
        supports=within(0.5, 2),
        refutes=below(0.1),
        untested=text(
            "no network of this width can: 128 channels hold at most 128 dimensions, .092 of 1,392 inputs; a layer "
            "would need half as many channels as there are training inputs, 700",
            "这一宽度的网络不可能满足：128 个通道最多 128 维，只有 1392 个训练样本的 .092 倍；"
            "层宽至少要有训练样本数的一半，即约 700 个通道",
        ),
        measured=text(
            "TwoNN of the training inputs in the middle of the memorised window, over their number (no "
            "estimate can exceed the width of the layer)",
            "记忆期中段训练输入的 TwoNN 维数 ÷ 训练样本数（任何估计都不可能超过该层宽度）",
        ),
    ),
    per_seed(
        BEFORE_TRAIN,
        at("memorised", "manifold.structureless_dimension", view="resid_mid/train"),
        of=over,
        id="dimension.before",
        version=2,
        claim=BEFORE,
        supports=within(0.5, 2),
        refutes=below(0.1),
        measured=text(
            "the same, over the dimension that TwoNN gives a normal cloud of as many points with the same spectrum",
            "同上，但除以同样点数、同样谱的正态点云的 TwoNN 维数",
        ),
        changed=text(
            "the number of samples cannot be reached by any estimator in a layer narrower than that; points "
            "without relations are a normal cloud of the same spectrum",
            "层宽小于样本数时任何估计都达不到样本数；“没有结构关系的点”改以同谱正态点云为准",
        ),
    ),
    per_seed(
        _twonn("memorised", "orbits"),
        TASK,
        of=over,
        id="dimension.before_weak",
        until=2,
        claim=BEFORE_WEAK,
        supports=above(3),
        refutes=below(1.5),
        measured=text(
            "TwoNN of orbits in the middle of the memorised window, over the task's dimension",
            "记忆期中段轨道点的 TwoNN 维数 ÷ 任务维数",
        ),
    ),
    *(
        per_seed(
            *readings,
            TASK,
            of=of,
            clock=clock,
            id="dimension.after",
            part=part,
            claim=AFTER,
            supports=within(-0.3, 0.3),
            refutes=outside(-1, 1),
            version=version,
            until=2,
            changed=LATTICE if version > 1 else None,
            measured=text(f"{what} at the end, less the task's dimension", f"训练结束时{zh}，减去任务维数"),
        )
        for part, version, of, readings, clock, what, zh in (
            (
                "orbits",
                1,
                _excess,
                [_twonn("after", "orbits")],
                [_twonn("after", "orbits/like=clock")],
                "TwoNN of orbits",
                "轨道点的 TwoNN 维数",
            ),
            (
                "class means",
                1,
                _excess,
                [_twonn("after", "class_means")],
                [],
                "TwoNN of class means",
                "类均值的 TwoNN 维数",
            ),
            (
                "orbits",
                2,
                _coarsest,
                _coarse("orbits"),
                _coarse("orbits/like=clock"),
                "Gride (n1 = 16, or as much as p allows) of orbits",
                "轨道点的 Gride（n1 = 16 或 p 所允许的最大值）维数",
            ),
            (
                "class means",
                2,
                _coarsest,
                _coarse("class_means"),
                _coarse("class_means/like=clock"),
                "Gride (n1 = 16, or as much as p allows) of class means",
                "类均值的 Gride（n1 = 16 或 p 所允许的最大值）维数",
            ),
            (
                "planes",
                2,
                lambda value, _: value - 1,  # a circle's
                [at("after", "manifold.plane_dimension")],
                [at("after", "manifold.plane_dimension", view="resid_mid/class_means/like=clock")],
                "Gride (n1 = 4) of class means in the planes of the key frequencies, their median,",
                "类均值在各关键频率平面内的 Gride（n1 = 4）维数的中位数",
            ),
        )
    ),
    *(
        per_seed(
            of(series, fresh=version > 1),
            id="dimension.drop",
            part=part,
            version=version,
            until=2,
            claim=DROP,
            controls=(RANDOM_LABELS,),
            changed=TWINS if version > 1 else None,
            measured=text(en.format(what), zh.format(what_zh)),
            **about,
        )
        for part, of, about, en, zh in DROPS
        for version, series, what, what_zh in (
            (1, NAIVE, "TwoNN of all inputs", "全部输入的 TwoNN 维数"),
            (2, GRIDE, "Gride (n1 = 4) of orbits", "轨道点的 Gride（n1 = 4）维数"),
        )
    ),
    *(
        per_seed(
            _gride("after", "orbits", n1),
            _gride("memorised", "orbits", n1),
            of=over,
            id="dimension.drop",
            part=f"n1 = {n1}",
            version=2,
            until=2,
            claim=DROP,
            supports=below(1),
            refutes=above(1),
            controls=(RANDOM_LABELS,),  # of step 0 alone a change is 1 by construction
            changed=TWINS,
            measured=text(
                f"Gride (n1 = {n1}) of orbits at the end, over what it was when memorised",
                f"轨道点的 Gride（n1 = {n1}）维数：结束时 ÷ 记忆期",
            ),
        )
        for n1 in (1, 4, 16)
    ),
)
