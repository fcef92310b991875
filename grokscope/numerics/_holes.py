"""The law of the bars of noise in H1 and H2, and the verdict on a cloud's bars by it; see `topology.betti`."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from jaxtyping import Float, Int

from grokscope.errors import Missing
from grokscope.numerics._distances import FEWEST, Measured, Rows
from grokscope.numerics._persistence import Bars, TimeLeft, homology
from grokscope.numerics.sampling import maxmin

Part = Int[np.ndarray, " part"]  # the points of one component

# Points of which homology is taken, by dimension: a cloud and 20 surrogates take ten seconds or so. Of more, landmarks.
WHOLE = {1: 1000, 2: 300}
LANDMARKS = {1: 500, 2: 200}
# Mean of log(death / birth) of noise that fills as few dimensions as a hole needs: the longest bars that noise has.
# Uniform and Gaussian clouds of 60 to 600 points: .14 to .21 in the plane (H1), .04 to .055 in space (H2).
FULL = {1: 0.2, 2: 0.055}
# Bars of noise on a curved surface are a little longer than those of its surrogates, which fill more dimensions. S2 of
# 60 points has a false loop in 8 % of draws without it, in 4 % with it; a torus of 113 is found in 80, not 84 %.
SLACK = 1.06


@dataclass(frozen=True, kw_only=True, eq=False)
class Holes:
    """The bars of all components, the longest first, with their p-values; the rest as in `topology.Betti`."""

    bars: Bars
    p_values: Float[np.ndarray, " bar"]
    detectable: float
    tests: float
    rate: float
    null: Bars


@dataclass(frozen=True, kw_only=True, eq=False)
class Diagram:
    """The bars of one component and those of each of its surrogates; none where it is too small to have any."""

    bars: Bars
    surrogates: Sequence[Bars]


def thinned(rows: Rows, part: Part, dimension: int) -> Part:
    """A component, or as many landmarks of it as its share of the points."""
    if len(rows) <= WHOLE[dimension]:
        return part
    share = max(FEWEST, round(LANDMARKS[dimension] * len(part) / len(rows)))
    return part[maxmin(rows[part], share)] if share < len(part) else part


def component_diagrams(
    cloud: Measured, parts: Sequence[Part], dimension: int, *, time_left: TimeLeft, surrogates: int, seed: int
) -> list[Diagram] | Missing:
    """The bars of each component and of its surrogates; a component of fewer than 10 points has no surrogates."""
    matrices = []
    for part in parts:
        rows = cloud.rows[part]
        null = _surrogates(rows - rows.mean(0), surrogates, seed) if len(part) >= FEWEST else []
        matrices.append([cloud.distances[np.ix_(part, part)], *map(cloud.between, null)])
    bars = homology(list(chain.from_iterable(matrices)), dimension, time_left)
    if isinstance(bars, Missing):
        return bars
    rest = iter(bars)
    split = (list(islice(rest, len(of_part))) for of_part in matrices)
    return [Diagram(bars=own, surrogates=null) for own, *null in split]


def _surrogates(rows: Rows, number: int, seed: int) -> list[Rows]:
    """Clouds U S with the singular values S of the centred rows; U: random orthonormal columns of mean 0."""
    singular = np.linalg.svd(rows, compute_uv=False)
    singular = singular[singular > singular[0] * max(rows.shape) * np.finfo(float).eps][: len(rows) - 1]
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(number):
        # A row a singular value, and QR goes through them in order: a last one that is only rounding changes nothing.
        normal = rng.normal(size=(len(rows) - 1, len(rows)))[: len(singular)].T
        drawn.append(np.linalg.qr(normal - normal.mean(0))[0] * singular)
    return drawn


def strengths(bars: Bars) -> Float[np.ndarray, " bar"]:
    """death / birth."""
    return bars[:, 1] / bars[:, 0]


def holes(diagrams: Sequence[Diagram], dimension: int, level: float) -> Holes:
    """Verdict on the bars of a cloud's components, each by the law of its own surrogates."""
    laws = [_law(diagram, dimension) for diagram in diagrams]
    tests = max(1.0, sum(count for count, _ in laws))
    p_values = [
        np.minimum(1.0, tests * strengths(diagram.bars) ** -rate) if diagram.surrogates else np.ones(len(diagram.bars))
        for diagram, (_, rate) in zip(diagrams, laws, strict=True)
    ]
    rate = min(rate for _, rate in laws)
    bars, p = np.concatenate([diagram.bars for diagram in diagrams]), np.concatenate(p_values)
    order = np.lexsort((bars[:, 0], -(bars[:, 1] - bars[:, 0])))
    return Holes(
        bars=bars[order],
        p_values=p[order],
        detectable=float((tests / level) ** (1 / rate)),
        tests=tests,
        rate=rate,
        null=np.concatenate([np.empty((0, 2)), *(bars for diagram in diagrams for bars in diagram.surrogates)]),
    )


def _law(diagram: Diagram, dimension: int) -> tuple[float, float]:
    """How many bars noise has here (the larger of the component's own number and its surrogates'), and the rate e^B."""
    own = np.log(strengths(diagram.bars))
    null = np.log(np.concatenate([np.empty(0), *(strengths(bars) for bars in diagram.surrogates)]))
    per_surrogate = len(null) / max(len(diagram.surrogates), 1)
    tests = max(float(len(own)), per_surrogate)
    if tests == 0:
        return tests, 1 / (SLACK * FULL[dimension])
    expected = null.mean() if len(null) else 0.0
    excess = min(FULL[dimension], max(own.mean(), expected)) if len(own) else 0.0
    total = per_surrogate * expected + excess * (tests - per_surrogate)
    return tests, float(tests / (SLACK * total))
