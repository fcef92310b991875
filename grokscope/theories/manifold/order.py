"""Predictions of when the topology comes: with the transition, not before or after it."""

from collections.abc import Mapping

from grokscope.errors import Missing
from grokscope.predictions.arms import BASE
from grokscope.predictions.base import Given, Prediction, Shares, Statistic
from grokscope.predictions.readings import Number, Series, at
from grokscope.predictions.rows import HALF, MOST, RANDOM_LABELS, per_seed, text
from grokscope.predictions.seeds import of_seeds
from grokscope.predictions.series import at_edges, changes_within, half_way, label, where
from grokscope.predictions.subject import Subject
from grokscope.statistics.regions import above, below

SERIES = {
    "certified circles": ("manifold.certified_circles", "view=embed/tokens", "认证圆的个数"),
    "equivariance": ("manifold.equivariance", "view=embed/tokens", "等变性 R²"),
    "strongest loop": ("manifold.persistence_ratio", "view=resid_mid/class_means", "最强的环"),
}


def _order(name: str, *, fresh: bool) -> Series:
    measure, view, _ = SERIES[name]

    def of(subject: Subject) -> Number:
        return changes_within(subject, measure, view, subject.transition(fresh))

    known = label(measure, view)
    return Series(f"changes within the transition: {known}", of, (known,), (measure,))


SIDES = ("before", "in", "after")


def _side(name: str, *, fresh: bool) -> Series:
    """0, 1, 2: half of the change is made before, within or after the transition."""
    measure, view, _ = SERIES[name]

    def of(subject: Subject) -> Number:
        side = where(half_way(subject, measure, view), subject.transition(fresh))
        return side if isinstance(side, Missing) else float(SIDES.index(side))

    known = label(measure, view)
    return Series(f"side of the transition: {known}", of, (known,), (measure,))


def _changing(name: str, version: int) -> Prediction:
    fresh = version > 1
    order, side = _order(name, fresh=fresh), _side(name, fresh=fresh)

    def counts(arms: Given) -> Mapping[str, int]:
        sides = [run[side] for run in arms[BASE]]
        return {name: sides.count(float(number)) for number, name in enumerate(SIDES)}

    def share(arm: str) -> Statistic:
        return lambda arms: Shares(of_seeds({arm: arms[arm]}, lambda runs: runs[0][order]))

    return Prediction(
        id="topology.order",
        part=name,
        version=version,
        until=2,
        claim=ORDER,
        arms=(BASE,),
        readings=(order, side),
        statistic=share(BASE),
        controls={RANDOM_LABELS: share(RANDOM_LABELS)},
        supports=MOST,
        refutes=HALF,
        changed=FRESH if fresh else None,
        counts=counts,
        measured=text(
            f"half of the change of {name} is made within the transition",
            f"{SERIES[name][2]}的变化有一半发生在转变期内",
        ),
    )


def _comes(subject: Subject) -> Number:
    """Certified circles at the end of the transition of fresh inputs, less those at its start."""
    edges = at_edges(subject, *SERIES["certified circles"][:2], subject.transition(fresh=True))
    return edges if isinstance(edges, Missing) else edges[1] - edges[0]


_CERTIFIED = label(*SERIES["certified circles"][:2])
COME = Series(f"comes within the transition: {_CERTIFIED}", _comes, (_CERTIFIED,), SERIES["certified circles"][:1])


def _of_whole(come: float, keys: float) -> Number:
    return min(max(come / keys, 0.0), 1.0) if keys else Missing("the network has no key frequency")


ORDER = text("The topology comes with the transition, not before or after it", "拓扑随转变期出现，不早也不晚")
FRESH = text(
    "the transition of fresh inputs: that of all test inputs begins when the symmetry is learned, and answers twins",
    "改用全新输入的转变期：全部测试输入的转变期从学会对称性、答对孪生输入时就开始了",
)
WHOLE = text(
    "how much comes within the transition, not when half of a change is made: no series here comes to rest at both "
    "levels; the whole is the number of key frequencies, which is known. Equivariance and the strongest loop have none",
    "改为转变期内出现多少，而不是变化的半程何时到来：这里没有序列在两端都达到平台；"
    "整体取关键频率数，它是已知的。等变性与最强的环没有这样的整体",
)

WHEN: tuple[Prediction, ...] = (
    *(_changing(name, version) for version in (1, 2) for name in SERIES),
    per_seed(
        COME,
        at("after", "circuits.n_key_frequencies"),
        of=_of_whole,
        id="topology.order",
        part="share of circles",
        version=3,
        claim=ORDER,
        controls=(RANDOM_LABELS,),
        bounds=(0.0, 1.0),
        ideal=1.0,
        supports=above(0.5),
        refutes=below(0.25),
        changed=WHOLE,
        measured=text(
            "certified circles of the embedding that come within the transition of fresh inputs, over the key "
            "frequencies at the end",
            "在全新输入的转变期内出现的嵌入认证圆个数 ÷ 训练结束时的关键频率数",
        ),
    ),
)
