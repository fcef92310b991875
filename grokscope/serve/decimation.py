"""A series with as many points as a screen can show: of each column of pixels the first, least, largest and last value.

So the line drawn is the same, and no spike is lost (M4: Jugel et al. 2014, doi:10.14778/2732951.2732953).
"""

import numpy as np

from grokscope.statistics.series import Curve

PER_PIXEL = 4


def decimated(curve: Curve, *, start: float, stop: float, pixels: int, log: bool = False) -> Curve:
    """At most about four points a pixel between two steps; points outside stay. log: the axis is logarithmic.

    A value that is not finite stays too, once a pixel: it is a gap in the line.
    """
    steps, values = curve
    if len(steps) <= PER_PIXEL * pixels:
        return curve
    columns = _columns(steps, start, stop, pixels, log)
    finite = np.isfinite(values)
    kept = np.zeros(len(steps), bool)
    for chosen, worth in ((finite, True), (~finite, False)):
        places = np.flatnonzero(chosen)
        if len(places):
            kept[places[_marked(columns[places], values[places] if worth else None)]] = True
    kept[[0, -1]] = True
    return steps[kept], values[kept]


def _columns(steps: np.ndarray, start: float, stop: float, pixels: int, log: bool) -> np.ndarray:
    """The column of pixels of each step; -1 and `pixels` for those outside."""

    def place(at: np.ndarray | float) -> np.ndarray:
        return np.log(np.maximum(at, 0.5)) if log else np.asarray(at, float)

    low, high = place(start), place(stop)
    share = (place(steps) - low) / max(high - low, 1e-12)
    return np.clip(np.floor(share * pixels), -1, pixels).astype(np.int64)


def _marked(columns: np.ndarray, values: np.ndarray | None) -> np.ndarray:
    """The places of the first, least, largest and last value of each column; without values of the first."""
    starts = np.flatnonzero(np.append(True, columns[1:] != columns[:-1]))
    if values is None:
        return starts
    sizes = np.diff(np.append(starts, len(columns)))
    marked = [starts, starts + sizes - 1]
    for extreme in (np.minimum, np.maximum):
        meets = np.flatnonzero(values == np.repeat(extreme.reduceat(values, starts), sizes))
        marked.append(meets[np.searchsorted(meets, starts)])
    return np.unique(np.concatenate(marked))
