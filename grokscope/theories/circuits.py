"""Circuits: the network adds by rotations on a few circles, and forms that circuit before the test loss shows it."""

import math

import numpy as np

from grokscope.errors import Missing, of_all
from grokscope.predictions.base import Theory
from grokscope.predictions.readings import Fact, Number, Series, at
from grokscope.predictions.rows import OF_REPRESENTATION, RANDOM_LABELS, per_seed, text
from grokscope.predictions.shared import BASES
from grokscope.predictions.subject import Subject
from grokscope.statistics.circuit_phases import circuit_phases
from grokscope.statistics.clock_pizza import algorithm
from grokscope.statistics.contrasts import half_change
from grokscope.statistics.regions import above, below
from grokscope.statistics.series import align

KEYS = at("after", "circuits.n_key_frequencies")
RESTRICTED = at("after", "circuits.restricted_loss", split="test")
CLASSES = Fact("number of classes", lambda subject: float(subject.run.task.n_classes))
GINI = "circuits.gini_embedding"
FEW = 10  # key frequencies: Nanda et al. find three to ten


def _few(keys: float, n_classes: float) -> float:
    half = (n_classes - 1) // 2
    return float(1 <= keys <= min(FEW, half // 2))


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
    for measure, view in (("circuits.restricted_loss", "split=test"), ("behaviour.test_loss", "")):
        rows = subject.rows(measure)
        here = (rows.views == view) & (rows.steps >= start) & (rows.values > 0) & np.isin(rows.steps, checkpoints)
        halves.append(half_change(rows.steps[here], np.log(rows.values[here]), window=3))
    return of_all(lambda restricted, loss: float(restricted < loss), *halves)


def _named(symmetricity: float, irrelevance: float) -> Number:
    """1 if the network is a clock or a pizza by the published thresholds."""
    name = algorithm(symmetricity, irrelevance)
    return name if isinstance(name, Missing) else float(name != "neither")


LEADS = Series(
    "restricted loss leads", _leads, ("circuits.restricted_loss[split=test]",), ("circuits.restricted_loss",)
)
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
            KEYS,
            CLASSES,
            of=_few,
            share=True,
            id="circuits.fourier",
            part="few",
            claim=FOURIER,
            measured=text(
                "at most ten key frequencies at the end, and no more than half of all",
                "结束时关键频率不超过 10 个，且不超过总数的一半",
            ),
        ),
        per_seed(
            at("after", "circuits.logit_explained"),
            id="circuits.fourier",
            part="logits",
            claim=FOURIER,
            supports=above(0.9),
            refutes=below(0.5),
            measured=text(
                "share of the logits' variance in the key frequencies' directions", "logit 方差落在关键频率方向上的份额"
            ),
        ),
        per_seed(
            # The measure is the share itself: its threshold of .85 is its own.
            at("after", "circuits.neuron_explained"),
            id="circuits.fourier",
            part="neurons",
            claim=FOURIER,
            supports=above(0.8),
            refutes=below(0.5),
            measured=text(
                "share of neurons explained above .85 by one frequency", "由单一频率解释超过 .85 的神经元占比"
            ),
        ),
        per_seed(
            RESTRICTED,
            at("after", "behaviour.test_loss"),
            of=lambda restricted, loss: float(restricted < loss),
            share=True,
            id="circuits.fourier",
            part="keeping",
            claim=FOURIER,
            measured=text("keeping only the key frequencies lowers the test loss", "只保留关键频率使测试损失更低"),
        ),
        per_seed(
            at("after", "circuits.excluded_loss"),
            CLASSES,
            # Training inputs are answered worse than by guessing.
            of=lambda excluded, n_classes: float(excluded > math.log(n_classes)),
            share=True,
            id="circuits.fourier",
            part="ablating",
            claim=FOURIER,
            measured=text(
                "without them training inputs are answered worse than by guessing",
                "去掉关键频率后，训练输入答得比瞎猜还差",
            ),
        ),
        per_seed(
            Series("phases in order", _in_order, ("behaviour.test_loss", "weights.squared_norm")),
            share=True,
            controls=(RANDOM_LABELS,),
            id="circuits.three_phases",
            part="order",
            claim=PHASES,
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
            claim=PHASES,
            supports=above(0.1),
            refutes=below(0),
            measured=text(
                "Gini coefficient of the embedding's frequencies at the end less that when memorised",
                "嵌入频谱的基尼系数：结束时减记忆期",
            ),
        ),
        per_seed(
            LEADS,
            share=True,
            controls=(RANDOM_LABELS,),
            id="circuits.before",
            claim=BEFORE,
            measured=text(
                "restricted loss has fallen half of its way before test loss, from onset on, in logarithms",
                "自起始点起（取对数），受限损失先于测试损失完成一半下降",
            ),
        ),
        per_seed(
            at("after", "circuits.gradient_symmetricity"),
            at("after", "circuits.distance_irrelevance", variant="correct"),
            of=_named,
            share=True,
            controls=OF_REPRESENTATION,
            id="circuits.clock_pizza",
            claim=KIND,
            measured=text("the published thresholds name the network clock or pizza", "按已发表阈值可判为时钟或披萨"),
        ),
    ),
)
