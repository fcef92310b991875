"""Modular addition without grokking, of Liu, Michaud & Tegmark 2023, "Omnigrok": the transformer at a fixed norm.

Source: arXiv:2210.01117, section 4 and figure 6; the network of Nanda et al. 2023 in float64 for 15,000 steps.
Published: train accuracy 100 % at about step 290, test accuracy nearly with it; with weight decay 1 and no sphere, the
norm from 43 over 61 to 31 and test accuracy 100 % at about 7,500.
Departures: init_scale is relative to Nanda's initial weights, as are the published norms (43 at init_scale 1), the
released warm-up of that network is kept, and each weight counts once in the norm (the released code takes the first
matrix twice).
"""

from grokscope.recipes.nanda2023 import nanda2023
from grokscope.runs.config import RunConfig


def omnigrok_addition() -> RunConfig:
    """Modular addition, p = 113, on the sphere of 0.8 times the initial norm, no weight decay."""
    return nanda2023().replace(
        dtype="float64",
        init_scale=0.8,
        weight_decay=0.0,
        norm_sphere=("all",),
        max_steps=15_000,
    )
