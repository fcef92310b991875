"""How often the circle panel certifies circles: on tables that have none, and on clocks of known frequencies.

Tables without circles are paths along the residues (walks, smooth functions of a line, autoregressions), clocks of
another modulus, clocks with rows cut out, random and permuted rows. Other curves close: a smooth loop is a circle, a
closed walk is not. In a clock with rows cut out at random, the slowest circles sometimes are circles still, because
their elements stay within a step of their places. A rate is a share of draws; its error is
sqrt(rate (1 - rate) / draws).
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float

from grokscope.errors import Missing
from grokscope.numerics.circles import circle_panel

Table = Float[np.ndarray, "element channel"]
Draw = Callable[[int, np.random.Generator], Table]

# Each modulus, and those whose clocks are passed off as clocks of it.
MODULI = {31: (29, 37), 59: (53, 67), 97: (89, 113), 113: (97, 127)}
PERMUTATIONS = 199
NUMBERS, NOISES, FALLS = (1, 2, 3, 4, 5), (0.0, 0.1, 0.3), (1.0, 0.75)  # of the clocks
LINE = {"gap", "drift", "skirt", "rest"}  # criteria of the whole table


def clock(
    turns: Float[np.ndarray, "circle element"],
    channels: int,
    noise: float,
    rng: np.random.Generator,
    amplitudes: Sequence[float] = (),
) -> Table:
    """Circles in orthonormal planes. noise: its expected norm over that of a row."""
    radii = np.array(amplitudes or np.ones(len(turns)))
    planes = np.linalg.qr(rng.normal(size=(channels, 2 * len(turns))))[0]
    waves = np.concatenate([radii[:, None] * f(2 * np.pi * turns) for f in (np.cos, np.sin)])
    scale = noise * np.sqrt(np.square(radii).sum() / channels)
    return waves.T @ planes.T + scale * rng.normal(size=(turns.shape[1], channels))


def frequencies(modulus: int, number: int, rng: np.random.Generator) -> Any:
    return rng.choice(np.arange(1, (modulus + 1) // 2), size=number, replace=False)


def walk(channels: int, noise: float = 0.0, tails: float = np.inf) -> Draw:
    """noise: over the walk's own spread. tails: degrees of freedom of the steps."""

    def draw(p: int, rng: np.random.Generator) -> Table:
        steps = rng.normal(size=(p, channels)) if tails == np.inf else rng.standard_t(tails, size=(p, channels))
        path = steps.cumsum(0)
        return path + noise * path.std(0).mean() * rng.normal(size=path.shape)

    return draw


def process(covariance: Callable[[Any], Any], channels: int = 64) -> Draw:
    """A Gaussian process on a line of length 1. covariance: of two places, by their distance."""

    def draw(p: int, rng: np.random.Generator) -> Table:
        place = np.arange(p) / p
        values, vectors = np.linalg.eigh(covariance(np.abs(place[:, None] - place)))
        return vectors * np.sqrt(np.maximum(values, 0)) @ rng.normal(size=(p, channels))

    return draw


def smooth(length: float, channels: int = 64) -> Draw:
    return process(lambda t: np.exp(-((t / length) ** 2) / 2), channels)


def loop(length: float) -> Draw:
    """`smooth` on a circle of length 1."""
    return process(lambda t: np.exp((np.cos(2 * np.pi * t) - 1) / (2 * np.pi * length) ** 2))


def autoregression(memory: float, channels: int = 64) -> Draw:
    def draw(p: int, rng: np.random.Generator) -> Table:
        rows = rng.normal(size=(p, channels))
        rows[0] /= np.sqrt(1 - memory**2)
        for x in range(1, p):
            rows[x] += memory * rows[x - 1]
        return rows

    return draw


def polynomial(degree: int) -> Draw:
    return lambda p, rng: (
        np.polynomial.legendre.legvander(np.linspace(-1, 1, p), degree) @ rng.normal(size=(degree + 1, 64))
    )


def moving_average(p: int, rng: np.random.Generator) -> Table:
    rows = rng.normal(size=(p + 4, 64))
    return np.lib.stride_tricks.sliding_window_view(rows, 5, axis=0).sum(-1)


def bridge(p: int, rng: np.random.Generator) -> Table:
    path = rng.normal(size=(p, 64)).cumsum(0)
    return path - np.outer(np.arange(1, p + 1) / p, path[-1])


def arc(p: int, rng: np.random.Generator) -> Table:
    return clock(rng.choice([0.8, 0.9, 1.1]) * np.arange(p)[None] / p, 64, 0.1, rng)


def modulus(number: int, noise: float) -> Draw:
    """The first p residues of a clock of a smaller or larger modulus."""

    def draw(p: int, rng: np.random.Generator) -> Table:
        q = int(rng.choice(MODULI[p]))
        return clock(np.outer(frequencies(q, number, rng), np.arange(p)) % q / q, 64, noise, rng)

    return draw


