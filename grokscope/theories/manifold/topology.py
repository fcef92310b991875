"""Predictions of the manifold's shape: no loop before, the task's loops after, which come with the transition."""

from collections import Counter
from collections.abc import Sequence

from grokscope.errors import Missing, first_missing
from grokscope.predictions.arms import BASE
from grokscope.predictions.base import Answers, Given, Means, Prediction, Sample
from grokscope.predictions.readings import At, Fact, Number, Stage, at
from grokscope.predictions.rows import RANDOM_LABELS, per_seed, text
from grokscope.predictions.seeds import of_seeds
from grokscope.predictions.subject import Subject
from grokscope.statistics.regions import NOWHERE, above, below

VIEWS = {
    "embedding": ("embed/tokens", "嵌入"),
    "class means": ("resid_mid/class_means", "类均值"),
    "orbits": ("resid_mid/orbits", "轨道点"),
}
# Tables of one row for each residue: what has a place for each answer, and carries it.
TABLES = {
    "embedding": VIEWS["embedding"],
    "class means of mlp_out": ("mlp_out/class_means", "神经元写入残差流（mlp_out）的类均值"),
    "class means of logits": ("logits/class_means", "logit 的类均值"),
}
WRITTEN = {part: views for part, views in TABLES.items() if part != "embedding"}
CIRCLES = [at(stage, "manifold.certified_circles", view="embed/tokens") for stage in ("after", "memorised")]


def _betti(stage: Stage, degree: int, view: str) -> At:
    return at(stage, "manifold.betti", degree, view=view)


def _clock(view: str) -> tuple[At, ...]:
    """The Betti numbers of a table's ideal clock."""
    if not view.endswith(("tokens", "class_means")):
        return ()
    return tuple(_betti("after", degree, f"{view}/like=clock") for degree in (0, 1))


def _expected(degree: int) -> Fact:
    """A Betti number of the task's manifold."""

    def of(subject: Subject) -> Number:
        known = subject.true.betti
        return float((*known, 0)[degree]) if known else Missing("the task has no manifold")

    return Fact(f"b{degree} of the task", of)


EXPECTED = tuple(map(_expected, (0, 1)))
OF_CLASS_MEANS = tuple(_betti("after", degree, "resid_mid/class_means") for degree in (0, 1))


def _as_task(b0: float, b1: float, wanted_b0: float, wanted_b1: float) -> float:
    return float((b0, b1) == (wanted_b0, wanted_b1))


def _certified(after: float, before: float, keys: float) -> float:
    """1 if the certified circles are as many as the key frequencies at the end, and none when memorised."""
    return float(after == keys and before == 0)


def _coordinate(loops: int | None) -> At:
    options: dict[str, object] = {"view": "resid_mid/class_means"}
    if loops is not None:
        options["loops"] = loops
    return at("after", "manifold.circular_coordinate", None, **options)


def match(arms: Given) -> Sample | Missing:
    """By how much a seed's runs over tasks agree with the topology expected of their task more than by chance.

    The tasks are the base and every arm of another one; of random labels one piece without a loop is expected. Chance:
    the agreement with tasks in random order, the mean over all orders,

        sum_b P(measured = b) P(expected = b)   over the seed's runs
    """
    members = {name: arm for name, arm in arms.items() if arm.families & {BASE, "task", RANDOM_LABELS} and len(arm)}

    def seed(runs: Sequence[Answers]) -> Number:
        wanted = [_NONE if run.config.random_labels else tuple(run[number] for number in EXPECTED) for run in runs]
        measured = [tuple(run[number] for number in OF_CLASS_MEANS) for run in runs]
        pairs = [pair for pair in zip(measured, wanted, strict=True) if first_missing(*pair[0], *pair[1]) is None]
        if len({pair[1] for pair in pairs}) < 2:
            return Missing("runs of at least two topologies are needed: circle, torus, segment, two circles, none")
        found, expected = (Counter(pair[which] for pair in pairs) for which in (0, 1))
        chance = sum(found[betti] * expected[betti] for betti in found) / len(pairs) ** 2
        return sum(one == other for one, other in pairs) / len(pairs) - chance

    return Means(of_seeds(members, seed), bounds=(-1.0, 1.0))


_NONE = (1.0, 0.0)  # a cloud without structure: one piece, no loop


