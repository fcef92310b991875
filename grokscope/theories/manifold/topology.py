"""Predictions of the manifold's shape: none before, the task's after, coming with the transition, its own circle."""

from collections.abc import Callable, Mapping

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.arms import BASE
from grokscope.predictions.base import Given, Prediction, Sample, Test
from grokscope.predictions.rows import RANDOM_LABELS, OfSeed, per_seed, text
from grokscope.predictions.series import changes_within, half_way, key_frequencies, where
from grokscope.predictions.subject import Instrument, Number, Subject
from grokscope.statistics.regions import NOWHERE, above, below
from grokscope.theories.manifold.dimension import of_planes

VIEWS = {
    "embedding": ("embed/tokens", "嵌入"),
    "class means": ("resid_mid/class_means", "类均值"),
    "orbits": ("resid_mid/orbits", "轨道点"),
}
CIRCLES = Instrument("manifold.certified_circles", {"view": "embed/tokens"})
SERIES = {
    "certified circles": ("manifold.certified_circles", "view=embed/tokens", "认证圆的个数"),
    "equivariance": ("manifold.equivariance", "view=embed/tokens", "等变性 R²"),
    "strongest loop": ("manifold.persistence_ratio", "view=resid_mid/class_means", "最强的环"),
}
PERMUTATIONS = 9999
AGREEMENT = 0.8  # the share of runs that the prediction claims to agree: that of topology.after


def betti(subject: Subject, stage: str, view: str) -> tuple[float, ...] | Missing:
    """b0 and b1 of a view."""
    numbers = [subject.at(stage, Instrument("manifold.betti", {"view": view}, degree)) for degree in (0, 1)]
    missing = next((number for number in numbers if isinstance(number, Missing)), None)
    if missing is not None:
        return missing
    return tuple(float(number) for number in numbers if not isinstance(number, Missing))


def expected(subject: Subject) -> tuple[float, ...] | Missing:
    """b0 and b1 of the task's manifold."""
    known = (subject.truth_of or subject.run).task.truth.betti
    return tuple(float(number) for number in (*known, 0)[:2]) if known else Missing("the task has no manifold")


def _loops(view: str) -> OfSeed:
    """1 if there is no loop when memorised."""

    def of(subject: Subject) -> Number:
        found = betti(subject, "memorised", view)
        return found if isinstance(found, Missing) else float(found[1] == 0)

    return of


def _as_task(view: str) -> OfSeed:
    def of(subject: Subject) -> Number:
        found, wanted = betti(subject, "after", view), expected(subject)
        if isinstance(found, Missing):
            return found
        return wanted if isinstance(wanted, Missing) else float(found == wanted)

    return of


def _certified(of: Callable[[float, float, int], bool]) -> OfSeed:
    """1 if certified circles after, when memorised, and key frequencies after are as they should."""

    def certified(subject: Subject) -> Number:
        after, before = subject.at("after", CIRCLES), subject.at("memorised", CIRCLES)
        keys = key_frequencies(subject, subject.stages["after"])
        for one in (after, before, keys):
            if isinstance(one, Missing):
                return one
        assert not isinstance(after, Missing)
        assert not isinstance(before, Missing)
        assert not isinstance(keys, Missing)
        return float(of(after, before, len(keys)))

    return certified


def _order(name: str, *, fresh: bool) -> OfSeed:
    measure, view, _ = SERIES[name]
    return lambda subject: changes_within(subject, measure, view, subject.transition(fresh))


def _sides(name: str, *, fresh: bool) -> Callable[[Given], Mapping[str, int]]:
    """How many seeds change before, within and after the transition."""
    measure, view, _ = SERIES[name]

    def sides(arms: Given) -> Mapping[str, int]:
        found = [where(half_way(one, measure, view), one.transition(fresh)) for one in arms[BASE]]
        return {side: found.count(side) for side in ("before", "in", "after")}

    return sides


