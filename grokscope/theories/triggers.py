"""What grokking needs: a small data set, structure in it, and weight decay."""

from typing import Any

from grokscope.predictions.arms import BASE, NO_DECAY
from grokscope.predictions.base import Prediction, Theory
from grokscope.predictions.rows import GENERALISED, GROKKED, MEMORISED, RANDOM_LABELS, per_seed, text
from grokscope.predictions.shared import BASES, LARGE, MOST_DATA
from grokscope.statistics.regions import above, below

CLAIM = text("Grokking needs small data, structure and weight decay", "顿悟需要小数据集、有结构的任务和权重衰减")
# "Needs" fixes the regions: without one of the three few runs grok, at most a fifth.
FEW, SOME = below(0.2), above(0.5)
REMOVED = (
    (MOST_DATA, "without small data", "on nine tenths of the data", "训练集占九成数据时"),
    (RANDOM_LABELS, "without structure", "with labels drawn at random", "标签随机时"),
    (NO_DECAY, "without weight decay", "without weight decay", "没有权重衰减时"),
)
ABOUT: dict[str, Any] = {"id": "triggers.three", "claim": CLAIM, "share": True}


def _removed(arm: str, part: str, en: str, zh: str) -> Prediction:
    """Without one of the three a network still learns what there is to learn, and does not grok."""
    at_once = arm == MOST_DATA
    learned = GENERALISED if at_once else MEMORISED
    return per_seed(
        learned,
        GROKKED if at_once else GENERALISED,
        of=lambda learned, other: float(learned and not other),
        arm=arm,
        controls=(BASE,),
        part=part,
        version=3,
        changed=text(
            "the network must learn: one that learns nothing did not count as grokking either; held against the base, "
            "seed by seed",
            "网络必须学到东西：什么都没学会的网络此前也算“没有顿悟”；并逐种子与基准组比较",
        ),
        measured=text(
            f"share of runs that generalise without a delay {en}"
            if at_once
            else f"share of runs that memorise and have not generalised by their last step, {en}",
            f"{zh}无延迟地泛化的训练占比" if at_once else f"{zh}已记忆、到最后一步仍未泛化的训练占比",
        ),
        **ABOUT,
    )


triggers = Theory(
    id="triggers",
    title=text("Triggers", "触发条件"),
    source="Power et al. 2022, arXiv:2201.02177; the essay's first section",
    arms=(*BASES, LARGE),
    predictions=(
        per_seed(
            GROKKED,
            controls=(),
            part="all three",
            measured=text(
                "share of runs that memorise first and generalise much later", "先记忆、很久之后才泛化的训练占比"
            ),
            **ABOUT,
        ),
        *(
            per_seed(
                GROKKED,
                arm=arm,
                controls=(),
                part=part,
                supports=FEW,
                refutes=SOME,
                measured=text(f"the same share {en}", f"{zh}的同一占比"),
                **ABOUT,
            )
            for arm, part, en, zh in REMOVED
        ),
        per_seed(
            GROKKED,
            controls=tuple(arm for arm, *_ in REMOVED),
            part="all three",
            version=3,
            changed=text(
                "held against the arms that lack one of the three, seed by seed", "逐种子与各缺一项的对照组比较"
            ),
            measured=text(
                "share of runs that memorise first and generalise much later", "先记忆、很久之后才泛化的训练占比"
            ),
            ideal=1.0,
            **ABOUT,
        ),
        *(_removed(*about) for about in REMOVED),
    ),
)