BEFORE = text("Before grokking there is no loop: b1 = 0", "顿悟前没有环：β₁ = 0")
AFTER = text(
    "After grokking the representation has the task's Betti numbers",
    "顿悟后表示的 Betti 数与任务一致（模加法：β₀ = β₁ = 1）",
)
CERTIFIED = text("Every key frequency's plane is a circle of the task", "每个关键频率的平面都是任务的圆")
MATCH = text(
    "The topology follows the task: circle, torus, segment, two circles, none",
    "拓扑随任务而变：圆、环面、线段、两个圆、无",
)
COORDINATE = text("The circle that is found is the task's", "找到的圆就是任务的圆")
SEVERAL = text(
    "as many loops as there are certified circles: one loop can pass although there are several circles",
    "环的个数与认证圆的个数相同：只看一个环时，即使有多个圆也能通过",
)

TOPOLOGY: tuple[Prediction, ...] = (
    *(
        per_seed(
            _betti("memorised", 1, view),
            of=lambda b1: float(b1 == 0),  # no loop
            id="topology.before",
            part=part,
            until=2,
            share=True,
            claim=BEFORE,
            measured=text(
                f"{part} in the middle of the memorised window: no significant loop", f"记忆期中段的{zh}没有显著的环"
            ),
        )
        for part, (view, zh) in VIEWS.items()
    ),
    *(
        per_seed(
            *(_betti("after", degree, view) for degree in (0, 1)),
            *EXPECTED,
            of=_as_task,
            clock=_clock(view),
            id="topology.after",
            part=part,
            until=2,
            share=True,
            claim=AFTER,
            measured=text(f"{part} at the end: b0 and b1 are the task's", f"结束时{zh}的 β₀、β₁ 与任务一致"),
        )
        for part, (view, zh) in VIEWS.items()
    ),
    *(
        per_seed(
            at("after", "manifold.plane_circles", view=VIEWS[view][0]),
            of=lambda share: float(share == 1),  # every plane is a circle
            clock=[at("after", "manifold.plane_circles", view=f"{VIEWS[view][0]}/like=clock")],
            id="topology.after",
            part=f"planes of {view}",
            until=2,
            share=True,
            claim=AFTER,
            measured=text(
                f"{view} at the end in the plane of every key frequency: b1 = 1",
                f"结束时{VIEWS[view][1]}在每个关键频率的平面内 β₁ = 1",
            ),
        )
        for view in ("class means", "embedding")
    ),
    per_seed(
        *CIRCLES,
        at("after", "circuits.n_key_frequencies"),
        of=_certified,
        id="topology.certified",
        part="all",
        until=2,
        share=True,
        controls=(RANDOM_LABELS,),  # at step 0 alone there are as many before as after
        claim=CERTIFIED,
        refutes=NOWHERE,
        measured=text(
            "certified circles of the embedding: as many as key frequencies at the end, none when memorised",
            "嵌入的认证圆个数：结束时等于关键频率数，记忆期为 0",
        ),
    ),
    per_seed(
        CIRCLES[0],
        of=lambda after: float(after >= 1),
        id="topology.certified",
        part="some",
        until=2,
        share=True,
        claim=CERTIFIED,
        measured=text("at least one certified circle of the embedding at the end", "结束时嵌入至少有一个认证圆"),
    ),
    Prediction(
        id="topology.match",
        claim=MATCH,
        statistic=match,
        arms=(BASE,),
        along=("task", RANDOM_LABELS),
        readings=(*OF_CLASS_MEANS, *EXPECTED),
        supports=above(0),
        refutes=NOWHERE,
        measured=text(
            "agreement of the Betti numbers of class means with those expected of their task is above chance",
            "类均值的 Betti 数与任务的相符程度高于偶然水平",
        ),
    ),
    Prediction(
        id="topology.match",
        version=3,
        claim=MATCH,
        statistic=match,
        arms=(BASE,),
        along=("task", RANDOM_LABELS),
        readings=(*OF_CLASS_MEANS, *EXPECTED),
        supports=above(0.25),
        refutes=below(0.05),
        changed=text(
            "an effect with its interval instead of a test of no agreement, which nothing could refute",
            "改为带区间的效应：原来的“无一致性”检验无法反驳任何结论",
        ),
        measured=text(
            "share of a seed's runs whose class means have the Betti numbers expected of their task, less chance",
            "同一种子的各任务中，类均值的 Betti 数与任务相符的比例减去偶然水平",
        ),
    ),
    *(
        per_seed(
            _coordinate(loops),
            id="topology.coordinate",
            version=version,
            until=2,
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
        )
        for version, loops in ((1, 1), (2, None))
    ),
)
