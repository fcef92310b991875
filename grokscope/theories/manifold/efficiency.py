"""How the hypothesis reads weight efficiency: a small norm is the result of the manifold, not its cause."""

from typing import Any

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.base import Prediction
from grokscope.predictions.readings import Number, Series
from grokscope.predictions.rows import GENERALISED, per_seed, text
from grokscope.predictions.series import OFTEN, WINDOW, halves, label, series
from grokscope.predictions.subject import Subject
from grokscope.statistics.lead_lag import lag
from grokscope.statistics.regions import above, below
from grokscope.theories.manifold.rereadings import NAMED_EMBEDDING, NAMED_ORDER, ORDER, SEEN

EMBEDDING = ("manifold.equivariance", "view=embed/tokens")  # weights that are not those of the logits
NORM = halves("weights.norm", "", OFTEN)


def _lead(subject: Subject) -> Number:
    """ln of the step at which the norm has made half of its change over that of the logits' share of the rule."""
    if subject.phases.generalized_at is None:
        return Missing("the run has not generalised")
    lead = lag(series(subject, *ORDER), series(subject, "weights.norm"), window=OFTEN)
    return lead if isinstance(lead, Missing) else lead.value


def _generalised(subject: Subject) -> Number:
    reached = subject.phases.generalized_at is not None
    return 1.0 if reached else Missing("the run has not generalised")


COMES = Series("has generalised", _generalised, ("behaviour.test_accuracy",))
RESULT = text("A small norm is the result of the manifold, not its cause", "小权重是流形发现的结果，不是原因")
MEAN = text(
    "by how much it leads, as a mean over seeds, instead of in how many: a share of at least four fifths cannot be "
    "told from less with ten seeds",
    "改为平均领先多少，而不是多少个种子领先：十个种子无法判定“至少八成”",
)

CAUSES = text(
    "interventions alone, each beside another: neither the norm nor the share comes to rest before training ends, so "
    "that the order of their halves is that of their widths; the memorised weights that are kept as they are show that "
    "they can generalise, those with the norm alone that a held norm is not enough",
    "只看干预，并各有对照：训练结束前范数与份额都未达到平台，两者“半程”的先后只反映变化的宽窄；"
    "原样保留的记忆权重说明它们能够泛化，只取最终范数的权重说明固定范数并不足够",
)


def _imposed(arm: str, control: str, version: int, **about: Any) -> Prediction:
    """Share that generalises from weights that were made."""
    return per_seed(
        GENERALISED,
        arm=arm,
        share=True,
        controls=(control,) if version > 1 else (),
        id="reread.weight_efficiency",
        version=version,
        claim=RESULT,
        changed=CAUSES if version > 1 else None,
        **about,
    )


def _norm_alone(version: int) -> Prediction:
    return _imposed(
        "follow/norm",
        "follow/keep",
        version,
        part="norm alone",
        supports=below(0.5),
        refutes=above(0.5),
        measured=text(
            "share that generalises from memorised weights scaled to the final norm and kept there, without weight "
            "decay",
            "把记忆权重缩放到最终范数并固定、且无权重衰减时泛化的占比",
        ),
    )


def _circle(scale: str, version: int) -> Prediction:
    return _imposed(
        f"follow/circle/{scale}",
        "follow/norm",
        version,
        part=f"circle at {scale}",
        measured=text(
            f"share that generalises with the embedding put on circles and the norm times {scale}",
            f"嵌入置于圆上、范数乘以 {scale} 时泛化的占比",
        ),
    )


EFFICIENCY: tuple[Prediction, ...] = (
    *(
        per_seed(
            COMES,
            halves(*score, window, kept=True),
            NORM.otherwise(np.inf),
            # A norm that never changes comes after.
            of=lambda _, manifold, norm: float(manifold < norm),
            share=True,
            controls=(),
            id="reread.weight_efficiency",
            part="order",
            version=version,
            until=2,
            claim=RESULT,
            changed=SEEN if version > 1 else None,
            measured=text(f"{en} has made half of its change before the norm has", f"{zh}先于权重范数完成一半变化"),
        )
        for version, score, window, en, zh in (
            (1, ORDER, OFTEN, *NAMED_ORDER),
            (2, EMBEDDING, WINDOW, *NAMED_EMBEDDING),
        )
    ),
    per_seed(
        Series("lead of the rule over the norm", _lead, (label(*ORDER), "weights.norm")),
        controls=(),
        id="reread.weight_efficiency",
        part="lead",
        version=2,
        until=2,
        claim=RESULT,
        supports=above(0),
        refutes=below(0),
        changed=MEAN,
        measured=text(
            "ln of the step at which the norm has made half of its change over that of the logits' share of the rule",
            "权重范数与 logit 规则份额各完成一半变化的步数之比的对数",
        ),
    ),
    *(_norm_alone(version) for version in (1, 3)),
    *(_circle(scale, version) for version in (1, 3) for scale in ("0.5", "1", "2")),
)
