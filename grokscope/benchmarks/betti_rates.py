"""How often Betti numbers are right on clouds whose topology is known: false gaps and loops, and true ones found.

Shapes are drawn at random, most of them unevenly: the density varies along the curve, noise fills 64 channels, the
tails are heavy, spreads differ. A rate is a share of draws; its error is sqrt(rate (1 - rate) / draws).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.numerics.topology import betti

Points = Float[np.ndarray, "point channel"]
Draw = Callable[[int, np.random.Generator], Points]

SIZES = (60, 113, 300)
LEVEL = 0.05


def circle(angle: Float[np.ndarray, " point"]) -> Points:
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def uniform(n: int, rng: np.random.Generator) -> Float[np.ndarray, " point"]:
    return 2 * np.pi * rng.random(n)


def trefoil(n: int, rng: np.random.Generator) -> Points:
    t = uniform(n, rng)
    return np.stack([np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t), -np.sin(3 * t)], axis=1)


def swiss_roll(n: int, rng: np.random.Generator) -> Points:
    angle = 1.5 * np.pi * (1 + 2 * rng.random(n))
    return np.stack([angle * np.cos(angle), 21 * rng.random(n), angle * np.sin(angle)], axis=1)


def spiral(n: int, rng: np.random.Generator) -> Points:
    t = 1 + 4 * np.pi * rng.random(n) ** 2
    return t[:, None] * circle(t)


def helix(n: int, rng: np.random.Generator) -> Points:
    t = 6 * np.pi * rng.random(n)
    return np.concatenate([circle(t), 0.2 * t[:, None]], axis=1)


def sphere(n: int, rng: np.random.Generator) -> Points:
    points = rng.normal(size=(n, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def student(n: int, rng: np.random.Generator) -> Points:
    return rng.normal(size=(n, 2)) / np.sqrt(rng.chisquare(3, (n, 1)) / 3)


def two_spreads(n: int, rng: np.random.Generator) -> Points:
    """A dense core in a wide halo."""
    return rng.normal(size=(n, 2)) * np.where(np.arange(n) < n // 2, 1.0, 10.0)[:, None]


def dumbbell(n: int, rng: np.random.Generator) -> Points:
    """Two blobs, and a bridge between them."""
    points = rng.normal(size=(n, 2)) + np.where(np.arange(n) % 2, 20.0, 0.0)[:, None] * [1.0, 0.0]
    points[: n // 3] = rng.random((n // 3, 1)) * [20.0, 0.0] + 0.1 * points[: n // 3] * [0.0, 1.0]
    return points


def unequal(n: int, rng: np.random.Generator) -> Points:
    """Two blobs, the second a hundredth as wide."""
    second = (np.arange(n) % 2 == 1)[:, None]
    return rng.normal(size=(n, 2)) * np.where(second, 0.01, 1.0) + 15.0 * second


def along(density: Callable[[int, np.random.Generator], Float[np.ndarray, " point"]]) -> Draw:
    """A segment with that density of its parameter."""
    return lambda n, rng: density(n, rng)[:, None] * np.array([3.0, 4.0])


def noisy(draw: Draw, noise: float, channels: int = 64) -> Draw:
    """A shape rotated into more channels, with Gaussian noise of this standard deviation in each."""

    def drawn(n: int, rng: np.random.Generator) -> Points:
        points = draw(n, rng)
        turned = points @ np.linalg.qr(rng.normal(size=(channels, points.shape[1])))[0].T
        return turned + noise * rng.normal(size=turned.shape)

    return drawn


def normal(channels: int) -> Draw:
    return lambda n, rng: rng.normal(size=(n, channels))


def together(number: int, draw: Draw, apart: Callable[[int], Any]) -> Draw:
    """Several copies of a shape, the i-th moved by apart(i)."""
    return lambda n, rng: np.concatenate([draw(n // number, rng) + np.array(apart(i)) for i in range(number)])


def von_mises(kappa: float) -> Draw:
    return lambda n, rng: circle(rng.vonmises(0, kappa, n))


def ring(n: int, rng: np.random.Generator) -> Points:
    return circle(uniform(n, rng))


# Connected and without a hole: b0 = 1 and b1 = 0.
LOOP_FREE: dict[str, Draw] = {
    "segment, uniform": along(lambda n, rng: rng.random(n)),
    "segment, beta(1, 4)": along(lambda n, rng: rng.beta(1, 4, n)),
    "segment, beta(1/2, 1/2)": along(lambda n, rng: rng.beta(0.5, 0.5, n)),
    "segment, exponential": along(lambda n, rng: rng.exponential(size=n)),
    "segment, Student t3": along(lambda n, rng: rng.standard_t(3, n)),
    "segment in R^64, noise .02": noisy(along(lambda n, rng: rng.beta(1, 4, n)), 0.02),
    "spiral": spiral,
    "helix": helix,
    "crescent": lambda n, rng: circle(np.pi * rng.beta(2, 2, n)) * (1 + 0.1 * rng.normal(size=(n, 1))),
    "swiss roll": swiss_roll,
    "disc": lambda n, rng: np.sqrt(rng.random((n, 1))) * ring(n, rng),
    "cube": lambda n, rng: rng.random((n, 3)),
    "S2": sphere,
    "Gaussian, 2": normal(2),
    "Gaussian, 8": normal(8),
    "Gaussian, 128": normal(128),
    "Student t3, plane": student,
    "log-normal, plane": lambda n, rng: np.exp(rng.normal(size=(n, 2))),
    "core and halo": two_spreads,
    "dumbbell": dumbbell,
    "ReLU of a Gaussian": lambda n, rng: np.maximum(rng.normal(size=(n, 16)) @ rng.normal(size=(16, 64)), 0),
}
# Connected, with loops that few points may not show: only b0 can be false.
LOOPS: dict[str, Draw] = {
    "trefoil": trefoil,
    "trefoil in R^64, noise .02": noisy(trefoil, 0.02),
    "trefoil in R^64, noise .03": noisy(trefoil, 0.03),
    "circle, von Mises 1": von_mises(1),
    "circle, von Mises 2": von_mises(2),
    "circle, von Mises 1, in R^64, noise .01": noisy(von_mises(1), 0.01),
    "ellipse 5 : 1": lambda n, rng: ring(n, rng) * [5.0, 1.0],
}
# Several components, with their numbers.
APART: dict[str, tuple[int, int, Draw]] = {
    "two circles, 4 apart": (2, 2, together(2, ring, lambda i: (4 * i, 0))),
    "two circles, 100 apart": (2, 2, together(2, ring, lambda i: (100 * i, 0))),
    "two circles in R^64, noise .05": (2, 2, noisy(together(2, ring, lambda i: (4 * i, 0)), 0.05)),
    "three circles": (3, 3, together(3, ring, lambda i: (4 * i, 0))),
    "four blobs, 10 apart": (4, 0, together(4, normal(2), lambda i: (10 * (i % 2), 10 * (i // 2)))),
    "four blobs in R^8": (4, 0, together(4, normal(8), lambda i: 10 * np.eye(8)[i])),
    "two blobs, 100 apart": (2, 0, together(2, normal(2), lambda i: (100 * i, 0))),
    "two blobs, 200 apart": (2, 0, together(2, normal(2), lambda i: (200 * i, 0))),
    "two blobs of spread 1 and .01": (2, 0, unequal),
}


def betti_rates(*, rounds: int = 20, seconds: float | None = None) -> dict[str, Any]:
    """The shares of right b0 and b1 by shape and number of points, over `rounds` draws (seconds: not used).

    kind "connected": right are b0 = 1 and b1 = 0 (on a closed curve b1 is not counted, None). 1 - share is the rate of
    false gaps and loops, which should be at most `level`. kind "apart": several components, to be found.
    """
    del seconds
    cases = [("connected", name, 1, 0, draw) for name, draw in LOOP_FREE.items()]
    cases += [("connected", name, 1, None, draw) for name, draw in LOOPS.items()]
    cases += [("apart", name, *known) for name, known in APART.items()]
    rows = [
        {"kind": kind, "shape": name, "n": n} | _shares(draw, n, rounds, b0, b1)
        for kind, name, b0, b1, draw in cases
        for n in SIZES
    ]
    return {"level": LEVEL, "draws": rounds, "rates": rows}


def _shares(draw: Draw, n: int, draws: int, b0: int, b1: int | None) -> dict[str, float | None]:
    right = np.zeros(2)
    for seed in range(draws):
        answer = betti(draw(n, np.random.default_rng([n, seed])), 0 if b1 is None else 1, LEVEL)
        assert not isinstance(answer, Missing)  # the smallest cloud has 60 points
        right += [answer.numbers[0] == b0, answer.numbers[-1] == b1]
    share = right / draws
    return {"b0": float(share[0]), "b1": None if b1 is None else float(share[1])}