def _coordinate(loops: int | None) -> OfSeed:
    options: dict[str, object] = {"view": "resid_mid/class_means"}
    if loops is not None:
        options["loops"] = loops
    return lambda subject: subject.at("after", Instrument("manifold.circular_coordinate", options))


def match(arms: Given) -> Sample | Missing:
    """Agreement of measured and expected Betti numbers over tasks, against expected numbers dealt out anew.

    The tasks are the base and every arm that names another; of random labels none is expected, b1 = 0. The test is of
    the number of runs that agree, one-sided; its power is that against AGREEMENT of the runs agreeing, the others
    measuring what some other run measured.
    """
    tasks = {arm.name: arm for arm in arms.values() if arm.family in (BASE, "task")}
    pairs = [
        (found, wanted)
        for name, arm in (*tasks.items(), (RANDOM_LABELS, arms.get(RANDOM_LABELS, ())))
        for subject in arm
        for found in (betti(subject, "after", "resid_mid/class_means"),)
        for wanted in (_NONE if name == RANDOM_LABELS else expected(subject),)
        if not isinstance(found, Missing) and not isinstance(wanted, Missing)
    ]
    kinds = sorted({wanted for _, wanted in pairs})
    if len(kinds) < 2:
        return Missing("runs of at least two topologies are needed: circle, torus, segment, two circles, none")
    codes = {numbers: code for code, numbers in enumerate(sorted({one for pair in pairs for one in pair}))}
    found, wanted = (np.array([codes[pair[which]] for pair in pairs]) for which in (0, 1))
    rng = np.random.default_rng(0)
    agreeing = int((found == wanted).sum())
    dealt = np.array([(found == rng.permutation(wanted)).sum() for _ in range(PERMUTATIONS)])
    p = float((1 + (dealt >= agreeing).sum()) / (1 + PERMUTATIONS))
    claimed = [_p_of_claim(found, wanted, rng) for _ in range(200)]
    power = float(np.mean(np.array(claimed) <= 0.01))
    return Test(value=agreeing / len(pairs), n=len(pairs), p=p, level=0.01, power=power)


_NONE = (1.0, 0.0)  # a cloud without structure: one piece, no loop


def _p_of_claim(found: np.ndarray, wanted: np.ndarray, rng: np.random.Generator) -> float:
    """p of a draw in which the claim holds."""
    drawn = np.where(rng.random(len(wanted)) < AGREEMENT, wanted, rng.choice(found, len(wanted)))
    dealt = np.array([(drawn == rng.permutation(wanted)).sum() for _ in range(199)])
    return float((1 + (dealt >= (drawn == wanted).sum()).sum()) / 200)


BEFORE = text("Before grokking there is no loop: b1 = 0", "顿悟前没有环：β₁ = 0")
AFTER = text(
    "After grokking the representation has the task's Betti numbers",
    "顿悟后表示的 Betti 数与任务一致（模加法：β₀ = β₁ = 1）",
)
CERTIFIED = text("Every key frequency's plane is a circle of the task", "每个关键频率的平面都是任务的圆")
ORDER = text("The topology comes with the transition, not before or after it", "拓扑随转变期出现，不早也不晚")
MATCH = text(
    "The topology follows the task: circle, torus, segment, two circles, none",
    "拓扑随任务而变：圆、环面、线段、两个圆、无",
)
COORDINATE = text("The circle that is found is the task's", "找到的圆就是任务的圆")
FRESH = text(
    "the transition of fresh inputs: that of all test inputs begins when the symmetry is learned, and answers twins",
    "改用全新输入的转变期：全部测试输入的转变期从学会对称性、答对孪生输入时就开始了",
)
SEVERAL = text(
    "as many loops as there are certified circles: one loop can pass although there are several circles",
    "环的个数与认证圆的个数相同：只看一个环时，即使有多个圆也能通过",
)

