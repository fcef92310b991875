"""Persistence diagrams of Vietoris-Rips complexes, in this process or, within a limit of time, in a child.

Source: Bauer 2021, arXiv:1908.02518 (Ripser, of which gudhi carries a fork).
"""

import io
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.numerics._distances import ROUNDING, Matrix

Bars = Float[np.ndarray, "bar 2"]
TimeLeft = Callable[[], float] | None  # seconds; None: no limit

DIMENSIONS = (0, 1, 2)
LARGEST = 2000  # points; at 2000 the loops of one cloud take half a minute and gigabytes
QUICK = 100  # points whose H1 takes no longer than the start of a child process


def timer(seconds: float | None) -> TimeLeft:
    """How many of the seconds are left; ValueError unless they are above 0."""
    if seconds is None:
        return None
    if not seconds > 0:
        raise ValueError(f"seconds must be above 0, got {seconds}")
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def homology(matrices: Sequence[Matrix], dimension: int, time_left: TimeLeft) -> list[Bars] | Missing:
    """The bars of each cloud in one dimension above 0; `Missing` where there are too many points or too little time."""
    n = max(map(len, matrices))
    if n > LARGEST:
        return Missing(f"{n} points; homology above dimension 0 takes at most {LARGEST}: take landmarks")
    if time_left is None or (dimension == 1 and n <= QUICK):
        return diagrams(matrices, dimension)
    return _in_child(matrices, dimension, time_left())


def diagrams(matrices: Sequence[Matrix], dimension: int) -> list[Bars]:
    """The bars [birth, death] of each matrix in one dimension, the longest first, coefficients in Z/11.

    Only the lower triangle is read: gudhi runs out of memory on a matrix that rounding left asymmetric.
    """
    from gudhi.sklearn import RipsPersistence

    rips = RipsPersistence(homology_dimensions=[dimension], input_type="lower distance matrix")
    return [_sorted(np.asarray(bars)) for (bars,) in rips.fit_transform(list(matrices))]


def _sorted(bars: Bars) -> Bars:
    bars = bars.reshape(-1, 2)
    bars = bars[bars[:, 1] > bars[:, 0] * (1 + ROUNDING)]
    # The length decides, and between equal lengths the birth: never the order of the points.
    return bars[np.lexsort((bars[:, 0], -(bars[:, 1] - bars[:, 0])))]


def _in_child(matrices: Sequence[Matrix], dimension: int, seconds: float) -> list[Bars] | Missing:
    """`diagrams` within some seconds: in a child process, because nothing stops the computation from within."""
    late = Missing(f"homology of dimension {dimension} took more than the {max(seconds, 0):.3g} s that were left")
    if seconds <= 0:
        return late
    sent = io.BytesIO()
    np.savez(sent, *matrices)
    child = "from grokscope.numerics._persistence import child; child()"
    command = [sys.executable, "-c", child, str(dimension)]
    try:
        done = subprocess.run(command, input=sent.getvalue(), capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return late
    if done.returncode != 0:
        return Missing(f"homology of dimension {dimension} failed: {done.stderr.decode()[-200:].strip()}")
    return _unpacked(done.stdout)


def child() -> None:
    """The other side of `_in_child`: a dimension as argument, matrices on stdin, bars on stdout."""
    answer = io.BytesIO()
    np.savez(answer, *diagrams(_unpacked(sys.stdin.buffer.read()), int(sys.argv[1])))
    sys.stdout.buffer.write(answer.getvalue())


def _unpacked(sent: bytes) -> list[np.ndarray]:
    with np.load(io.BytesIO(sent)) as arrays:
        return [arrays[f"arr_{i}"] for i in range(len(arrays.files))]
