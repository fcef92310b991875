"""A straight line through times of which some are only known to be longer, and where it is 0.

Sources: Tobin 1958, Econometrica 26, 24 (censored regression); Olsen 1978, Econometrica 46, 1211 (its concave
parameters); Fieller 1954, J. R. Stat. Soc. B 16, 175 (the interval of a ratio).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grokscope.errors import Missing

STEPS = 100  # of Newton's method, by far more than it takes


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """y = a + b x, and the covariance of (a, b)."""

    a: float
    b: float
    covariance: NDArray


def censored_line(x: NDArray, y: NDArray, events: NDArray) -> Line | Missing:
    """The line of greatest likelihood; without an event y is only known to be larger. Least squares if all have one."""
    design = np.stack([np.ones_like(x), x], axis=1)
    scale = float(np.abs(y).max()) or 1.0
    start, *_ = np.linalg.lstsq(design[events], y[events] / scale, rcond=None)
    spread = float(np.sqrt(np.square(y[events] / scale - design[events] @ start).mean()))
    if spread < 1e-12 and events.all():
        return Line(a=float(start[0] * scale), b=float(start[1] * scale), covariance=np.zeros((2, 2)))
    likelihood = _Likelihood(rows=np.column_stack([y / scale, -design]), events=events)
    theta = likelihood.largest(np.append(1.0, start) / max(spread, 1e-6))
    if isinstance(theta, Missing):
        return theta
    precision, a, b = theta
    to_line = np.array([[-a / precision, 1, 0], [-b / precision, 0, 1]]) * scale / precision
    n = int(events.sum())
    covariance = to_line @ np.linalg.inv(likelihood.slopes(theta)[1]) @ to_line.T * n / (n - 2)
    return Line(a=float(a / precision * scale), b=float(b / precision * scale), covariance=covariance)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Likelihood:
    """In theta = (1/sigma, a/sigma, b/sigma), where it is concave; rows (y, -1, -x): u = (y - a - b x) / sigma."""

    rows: NDArray
    events: NDArray

    def value(self, theta: NDArray) -> float:
        from scipy.special import log_ndtr

        if theta[0] <= 0:
            return -math.inf
        u, events = self.rows @ theta, self.events
        return float(events.sum() * np.log(theta[0]) - np.square(u[events]).sum() / 2 + log_ndtr(-u[~events]).sum())

    def slopes(self, theta: NDArray) -> tuple[NDArray, NDArray]:
        """The gradient, and minus the second derivatives, which are positive definite."""
        from scipy.special import log_ndtr

        u = self.rows @ theta
        hazard = np.exp(-np.square(u) / 2 - math.log(2 * math.pi) / 2 - log_ndtr(-u))
        first = -(np.where(self.events, u, hazard) @ self.rows)
        first[0] += self.events.sum() / theta[0]
        second = (self.rows.T * np.where(self.events, 1.0, hazard * (hazard - u))) @ self.rows
        second[0, 0] += self.events.sum() / theta[0] ** 2
        return first, second

    def largest(self, theta: NDArray) -> NDArray | Missing:
        """The maximum, by Newton's method from theta on."""
        for _ in range(STEPS):
            first, second = self.slopes(theta)
            move = np.linalg.solve(second, first)
            while self.value(theta + move) < self.value(theta) - 1e-12 and np.abs(move).max() > 0:
                move = move / 2
            theta = theta + move
            if np.abs(move).max() <= 1e-10 * np.abs(theta).max():
                return theta
        return Missing("the fit to censored times did not converge: those observed lie on a line by themselves")


def zero_of(line: Line, quantile: float) -> tuple[float, float] | tuple[Missing, Missing]:
    """The ends of {x: (a + b x)^2 <= t^2 (1, x) covariance (1, x)^T}, t the quantile: where the line may be 0."""
    a, b, margin = line.a, line.b, quantile**2 * line.covariance
    square, half, rest = b**2 - margin[1, 1], a * b - margin[0, 1], a**2 - margin[0, 0]
    if square <= 0:
        open_end = Missing("the slope cannot be told from 0, so the norm at which the line is 0 has no bound")
        return open_end, open_end
    root = math.sqrt(max(half**2 - square * rest, 0.0))
    return (-half - root) / square, (-half + root) / square
