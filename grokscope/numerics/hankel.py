"""How well the next values of a series follow from the last ones by one linear map: Hankel dynamic mode decomposition.

    z_t = (x_t, ..., x_(t+d-1)),   X = (z_1 ... z_(m-1)),   X' = (z_2 ... z_m),   X = U S V^T
    A = X' V_q S_q^-1 U_q^T,   residual = |X' - A X| / |X'| = |X' (I - V_q V_q^T)| / |X'|

d delays; the q leading singular directions are kept. 0: the series is a sum of at most q exponentials or half as many
oscillations.
"""

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing

ROUNDING = 1e-14  # of the largest singular value: what is below is no direction


def residual(series: Float[np.ndarray, "time channel"], *, delays: int, rank: int) -> float | Missing:
    """The residual of a series at even times. `Missing` for fewer than delays + 2 times, where no map has anything to
    fit, for a series of zeros, and for values that are not finite. ValueError for fewer than one delay or direction.

    A rank of at least the number of columns leaves no residual whatever the series.
    """
    if delays < 1 or rank < 1:
        raise ValueError(f"expected at least one delay and one direction, got {delays} and {rank}")
    x = np.asarray(series, dtype=np.float64)
    if len(x) < delays + 2:
        return Missing(f"{len(x)} times; {delays} delays need {delays + 2}")
    if not np.isfinite(x).all():
        return Missing("the series has values that are not finite")
    columns = len(x) - delays + 1
    stacked = np.concatenate([x[place : place + columns] for place in range(delays)], axis=1).T
    before, after = stacked[:, :-1], stacked[:, 1:]
    size = float(np.linalg.norm(after))
    if not size:
        return Missing("the series is zero")
    _, values, right = np.linalg.svd(before, full_matrices=False)
    kept = right[: min(rank, int((values > ROUNDING * values[0]).sum()))]
    return float(np.linalg.norm(after - after @ kept.T @ kept)) / size
