"""⊥Grad: gradients without their part along the weights; on AdamW."""

from grokscope.statistics.regions import below
from grokscope.studies.race.base import Method, Published, Shapes
from grokscope.studies.race.shapes import weights


def _flops(shapes: Shapes) -> float:
    """Two inner products, one update, two norms and a factor."""
    return 11.0 * weights(shapes)


orthogonal = Method(
    id="orthogonal",
    title="⊥Grad",
    source="Prieto et al. 2025, arXiv:2501.04697, definition 7 and the released code",
    changes={"orthogonal_gradient": "per_tensor"},
    published=Published(
        times=None,
        setting={
            "en": "addition mod 113, 40 % of the pairs, two-layer MLP: no delay after memorising; no factor is given",
            "zh": "模 113 加法，40 % 样本，两层 MLP：记忆后没有延迟；没有给出倍数",
        },
        baseline={"en": "AdamW without decay", "zh": "无衰减的 AdamW"},
        tuned={"en": "no", "zh": "否"},
    ),
    expected=below(1.0),
    why={
        "en": "tuned AdamW wins four of the five decided cells of a public grid",
        "zh": "在一个公开的网格中，调优的 AdamW 赢得五个有结论的格中的四个",
    },
    flops=_flops,
)