def rows_cut(number: int, *, scattered: bool) -> Draw:
    """A clock of a larger modulus without some of its rows: at random, or consecutive ones."""

    def draw(p: int, rng: np.random.Generator) -> Table:
        q = MODULI[p][1]
        table = clock(np.outer(frequencies(q, number, rng), np.arange(q)) % q / q, 64, 0.1, rng)
        start = int(rng.integers(p))
        cut = rng.choice(q, q - p, replace=False) if scattered else np.arange(start, start + q - p)
        return np.delete(table, cut, axis=0)

    return draw


def random_rows(p: int, rng: np.random.Generator) -> Table:
    return rng.normal(size=(p, int(rng.choice([32, 128, 512]))))


def permuted(p: int, rng: np.random.Generator) -> Table:
    return rng.permutation(clock(np.outer(frequencies(p, 3, rng), np.arange(p)) / p, 64, 0.1, rng))


NONE: dict[str, Draw] = {
    **{f"walk, {channels} channels": walk(channels) for channels in (8, 64, 128, 512)},
    "walk, noise .3": walk(64, noise=0.3),
    "walk, noise 1": walk(64, noise=1.0),
    "walk, heavy tails": walk(64, tails=2.0),
    "walk, rolled": lambda p, rng: np.roll(walk(64)(p, rng), int(rng.integers(p)), axis=0),
    "walk of walks": lambda p, rng: walk(64)(p, rng).cumsum(0),
    **{f"smooth, length {length}": smooth(length) for length in (0.03, 0.07, 0.15, 0.3, 1.0)},
    "smooth, length .15, 512 channels": smooth(0.15, 512),
    "exponential covariance": process(lambda t: np.exp(-t / 0.2)),
    **{f"polynomial, degree {degree}": polynomial(degree) for degree in (2, 3, 6)},
    **{f"autoregression {memory}": autoregression(memory) for memory in (0.6, 0.8, 0.95)},
    "moving average of 5": moving_average,
    "arc of a circle": arc,
    **{f"another modulus, K = {k}, noise {noise}": modulus(k, noise) for k in (1, 3) for noise in (0.0, 0.1, 0.3)},
    **{f"rows cut out, K = {k}": rows_cut(k, scattered=False) for k in (1, 3)},
    "random rows": random_rows,
    "permuted clock": permuted,
}
CLOSED: dict[str, Draw] = {
    "closed walk": bridge,
    "closed loop, length .15": loop(0.15),
    **{f"rows cut out at random, K = {k}": rows_cut(k, scattered=True) for k in (1, 3)},
}


def circle_rates(*, rounds: int = 200, seconds: float | None = None) -> dict[str, Any]:
    """rates: for each kind, the share of draws with a certified circle, and with one that fails the line's tests alone.

    For clocks: the share with all circles certified and no other. rounds: draws of a kind, in turns over the moduli.
    """
    del seconds
    rows = [_false(name, draw, rounds) for name, draw in (NONE | CLOSED).items()]
    rows += [_power(*case, rounds) for case in product(NUMBERS, NOISES, FALLS)]
    return {"rates": rows, "draws": rounds}


def _false(name: str, draw: Draw, rounds: int) -> dict[str, Any]:
    certified, otherwise = 0, 0
    for seed in range(rounds):
        p = list(MODULI)[seed % len(MODULI)]
        panel = circle_panel(draw(p, np.random.default_rng(seed)), permutations=PERMUTATIONS, seed=seed)
        if not isinstance(panel, Missing):
            certified += panel.n_certified > 0
            otherwise += any(set(circle.failed) <= LINE for circle in panel.circles)
    return {"kind": name, "certified": certified / rounds, "without_tests_of_a_line": otherwise / rounds}


def _power(number: int, noise: float, fall: float, rounds: int) -> dict[str, Any]:
    """fall: the radius of each circle over that of the circle before."""
    right = 0
    for seed in range(rounds):
        p, rng = (31, 59, 113)[seed % 3], np.random.default_rng(seed)
        ks = frequencies(p, number, rng)
        turns, channels = np.outer(ks, np.arange(p)) % p / p, (32, 128)[seed % 2]
        table = clock(turns, channels, noise, rng, [fall**i for i in range(number)])
        panel = circle_panel(table, permutations=PERMUTATIONS, seed=seed)
        right += not isinstance(panel, Missing) and set(panel.certified) == set(ks.tolist())
    kind = f"clock, K = {number}, noise {noise}" + ("" if fall == 1 else ", unequal")
    return {"kind": kind, "certified": right / rounds, "without_tests_of_a_line": None}
