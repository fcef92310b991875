"""Weight efficiency: the generalising circuit has the same logits at a smaller norm, so weight decay prefers it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from grokscope.errors import Missing, of_all
from grokscope.predictions.base import Answers, Given, Means, Prediction, Sample, Statistic, Theory
from grokscope.predictions.readings import Number, answered, at
from grokscope.predictions.rows import along, last, per_seed, text
from grokscope.predictions.seeds import of_seeds
from grokscope.statistics.regions import above, below, outside, within
from grokscope.theories.weight_efficiency.arms import ARMS, GENERALISING, GOING_ON, MEMORISING, UNGROK, UNGROK_AT

# The norm at one logit, 10 nats, by the network itself at scaled weights: at equal logits, as the claim has it.
NORM = at("after", "efficiency.norm_per_logit", of="rescaled")


# The share of the squared logits on the task's harmonics from which a network generalises and does nothing else.
PURITY, PURE = at("after", "manifold.harmonic_share", split="all"), 0.95
END = last("behaviour.test_accuracy")
FEWEST = 3  # training sizes through which a line is laid


def _slope(family: str) -> Statistic:
    """Per seed: slope of ln norm at a fixed logit on ln n_train."""

    def seed(sizes: np.ndarray, runs: Sequence[Answers]) -> Number:
        def slope(*norms: float) -> float:
            return float(np.polyfit(np.log(sizes), np.log(norms), 1)[0])

        return of_all(slope, *(run[NORM] for run in runs))

    lacking = f"{{}} sizes of the training set; needs 3: arms {family}/n_train=..."
    return along(family, seed, fewest=3, lacking=lacking)


def _power(sizes: Sequence[float], norms: Sequence[float]) -> tuple[float, float]:
    """Exponent and constant of norm = e^constant n^exponent."""
    exponent, constant = np.polyfit(np.log(sizes), np.log(norms), 1)
    return float(exponent), float(constant)


def _pure(run: Answers) -> Number:
    """The norm of a network that is pure; else why it has none."""

    def norm(purity: float, value: float) -> Number:
        return value if purity >= PURE else Missing(f"{purity:.2f} of its squared logits are on the task's harmonics")

    return of_all(norm, run[PURITY], run[NORM])


def _pure_slope(sizes: np.ndarray, runs: Sequence[Answers]) -> Number:
    """The exponent, of the networks that are pure."""
    norms = [_pure(run) for run in runs]
    there = [(float(n), norm) for n, norm in zip(sizes, norms, strict=True) if not isinstance(norm, Missing)]
    if len(there) < FEWEST:
        return next((norm for norm in norms if isinstance(norm, Missing)), Missing("fewer than three sizes"))
    return _power(*zip(*there, strict=True))[0]


def _at_critical_size(arms: Given) -> Sample | Missing:
    """Of each seed, the test accuracy after training on at its critical size.

    That is where its networks that only memorise would need the norm that its generalising circuit has, both at one
    logit: the size at which both circuits are equally efficient. The accuracy is interpolated in ln n.
    """
    families = [arms.along(family) for family in (MEMORISING, GOING_ON, UNGROK_AT)]
    if min(len(families[0]), len(families[2])) < FEWEST or not families[1]:
        return Missing(f"fewer than {FEWEST} sizes of networks that memorise, or that go on with fewer inputs")
    members = {(place, n): arm for place, family in enumerate(families) for n, arm in family.items()}
    named = {members[key].name: members[key] for key in members}

    def seed(runs: Sequence[Answers]) -> Number:
        by_place: list[dict[float, Answers]] = [{}, {}, {}]
        for (place, n), run in zip(members, runs, strict=True):
            by_place[place][n] = run
        return _accuracy_where_equal(*by_place)

    return Means(of_seeds(named, seed), bounds=(0.0, 1.0))


def _accuracy_where_equal(
    memorising: Mapping[float, Answers], generalising: Mapping[float, Answers], ungrokked: Mapping[float, Answers]
) -> Number:
    norms = [run[NORM] for run in memorising.values()]
    pure = answered(_pure(run) for run in generalising.values())
    ends = [run[END] for run in ungrokked.values()]
    for value in (*norms, *ends):
        if isinstance(value, Missing):
            return value
    if not pure:
        return Missing("the seed has no purely generalising network")
    exponent, constant = _power(list(memorising), answered(norms))
    if not exponent > 0:
        return Missing("the norm of what memorises does not grow with the data")
    critical = (float(np.mean(np.log(pure))) - constant) / exponent
    sizes = np.log(list(ungrokked))
    if not sizes[0] <= critical <= sizes[-1]:
        return Missing(f"the critical size {np.exp(critical):.3g} lies outside the sizes tried")
    return float(np.interp(critical, sizes, answered(ends)))


NORMS = text(
    "At a fixed logit the memorising circuit's norm grows with the data, the generalising one's does not",
    "固定 logit 时，记忆电路的范数随数据量增长，泛化电路的不增长",
)
CRITICAL = text(
    "Below a critical size a generalising network un-groks when trained on",
    "低于临界数据量继续训练，已泛化的网络会“反顿悟”",
)
SEMI = text("Near it networks generalise in part (semi-grokking)", "在临界数据量附近出现半顿悟")
# Size -> claim, regions, and words.
SIZES = {
    "small": (CRITICAL, below(0.5), above(0.9), "few data", "少量数据"),
    "large": (CRITICAL, above(0.9), below(0.5), "many data", "大量数据"),
    "near": (SEMI, within(0.1, 0.9), outside(0.05, 0.95), "data near the critical size", "临界附近的数据"),
}


def _after_fewer(part: str, other: str = "") -> Prediction:
    """Test accuracy after training on with fewer inputs. other: the size that it is held against."""
    claim, supports, refutes, en, zh = SIZES[part]
    about: dict[str, Any] = {"version": 3, "changed": AGAINST, "ideal": float(part == "large")} if other else {}
    return per_seed(
        END,
        arm=f"{UNGROK}/{part}",
        bounds=(0.0, 1.0),
        controls=(f"{UNGROK}/{other}",) if other else (),
        id="efficiency.critical_size",
        part=part,
        claim=claim,
        supports=supports,
        refutes=refutes,
        measured=text(
            f"test accuracy after training a generalising network on with {en}",
            f"用{zh}继续训练已泛化网络后的测试准确率",
        ),
        **about,
    )


AGAINST = text("held against the other size, seed by seed", "逐种子与另一数据量比较")

# No regions are in the pre-registration; fixed from the claims: an exponent of .1 is growth (twice the data add 7 % to
# the norm), none is within .1 and refuted beyond .2; un-grokked is a test accuracy of at most one half.
weight_efficiency = Theory(
    id="weight_efficiency",
    title=text("Weight efficiency", "权重效率"),
    source="Varma et al. 2023, arXiv:2309.02390",
    arms=ARMS,
    predictions=(
        Prediction(
            id="efficiency.norm",
            part="memorising",
            claim=NORMS,
            arms=(),
            along=(MEMORISING,),
            readings=(NORM,),
            statistic=_slope(MEMORISING),
            supports=above(0.1),
            refutes=below(0.1),
            measured=text(
                "by seed: slope of ln norm at a logit of 10 on ln n, random labels",
                "按种子：随机标签下 ln(logit 为 10 时的范数) 对 ln n 的斜率",
            ),
        ),
        Prediction(
            id="efficiency.norm",
            part="generalising",
            claim=NORMS,
            arms=(),
            along=(GENERALISING,),
            readings=(NORM,),
            statistic=_slope(GENERALISING),
            supports=within(-0.1, 0.1),
            refutes=outside(-0.2, 0.2),
            measured=text("the same of networks that generalise", "泛化网络的同一斜率"),
        ),
        Prediction(
            id="efficiency.norm",
            part="generalising",
            version=3,
            claim=NORMS,
            arms=(),
            along=(GOING_ON,),
            readings=(NORM, PURITY),
            statistic=along(GOING_ON, _pure_slope, fewest=FEWEST, lacking="{} sizes of the training set; needs 3"),
            supports=within(-0.1, 0.1),
            refutes=outside(-0.2, 0.2),
            ideal=0.0,
            changed=text(
                "of networks that only generalise, as published: .95 of their squared logits on the task's harmonics, "
                "where one that memorises too has that part's norm; and of one circuit, trained on at several sizes",
                "按原文只看纯泛化网络：logit 平方和的 95 % 落在任务谐波上（仍有部分记忆的网络带着那部分的范数）；"
                "并且是同一电路在若干数据量上继续训练",
            ),
            measured=text(
                "by seed: slope of ln norm at a logit of 10 on ln n, a network that only generalises, trained on",
                "按种子：继续训练的纯泛化网络的 ln(logit 为 10 时的范数) 对 ln n 的斜率",
            ),
        ),
        Prediction(
            id="efficiency.critical_size",
            part="near",
            version=3,
            claim=CRITICAL,
            arms=(),
            along=(MEMORISING, GOING_ON, UNGROK_AT),
            readings=(NORM, PURITY, END),
            statistic=_at_critical_size,
            supports=within(0.25, 0.75),
            refutes=outside(0.1, 0.9),
            ideal=0.5,
            changed=text(
                "tested at a quarter of the data before; now at each seed's critical size, where the norms of what "
                "memorises and what generalises cross, measured in the same study",
                "此前在四分之一数据处检验；现在取同一研究中每个种子自己的临界数据量，即记忆与泛化所需范数相交之处",
            ),
            measured=text(
                "test accuracy after training a generalising network on with so many inputs that both circuits are "
                "equally efficient",
                "在两种电路同样高效的数据量上继续训练已泛化网络后的测试准确率",
            ),
        ),
        *map(_after_fewer, SIZES),
        _after_fewer("small", "large"),
        _after_fewer("large", "small"),
    ),
)
