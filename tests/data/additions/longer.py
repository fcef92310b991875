"""Weight decay sets the norm: an example."""

from grokscope.predictions.base import Theory
from grokscope.predictions.families import Family
from grokscope.predictions.rows import last, per_group, text
from grokscope.predictions.shared import of_field
from grokscope.statistics.regions import above, below

longer = Theory(
    id="longer",
    title=text("Longer", "更长"),
    source="an example",
    arms=(
        Family(id="base"),
        of_field("weight_decay", lambda _, __: {decay: {"weight_decay": decay} for decay in (0.5, 2.0)}),
    ),
    predictions=(
        per_group(
            lambda little, much: float(little > much),
            last("weights.norm"),
            arms=("weight_decay=0.5", "weight_decay=2"),
            share=True,
            id="longer.norms",
            part="norms",
            claim=text("Less decay, longer weights", "衰减越小，权重越长"),
            supports=above(0.8),
            refutes=below(0.5),
            measured=text("share of seeds with the longer weights", "权重更长的种子占比"),
        ),
    ),
)
