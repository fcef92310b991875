"""Predictions of bottlenecks: at the task's rank they accelerate grokking, below it prevent it, above it do little.

Arms are called site/rank; "site/full" has the width of the site.
"""

from collections.abc import Sequence
from typing import Any

from grokscope.predictions.arms import NO_BOTTLENECK
from grokscope.predictions.base import Given, Prediction, Sample, Text, Times
from grokscope.predictions.rows import GENERALISED, TIMES, per_seed, text, times
from grokscope.statistics.regions import above, below, outside, within

SITES = {"embed": "嵌入", "resid_mid": "注意力之后", "mlp_post": "神经元"}
EQUAL, BELOW, ABOVE = (1, 2), (1,), (4, 8, 16, 32, 64)  # 1: a circle's dimension; 2: the dimension it embeds in
# Version 3. A circle needs two dimensions to be drawn in: 2 is equal, 1 below. Sites of one width, whose ranks share a
# pack; the neurons have another.
STREAM = ("embed", "resid_mid")
DRAWN_IN, MORE = 2, (4, 8, 16)
FULL = text(
    "against a bottleneck of full width: it is the same function at step 0, and its second matrix alone, which is "
    "trained and decays, changes when a network generalises",
    "改与满秩瓶颈比较：它在第 0 步与无瓶颈是同一个函数，而多出的一个矩阵本身（要训练、要衰减）就会改变泛化的时间",
)


TWELVE = text(
    "rank 2, the dimension in which a circle can be drawn, is equal, rank 1 is below, ranks 4, 8 and 16 are above; "
    "rank 1 stood in both before, and they cannot both hold; all against a bottleneck of full width, at the two sites "
    "of one width",
    "秩 2（画出圆所需的维数）为“等于”，秩 1 为“小于”，秩 4、8、16 为“大于”：此前秩 1 同属两条，而两者不能同时成立；"
    "一律与满秩瓶颈比较，只取宽度相同的两个位置",
)


def _hazard(site: str, ranks: Sequence[int], *, version: int, **about: Any) -> Prediction:
    """Hazard of generalising behind bottlenecks of some ranks, as far as they were run, over the other arm's."""
    other = f"{site}/full" if version > 1 else NO_BOTTLENECK
    first, *rest = (f"{site}/{rank}" for rank in ranks)

    def statistic(arms: Given) -> Sample:
        treated = [run for name in (first, *rest) for run in arms.get(name, ())]
        return Times(treated=times(treated), others=times(arms[other]))

    return Prediction(
        statistic=statistic,
        arms=(first, other),
        along=(f"rank/{site}",),
        readings=TIMES,
        version=version,
        until=None if version > 2 else 2,
        changed={1: None, 2: FULL, 3: TWELVE}[version],
        **about,
    )


def _measured(site: str, ranks: str, *, full: bool) -> Text:
    beside, zh = ("one of full width", "满秩瓶颈") if full else ("none", "无瓶颈")
    return text(
        f"hazard of generalising with a bottleneck of rank {ranks} at {site}, over that with {beside}",
        f"{SITES[site]}（{site}）秩 {ranks} 瓶颈下泛化的风险比，相对{zh}",
    )


SOONER = text("A bottleneck of the task's rank makes it generalise sooner", "秩等于任务自由度的瓶颈加速顿悟")
PREVENTED = text("A bottleneck below the task's rank prevents it", "秩小于任务自由度的瓶颈阻止顿悟")
LITTLE = text(
    "A bottleneck above the task's rank does nothing, or slows a little", "秩大于任务自由度的瓶颈不影响或轻微减慢"
)


def _equal(site: str, rank: int, version: int) -> Prediction:
    return _hazard(
        site,
        (rank,),
        version=version,
        id="rank.equal",
        part=f"{site}/{rank}",
        supports=above(1),
        refutes=below(1),
        claim=SOONER,
        measured=_measured(site, str(rank), full=version > 1),
    )


def _below(site: str, version: int) -> Prediction:
    beside, zh = (", which at full width do", "（满秩时能够泛化）") if version > 1 else ("", "")
    return per_seed(
        GENERALISED,
        arm=f"{site}/{BELOW[0]}",
        share=True,
        controls=(f"{site}/full",) if version > 1 else (),
        id="rank.below",
        part=f"{site}/{BELOW[0]}",
        version=version,
        until=None if version > 1 else 2,
        claim=PREVENTED,
        changed=TWELVE if version > 1 else None,
        supports=below(0.1),
        refutes=above(0.5),
        measured=text(
            f"share of runs that generalise with a bottleneck of rank {BELOW[0]} at {site}{beside}",
            f"{SITES[site]}（{site}）秩 {BELOW[0]} 瓶颈下泛化的训练占比{zh}",
        ),
    )


def _above(site: str, ranks: Sequence[int], version: int) -> Prediction:
    return _hazard(
        site,
        ranks,
        version=version,
        id="rank.above",
        part=site,
        supports=within(0.5, 1.1),
        refutes=outside(0.25, 1.5),
        claim=LITTLE,
        measured=_measured(site, ", ".join(map(str, ranks)), full=version > 1),
    )


RANKS: tuple[Prediction, ...] = (
    *(_equal(site, rank, version) for version in (1, 2) for site in SITES for rank in EQUAL),
    *(_equal(site, DRAWN_IN, 3) for site in STREAM),
    *(_below(site, 1) for site in SITES),
    *(_below(site, 3) for site in STREAM),
    *(_above(site, ABOVE, version) for version in (1, 2) for site in SITES),
    *(_above(site, MORE, 3) for site in STREAM),
)
