"""Seconds of the manifold's instruments, each beside its bar.

Dimension: TwoNN and Gride from neighbours found once, of a cloud as large as a 30 % split of all pairs at p = 113, and
of one as large as all pairs. Where scikit-dimension is installed, it computes the same numbers in turns with ours; it
finds the neighbours twice. Both must agree first. ratio_to_skdim is our time over theirs: below 1 ours is faster.

Topology: Betti numbers of 113 points with 20 surrogates.

Measures: the family "manifold." on one checkpoint of a grokked quickstart network.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from grokscope.benchmarks.base import durations, family, summary, table, timed
from grokscope.errors import GrokscopeError, Missing
from grokscope.numerics.dimension import gride, nearest, twonn
from grokscope.numerics.topology import betti
from grokscope.recipes.base import recipe
from grokscope.runs.run import load
from grokscope.runs.snapshot import Snapshot
from grokscope.studies.experiment import train

Points = Float[np.ndarray, "point channel"]

# Points, channels, bar [s]: 30 % of the pairs at p = 113, and all of them in 512 neurons.
CLOUDS = ((3830, 128, 0.3), (12769, 512, 6.0))
RESIDUES, CHANNELS, BETTI_BAR = 113, 128, 0.3
FAMILY, FAMILY_BAR = "manifold.", 2.0
# Points on which ours and the oracle must agree before either is timed on all of them.
COMPARED = 1000
# Share of the radius: enough that no two points of a lattice are equally far, as in a network.
NOISE = 0.05
WITHOUT_ORACLE = {"skdim_seconds": None, "ratio_to_skdim": None}


def manifold(*, rounds: int = 3, seconds: float = 0.5) -> dict[str, Any]:
    """For each instrument: seconds a call (median over the rounds, and spread) and its bar.

    In a turn each is called once, or until `seconds` have passed. Fields on scikit-dimension are None without it.
    """
    oracle = scikit_dimension()
    rows = [_dimension(*sizes, oracle, rounds=rounds, seconds=seconds) for sizes in CLOUDS]
    rows.append(_betti(rounds=rounds, seconds=seconds))
    with checkpoint() as fresh:
        rows.append(family(FAMILY, fresh, rounds=rounds, bar=FAMILY_BAR))
    return table(
        [WITHOUT_ORACLE | row for row in rows],
        blas_threads=_blas_threads(),
        torch=torch.__version__,
        scikit_dimension=version("scikit-dimension") if oracle else None,
        remarks=[]
        if oracle
        else ["scikit-dimension 0.5 or later is not installed: nothing to compare dimensions with"],
    )


def scikit_dimension() -> Callable[[Points], list[float]] | None:
    """TwoNN and then Gride by scale, as in `ours`, by scikit-dimension 0.5; None where that is not installed."""
    try:
        from skdim.id import GRIDE, TwoNN
    except ImportError:
        return None

    def estimates(points: Points) -> list[float]:
        first = TwoNN(discard_fraction=0.1, method="mle").fit(points).dimension_
        return [float(first), *GRIDE(multiscale=True, range_max=32).fit(points).dimension_scales_.tolist()]

    return estimates


def ours(points: Points) -> list[float]:
    """TwoNN and then Gride by scale; scales without an answer left out."""
    near = nearest(points)
    if isinstance(near, Missing):
        return []
    return [answer.value for answer in (twonn(near), *gride(near)) if not isinstance(answer, Missing)]


@contextmanager
def checkpoint() -> Iterator[Callable[[], Snapshot]]:
    """A function that makes fresh snapshots of a grokked quickstart network."""
    print("training the quickstart once, for a checkpoint that has grokked: a minute or two", file=sys.stderr)
    with TemporaryDirectory() as store:
        folder = train(recipe("quickstart"), store=store, device="cpu", progress=False).folder
        # A run keeps its first snapshot, so each comes from a run of its own.
        yield lambda: load(folder).snapshot()


def _dimension(
    n: int, channels: int, bar: float, oracle: Callable[[Points], list[float]] | None, **turns: Any
) -> dict[str, Any]:
    """A noisy torus."""
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, (n, 2))
    points = _placed(angle, channels)
    calls = {"seconds": lambda: timed(ours, points)}
    mine, difference = ours(points[:COMPARED]), None  # the first call of all imports
    if oracle:
        difference = _disagreement(mine, oracle(points[:COMPARED]))  # compiles the oracle, too
        calls["skdim_seconds"] = lambda: timed(oracle, points)
    taken = durations(calls, **turns)
    if oracle:
        taken["ratio_to_skdim"] = [mine / theirs for mine, theirs in zip(*taken.values(), strict=True)]
    row = {"name": f"TwoNN + Gride, {n:,} x {channels}", "bar": bar, "largest_difference": difference}
    return row | summary(taken)


def _disagreement(mine: list[float], theirs: list[float]) -> float:
    """The largest relative difference of two lists of dimensions."""
    if len(mine) != len(theirs):
        raise GrokscopeError(f"{len(mine)} dimensions are ours and {len(theirs)} scikit-dimension's")
    difference = max(abs(our / their - 1) for our, their in zip(mine, theirs, strict=True))
    if not difference < 1e-6:
        raise GrokscopeError(f"dimensions differ from scikit-dimension's by {difference:.1e}; expected below 1e-6")
    return difference


def _betti(**turns: Any) -> dict[str, Any]:
    """Residues on five circles, of arbitrary frequencies."""
    angle = 2 * np.pi * np.outer(np.arange(RESIDUES), (1, 7, 20, 31, 44)) / RESIDUES
    points = _placed(angle, CHANNELS)

    def numbers() -> None:
        betti(points, max_dimension=1, surrogates=20)

    numbers()
    taken = durations({"seconds": lambda: timed(numbers)}, **turns)
    return {"name": f"Betti numbers, {RESIDUES} x {CHANNELS}, 20 surrogates", "bar": BETTI_BAR} | summary(taken)


def _placed(angle: Float[np.ndarray, "point circle"], channels: int) -> Points:
    """A product of circles in a random subspace, with noise in all channels."""
    generator = np.random.default_rng(1)
    flat = np.hstack([np.cos(angle), np.sin(angle)])
    plane = np.linalg.qr(generator.standard_normal((channels, flat.shape[1])))[0]
    scale = NOISE * np.sqrt(angle.shape[1] / channels)
    return flat @ plane.T + scale * generator.standard_normal((len(flat), channels))


def _blas_threads() -> int | None:
    """The threads of numpy's and scipy's BLAS, which scikit-dimension uses; None if they are unknown."""
    from threadpoolctl import threadpool_info

    return max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=None)
