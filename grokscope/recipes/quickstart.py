"""The smallest network that groks in minutes on a laptop: p = 59, 40 % of the pairs, otherwise Nanda et al. 2023."""

from grokscope.recipes.nanda2023 import nanda2023
from grokscope.runs.config import RunConfig


def quickstart() -> RunConfig:
    """Modular addition, p = 59: memorises by step 110, groks between steps 1,600 and 5,300 (seeds 0 to 9)."""
    return nanda2023().replace(p=59, train_fraction=0.4, max_steps=20_000, evaluate_every=50, stop_after=10)
