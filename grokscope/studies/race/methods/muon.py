"""Muon for the matrices, AdamW for the tables."""

from grokscope.statistics.regions import within
from grokscope.studies.race.base import Method, Published, Shapes
from grokscope.studies.race.shapes import matrices
from grokscope.training.optimizers.muon import hidden


def _flops(shapes: Shapes) -> float:
    """Five rounds of Newton and Schulz: 5 (4 m^2 n + 2 m^3) a matrix, m its shorter side."""
    own = {name: shapes[name] for name in hidden(shapes)}
    return sum(5.0 * (4 * m * m * n + 2 * m**3) for m, n in matrices(own))


muon = Method(
    id="muon",
    title="Muon",
    source="Jordan et al. 2024, released code 857d1ad; its claim: arXiv:2504.16041",
    changes={"optimizer": "muon"},
    knobs={"muon_factor": (0.1, 0.3, 1.0, 3.0)},
    published=Published(
        times=1.49,
        setting={
            "en": "six operations mod 97, transformer with RoPE: 103 epochs, not 153; rate, decay, seeds not given",
            "zh": "模 97 的六种运算，带 RoPE 的 transformer：103 轮而非 153 轮；未给出学习率、衰减与种子数",
        },
        baseline={"en": "AdamW, epochs pooled over tasks", "zh": "AdamW，各任务合并"},
        tuned={"en": "not stated", "zh": "未说明"},
    ),
    expected=within(1.0, 2.0),
    why={
        "en": "1.5 against tuned AdamW in a public log of five seeds, with far more collapse afterwards",
        "zh": "在公开的五个种子日志中，相对调优 AdamW 为 1.5 倍，之后崩溃多得多",
    },
    flops=_flops,
)
