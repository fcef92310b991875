"""Norms at which a network generalises, and how long one that starts beyond them takes to come down.

Source: Liu, Michaud & Tegmark 2023 ("Omnigrok"), arXiv:2210.01117, sections 2 to 4. Trained at a fixed norm w, the
train loss falls with w and stays low (the L), the test loss rises again (the U); the norms between are the Goldilocks
zone, a shell in weight space. Weight decay carries a network from a norm w0 outside it down to w_c in a time
ln(w0 / w_c) / (eta gamma).

Norms are compared by their ratios: edges are interpolated and averaged in ln w, and so are their intervals. Tables are
(norm, seed). Edges have Student's interval; the bootstrap's is too short for five seeds.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray

from grokscope.errors import Missing, of_all
from grokscope.statistics._censored import censored_line, zero_of
from grokscope.statistics.intervals import Effect, geometric_effect, mean_effect

Table: TypeAlias = Float[np.ndarray, "norm seed"]
# The ends of one seed's shell; None where it goes on beyond the norms tried.
Edges: TypeAlias = tuple[float | None, float | None]

SMALLEST, LARGEST = 1e-300, 1e300  # stand for a loss of 0, which has no logarithm, and for an infinite loss
FEWEST_EVENTS = 3  # runs that generalised: a line through fewer has no error


@dataclass(frozen=True, kw_only=True)
class Reduced:
    """Losses of networks trained at fixed norms, each as mean and interval over seeds.

    norms: the geometric mean over seeds. A loss is Missing where that of some seed was not finite.
    """

    norms: Float[np.ndarray, " norm"]
    train: tuple[Effect | Missing, ...]
    test: tuple[Effect | Missing, ...]


def reduced(norms: ArrayLike, train: ArrayLike, test: ArrayLike, *, level: float = 0.95) -> Reduced:
    """The reduced train and test loss (L and U) by norm: final losses of runs trained on spheres.

    norms: (norm,) or (norm, seed), ascending. train, test: (norm, seed). Intervals as `intervals.mean_effect`.
    Raises ValueError for tables of other shapes and for norms that are not positive and ascending.
    """
    losses = [_table(name, values) for name, values in (("train", train), ("test", test))]
    if losses[0].shape != losses[1].shape:
        raise ValueError(f"train and test differ in shape: {losses[0].shape} and {losses[1].shape}")

    def effect(values: NDArray) -> Effect | Missing:
        lost = int((~np.isfinite(values)).sum())
        if lost:
            return Missing(f"{lost} of {len(values)} seeds ended with a loss that is not finite")
        return mean_effect(values, level=level)

    at = _norms(norms, losses[0].shape)
    by_norm = [tuple(effect(row) for row in table) for table in losses]
    return Reduced(norms=np.exp(np.log(at).mean(1)), train=by_norm[0], test=by_norm[1])


@dataclass(frozen=True, kw_only=True)
class Shell:
    """The Goldilocks shell [w_lo, w_hi]: geometric means over seeds, intervals of Student's t in ln w.

    edges: of each seed; None for a seed in which the criterion holds nowhere; an end is None where the shell goes on
    beyond the norms tried. never: how many seeds are None; they count in neither end's n. An end is Missing where no
    seed has one, and where some seed's is open: the mean of the other seeds would lie too far inside.
    """

    low: Effect | Missing
    high: Effect | Missing
    edges: tuple[Edges | None, ...]
    never: int


def shell(
    norms: ArrayLike,
    values: ArrayLike,
    *,
    kind: Literal["accuracy", "loss"] = "accuracy",
    least: float = 0.9,
    factor: float = 10.0,
    axis: str = "norm",
    level: float = 0.95,
) -> Shell:
    """The norms at which a network generalises.

    Criterion of kind accuracy: test accuracy >= least. Of kind loss (regressions): test loss <= factor times the seed's
    smallest. A value that is not finite never meets it.
    A seed's shell is a stretch of neighbouring norms that all meet the criterion: the one that contains the seed's best
    value; of several, the widest. An edge lies between the last norm that meets it and the first that does not, where
    the accuracy, or the logarithm of the loss, crosses its bound on a straight line in ln w.

    norms: (norm,) or (norm, seed), ascending. values: (norm, seed). axis: the word for norms. With shares of the data
    instead of norms, the lower end is the share from which networks generalise.
    Raises ValueError for other shapes, norms that are not positive and ascending, bounds that nothing or all satisfies.
    """
    table = _table("values", values)
    at = np.log(_norms(norms, table.shape))
    if kind == "accuracy":
        if not 0 < least <= 1:
            raise ValueError(f"least must lie in (0, 1], got {least}")
        scores = table - least
    elif kind == "loss":
        if not factor > 1:
            raise ValueError(f"factor must be above 1, got {factor}")
        finite = np.isfinite(table)
        logs = np.log(np.where(finite, np.maximum(table, SMALLEST), LARGEST))
        scores = np.where(finite, math.log(factor) + logs.min(0) - logs, -np.inf)
    else:
        raise ValueError(f"kind must be accuracy or loss, got {kind!r}")
    scores = np.where(np.isnan(scores), -np.inf, scores)
    edges = tuple(_edges(at[:, seed], scores[:, seed]) for seed in range(table.shape[1]))
    return Shell(
        low=_end(edges, 0, axis, level),
        high=_end(edges, 1, axis, level),
        edges=edges,
        never=sum(edge is None for edge in edges),
    )


@dataclass(frozen=True, kw_only=True)
class Law:
    """t_gen = slope (ln w0 - ln w_c).

    slope [steps], w_c: with their intervals. n: runs; n_censored of them never generalised. predicted: 1 / (eta gamma)
    where these were given. r_squared: of the runs that generalised, about the line.
    """

    slope: Effect
    w_c: Effect
    r_squared: float
    n: int
    n_censored: int
    predicted: float | None

    def at(self, w0: ArrayLike) -> NDArray:
        """The line: t_gen of networks that start at these norms."""
        return self.slope.value * np.log(np.asarray(w0) / self.w_c.value)


def generalisation_law(
    w0: ArrayLike,
    t_gen: ArrayLike,
    observed: ArrayLike | None = None,
    *,
    rate: float | None = None,
    decay: float | None = None,
    level: float = 0.95,
) -> Law | Missing:
    """Regression of the time to generalise on the logarithm of the initial norm.

        t_i = a + b ln w0_i + sigma e_i,   b = 1 / (eta gamma),   w_c = exp(-a / b),   e_i normal

    A run that never generalised (observed false, t_gen its last step) is not dropped, which would flatten the line. It
    enters with the probability that its time lies beyond that step (`_censored`); without such runs this is least
    squares. Intervals: Student's with (runs that generalised - 2) degrees of freedom, exact without censoring. That of
    w_c is Fieller's; its ends are Missing where the slope's interval holds 0.

    w0, t_gen, observed: (run,). Runs count as independent and the line as straight: leave out norms below w_c, where
    nothing has to decay. rate, decay: eta and gamma, for the predicted slope.
    `Missing` with fewer than three runs that generalised, or if these have one norm. Raises ValueError for unequal
    lengths, values that are not finite, norms that are not positive.
    """
    from scipy.stats import t

    x, y = np.asarray(w0, dtype=np.float64), np.asarray(t_gen, dtype=np.float64)
    events = np.ones(x.shape, dtype=bool) if observed is None else np.asarray(observed).astype(bool)
    if x.ndim != 1 or not x.shape == y.shape == events.shape:
        raise ValueError(f"expected one norm, time and flag a run, got shapes {x.shape}, {y.shape}, {events.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all() and (x > 0).all()):
        raise ValueError("norms must be positive and finite, times finite: censored runs have their last step")
    if events.sum() < FEWEST_EVENTS or np.ptp(x[events]) == 0:
        return Missing(f"{events.sum()} of {len(x)} runs generalised: a line needs {FEWEST_EVENTS} and two norms")
    centre = np.log(x[events]).mean()
    line = censored_line(np.log(x) - centre, y, events)
    if isinstance(line, Missing):
        return line
    quantile = float(t.isf((1 - level) / 2, int(events.sum()) - 2))
    reach = quantile * math.sqrt(line.covariance[1, 1])
    residuals = y[events] - line.a - line.b * (np.log(x[events]) - centre)
    total = float(np.square(y[events] - y[events].mean()).sum())
    low, high = (of_all(lambda end: _exp(centre + end), end) for end in zero_of(line, quantile))
    n = len(x)
    return Law(
        slope=Effect(value=line.b, low=line.b - reach, high=line.b + reach, n=n),
        w_c=Effect(value=_exp(centre - line.a / line.b if line.b else -math.inf), low=low, high=high, n=n),
        r_squared=1 - float(np.square(residuals).sum()) / total if total else 0.0,
        n=n,
        n_censored=int((~events).sum()),
        predicted=None if rate is None or not decay else 1 / (rate * decay),
    )


def _edges(at: NDArray, scores: NDArray) -> Edges | None:
    """The ends of the best stretch of norms whose scores are 0 or more."""
    stretches = [list(places) for met, places in itertools.groupby(range(len(at)), lambda i: scores[i] >= 0) if met]
    if not stretches:
        return None
    best = max(stretches, key=lambda places: (scores[places].max(), at[places[-1]] - at[places[0]]))

    def edge(inside: int, outside: int) -> float | None:
        if not 0 <= outside < len(at):
            return None
        share = scores[inside] / (scores[inside] - scores[outside])
        return math.exp(at[inside] + share * (at[outside] - at[inside]))

    return edge(best[0], best[0] - 1), edge(best[-1], best[-1] + 1)


def _end(edges: tuple[Edges | None, ...], which: Literal[0, 1], axis: str, level: float) -> Effect | Missing:
    """The mean of the lower (0) or upper (1) edges."""
    ends = [edge[which] for edge in edges if edge is not None]
    known = [value for value in ends if value is not None]
    if not ends:
        return Missing(f"the criterion holds at no {axis} in any of {len(edges)} seeds")
    if len(known) < len(ends):
        beyond = "largest" if which else "smallest"
        return Missing(f"in {len(ends) - len(known)} of {len(ends)} seeds the shell goes on beyond the {beyond} {axis}")
    return geometric_effect(known, level=level)


def _exp(x: float) -> float:
    """exp without warnings: for times that hardly grow with the norm, w_c is 0 or infinite."""
    with np.errstate(over="ignore", under="ignore"):
        return float(np.exp(x))


def _table(name: str, values: ArrayLike) -> Table:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or not table.size:
        raise ValueError(f"{name} has the shape {table.shape}: expected (norm, seed), at least one of each")
    return table


def _norms(norms: ArrayLike, shape: tuple[int, ...]) -> Table:
    given = np.asarray(norms, dtype=np.float64)
    if given.shape not in (shape, shape[:1]):
        raise ValueError(f"norms have the shape {given.shape}: expected {shape[:1]} or {shape}, as the values")
    table = np.broadcast_to(given if given.ndim == 2 else given[:, None], shape)
    if not (np.isfinite(table).all() and (table > 0).all() and (np.diff(table, axis=0) > 0).all()):
        raise ValueError("norms must be positive, finite and ascending")
    return table
