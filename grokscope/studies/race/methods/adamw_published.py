"""AdamW as the baselines of papers have it, untuned."""

from grokscope.statistics.regions import below
from grokscope.studies.race.base import Method

adamw_published = Method(
    id="adamw_published",
    title="AdamW of the papers",
    source="the baseline of Clip-to-Grok, github.com/NiftyliuS/cliptogrok, README 0c1727a: rate 1e-3, decay 0.01",
    changes={"learning_rate": 1e-3, "weight_decay": 0.01},
    fixed=True,
    expected=below(0.5),
    why={
        "en": "decay of 0.01 instead of 1 alone made a one-layer transformer more than 20 times slower "
        "(arXiv:2603.13331)",
        "zh": "仅把权重衰减从 1 换成 0.01，单层 transformer 就慢了 20 倍以上 (arXiv:2603.13331)",
    },
)
