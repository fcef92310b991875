"""Predictions of attention entropy: it is low, then high, then in between; and it rises before the transition."""

from collections.abc import Callable
from typing import Any

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.base import Prediction
from grokscope.predictions.readings import Number, Series
from grokscope.predictions.rows import HALF, MOST, RANDOM_LABELS, per_seed, text
from grokscope.predictions.series import entropies, low_high_mids, risen_by
from grokscope.predictions.subject import Subject
from grokscope.statistics.contrasts import LowHighMid
from grokscope.statistics.regions import NOWHERE, above, below


def _entropy(name: str, holds: Callable[[LowHighMid, Subject], bool], *, literal: bool) -> Series:
    """1 if a condition holds for the contrasts of the mean entropy."""

    def of(subject: Subject) -> Number:
        contrasts = low_high_mids(subject, literal=literal).get("mean", Missing("the network has no attention"))
        return contrasts if isinstance(contrasts, Missing) else float(holds(contrasts, subject))

    return Series(f"mean attention entropy, {name}", of, ("attention.entropy",))


def _before(contrasts: LowHighMid, subject: Subject) -> bool:
    half = subject.phases.t_50
    return contrasts.half_rise_at is not None and half is not None and contrasts.half_rise_at < half


def _between(head: str) -> Series:
    """Share of the heads, or of their mean, whose entropy has a maximum between t_mem and t_gen above both ends. Of a
    control: between those of its reference."""

    def of(subject: Subject) -> Number:
        phases = subject.stages_of_reference(fresh=False)
        if isinstance(phases, Missing):
            return phases
        contrasts = low_high_mids(subject, literal=False, phases=phases)
        chosen = [found for name, found in contrasts.items() if (name == "mean") == (head == "mean")]
        known = [found for found in chosen if not isinstance(found, Missing)]
        if not known:
            return next(
                (found for found in chosen if isinstance(found, Missing)), Missing("the network has no attention")
            )
        return float(np.mean([found.signs[:2] == (1, 1) for found in known]))

    return Series(f"attention entropy has a maximum in between, {head}", of, ("attention.entropy",))


def _risen(subject: Subject) -> Number:
    """Share of the rise of the mean entropy that is made before the transition of fresh inputs begins."""
    window = subject.transition(fresh=True)
    if not isinstance(window, tuple):
        return Missing("the run has no transition") if window is None else window
    known = entropies(subject)
    if not known:
        return Missing("the network has no attention")
    steps, values = known["mean"]
    here = steps >= (subject.phases.memorized_at or 0)
    return risen_by(steps[here], values[here], *window)


RISEN = Series("rise of the mean attention entropy before the transition", _risen, ("attention.entropy",))
CLAIM = text("Attention entropy goes low, high, then in between", "注意力熵呈“低 → 高 → 中”三段式")
RISE = text("It rises before the transition", "注意力熵在顿悟前夕上升")
MARGIN = text(
    "a contrast counts beyond the series' own fluctuation: a maximum is never below its first value, and of noise "
    "nearly always above its mean, so that two of the three signs say nothing",
    "只计超出序列自身波动的差异：最大值从不低于起点，噪声的最大值几乎总高于均值，三个符号中有两个本来就没有信息",
)

BOUNDED: dict[str, Any] = {"bounds": (0.0, 1.0)}
MAXIMUM = text(
    "what the claim says and a series need not: a maximum strictly between memorisation and generalisation, above both "
    "ends; that what comes after is above what came first says nothing of it. Random labels: between the same steps",
    "改为论断本身所说、而一般序列未必有的现象：在记忆与泛化之间有一个高于两端的极大值；"
    "“之后高于最初”与此无关。随机标签取相同的步数区间",
)
STAGES = text(
    "how much of the rise is made when the transition of fresh inputs begins, not which of two halves comes first: "
    "neither series comes to rest, and of two sigmoids with one middle the wider seems to lead",
    "改为在全新输入的转变期开始时上升已完成多少，而不是比较两个“半程”的先后："
    "两个序列都没有达到平台，而中点相同的两条 S 形曲线中较宽的一条看起来总是领先",
)

ATTENTION: tuple[Prediction, ...] = (
    *(
        per_seed(
            _entropy(part, holds, literal=version == 1),
            id="attention.low_high_mid",
            part=part,
            version=version,
            until=2,
            share=True,
            claim=CLAIM,
            controls=(RANDOM_LABELS,),
            changed=MARGIN if version > 1 else None,
            measured=text(
                f"mean entropy of the heads at memorisation, its maximum before generalisation, and after: {en}",
                f"各头平均熵在记忆时、泛化前的最大值、泛化后：{zh}",
            ),
            supports=MOST,
            refutes=refutes,
        )
        for version in (1, 2)
        for part, holds, en, zh, refutes in (
            ("signs", lambda of, _: of.supports, "all three contrasts are positive", "三个差值都为正", NOWHERE),
            ("none reversed", lambda of, _: not of.reversed, "no contrast is reversed", "没有差值反号", HALF),
        )
    ),
    *(
        per_seed(
            _between(head),
            id="attention.low_high_mid",
            part=part,
            version=3,
            share=head == "mean",
            claim=CLAIM,
            controls=(RANDOM_LABELS,),
            changed=MAXIMUM,
            measured=text(
                f"{en} has a maximum strictly between memorisation and generalisation, above both ends",
                f"{zh}在记忆与泛化之间有一个高于两端的极大值",
            ),
            supports=MOST,
            refutes=HALF,
            **about,
        )
        for part, head, en, zh, about in (
            ("mean of heads", "mean", "the entropy of the heads' mean", "各头平均熵", {}),
            ("each head", "each", "the entropy of a head (share of the heads)", "单个头的熵（占各头的比例）", BOUNDED),
        )
    ),
    per_seed(
        _entropy("rise before", _before, literal=False),
        id="attention.rise_before",
        until=2,
        share=True,
        claim=RISE,
        controls=(RANDOM_LABELS,),
        measured=text(
            "half of the rise of the mean entropy is made before test accuracy is one half",
            "平均熵的上升在测试准确率达到一半之前已完成一半",
        ),
    ),
    per_seed(
        RISEN,
        id="attention.rise_before",
        part="share",
        version=3,
        claim=RISE,
        controls=(RANDOM_LABELS,),
        supports=above(0.5),
        refutes=below(0.25),
        changed=STAGES,
        measured=text(
            "of the rise of the mean entropy, from its lowest level since memorisation to the end of the transition of "
            "fresh inputs: the share that is made before the transition begins; 0 where it does not rise",
            "平均熵从记忆以来的最低水平到全新输入转变期结束的上升中，在转变期开始前完成的比例；没有上升则为 0",
        ),
        **BOUNDED,
    ),
)
