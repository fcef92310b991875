"""Clip-to-Grok: Lion, and no row of a weight matrix longer than a bound."""

from grokscope.statistics.regions import above
from grokscope.studies.race.base import Method, Published
from grokscope.studies.race.methods.lion import lion
from grokscope.studies.race.shapes import clipped

lion_clip = Method(
    id="lion_clip",
    title="Lion + clip",
    source="Volchkov & Rivlin 2026, github.com/NiftyliuS/cliptogrok, README 0c1727a",
    changes=lion.changes,
    rates=lion.rates,
    decays=lion.decays,
    knobs={"row_clip": (2.0, 1.0)},
    published=Published(
        times=66.0,
        setting={
            "en": "x * y mod 97, half of the pairs, two-layer decoder, batch 512, Lion 1e-3; 550 steps, median of 200",
            "zh": "x * y mod 97，一半样本，两层解码器，批大小 512，Lion 1e-3；200 次运行的中位数：550 步",
        },
        baseline={"en": "AdamW, decay 0.01", "zh": "AdamW，衰减 0.01"},
        tuned={"en": "no", "zh": "否"},
    ),
    expected=above(1.0),
    why={
        "en": "a cap on norms was seen to be what makes Muon ten times faster on S5",
        "zh": "在 S5 上，使 Muon 快十倍的正是范数上限",
    },
    flops=clipped,
)
