"""What the singular values of a matrix say."""

from typing import Any

import numpy as np


def effective_rank(matrix: Any) -> float:
    """exp of the entropy of the normalised singular values, between 1 and min(shape).

        p_i = s_i / sum s,   effective rank = exp(-sum p_i log p_i)

    Source: Roy & Vetterli 2007, "The effective rank: a measure of effective dimensionality", definition 1. It is
    scale-free. A zero matrix has effective rank 0 by convention of rank.
    """
    singular = np.linalg.svd(np.asarray(matrix, dtype=np.float64), compute_uv=False)
    if singular.sum() == 0:
        return 0.0
    share = singular / singular.sum()
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))
