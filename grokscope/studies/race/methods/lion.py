"""Lion alone: the part of Clip-to-Grok that is no clip."""

from grokscope.studies.race.base import Method

lion = Method(
    id="lion",
    title="Lion",
    source="Chen et al. 2023, arXiv:2302.06675; betas of Clip-to-Grok",
    changes={"optimizer": "lion", "betas": (0.9, 0.97)},
    rates=0.1,  # every weight moves by the rate: the paper advises a tenth of AdamW's, and ten times its decay
    decays=10.0,
)
