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
FULL = text(
    "against a bottleneck of full width: it is the same function at step 0, and its second matrix alone, which is "
    "trained and decays, changes when a network generalises",
    "改与满秩瓶颈比较：它在第 0 步与无瓶颈是同一个函数，而多出的一个矩阵本身（要训练、要衰减）就会改变泛化的时间",
)


def _hazard(site: str, ranks: Sequence[int], *, full: bool, **about: Any) -> Prediction:
    """Hazard of generalising behind bottlenecks of some ranks, as far as they were run, over the other arm's."""
    other = f"{site}/full" if full else NO_BOTTLENECK
    first, *rest = (f"{site}/{rank}" for rank in ranks)

    def statistic(arms: Given) -> Sample:
        treated = [run for name in (first, *rest) for run in arms.get(name, ())]
        return Times(treated=times(treated), others=times(arms[other]))

    return Prediction(
        statistic=statistic,
        arms=(first, other),
        along=(f"rank/{site}",),
        readings=TIMES,
        version=2 if full else 1,
        changed=FULL if full else None,
        **about,
    )


def _measured(site: str, ranks: str, *, full: bool) -> Text:
    beside, zh = ("one of full width", "满秩瓶颈") if full else ("none", "无瓶颈")
    return text(
        f"hazard of generalising with a bottleneck of rank {ranks} at {site}, over that with {beside}",
        f"{SITES[site]}（{site}）秩 {ranks} 瓶颈下泛化的风险比，相对{zh}",
    )


RANKS: tuple[Prediction, ...] = (
    *(
        _hazard(
            site,
            (rank,),
            full=full,
            id="rank.equal",
            part=f"{site}/{rank}",
            supports=above(1),
            refutes=below(1),
            claim=text("A bottleneck of the task's rank makes it generalise sooner", "秩等于任务自由度的瓶颈加速顿悟"),
            measured=_measured(site, str(rank), full=full),
        )
        for full in (False, True)
        for site in SITES
        for rank in EQUAL
    ),
    *(
        per_seed(
            GENERALISED,
            arm=f"{site}/{rank}",
            share=True,
            controls=(),
            id="rank.below",
            part=f"{site}/{rank}",
            claim=text("A bottleneck below the task's rank prevents it", "秩小于任务自由度的瓶颈阻止顿悟"),
            supports=below(0.1),
            refutes=above(0.5),
            measured=text(
                f"share of runs that generalise with a bottleneck of rank {rank} at {site}",
                f"{SITES[site]}（{site}）秩 {rank} 瓶颈下泛化的训练占比",
            ),
        )
        for site in SITES
        for rank in BELOW
    ),
    *(
        _hazard(
            site,
            ABOVE,
            full=full,
            id="rank.above",
            part=site,
            supports=within(0.5, 1.1),
            refutes=outside(0.25, 1.5),
            claim=text(
                "A bottleneck above the task's rank does nothing, or slows a little",
                "秩大于任务自由度的瓶颈不影响或轻微减慢",
            ),
            measured=_measured(site, "4, 8, 16, 32, 64", full=full),
        )
        for full in (False, True)
        for site in SITES
    ),
)
