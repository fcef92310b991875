"""Circuits: the network adds by turning on a few circles, and forms that circuit before it shows."""

import math

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.base import Theory
from grokscope.predictions.rows import OF_REPRESENTATION, RANDOM_LABELS, per_seed, text
from grokscope.predictions.series import key_frequencies
from grokscope.predictions.shared import BASES
from grokscope.predictions.subject import Instrument, Number, Subject
from grokscope.statistics.circuit_phases import circuit_phases
from grokscope.statistics.clock_pizza import algorithm
from grokscope.statistics.regions import above, below
from grokscope.statistics.series import align

RESTRICTED = Instrument("circuits.restricted_loss", {"split": "test"})
EXCLUDED = Instrument("circuits.excluded_loss")
FEW = 10  # key frequencies: Nanda et al. find three to ten


def _few(subject: Subject) -> Number:
    keys = key_frequencies(subject, subject.stages["after"])
    if isinstance(keys, Missing):
        return keys
    half = (subject.snapshot(subject.stages["after"]).task.n_classes - 1) // 2
    return float(1 <= len(keys) <= min(FEW, half // 2))


def _keeping_improves(subject: Subject) -> Number:
    restricted, loss = subject.at("after", RESTRICTED), subject.at("after", Instrument("behaviour.test_loss"))
    if isinstance(restricted, Missing) or isinstance(loss, Missing):
        return restricted if isinstance(restricted, Missing) else loss
    return float(restricted < loss)


def _ablating_destroys(subject: Subject) -> Number:
    """1 if without the key frequencies training inputs are answered worse than by guessing."""
    excluded = subject.at("after", EXCLUDED)
    if isinstance(excluded, Missing):
        return excluded
    return float(excluded > math.log(subject.snapshot(subject.stages["after"]).task.n_classes))


def _in_order(subject: Subject) -> Number:
    """1 if memorisation, formation and cleanup end one after another, and cleanup ends at all."""
    rows = {name: subject.rows(name) for name in ("behaviour.test_loss", "weights.squared_norm")}
    lacking = [name for name, found in rows.items() if not len(found)]
    if lacking:
        return Missing(f"the run has stored nothing of {lacking[0]}")
    curves = {name: (found.steps, found.values) for name, found in rows.items()}
    steps, both = align(curves)
    found = circuit_phases(
        steps,
        test_loss=both["behaviour.test_loss"],
        squared_norm=both["weights.squared_norm"],
        onset_at=subject.phases.onset_at,
    )
    if isinstance(found, Missing):
        return found
    return float(found.in_order and not isinstance(found.cleanup, Missing))


def _gini_rises(subject: Subject) -> Number:
    """Gini coefficient of the embedding at the end less that when memorised."""
    before, after = (subject.at(stage, Instrument("circuits.gini_embedding")) for stage in ("memorised", "after"))
    for one in (before, after):
        if isinstance(one, Missing):
            return one
    assert not isinstance(before, Missing)
    assert not isinstance(after, Missing)
    return after - before


def _leads(subject: Subject) -> Number:
    """1 if restricted loss has fallen half of its way before test loss has, from onset on, both in logarithms.

    Not from memorisation on: until onset the test loss rises.
    """
    from grokscope.statistics.contrasts import half_change

    start = subject.phases.onset_at
    if start is None or subject.phases.generalized_at is None:
        return Missing("the run has not memorised first and generalised later")
    halves = []
    for measure, view in (("circuits.restricted_loss", "split=test"), ("behaviour.test_loss", "")):
        rows = subject.rows(measure)
        here = (rows.views == view) & (rows.steps >= start) & (rows.values > 0)
        # At the same steps, those of checkpoints: more evaluations of one would date its half earlier.
        here &= np.isin(rows.steps, subject.run.checkpoints)
        halves.append(half_change(rows.steps[here], np.log(rows.values[here]), window=3))
    for one in halves:
        if isinstance(one, Missing):
            return one
    return float(halves[0] < halves[1])


def _named(subject: Subject) -> Number:
    """1 if the published thresholds call the network a clock or a pizza."""
    read = [
        subject.at("after", Instrument("circuits.gradient_symmetricity")),
        subject.at("after", Instrument("circuits.distance_irrelevance", {"variant": "correct"})),
    ]
    found = algorithm(read[0], read[1])
    return found if isinstance(found, Missing) else float(found != "neither")


FOURIER = text(
    "Few key frequencies do it: they explain neurons and logits, and are what the answers need",
    "靠少数关键频率：解释神经元与 logit；去掉即失效，只留它们更好",
)
PHASES = text("Memorisation, circuit formation, cleanup, in this order", "记忆 → 电路形成 → 清理，依次发生")
BEFORE = text("The circuit forms before the test loss falls", "电路在测试损失下降之前就形成")
KIND = text("The algorithm is a clock or a pizza", "算法是“时钟”或“披萨”")

# No regions are in the pre-registration; fixed from the claims and the published numbers: shares as everywhere, "few"
# is ten at most and half of all; logits explained .9 (published .95), neurons .8 (published .85); refuted below .5.
circuits = Theory(
    id="circuits",
    title=text("Circuits", "电路逆向工程"),
    source="Nanda et al. 2023, arXiv:2301.05217; Zhong et al. 2023, arXiv:2306.17844",
    arms=BASES,
    predictions=(
        per_seed(
            _few,
            share=True,
            id="circuits.fourier",
            part="few",
            claim=FOURIER,
            measures=("circuits.key_frequencies",),
            measured=text(
                "at most ten key frequencies at the end, and no more than half of all",
                "结束时关键频率不超过 10 个，且不超过总数的一半",
            ),
        ),
        per_seed(
            lambda subject: subject.at("after", Instrument("circuits.logit_explained")),
            id="circuits.fourier",
            part="logits",
            claim=FOURIER,
            supports=above(0.9),
            refutes=below(0.5),
            measures=("circuits.logit_explained",),
            measured=text(
                "share of the logits' variance in the key frequencies' directions", "logit 方差落在关键频率方向上的份额"
            ),
        ),
        per_seed(
            # The measure is the share itself: its threshold of .85 is its own.
            lambda subject: subject.at("after", Instrument("circuits.neuron_explained")),
            id="circuits.fourier",
            part="neurons",
            claim=FOURIER,
            supports=above(0.8),
            refutes=below(0.5),
            measures=("circuits.neuron_explained",),
            measured=text(
                "share of neurons explained above .85 by one frequency", "由单一频率解释超过 .85 的神经元占比"
            ),
        ),
        per_seed(
            _keeping_improves,
            share=True,
            id="circuits.fourier",
            part="keeping",
            claim=FOURIER,
            measures=("circuits.restricted_loss[split=test]", "behaviour.test_loss"),
            measured=text("keeping only the key frequencies lowers the test loss", "只保留关键频率使测试损失更低"),
        ),
        per_seed(
            _ablating_destroys,
            share=True,
            id="circuits.fourier",
            part="ablating",
            claim=FOURIER,
            measures=("circuits.excluded_loss",),
            measured=text(
                "without them training inputs are answered worse than by guessing",
                "去掉关键频率后，训练输入答得比瞎猜还差",
            ),
        ),
        per_seed(
            _in_order,
            share=True,
            controls=(RANDOM_LABELS,),
            id="circuits.three_phases",
            part="order",
            claim=PHASES,
            measures=("behaviour.test_loss", "weights.squared_norm"),
            measured=text(
                "largest test loss, half of it, and the end of the norm's fall come in this order",
                "测试损失峰值、降到一半、范数下降结束，依次出现",
            ),
        ),
        per_seed(
            _gini_rises,
            id="circuits.three_phases",
            controls=(RANDOM_LABELS,),  # of step 0 alone a change is 0 by construction
            part="sparsity",
            claim=PHASES,
            supports=above(0.1),
            refutes=below(0),
            measures=("circuits.gini_embedding",),
            measured=text(
                "Gini coefficient of the embedding's frequencies at the end less that when memorised",
                "嵌入频谱的基尼系数：结束时减记忆期",
            ),
        ),
        per_seed(
            _leads,
            share=True,
            controls=(RANDOM_LABELS,),
            id="circuits.before",
            claim=BEFORE,
            measures=("circuits.restricted_loss[split=test]", "behaviour.test_loss"),
            series=("circuits.restricted_loss",),
            measured=text(
                "restricted loss has fallen half of its way before test loss, from onset on, in logarithms",
                "自起始点起（取对数），受限损失先于测试损失完成一半下降",
            ),
        ),
        per_seed(
            _named,
            share=True,
            controls=OF_REPRESENTATION,
            id="circuits.clock_pizza",
            claim=KIND,
            measures=("circuits.gradient_symmetricity", "circuits.distance_irrelevance"),
            measured=text("the published thresholds name the network clock or pizza", "按已发表阈值可判为时钟或披萨"),
        ),
    ),
)
