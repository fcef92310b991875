"""The clip of Clip-to-Grok alone, on AdamW."""

from grokscope.statistics.regions import above
from grokscope.studies.race.base import Method, Published
from grokscope.studies.race.shapes import clipped

adamw_clip = Method(
    id="adamw_clip",
    title="AdamW + clip",
    source="Volchkov & Rivlin 2026, github.com/NiftyliuS/cliptogrok, README 0c1727a: the arm Adam + clip",
    knobs={"row_clip": (2.0, 1.0)},
    published=Published(
        times=29.0,
        setting={
            "en": "as Clip-to-Grok with Adam: 1200 steps instead of 35,040",
            "zh": "同 Clip-to-Grok，用 Adam：1200 步而非 35,040 步",
        },
        baseline={"en": "AdamW, decay 0.01", "zh": "AdamW，衰减 0.01"},
        tuned={"en": "no", "zh": "否"},
    ),
    expected=above(1.0),
    why={
        "en": "the norm cap should keep most of the gain of Lion + clip, whatever the optimizer",
        "zh": "无论优化器是什么，范数上限应保留 Lion + clip 的大部分收益",
    },
    flops=clipped,
)