TOPOLOGY: tuple[Prediction, ...] = (
    *(
        per_seed(
            _loops(view),
            id="topology.before",
            part=part,
            share=True,
            claim=BEFORE,
            measured=text(
                f"{part} in the middle of the memorised window: no significant loop", f"记忆期中段的{zh}没有显著的环"
            ),
            measures=(f"manifold.betti[view={view}]",),
        )
        for part, (view, zh) in VIEWS.items()
    ),
    *(
        per_seed(
            _as_task(view),
            id="topology.after",
            part=part,
            share=True,
            claim=AFTER,
            measured=text(f"{part} at the end: b0 and b1 are the task's", f"结束时{zh}的 β₀、β₁ 与任务一致"),
            measures=(f"manifold.betti[view={view}]",),
        )
        for part, (view, zh) in VIEWS.items()
    ),
    *(
        per_seed(
            of_planes(0, lambda known: float(all(b1 == 1 for b1 in known)), VIEWS[view][0]),
            id="topology.after",
            part=f"planes of {view}",
            share=True,
            claim=AFTER,
            measured=text(
                f"{view} at the end in the plane of every key frequency: b1 = 1",
                f"结束时{VIEWS[view][1]}在每个关键频率的平面内 β₁ = 1",
            ),
            measures=("manifold.betti[view=site/frequency=k]", "circuits.key_frequencies"),
        )
        for view in ("class means", "embedding")
    ),
    per_seed(
        _certified(lambda after, before, keys: after == keys and before == 0),
        id="topology.certified",
        part="all",
        share=True,
        controls=(RANDOM_LABELS,),  # at step 0 alone there are as many before as after
        claim=CERTIFIED,
        refutes=NOWHERE,
        measured=text(
            "certified circles of the embedding: as many as key frequencies at the end, none when memorised",
            "嵌入的认证圆个数：结束时等于关键频率数，记忆期为 0",
        ),
        measures=("manifold.certified_circles[view=embed/tokens]", "circuits.key_frequencies"),
    ),
    per_seed(
        lambda subject: _some(subject.at("after", CIRCLES)),
        id="topology.certified",
        part="some",
        share=True,
        claim=CERTIFIED,
        measured=text("at least one certified circle of the embedding at the end", "结束时嵌入至少有一个认证圆"),
        measures=("manifold.certified_circles[view=embed/tokens]",),
    ),
    *(
        per_seed(
            _order(name, fresh=version > 1),
            id="topology.order",
            part=name,
            version=version,
            share=True,
            claim=ORDER,
            controls=(RANDOM_LABELS,),
            changed=FRESH if version > 1 else None,
            counts=_sides(name, fresh=version > 1),
            measured=text(
                f"half of the change of {name} is made within the transition",
                f"{SERIES[name][2]}的变化有一半发生在转变期内",
            ),
            measures=(f"{SERIES[name][0]}[{SERIES[name][1]}]",),
            series=(SERIES[name][0],),
        )
        for version in (1, 2)
        for name in SERIES
    ),
    Prediction(
        id="topology.match",
        claim=MATCH,
        statistic=match,
        arms=(BASE,),
        supports=above(0),
        refutes=below(0),
        measured=text(
            "runs whose class means have the Betti numbers expected of their task, against tasks permuted (p < .01)",
            "类均值的 Betti 数与任务相符的训练占比，与打乱任务对照（p < .01）",
        ),
        measures=("manifold.betti[view=resid_mid/class_means]",),
    ),
    *(
        per_seed(
            _coordinate(loops),
            id="topology.coordinate",
            version=version,
            claim=COORDINATE,
            supports=above(0.9),
            refutes=below(0.5),
            changed=SEVERAL if version > 1 else None,
            measured=text(
                "coherence of the angle of the strongest loop of class means with a character of the answer"
                if loops
                else "the same of as many loops as certified circles",
                "类均值最强的环的角度与答案的某个特征标的一致度" if loops else "同上，环数等于认证圆的个数",
            ),
            measures=("manifold.circular_coordinate[view=resid_mid/class_means]",),
        )
        for version, loops in ((1, 1), (2, None))
    ),
)


def _some(value: Number) -> Number:
    return value if isinstance(value, Missing) else float(value >= 1)
