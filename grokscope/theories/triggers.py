"""What grokking needs: a small data set, structure in it, and weight decay."""

from grokscope.predictions.arms import NO_DECAY
from grokscope.predictions.base import Theory
from grokscope.predictions.rows import GROKKED, RANDOM_LABELS, per_seed, text
from grokscope.predictions.shared import BASES, of_field
from grokscope.statistics.regions import above, below

CLAIM = text("Grokking needs small data, structure and weight decay", "顿悟需要小数据集、有结构的任务和权重衰减")
# "Needs" fixes the regions: without one of the three few runs grok, at most a fifth.
FEW, SOME = below(0.2), above(0.5)

triggers = Theory(
    id="triggers",
    title=text("Triggers", "触发条件"),
    source="Power et al. 2022, arXiv:2201.02177; the essay's first section",
    arms=(*BASES, of_field("train_fraction", lambda _, __: {0.9: {"train_fraction": 0.9}})),
    predictions=(
        per_seed(
            GROKKED,
            share=True,
            controls=(),
            id="triggers.three",
            part="all three",
            claim=CLAIM,
            measured=text(
                "share of runs that memorise first and generalise much later", "先记忆、很久之后才泛化的训练占比"
            ),
        ),
        *(
            per_seed(
                GROKKED,
                arm=arm,
                share=True,
                controls=(),
                id="triggers.three",
                part=part,
                claim=CLAIM,
                supports=FEW,
                refutes=SOME,
                measured=text(f"the same share {en}", f"{zh}的同一占比"),
            )
            for arm, part, en, zh in (
                ("train_fraction=0.9", "without small data", "on nine tenths of the data", "训练集占九成数据时"),
                (RANDOM_LABELS, "without structure", "with labels drawn at random", "标签随机时"),
                (NO_DECAY, "without weight decay", "without weight decay", "没有权重衰减时"),
            )
        ),
    ),
)
