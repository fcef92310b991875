"""Modular addition without grokking, of Liu, Michaud & Tegmark 2023, "Omnigrok": the transformer at a fixed norm.

Source: arXiv:2210.01117, section 4 and figure 6; the network of Nanda et al. 2023 in float64 for 15,000 steps.
Published: train accuracy 100 % at about step 290, and test accuracy soon after it. With weight decay 1 and no sphere
the norm goes from 43 over 61 to 31, and test accuracy is 100 % at about 7,500.
Departures: init_scale is relative to Nanda's initial weights, as are the published norms (43 at init_scale 1); the
warm-up is that of Nanda's released code; each weight counts once in the norm (the released code counts the first matrix
twice).
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
