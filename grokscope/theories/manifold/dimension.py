"""Predictions of the manifold's dimension: many before, the task's after, and a drop in between."""

from collections.abc import Callable

import numpy as np

from grokscope.errors import Missing
from grokscope.numerics.dimension import twonn
from grokscope.predictions.rows import RANDOM_LABELS, OfSeed, over, per_seed, text
from grokscope.predictions.series import changes_within, planes, share_inside
from grokscope.predictions.subject import Instrument, Number, Subject
from grokscope.statistics.regions import above, below, outside, within

TRAIN = Instrument("manifold.dimension", {"view": "resid_mid/train", "method": "mle"})
ORBITS = Instrument("manifold.dimension", {"view": "resid_mid/orbits", "method": "mle"})
CLASS_MEANS = Instrument("manifold.dimension", {"view": "resid_mid/class_means", "method": "mle"})
NAIVE, GRIDE = ("manifold.dimension", "view=resid_mid/all,method=mle"), ("manifold.gride", "view=resid_mid/orbits,n1=4")


def _gride(view: str, n1: int) -> Instrument:
    return Instrument("manifold.gride", {"view": view}, n1)


def _after(instrument: Instrument) -> OfSeed:
    return lambda subject: subject.at("after", instrument)


def _coarsest(view: str) -> OfSeed:
    """Gride after, at the largest scale of 16, 8 and 4 that so few points as a small group's have."""

    def of(subject: Subject) -> Number:
        found: Number = Missing("no scale")
        for n1 in (16, 8, 4):
            found = subject.at("after", _gride(view, n1))
            if not isinstance(found, Missing):
                break
        return found

    return of


def _task(subject: Subject) -> float:
    known = (subject.truth_of or subject.run).task.truth.intrinsic_dimension
    return 1.0 if known is None else float(known)  # 0: isolated points


def _before_over_n(subject: Subject) -> Number:
    return over(subject.at("memorised", TRAIN), float(subject.run.train_mask.sum()))


def _before_over_structureless(subject: Subject) -> Number:
    """TwoNN of the training inputs over that of a normal cloud of as many points, channels and the same spectrum."""
    if "memorised" not in subject.stages:
        return Missing("the run has no memorised stage")
    cloud = subject.snapshot(subject.stages["memorised"]).cloud("resid_mid", "train")
    if isinstance(cloud, Missing):
        return cloud
    rows = cloud.double().numpy()
    spread = np.linalg.svd(rows - rows.mean(0), compute_uv=False) / np.sqrt(len(rows))
    drawn = np.random.default_rng(0).normal(size=(len(rows), len(spread))) * spread
    found = twonn(drawn, "mle")
    return found if isinstance(found, Missing) else over(subject.at("memorised", TRAIN), found.value)


def _excess(read: OfSeed) -> OfSeed:
    """A dimension, less the task's."""

    def of(subject: Subject) -> Number:
        value = read(subject)
        return value if isinstance(value, Missing) else value - _task(subject)

    return of


def of_planes(part: int, summary: Callable[[list[float]], float], view: str = "resid_mid/class_means") -> OfSeed:
    """Of b1 (part 0) or the dimension (part 1) in the planes of all key frequencies after."""

    def of(subject: Subject) -> Number:
        found = planes(subject, view, subject.stages["after"])
        if isinstance(found, Missing):
            return found
        known = [float(value) for each in found.values() if not isinstance(value := each[part], Missing)]
        return summary(known) if known else Missing("no key frequency")

    return of


def _place(series: tuple[str, str], *, fresh: bool) -> OfSeed:
    """1 if half of a series' change is made between onset and generalisation."""

    def of(subject: Subject) -> Number:
        found = subject.stages_of_reference(fresh)
        if isinstance(found, Missing):
            return found
        if found.onset_at is None or found.generalized_at is None:
            return Missing("the run has not generalised")
        return changes_within(subject, *series, (found.onset_at, found.generalized_at))

    return of


def _share(series: tuple[str, str], *, fresh: bool) -> OfSeed:
    return lambda subject: share_inside(subject, *series, subject.transition(fresh))


def _kept(n1: int) -> OfSeed:
    """What is left of a dimension after, as a share of what it was when memorised."""
    of = _gride("resid_mid/orbits", n1)
    return lambda subject: over(subject.at("after", of), subject.at("memorised", of))


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

