"""Grokfast-EMA: the slow part of the gradient, an exponential average, is amplified; on AdamW."""

from grokscope.statistics.regions import below
from grokscope.studies.race.base import Method, Published, Shapes
from grokscope.studies.race.shapes import weights


def _flops(shapes: Shapes) -> float:
    """The average takes 3 operations a weight, and adding it 2."""
    return 5.0 * weights(shapes)


grokfast_ema = Method(
    id="grokfast_ema",
    title="Grokfast-EMA",
    source="Lee et al. 2024, arXiv:2405.20233, algorithm 2",
    knobs={"grokfast_gain": (2.0, 5.0), "grokfast_memory": (0.98, 0.9)},
    published=Published(
        times=43.8,
        setting={
            "en": "x * y mod 97, half of the pairs, two-layer decoder, batch 512, Adam 1e-3, decay 0.005",
            "zh": "x * y mod 97，一半样本，两层解码器，批大小 512，Adam 1e-3，衰减 0.005",
        },
        baseline={"en": "Adam without decay, one run", "zh": "无衰减的 Adam，一次运行"},
        tuned={"en": "no", "zh": "否"},
    ),
    expected=below(2.0),
    why={
        "en": "filter and decay were changed together; for plain descent the filter is momentum and a larger rate",
        "zh": "滤波与衰减同时被改变；对普通梯度下降，滤波等于动量加更大的学习率",
    },
    flops=_flops,
)
