"""What the circuit is made of: few key frequencies, in neurons and logits, that the answers need; a clock or a pizza.

The base stops soon after it generalises, in the middle of cleanup: at p = 59, seed 0, .22 of the neurons have one
frequency then and .80 of the logits' variance is in the key frequencies, .77 and .96 at step 12,000 (docs/pilots.md).
The papers look at networks long after cleanup. So the rows of version 3 are of networks that are trained on.
"""

import math
from typing import Any

from grokscope.errors import Missing, of_all
from grokscope.predictions.base import Prediction
from grokscope.predictions.families import Family, Table
from grokscope.predictions.readings import Number, at
from grokscope.predictions.rows import per_seed, text
from grokscope.predictions.scales import Scale, sized
from grokscope.runs.config import RunConfig
from grokscope.statistics.clock_pizza import algorithm
from grokscope.statistics.regions import above, below
from grokscope.theories.circuits.phases import CLASSES


def _to_the_end(scale: Scale, _: RunConfig) -> Table:
    """The base, not stopped when it has generalised; at paper scale for the paper's 40,000 steps."""
    steps = sized(scale, tiny=3_000, laptop=12_000, paper=40_000)
    return {None: {"max_steps": steps, "stop_after": steps}}


TRAINED_ON = Family(id="trained on", values=_to_the_end)
KEYS = at("after", "circuits.n_key_frequencies")
LOGITS = at("after", "circuits.logit_explained")
NEURONS = at("after", "circuits.neuron_explained")  # the share itself: its threshold of .85 is its own
INFLUENCE = at("after", "circuits.influence_explained")
RESTRICTED = at("after", "circuits.restricted_loss", split="test")
EXCLUDED = at("after", "circuits.excluded_loss")
TEST_LOSS, TRAIN_LOSS = (at("after", f"behaviour.{split}_loss") for split in ("test", "train"))
NAMES = (
    at("after", "circuits.gradient_symmetricity"),
    at("after", "circuits.distance_irrelevance", variant="correct"),
)
FEW = 10  # key frequencies: Nanda et al. find three to ten