DIMENSION = (
    per_seed(
        _before_over_n,
        id="dimension.before",
        claim=BEFORE,
        supports=within(0.5, 2),
        refutes=below(0.1),
        measured=text(
            "TwoNN of the training inputs in the middle of the memorised window, over their number (no "
            "estimate can exceed the width of the layer)",
            "记忆期中段训练输入的 TwoNN 维数 ÷ 训练样本数（任何估计都不可能超过该层宽度）",
        ),
        measures=("manifold.dimension[view=resid_mid/train,method=mle]",),
    ),
    per_seed(
        _before_over_structureless,
        id="dimension.before",
        version=2,
        claim=BEFORE,
        supports=within(0.5, 2),
        refutes=below(0.1),
        measured=text(
            "the same, over the dimension that TwoNN gives a normal cloud of as many points with the same spectrum",
            "同上，但除以同样点数、同样谱的正态点云的 TwoNN 维数",
        ),
        measures=("manifold.dimension[view=resid_mid/train,method=mle]",),
        changed=text(
            "the number of samples cannot be reached by any estimator in a layer narrower than that; points "
            "without relations are a normal cloud of the same spectrum",
            "层宽小于样本数时任何估计都达不到样本数；“没有结构关系的点”改以同谱正态点云为准",
        ),
    ),
    per_seed(
        lambda subject: over(subject.at("memorised", ORBITS), _task(subject)),
        id="dimension.before_weak",
        claim=BEFORE_WEAK,
        supports=above(3),
        refutes=below(1.5),
        measured=text(
            "TwoNN of orbits in the middle of the memorised window, over the task's dimension",
            "记忆期中段轨道点的 TwoNN 维数 ÷ 任务维数",
        ),
        measures=("manifold.dimension[view=resid_mid/orbits,method=mle]",),
    ),
    *(
        per_seed(
            of,
            id="dimension.after",
            part=part,
            claim=AFTER,
            supports=within(-0.3, 0.3),
            refutes=outside(-1, 1),
            version=version,
            changed=LATTICE if version > 1 else None,
            measured=text(f"{what} at the end, less the task's dimension", f"训练结束时{zh}，减去任务维数"),
            measures=(f"manifold.{'gride' if version > 1 else 'dimension'}[view=resid_mid/{view}]",),
        )
        for part, version, view, of, what, zh in (
            ("orbits", 1, "orbits", _excess(_after(ORBITS)), "TwoNN of orbits", "轨道点的 TwoNN 维数"),
            (
                "class means",
                1,
                "class_means",
                _excess(_after(CLASS_MEANS)),
                "TwoNN of class means",
                "类均值的 TwoNN 维数",
            ),
            (
                "orbits",
                2,
                "orbits",
                _excess(_coarsest("resid_mid/orbits")),
                "Gride (n1 = 16, or as much as p allows) of orbits",
                "轨道点的 Gride（n1 = 16 或 p 所允许的最大值）维数",
            ),
            (
                "class means",
                2,
                "class_means",
                _excess(_coarsest("resid_mid/class_means")),
                "Gride (n1 = 16, or as much as p allows) of class means",
                "类均值的 Gride（n1 = 16 或 p 所允许的最大值）维数",
            ),
            (
                "planes",
                2,
                "frequency=k",
                lambda subject: _less_one(of_planes(1, np.median)(subject)),
                "Gride (n1 = 4) of class means in the planes of the key frequencies, their median,",
                "类均值在各关键频率平面内的 Gride（n1 = 4）维数的中位数",
            ),
        )
    ),
    *(
        per_seed(
            _place(series, fresh=version > 1),
            id="dimension.drop",
            part="place",
            version=version,
            share=True,
            claim=DROP,
            controls=(RANDOM_LABELS,),
            changed=TWINS if version > 1 else None,
            measured=text(
                f"half of the change of {what} is made between onset and generalisation",
                f"{zh}的变化有一半发生在起始点与泛化之间",
            ),
            measures=(f"{series[0]}[{series[1]}]",),
            series=(series[0],),
        )
        for version, series, what, zh in (
            (1, NAIVE, "TwoNN of all inputs", "全部输入的 TwoNN 维数"),
            (2, GRIDE, "Gride (n1 = 4) of orbits", "轨道点的 Gride（n1 = 4）维数"),
        )
    ),
    *(
        per_seed(
            _share(series, fresh=version > 1),
            id="dimension.drop",
            part="share",
            version=version,
            claim=DROP,
            supports=above(0.5),
            refutes=below(0.25),
            controls=(RANDOM_LABELS,),
            changed=TWINS if version > 1 else None,
            measured=text(
                f"share of the change of {what} that lies inside the transition", f"{zh}的变化中落在转变期内的比例"
            ),
            measures=(f"{series[0]}[{series[1]}]",),
            series=(series[0],),
        )
        for version, series, what, zh in (
            (1, NAIVE, "TwoNN of all inputs", "全部输入的 TwoNN 维数"),
            (2, GRIDE, "Gride (n1 = 4) of orbits", "轨道点的 Gride（n1 = 4）维数"),
        )
    ),
    *(
        per_seed(
            _kept(n1),
            id="dimension.drop",
            part=f"n1 = {n1}",
            version=2,
            claim=DROP,
            supports=below(1),
            refutes=above(1),
            controls=(RANDOM_LABELS,),  # of step 0 alone a change is 1 by construction
            changed=TWINS,
            measured=text(
                f"Gride (n1 = {n1}) of orbits at the end, over what it was when memorised",
                f"轨道点的 Gride（n1 = {n1}）维数：结束时 ÷ 记忆期",
            ),
            measures=("manifold.gride[view=resid_mid/orbits]",),
        )
        for n1 in (1, 4, 16)
    ),
)


def _less_one(value: Number) -> Number:
    return value if isinstance(value, Missing) else float(value) - 1
