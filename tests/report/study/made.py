"""A run made up, for what studies say of the transition."""

from typing import Any

import numpy as np

from grokscope.runs.store.rows import Rows
from grokscope.statistics.transitions import phases

STEPS = np.arange(0, 4001, 25)


class Made:
    """A run whose order parameter rises around step 2,000, within `width` steps from 20 to 80 %."""

    checkpoints = STEPS.tolist()

    def __init__(self, width: float) -> None:
        self.share = 1 / (1 + np.exp(-(STEPS - 2000) * 2 * np.log(4) / width))

    def phases(self, split: str = "test") -> Any:
        return phases(STEPS, train_accuracy=STEPS >= 100, test_accuracy=self.share > 0.9, test_loss=-self.share)

    def rows(self, measure: str) -> Any:
        known = measure == "manifold.harmonic_share"
        n = len(STEPS) if known else 0
        view = np.full(n, "split=all")
        return Rows(steps=STEPS[:n], values=self.share[:n], runs=view, measures=view, views=view)
