"""When the circuit forms: memorisation, circuit formation, cleanup, and what of it comes before the test loss falls."""

import math

import numpy as np

from grokscope.errors import Missing, of_all
from grokscope.predictions.arms import NO_DECAY
from grokscope.predictions.base import Prediction
from grokscope.predictions.readings import Fact, Number, Series, at
from grokscope.predictions.rows import RANDOM_LABELS, per_seed, text
from grokscope.predictions.subject import Subject
from grokscope.statistics.circuit_phases import circuit_phases
from grokscope.statistics.contrasts import half_change
from grokscope.statistics.regions import above, below
from grokscope.statistics.series import align
from grokscope.statistics.transitions import first_held

CLASSES = Fact("number of classes", lambda subject: float(subject.run.task.n_classes))
GINI = "circuits.gini_embedding"
RESTRICTED, TEST = "circuits.restricted_loss[split=test]", "split=test"
# A circuit has formed where the key frequencies alone have come from guessing, ln(number of classes), half way to 0.
FORMED = 0.5
NORM = 0.9  # of the fall of the squared norm: the end of cleanup, as in `circuit_phases`


def _in_order(subject: Subject) -> Number:
    """1 if memorisation, formation and cleanup end in this order, and cleanup ends at all."""
    rows = {name: subject.rows(name) for name in ("behaviour.test_loss", "weights.squared_norm")}
    lacking = [name for name, stored in rows.items() if not len(stored)]
    if lacking:
        return Missing(f"the run has stored nothing of {lacking[0]}")
    curves = {name: (stored.steps, stored.values) for name, stored in rows.items()}
    steps, both = align(curves)
    phases = circuit_phases(
        steps,
        test_loss=both["behaviour.test_loss"],
        squared_norm=both["weights.squared_norm"],
        onset_at=subject.phases.onset_at,
    )
    if isinstance(phases, Missing):
        return phases
    return float(phases.in_order and not isinstance(phases.cleanup, Missing))


def _restricted(subject: Subject) -> tuple[np.ndarray, np.ndarray] | Missing:
    """The restricted loss of test inputs at each checkpoint, over that of guessing."""
    rows = subject.rows("circuits.restricted_loss")
    here = rows.views == TEST
    if not here.any():
        return Missing("the run has stored nothing of circuits.restricted_loss")
    return rows.steps[here], rows.values[here] / math.log(subject.run.task.n_classes)


def _forms_between(subject: Subject) -> Number:
    """1 if the circuit forms after memorisation and before the norm has made its fall since memorisation."""
    curve, norm, start = _restricted(subject), subject.rows("weights.squared_norm"), subject.phases.memorized_at
    if isinstance(curve, Missing):
        return curve
    if not len(norm) or start is None:
        return Missing("the run has not memorised, or has stored nothing of weights.squared_norm")
    formed = first_held(curve[0], -curve[1], -FORMED)
    here = norm.steps >= start
    steps, values = norm.steps[here], norm.values[here]
    lowest = float(np.lib.stride_tricks.sliding_window_view(values, min(3, len(values))).max(1).min())
    fallen = first_held(steps, -values, NORM * (values[0] - lowest) - values[0]) if lowest < values[0] else None
    return float(formed is not None and fallen is not None and start < formed < fallen)


def _leads(subject: Subject) -> Number:
    """1 if restricted loss makes half of its fall before test loss does, both in logarithms.

    From onset on, not from memorisation on: until onset the test loss rises.
    """
    start = subject.phases.onset_at
    if start is None or subject.phases.generalized_at is None:
        return Missing("the run has not memorised first and generalised later")
    # Both at the steps of checkpoints: more evaluations of one would date its half earlier.
    checkpoints = subject.rows("circuits.restricted_loss").steps
    halves = []
    for measure, view in (("circuits.restricted_loss", TEST), ("behaviour.test_loss", "")):
        rows = subject.rows(measure)
        here = (rows.views == view) & (rows.steps >= start) & (rows.values > 0) & np.isin(rows.steps, checkpoints)
        halves.append(half_change(rows.steps[here], np.log(rows.values[here]), window=3))
    return of_all(lambda restricted, loss: float(restricted < loss), *halves)


