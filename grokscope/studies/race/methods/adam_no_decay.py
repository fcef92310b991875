"""Adam without decay: the baseline of Grokfast; here its rate and its initial scale are tuned."""

from grokscope.statistics.regions import below
from grokscope.studies.race.base import Method

adam_no_decay = Method(
    id="adam_no_decay",
    title="Adam, no decay",
    source="the baseline of Lee et al. 2024, arXiv:2405.20233; initial scale: Liu et al. 2023, arXiv:2210.01117",
    decays=0.0,
    knobs={"init_scale": (1.0, 0.5, 0.25, 0.125)},
    expected=below(0.5),
    why={
        "en": "without decay only a small start, or luck, brings it there",
        "zh": "没有权重衰减，只有小的初始权重或运气才能让它泛化",
    },
)