def _few(keys: float, n_classes: float) -> float:
    half = (n_classes - 1) // 2
    return float(1 <= keys <= min(FEW, half // 2))


def _keeps(restricted: float, loss: float, n_classes: float) -> float:
    """1 if the key frequencies alone do as well as the network, to 1 %, and answer."""
    return float(restricted <= 1.01 * loss and restricted <= math.log(n_classes) / 2)


def _breaks(excluded: float, loss: float, n_classes: float) -> float:
    """1 if a network that answers its training inputs is worse than guessing without the key frequencies."""
    return float(loss <= math.log(n_classes) / 2 and excluded > math.log(n_classes))


def _named(symmetricity: float, irrelevance: float) -> Number:
    """1 if the network is a clock or a pizza by the published thresholds."""
    name = algorithm(symmetricity, irrelevance)
    return name if isinstance(name, Missing) else float(name != "neither")


def _named_circuit(symmetricity: float, irrelevance: float, explained: float) -> Number:
    """1 if it is named so and its logits are waves of the key frequencies: the thresholds name others too."""
    return of_all(lambda named: float(named and explained >= HALF_OF_LOGITS), _named(symmetricity, irrelevance))


HALF_OF_LOGITS = 0.5
CLAIM = text(
    "Few key frequencies do it: they explain neurons and logits, and are what the answers need",
    "靠少数关键频率：解释神经元与 logit；去掉即失效，只留它们更好",
)
LONGER = (
    "of networks trained on after they have generalised, as published: the base stops in the middle of cleanup",
    "改为泛化之后继续训练的网络（与原文一致）：基准组在清理中途就停止",
)


def _row(part: str, *readings: Any, en: str, zh: str, **about: Any) -> Prediction:
    """A part as first written, of the base."""
    return per_seed(*readings, id="circuits.fourier", part=part, claim=CLAIM, measured=text(en, zh), **about)


def _newer(part: str, *readings: Any, why: tuple[str, str] = ("", ""), **about: Any) -> Prediction:
    """A part of version 3, of networks that are trained on."""
    changed = text(*("; ".join(filter(None, both)) for both in zip(LONGER, why, strict=True)))
    return _row(part, *readings, arm=TRAINED_ON.id, version=3, ideal=1.0, changed=changed, **about)


_FEW: dict[str, Any] = {
    "of": _few, "share": True, "en": "at most ten key frequencies at the end, and no more than half of all",
    "zh": "结束时关键频率不超过 10 个，且不超过总数的一半",
}  # fmt: skip
_LOGITS: dict[str, Any] = {
    "bounds": (0.0, 1.0), "supports": above(0.9), "refutes": below(0.5),
    "en": "share of the logits' variance in the key frequencies' directions",
    "zh": "logit 方差落在关键频率方向上的份额",
}  # fmt: skip
_NEURONS: dict[str, Any] = {
    "bounds": (0.0, 1.0), "supports": above(0.8), "refutes": below(0.5),
    "en": "share of neurons explained above .85 by one frequency", "zh": "由单一频率解释超过 .85 的神经元占比",
}  # fmt: skip
_KIND: dict[str, Any] = {
    "share": True, "id": "circuits.clock_pizza",
    "claim": text("The algorithm is a clock or a pizza", "算法是“时钟”或“披萨”"),
}  # fmt: skip

FOURIER: tuple[Prediction, ...] = (
    _row("few", KEYS, CLASSES, **_FEW),
    _row("logits", LOGITS, **_LOGITS),
    _row("neurons", NEURONS, **_NEURONS),
    _row(
        "keeping",
        *(RESTRICTED, TEST_LOSS),
        of=lambda restricted, loss: float(restricted < loss),
        share=True,
        en="keeping only the key frequencies lowers the test loss",
        zh="只保留关键频率使测试损失更低",
    ),
    _row(
        "ablating",
        *(EXCLUDED, CLASSES),
        # Training inputs are answered worse than by guessing.
        of=lambda excluded, n_classes: float(excluded > math.log(n_classes)),
        share=True,
        en="without them training inputs are answered worse than by guessing",
        zh="去掉关键频率后，训练输入答得比瞎猜还差",
    ),
    _newer("few", KEYS, CLASSES, **_FEW),
    _newer("logits", LOGITS, **_LOGITS),
    _newer(
        "neurons",
        NEURONS,
        why=(
            "as first judged a share was thresholded once more and was always 0, this is the measure itself",
            "初次判定时对占比又做了一次阈值化，结果恒为 0，现在就是该量本身",
        ),
        **_NEURONS,
    ),
    _newer(
        "influence",
        INFLUENCE,
        why=(
            "a neuron counts by what it adds to the logits: one that is hardly read counted as much as any other",
            "神经元按其对 logit 的影响计权：此前几乎不被读取的神经元与其他等同",
        ),
        bounds=(0.0, 1.0),
        supports=above(0.9),
        refutes=below(0.5),
        en="share of each neuron's variance at its best frequency, weighted by its variance and by how strongly the "
        "logits read it",
        zh="各神经元最佳频率所占方差份额，按其方差与被 logit 读取的强度加权",
    ),
    _newer(
        "keeping",
        *(RESTRICTED, TEST_LOSS, CLASSES),
        of=_keeps,
        share=True,
        why=(
            "networks that know nothing lose less with any part of their logits taken out: now what is kept must "
            "answer, and a network that has nothing else may do as well as before",
            "一无所知的网络去掉任何部分损失都会变小：现在要求保留的部分确实能作答，而没有其他成分的网络可以持平",
        ),
        en="the key frequencies alone have no larger test loss than the network, and half of guessing's at most",
        zh="只保留关键频率时，测试损失不高于原网络，且不超过瞎猜的一半",
    ),
    _newer(
        "ablating",
        *(EXCLUDED, TRAIN_LOSS, CLASSES),
        of=_breaks,
        share=True,
        why=(
            "the network must answer before: an untrained one is worse than guessing without any ablation",
            "原网络必须先能作答：从未训练的网络不用去掉任何成分就比瞎猜差",
        ),
        en="training inputs have half of guessing's loss at most, and more than guessing's without the key frequencies",
        zh="训练输入的损失原本不超过瞎猜的一半，去掉关键频率后比瞎猜还差",
    ),
)
KIND: tuple[Prediction, ...] = (
    per_seed(
        *NAMES,
        of=_named,
        measured=text("the published thresholds name the network clock or pizza", "按已发表阈值可判为时钟或披萨"),
        **_KIND,
    ),
    per_seed(
        *(*NAMES, LOGITS),
        of=_named_circuit,
        arm=TRAINED_ON.id,
        version=3,
        ideal=1.0,
        changed=text(
            LONGER[0] + "; and of networks that add on circles: the thresholds name networks with random labels too",
            LONGER[1] + "；并且网络确实在圆上做加法：这些阈值对随机标签的网络也会给出名称",
        ),
        measured=text(
            "the published thresholds name the network clock or pizza, and its key frequencies explain half of the "
            "logits' variance",
            "按已发表阈值可判为时钟或披萨，且关键频率解释 logit 方差的一半以上",
        ),
        **_KIND,
    ),
)
