"""Grokfast-MA: the mean of the last hundred gradients is added to the gradient; on AdamW."""

from grokscope.statistics.regions import below
from grokscope.studies.race.base import Method, Published, Shapes
from grokscope.studies.race.shapes import weights


def _flops(shapes: Shapes) -> float:
    """The sum of the window takes 2 operations a weight, and adding it 2."""
    return 4.0 * weights(shapes)


grokfast_ma = Method(
    id="grokfast_ma",
    title="Grokfast-MA",
    source="Lee et al. 2024, arXiv:2405.20233, algorithm 1",
    changes={"grokfast_window": 100},
    knobs={"grokfast_average_gain": (5.0, 1.0, 2.0, 10.0)},
    published=Published(
        times=50.5,
        setting={
            "en": "x * y mod 97, half of the pairs, two-layer decoder, batch 512, Adam 1e-3, decay 0.01",
            "zh": "x * y mod 97，一半样本，两层解码器，批大小 512，Adam 1e-3，衰减 0.01",
        },
        baseline={"en": "Adam without decay, one run", "zh": "无衰减的 Adam，一次运行"},
        tuned={"en": "no", "zh": "否"},
    ),
    expected=below(2.0),
    why={
        "en": "filter and decay were changed together; without decay the filter took 3.7 times the steps",
        "zh": "滤波与衰减同时被改变；去掉衰减后滤波需要 3.7 倍的步数",
    },
    flops=_flops,
)
