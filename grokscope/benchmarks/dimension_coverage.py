"""How often the intervals of dimension hold the truth, by shape and number of points.

The rule of the interval was chosen on cubes, tori, spheres and Gaussians of 1 to 6 dimensions. Then come other shapes:
bent, unevenly spread, of unequal sides, products of a shape with a border and one without. Then circles, tori and
spheres with noise in some channels; its standard deviation in each is a share of the radius. Each stands in a random
subspace of 32 channels.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.random import Generator

from grokscope.benchmarks.betti_rates import swiss_roll, trefoil
from grokscope.errors import Missing
from grokscope.numerics.dimension import Dimension, Estimate, intrinsic_dimension, twonn

Points = Float[np.ndarray, "point channel"]
Shape = Callable[[Generator, int], Points]

SIZES = (500, 2000)
CHANNELS = 32
DIMENSIONS = (1, 2, 3, 4, 5, 6)
# Share of the radius, channels of the noise.
NOISES = ((0.01, 3), (0.02, 3), (0.01, 32))


def dimension_coverage(
    *,
    rounds: int = 10,
    seconds: float = 0.0,  # noqa: ARG001  a turn is one draw
    sizes: tuple[int, ...] | None = None,
    only: str = "",
) -> dict[str, Any]:
    """Coverage by shape and size over `rounds` draws: of `intrinsic_dimension`, and of TwoNN, an interval of sampling
    alone.

    `low`, `value`, `high`: means over the draws with an answer, divided by the truth. `missing`: draws without one.
    `coarse`: answers read on a share of the points. sizes: `SIZES` by default. only: shapes whose name starts with it.
    """
    rows = [
        _row(name, shape, truth, n, rounds)
        for name, (shape, truth) in shapes().items()
        if name.startswith(only)
        for n in sizes or SIZES
    ]
    return {"draws": rounds, "rates": rows}


def shapes() -> dict[str, tuple[Shape, int]]:
    """Each shape by name, and its dimension."""
    known: dict[str, tuple[Shape, int]] = {}
    for d in DIMENSIONS:
        known[f"{d}-cube"] = (lambda r, n, d=d: r.random((n, d)), d)
        known[f"{d}-torus"] = (lambda r, n, d=d: _torus(r, n, d), d)
        known[f"{d}-sphere"] = (lambda r, n, d=d: _unit(r.normal(size=(n, d + 1))), d)
        known[f"{d}-Gaussian"] = (lambda r, n, d=d: r.normal(size=(n, d)), d)
    known |= dict(_others())
    for share, channels in NOISES:
        for name in ("1-torus", "2-torus", "2-sphere"):
            clean, d = known[name]
            noisy = f"{name}, noise {share:g} in {channels} channels"
            known[noisy] = (lambda r, n, clean=clean, s=share, c=channels: _noisy(clean(r, n), r, s, c), d)
    return known


def _others() -> Iterator[tuple[str, tuple[Shape, int]]]:
    yield "swiss roll", (lambda r, n: swiss_roll(n, r), 2)
    yield "trefoil", (lambda r, n: trefoil(n, r), 1)
    yield "Möbius strip", (_moebius, 2)
    yield "ellipsoid 3:2:1", (lambda r, n: _unit(r.normal(size=(n, 3))) * [3, 2, 1], 2)
    yield "paraboloid", (lambda r, n: _paraboloid(r.uniform(-1, 1, (n, 2))), 2)
    yield "disc", (lambda r, n: _ball(r, n, 2), 2)
    yield "3-ball", (lambda r, n: _ball(r, n, 3), 3)
    yield "4-ball", (lambda r, n: _ball(r, n, 4), 4)
    yield "box 4:2:1", (lambda r, n: r.random((n, 3)) * [4, 2, 1], 3)
    yield "3-simplex", (lambda r, n: r.dirichlet(np.ones(4), n), 3)
    yield "4-cube of beta(2, 2)", (lambda r, n: r.beta(2, 2, (n, 4)), 4)
    yield "Laplace, 2", (lambda r, n: r.laplace(size=(n, 2)), 2)
    yield "Gaussian 3:1:.5", (lambda r, n: r.normal(size=(n, 3)) * [3, 1, 0.5], 3)
    yield "Gaussian 4:2:1:.7", (lambda r, n: r.normal(size=(n, 4)) * [4, 2, 1, 0.7], 4)
    yield "circle x segment", (lambda r, n: np.hstack([_torus(r, n, 1), 2 * r.random((n, 1))]), 2)
    yield "sphere x segment", (lambda r, n: np.hstack([_unit(r.normal(size=(n, 3))), r.random((n, 1))]), 3)
    yield "torus x square", (lambda r, n: np.hstack([_torus(r, n, 2), 2 * r.random((n, 2))]), 4)


def _unit(points: Points) -> Points:
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def _torus(generator: Generator, n: int, circles: int) -> Points:
    angle = generator.uniform(0, 2 * np.pi, (n, circles))
    return np.hstack([np.cos(angle), np.sin(angle)])


def _ball(generator: Generator, n: int, d: int) -> Points:
    return _unit(generator.normal(size=(n, d))) * generator.random((n, 1)) ** (1 / d)


def _moebius(generator: Generator, n: int) -> Points:
    t, across = generator.uniform(0, 2 * np.pi, n), generator.uniform(-0.25, 0.25, n)
    ring = 1 + across * np.cos(t / 2)
    return np.stack([ring * np.cos(t), ring * np.sin(t), across * np.sin(t / 2)], axis=1)


def _paraboloid(flat: Points) -> Points:
    return np.hstack([flat, np.square(flat).sum(1, keepdims=True)])


def _noisy(clean: Points, generator: Generator, share: float, channels: int) -> Points:
    """Noise in some channels, those of the shape first; in each a share of the shape's root mean square radius."""
    wide = np.pad(clean, ((0, 0), (0, max(channels - clean.shape[1], 0))))
    radius = np.sqrt(clean.var(0).sum())
    return wide + share * radius * generator.normal(size=wide.shape)


def _row(name: str, shape: Shape, truth: int, n: int, draws: int) -> dict[str, Any]:
    generator = np.random.default_rng([n, *map(ord, name)])
    read: list[Dimension | Missing] = []
    naive: list[Estimate | Missing] = []
    for _ in range(draws):
        flat = shape(generator, n)
        points = flat @ np.linalg.qr(generator.normal(size=(CHANNELS, flat.shape[1])))[0].T
        read.append(intrinsic_dimension(points))
        naive.append(twonn(points))
    known = [answer for answer in read if isinstance(answer, Dimension)]
    means = {end: _mean(getattr(answer, end) / truth for answer in known) for end in ("low", "value", "high")}
    return {
        "name": name,
        "truth": truth,
        "n": n,
        "coverage": _mean(answer.low <= truth <= answer.high for answer in known),
        "coverage_twonn": _mean(answer.low <= truth <= answer.high for answer in naive if isinstance(answer, Estimate)),
        "missing": draws - len(known),
        "coarse": sum(answer.share < 1 for answer in known),
    } | means


def _mean(values: Any) -> float | None:
    numbers = list(values)
    return float(np.mean(numbers)) if numbers else None
