"""Predictions of attention entropy: it is low, then high, then in between; and it rises before the transition."""

from collections.abc import Callable

from grokscope.errors import Missing
from grokscope.predictions.base import Prediction
from grokscope.predictions.readings import Number, Series
from grokscope.predictions.rows import HALF, MOST, RANDOM_LABELS, per_seed, text
from grokscope.predictions.series import low_high_mids
from grokscope.predictions.subject import Subject
from grokscope.statistics.contrasts import LowHighMid
from grokscope.statistics.regions import NOWHERE


def _entropy(name: str, holds: Callable[[LowHighMid, Subject], bool], *, literal: bool) -> Series:
    """1 if a condition holds for the contrasts of the mean entropy."""

    def of(subject: Subject) -> Number:
        contrasts = low_high_mids(subject, literal=literal).get("mean", Missing("the network has no attention"))
        return contrasts if isinstance(contrasts, Missing) else float(holds(contrasts, subject))

    return Series(f"mean attention entropy, {name}", of, ("attention.entropy",))


def _before(contrasts: LowHighMid, subject: Subject) -> bool:
    half = subject.phases.t_50
    return contrasts.half_rise_at is not None and half is not None and contrasts.half_rise_at < half


CLAIM = text("Attention entropy goes low, high, then in between", "注意力熵呈“低 → 高 → 中”三段式")
RISE = text("It rises before the transition", "注意力熵在顿悟前夕上升")
MARGIN = text(
    "a contrast counts beyond the series' own fluctuation: a maximum is never below its first value, and of noise "
    "nearly always above its mean, so that two of the three signs say nothing",
    "只计超出序列自身波动的差异：最大值从不低于起点，噪声的最大值几乎总高于均值，三个符号中有两个本来就没有信息",
)

ATTENTION: tuple[Prediction, ...] = (
    *(
        per_seed(
            _entropy(part, holds, literal=version == 1),
            id="attention.low_high_mid",
            part=part,
            version=version,
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
    per_seed(
        _entropy("rise before", _before, literal=False),
        id="attention.rise_before",
        share=True,
        claim=RISE,
        controls=(RANDOM_LABELS,),
        measured=text(
            "half of the rise of the mean entropy is made before test accuracy is one half",
            "平均熵的上升在测试准确率达到一半之前已完成一半",
        ),
    ),
)
