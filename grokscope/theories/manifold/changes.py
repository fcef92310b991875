"""Predictions of what there is before grokking, held against what there is after.

Random labels are memorised, so that they have whatever memorising makes: they are no control of what there is before.
They are the control of the change. So each claim has two parts: what there is when memorised, and how it changes until
the end, less the same change with random labels.
"""

from grokscope.predictions.base import Prediction
from grokscope.predictions.readings import At, Number, Series, at
from grokscope.predictions.rows import HALF, MOST, RANDOM_LABELS, over, per_seed, text
from grokscope.predictions.series import drop_inside, label
from grokscope.predictions.subject import Subject
from grokscope.statistics.regions import above, below, within
from grokscope.theories.manifold.dimension import BEFORE, BEFORE_WEAK, DROP, TASK
from grokscope.theories.manifold.topology import BEFORE as NO_LOOP
from grokscope.theories.manifold.topology import TABLES

# Sums E(a) + E(b) have four neighbours at one distance, and lattices of several waves eight: a scale beyond them.
COARSE = 16
GRIDE = ("manifold.gride", f"view=resid_mid/orbits,n1={COARSE}")
MEMORISED, AFTER = (at(stage, "manifold.gride", COARSE, view="resid_mid/orbits") for stage in ("memorised", "after"))
TRAINED = "resid_mid/train_orbits"  # one point for (a, b) and (b, a)


def _naive(stage: str, like: str = "") -> At:
    return at(stage, "manifold.dimension", view=f"{TRAINED}{like}", method="mle")  # pyright: ignore[reportArgumentType]


def _fall(before: float, reference: float, after: float, reference_after: float) -> Number:
    """A dimension over its reference when memorised, over the same at the end."""
    return over(before * reference_after, reference * after)


def _drop(subject: Subject) -> Number:
    return drop_inside(subject, *GRIDE, subject.transition(fresh=True))


def _ratio_inside(subject: Subject) -> Number:
    return drop_inside(subject, *GRIDE, subject.transition(fresh=True), ratio=True)


INSIDE = Series(f"share of the drop inside the transition: {label(*GRIDE)}", _drop, (label(*GRIDE),), GRIDE[:1])
RATIO = Series(f"end of the transition over its start: {label(*GRIDE)}", _ratio_inside, (label(*GRIDE),), GRIDE[:1])

CONTROLLED = text(
    "two parts: what there is when memorised, and the change until the end less that with random labels, which are "
    "memorised too and so are no control of what there is before; scales beyond the lattice of residues; one point "
    "for (a, b) and (b, a)",
    "分为两部分：记忆期的状态，以及到训练结束的变化减去随机标签的同一变化"
    "（随机标签同样被记住，因此不能作为“之前”的对照）；改用大于剩余类格点的尺度；(a, b) 与 (b, a) 只算一个点",
)
_N1 = f"Gride (n1 = {COARSE}) of orbits"
_N1_ZH = f"轨道点的 Gride（n1 = {COARSE}）维数"


def _change(**about: object) -> dict[str, object]:
    """Of a part that says how much changes."""
    return {"controls": (RANDOM_LABELS,), "version": 3, "changed": CONTROLLED, "geometric": True} | about


def _level(**about: object) -> dict[str, object]:
    """Of a part that says what there is when memorised."""
    return {"controls": (), "version": 3, "changed": CONTROLLED} | about


CHANGES: tuple[Prediction, ...] = (
    per_seed(
        _naive("memorised"),
        _naive("memorised", "/like=normal"),
        of=over,
        id="dimension.before",
        claim=BEFORE,
        supports=within(0.5, 2),
        refutes=below(0.25),
        measured=text(
            "TwoNN of the training inputs' orbits in the middle of the memorised window, over that of a normal cloud of "
            "as many points with the same spectrum: points without relations",
            "记忆期中段训练输入轨道点的 TwoNN 维数 ÷ 同样点数、同样谱的正态点云（没有关系的点）的 TwoNN 维数",
        ),
        **_level(geometric=True),
    ),
    per_seed(
        _naive("memorised"),
        _naive("memorised", "/like=normal"),
        _naive("after"),
        _naive("after", "/like=normal"),
        of=_fall,
        id="dimension.before",
        part="falls",
        claim=BEFORE,
        supports=above(1),
        refutes=below(1),
        measured=text("the same ratio when memorised, over that at the end", "同一比值：记忆期 ÷ 训练结束时"),
        **_change(),
    ),
    per_seed(
        MEMORISED,
        TASK,
        of=over,
        id="dimension.before_weak",
        part="level",
        claim=BEFORE_WEAK,
        supports=above(3),
        refutes=below(1.5),
        measured=text(
            f"{_N1} in the middle of the memorised window, over the task's dimension", f"记忆期中段{_N1_ZH} ÷ 任务维数"
        ),
        **_level(geometric=True),
    ),
    per_seed(
        MEMORISED,
        AFTER,
        of=over,
        id="dimension.before_weak",
        part="falls",
        claim=BEFORE_WEAK,
        supports=above(1),
        refutes=below(1),
        measured=text(f"{_N1} when memorised, over that at the end", f"{_N1_ZH}：记忆期 ÷ 训练结束时"),
        **_change(),
    ),
    per_seed(
        AFTER,
        MEMORISED,
        of=over,
        id="dimension.drop",
        part="drop",
        claim=DROP,
        supports=below(1),
        refutes=above(1),
        measured=text(f"{_N1} at the end, over that when memorised", f"{_N1_ZH}：训练结束时 ÷ 记忆期"),
        **_change(),
    ),
    per_seed(
        RATIO,
        id="dimension.drop",
        part="within",
        claim=DROP,
        supports=below(1),
        refutes=above(1),
        measured=text(
            f"{_N1} at the end of the transition (fresh inputs), over that at its start; random labels: in the same "
            "window of steps",
            f"{_N1_ZH}：转变期（全新输入）结束时 ÷ 开始时；随机标签取同一步数窗口",
        ),
        **_change(),
    ),
    per_seed(
        INSIDE,
        id="dimension.drop",
        part="share",
        claim=DROP,
        supports=above(0.5),
        refutes=below(0.25),
        measured=text(
            f"share of the drop of {_N1} that lies inside the transition (fresh inputs); 0 where it does not drop",
            f"{_N1_ZH}的下降中落在转变期（全新输入）内的比例；没有下降则为 0",
        ),
        **_level(),
    ),
    *(
        per_seed(
            at("memorised", "manifold.betti", 1, view=view),
            of=lambda b1: float(b1 == 0),  # no loop
            share=True,
            id="topology.before",
            part=part,
            claim=NO_LOOP,
            supports=MOST,
            refutes=HALF,
            measured=text(
                f"{part} in the middle of the memorised window: no significant loop", f"记忆期中段的{zh}没有显著的环"
            ),
            **_level(),
        )
        for part, (view, zh) in TABLES.items()
    ),
    *(
        per_seed(
            at("after", "manifold.persistence_ratio", view=view),
            at("memorised", "manifold.persistence_ratio", view=view),
            of=over,
            id="topology.before",
            part=f"{part}, rise",
            claim=NO_LOOP,
            supports=above(1),
            refutes=below(1),
            measured=text(
                f"death / birth of the strongest loop of {part}: at the end, over that when memorised",
                f"{zh}最强的环的消亡/出生比：训练结束时 ÷ 记忆期",
            ),
            **_change(),
        )
        for part, (view, zh) in TABLES.items()
    ),
)
