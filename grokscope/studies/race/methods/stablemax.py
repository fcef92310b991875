"""StableMax in the place of softmax; on AdamW."""

from grokscope.studies.race.base import Method, Published

stablemax = Method(
    id="stablemax",
    title="StableMax",
    source="Prieto et al. 2025, arXiv:2501.04697, definition 4",
    changes={"loss": "stablemax_cross_entropy"},
    published=Published(
        times=None,
        setting={
            "en": "addition mod 113, 40 % of the pairs, without decay: generalises where softmax does not; no factor",
            "zh": "模 113 加法，40 % 样本，无衰减：softmax 不泛化时它泛化；没有倍数",
        },
        baseline={"en": "softmax without decay", "zh": "无衰减的 softmax"},
        tuned={"en": "no", "zh": "否"},
    ),
)
