"""Weight efficiency: the generalising circuit has the same logits at a smaller norm, so weight decay prefers it."""

from collections.abc import Sequence

import numpy as np

from grokscope.errors import of_all
from grokscope.predictions.base import Answers, Prediction, Statistic, Theory
from grokscope.predictions.readings import Number, at
from grokscope.predictions.rows import along, last, per_seed, text
from grokscope.statistics.regions import above, below, outside, within
from grokscope.theories.weight_efficiency.arms import ARMS, GENERALISING, MEMORISING, UNGROK

# The norm at one logit, 10 nats, by the network itself at scaled weights: at equal logits, as the claim has it.
NORM = at("after", "efficiency.norm_per_logit", of="rescaled")


def _slope(family: str) -> Statistic:
    """Per seed: slope of ln norm at a fixed logit on ln n_train."""

    def seed(sizes: np.ndarray, runs: Sequence[Answers]) -> Number:
        def slope(*norms: float) -> float:
            return float(np.polyfit(np.log(sizes), np.log(norms), 1)[0])

        return of_all(slope, *(run[NORM] for run in runs))

    lacking = f"{{}} sizes of the training set; needs 3: arms {family}/n_train=..."
    return along(family, seed, fewest=3, lacking=lacking)


NORMS = text(
    "At a fixed logit the memorising circuit's norm grows with the data, the generalising one's does not",
    "固定 logit 时，记忆电路的范数随数据量增长，泛化电路的不增长",
)
CRITICAL = text(
    "Below a critical size a generalising network un-groks when trained on",
    "低于临界数据量继续训练，已泛化的网络会“反顿悟”",
)
BETWEEN = (within(0.1, 0.9), outside(0.05, 0.95))
SEMI = text("Near it networks generalise in part (semi-grokking)", "在临界数据量附近出现半顿悟")

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
        *(
            per_seed(
                last("behaviour.test_accuracy"),
                arm=f"{UNGROK}/{part}",
                controls=(),
                id="efficiency.critical_size",
                part=part,
                claim=claim,
                supports=supports,
                refutes=refutes,
                measured=text(
                    f"test accuracy after training a generalising network on with {en}",
                    f"用{zh}继续训练已泛化网络后的测试准确率",
                ),
            )
            for part, claim, supports, refutes, en, zh in (
                ("small", CRITICAL, below(0.5), above(0.9), "few data", "少量数据"),
                ("large", CRITICAL, above(0.9), below(0.5), "many data", "大量数据"),
                ("near", SEMI, *BETWEEN, "data near the critical size", "临界附近的数据"),
            )
        ),
    ),
)
