"""Predictions of what there is before grokking, held against what there is after.

Random labels are memorised, so that they have whatever memorising makes: they are no control of what there is before.
They are the control of the change. So each claim has two parts: what there is when memorised, and how it changes until
the end, less the same change with random labels.
"""

import math
from collections.abc import Callable
from typing import Any

from grokscope.errors import Missing
from grokscope.predictions.base import UNTRAINED, Prediction
from grokscope.predictions.readings import At, Number, Series, Stage, at
from grokscope.predictions.rows import HALF, MOST, RANDOM_LABELS, over, per_seed, text
from grokscope.predictions.series import at_edges, drop_inside, label
from grokscope.predictions.subject import Subject
from grokscope.statistics.regions import above, below, within
from grokscope.theories.manifold.dimension import BEFORE, BEFORE_WEAK, DROP, TASK
from grokscope.theories.manifold.topology import BEFORE as NO_LOOP
from grokscope.theories.manifold.topology import TABLES, WRITTEN

# n1, the largest first: at smaller ones class means are a lattice, and 23 points have no 32 neighbours.
SCALES = (16, 8)
TRAINED = "resid_mid/train_orbits"  # one point for (a, b) and (b, a)
SERIES = "mlp_out/class_means"


def _gride(stage: Stage, view: str) -> tuple[At, ...]:
    return tuple(at(stage, "manifold.gride", n1, view=view).otherwise(math.nan) for n1 in SCALES)


def _coarsest(*values: float) -> Number:
    """The dimension when memorised over that at the end, or over the task's, at the largest scale that both have."""
    before, after = values[: len(SCALES)], values[len(SCALES) :]
    for one, other in zip(before, after if len(after) > 1 else after * len(SCALES), strict=True):
        if not math.isnan(one + other):
            return over(one, other)
    return Missing(f"Gride has no answer at n1 = {', '.join(map(str, SCALES))}")


def _naive(like: str = "") -> At:
    return at("memorised", "manifold.dimension", view=f"{TRAINED}{like}", method="mle")


def _inside(subject: Subject, of: Callable[..., Number | tuple[float, float]]) -> Number | tuple[float, float]:
    """What a function says of the dimension within the transition, at the largest scale that has an answer."""
    window, found = subject.transition(fresh=True), Missing("no scale")
    for n1 in SCALES:
        found = of(subject, "manifold.gride", f"view={SERIES},n1={n1}", window)
        if not isinstance(found, Missing):
            break
    return found


def _within(subject: Subject) -> Number:
    edges = _inside(subject, at_edges)
    return over(edges[1], edges[0]) if isinstance(edges, tuple) else edges


def _share(subject: Subject) -> Number:
    share = _inside(subject, drop_inside)
    assert not isinstance(share, tuple)
    return share


READ = tuple(label("manifold.gride", f"view={SERIES},n1={n1}") for n1 in SCALES)
WITHIN = Series(f"end of the transition over its start: {READ[0]}", _within, READ, ("manifold.gride",))
INSIDE = Series(f"share of the drop inside the transition: {READ[0]}", _share, READ, ("manifold.gride",))

CONTROLLED = text(
    "what there is when memorised, and the change until the end less that with random labels: these are memorised too "
    "and are no control of what there is before; class means of what the neurons write (mlp_out) and of the logits, as "
    "those of resid_mid carry .9 % of the variance, and orbits of an ideal clock have as many dimensions as memorised "
    "ones; a scale beyond the lattice of residues; one point for (a, b) and (b, a)",
    "分为记忆期的状态，与到训练结束的变化减去随机标签的同一变化：随机标签同样被记住，不能作为“之前”的对照；"
    "类均值取神经元写入残差流的量（mlp_out）与 logit，因为 resid_mid 的类均值只占方差的 0.9 %，"
    "而理想时钟的轨道点维数与记忆期一样高；改用大于剩余类格点的尺度；(a, b) 与 (b, a) 只算一个点",
)
# Of a part that says how much changes, and of one that says what there is.
CHANGE: dict[str, Any] = {"version": 3, "changed": CONTROLLED, "controls": (RANDOM_LABELS,), "geometric": True}
LEVEL: dict[str, Any] = {"version": 3, "changed": CONTROLLED, "controls": ()}


def _weak(part: str, view: str, zh: str) -> tuple[Prediction, Prediction]:
    about: dict[str, Any] = {"id": "dimension.before_weak", "claim": BEFORE_WEAK}
    return (
        per_seed(
            *_gride("memorised", view),
            TASK,
            of=_coarsest,
            part=part,
            supports=above(3),
            refutes=below(1.5),
            measured=text(
                f"Gride (n1 = 16, or as much as p allows) of {part} in the middle of the memorised window, over the "
                "task's dimension",
                f"记忆期中段{zh}的 Gride（n1 = 16 或 p 所允许的最大值）维数 ÷ 任务维数",
            ),
            geometric=True,
            **about,
            **LEVEL,
        ),
        per_seed(
            *_gride("memorised", view),
            *_gride("after", view),
            of=_coarsest,
            part=f"{part}, falls",
            supports=above(1),
            refutes=below(1),
            measured=text(
                f"that dimension of {part} when memorised, over that at the end", f"{zh}的该维数：记忆期 ÷ 训练结束时"
            ),
            **about,
            **CHANGE,
        ),
    )


CHANGES: tuple[Prediction, ...] = (
    per_seed(
        _naive(),
        _naive("/like=normal"),
        of=over,
        id="dimension.before",
        version=3,
        changed=CONTROLLED,
        controls=(UNTRAINED,),
        ideal=1.0,
        geometric=True,
        claim=BEFORE,
        supports=within(0.5, 2),
        refutes=below(0.25),
        measured=text(
            "TwoNN of the training inputs' orbits in the middle of the memorised window, over that of a normal cloud "
            "of as many points with the same spectrum: points without relations",
            "记忆期中段训练输入轨道点的 TwoNN 维数 ÷ 同样点数、同样谱的正态点云（没有关系的点）的 TwoNN 维数",
        ),
    ),
    *(row for part, views in WRITTEN.items() for row in _weak(part, *views)),
    per_seed(
        *_gride("memorised", SERIES),
        *_gride("after", SERIES),
        of=_coarsest,
        id="dimension.drop",
        part="drop",
        claim=DROP,
        supports=above(1),
        refutes=below(1),
        measured=text(
            "Gride (n1 = 16, or as much as p allows) of class means of mlp_out when memorised, over that at the end",
            "mlp_out 类均值的 Gride（n1 = 16 或 p 所允许的最大值）维数：记忆期 ÷ 训练结束时",
        ),
        **CHANGE,
    ),
    per_seed(
        WITHIN,
        id="dimension.drop",
        part="within",
        claim=DROP,
        supports=below(1),
        refutes=above(1),
        measured=text(
            "the same dimension at the end of the transition (fresh inputs), over that at its start; random labels: in "
            "the same window of steps",
            "同一维数：转变期（全新输入）结束时 ÷ 开始时；随机标签取同一步数窗口",
        ),
        **CHANGE,
    ),
    per_seed(
        INSIDE,
        bounds=(0.0, 1.0),
        ideal=1.0,
        id="dimension.drop",
        part="share",
        claim=DROP,
        supports=above(0.5),
        refutes=below(0.25),
        measured=text(
            "share of that drop that lies inside the transition (fresh inputs); 0 where it does not drop",
            "该下降中落在转变期（全新输入）内的比例；没有下降则为 0",
        ),
        **LEVEL,
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
            **LEVEL,
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
            **CHANGE,
        )
        for part, (view, zh) in TABLES.items()
    ),
)