KEPT = ("circuits.restricted_loss",)
ORDER = ("behaviour.test_loss", "weights.squared_norm")
BETWEEN = Series("circuit forms in between", _forms_between, (RESTRICTED, "weights.squared_norm"), KEPT)
# At onset, where the test loss is largest; of random labels at the same step, held against the right answers.
AT_ONSET = at("onset", "circuits.restricted_loss", split="test")
LEADS = Series("restricted loss leads", _leads, (RESTRICTED,), KEPT)
CLAIM = text("Memorisation, circuit formation, cleanup, in this order", "记忆 → 电路形成 → 清理，依次发生")
BEFORE = text("The circuit forms before the test loss falls", "电路在测试损失下降之前就形成")

PHASES: tuple[Prediction, ...] = (
    per_seed(
        Series("phases in order", _in_order, ORDER),
        share=True,
        controls=(RANDOM_LABELS,),
        id="circuits.three_phases",
        part="order",
        claim=CLAIM,
        measured=text(
            "largest test loss, half of it, and the end of the norm's fall come in this order",
            "测试损失峰值、降到一半、范数下降结束，依次出现",
        ),
    ),
    per_seed(
        at("after", GINI),
        at("memorised", GINI),
        of=lambda after, before: after - before,
        id="circuits.three_phases",
        controls=(RANDOM_LABELS,),  # of step 0 alone a change is 0 by construction
        part="sparsity",
        claim=CLAIM,
        supports=above(0.1),
        refutes=below(0),
        measured=text(
            "Gini coefficient of the embedding's frequencies at the end less that when memorised",
            "嵌入频谱的基尼系数：结束时减记忆期",
        ),
    ),
    per_seed(
        BETWEEN,
        share=True,
        controls=(NO_DECAY,),  # random labels have no key frequencies to follow
        id="circuits.three_phases",
        part="order",
        version=3,
        claim=CLAIM,
        ideal=1.0,
        changed=text(
            "the three steps of the first wording are in order by construction; now the circuit itself is looked at, "
            "at levels and not at halves of changes, and the control can answer",
            "第一版的三个时刻按定义必然依次出现；现在直接看电路本身，用固定水平而非“变化的一半”，对照组也能作答",
        ),
        measured=text(
            "the key frequencies alone come half way from guessing to loss 0 after the training set is memorised and "
            "before the squared norm has made nine tenths of its fall",
            "只用关键频率的损失从瞎猜降到一半，发生在记忆之后、范数平方完成九成下降之前",
        ),
    ),
    per_seed(
        LEADS,
        share=True,
        controls=(RANDOM_LABELS,),
        id="circuits.before",
        until=2,
        claim=BEFORE,
        measured=text(
            "restricted loss has fallen half of its way before test loss, from onset on, in logarithms",
            "自起始点起（取对数），受限损失先于测试损失完成一半下降",
        ),
    ),
    per_seed(
        AT_ONSET,
        CLASSES,
        of=lambda restricted, n_classes: restricted / math.log(n_classes),
        geometric=True,
        controls=(RANDOM_LABELS,),
        id="circuits.before",
        part="formed",
        version=3,
        claim=BEFORE,
        supports=below(FORMED),
        refutes=above(1),
        changed=text(
            "the order of two half-changes depends on their widths; now the circuit must be there where the test loss "
            "is largest, which two curves with one midpoint never show, and the control can answer",
            "两个“变化一半”的先后取决于宽度；现在要求测试损失最大时电路已存在，同一中点的两条曲线不会如此，对照组也能作答",
        ),
        measured=text(
            "restricted loss of test inputs at the onset, where the test loss is largest, over that of guessing; of "
            "random labels, at the same step",
            "测试损失最大的起始点上，受限测试损失与瞎猜损失之比；随机标签取同一步",
        ),
    ),
)
