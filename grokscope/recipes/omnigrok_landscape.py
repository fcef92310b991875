"""The reduced loss landscape of Liu, Michaud & Tegmark 2023, "Omnigrok": teacher and student at a fixed norm.

Source: arXiv:2210.01117, section 3 and figure 2; Adam at 3e-4 for 10,000 steps as in the released code (the paper says
100,000), without weight decay. The paper's curves are this run at init_scale 10^-1 to 10^1.
Departures: the weights are rescaled after each step, also after the last one. The released code rescales them before
the gradient and not after the last step, and its norm counts the first matrix twice. At large norms Adam's step hardly
turns the weights; --set norm_sphere_step=angle turns them by the same angle at every norm.
"""

from grokscope.recipes.omnigrok2023 import omnigrok2023
from grokscope.runs.config import RunConfig


def omnigrok_landscape() -> RunConfig:
    """Student 5-100-100-5 tanh on the sphere of its initial norm, which is PyTorch's own (init_scale 1)."""
    return omnigrok2023().replace(
        optimizer="adam",
        init_scale=1.0,
        weight_decay=0.0,
        norm_sphere=("all",),
        max_steps=10_000,
        stop_after=10_000,  # never: the losses of the last step are compared
    )
