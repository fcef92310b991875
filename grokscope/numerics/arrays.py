"""Instruments by short names, for anybody's arrays: `gs.dimension`, `betti`, `circles`, `attention_entropy`, `ntk`.

Each takes numpy arrays, tensors (of any device and dtype, with or without gradients) or lists, and changes none.
Each asks the function of numerics that the measure asks, so that the number is that of the measure on a snapshot.

A wrong argument is a ValueError of one line: another shape, NaN, complex numbers, a ragged list. A question without an
answer is `Missing` with the reason: too few points, points that are all equal.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from grokscope.errors import Missing
from grokscope.numerics._given import cloud_of, pattern_of, require_own_rows, tensor_of
from grokscope.numerics.circles import Key, Panel, circle_panel
from grokscope.numerics.dimension import Dimension, Estimate, intrinsic_dimension, nearest, twonn
from grokscope.numerics.groups import group as group_of
from grokscope.numerics.kernels import MEMORY, Kind
from grokscope.numerics.kernels import ntk as kernel_of
from grokscope.numerics.topology import Betti, LandmarkBetti, betti_of_landmarks
from grokscope.registry import unknown

# bfloat16 rounds each weight by up to 2^-9 of itself, so that a row of them sums to 1 within 2^-9.
ROUNDED = 2**-8


@dataclass(frozen=True, kw_only=True)
class CloudDimension:
    """The intrinsic dimension of a cloud [1].

    value; low, high: its 95 % interval. fits: whether the distances follow the law that the value rests on; where they
    do not, the value has no meaning. n_points: as given. n_used: the distinct ones. share: of these, at a time, that
    the value was read on. scales: the n1 of Gride that it was read at. by_scale: the estimate at every n1 of all
    points, each with its own interval, ks and `fits`.
    """

    value: float
    low: float
    high: float
    fits: bool
    n_points: int
    n_used: int
    share: float
    scales: tuple[int, ...]
    by_scale: tuple[Estimate | Missing, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class CloudBetti:
    """Betti numbers of a cloud with the persistence that they rest on; every tuple is indexed by dimension.

    numbers; low, high: their range over the draws of landmarks, equal without landmarks. bars: [birth, death], the
    longest first, in the units of the cloud. p_values: one a bar. detectable: what would have been significant; a
    number 0 beside a large one means "could not be seen" (`numerics.topology.Betti`). n_points: as given. n_used: of
    which a dimension was judged. bars, p_values, detectable and n_used are those of the first of `draws` that has these
    numbers.
    """

    numbers: tuple[int | Missing, ...]
    low: tuple[int | Missing, ...]
    high: tuple[int | Missing, ...]
    bars: tuple[Float[np.ndarray, "bar 2"] | Missing, ...] = field(repr=False)
    p_values: tuple[Float[np.ndarray, " bar"] | Missing, ...] = field(repr=False)
    detectable: tuple[float | Missing, ...]
    n_points: int
    n_used: tuple[int, ...]
    draws: tuple[Betti, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class TableCircles:
    """The circles of the group that a table carries.

    frequencies: those present, the strongest first; k, or an irrep's name. certified: those of them that pass all tests
    of a circle. shares: of the variance, one a frequency; share: their sum. panel: every test of every circle.
    """

    frequencies: tuple[Key, ...]
    certified: tuple[Key, ...]
    shares: tuple[float, ...]
    share: float
    panel: Panel = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class HeadEntropy:
    """The entropy of attention by head, and its mean over heads.

    nats: the mean over the inputs. normalised: over the log of the number of keys, 0 one key, 1 uniform; `Missing` of a
    single key.
    """

    nats: tuple[float, ...]
    normalised: tuple[float, ...] | Missing
    mean_nats: float
    mean_normalised: float | Missing
    n_inputs: int
    n_keys: int


def dimension(
    X: Any, *, method: Literal["plateau", "mle", "fit"] = "plateau", seed: int = 0
) -> CloudDimension | Missing:
    """Intrinsic dimension of a cloud X (point, channel), from ratios of distances to neighbours.

        (r_n1 / r_2n1)^d ~ Beta(n1, n1);    TwoNN is n1 = 1

    method: as in the measure manifold.dimension. "plateau": Gride where it does not depend on the scale, with an
    interval for sampling, borders, curvature and noise (`numerics.dimension.intrinsic_dimension`). "mle", "fit": TwoNN
    at the nearest neighbours, with an interval for sampling alone; ask `fits`. seed: of the shares of large clouds.

    `Missing` for fewer than 10 distinct points, for a lattice, and where every number depends on the scale. ValueError
    for anything but (points, channels) of finite real numbers, and for another method.
    Source: Facco et al. 2017, doi:10.1038/s41598-017-11873-y; Denti et al. 2022, doi:10.1038/s41598-022-20991-1.
    """
    if method not in ("plateau", "mle", "fit"):
        raise ValueError(unknown("method", method, ("plateau", "mle", "fit")))
    points = cloud_of(X, "X")
    near = nearest(points, 32 if method == "plateau" else 2)
    if isinstance(near, Missing):
        return near
    found = intrinsic_dimension(near, seed=seed) if method == "plateau" else twonn(near, method)
    if isinstance(found, Missing):
        return found
    plateau = isinstance(found, Dimension)  # of scales that fit: without them there is none
    return CloudDimension(
        value=found.value,
        low=found.low,
        high=found.high,
        fits=plateau or found.fits,
        n_points=len(points),
        n_used=len(near.points),
        share=found.share if plateau else 1.0,
        scales=found.scales if plateau else (found.n1,),
        by_scale=found.gride if plateau else (found,),
    )


def betti(
    X: Any, max_dimension: int = 1, *, level: float = 0.05, surrogates: int = 20, landmarks: int = 300, seed: int = 0
) -> CloudBetti | Missing:
    """Betti numbers b_0, b_1 (and b_2) of a cloud X (point, channel): bars that noise of its spectrum would not have.

    The options are those of the measure manifold.betti. level: of significance, for a dimension as a whole. surrogates:
    clouds of the same spectrum. landmarks: more points than these are thinned to so many, three times; the answer is
    the most frequent one. See `numerics.topology.betti` for the tests.

    `Missing` for fewer than 10 distinct points. ValueError for anything but (points, channels) of finite real numbers,
    and for options out of range.
    Source: Bobrowski & Skraba 2023, doi:10.1038/s41598-023-37842-2; surrogates and b_0 are ours.
    """
    points = cloud_of(X, "X")
    options = {"max_dimension": max_dimension, "level": level, "surrogates": surrogates}
    found: LandmarkBetti | Missing = betti_of_landmarks(points, n_landmarks=landmarks, seed=seed, **options)
    if isinstance(found, Missing):
        return found
    draw = next((draw for draw in found.draws if draw.numbers == found.numbers), found.draws[0])
    return CloudBetti(
        numbers=found.numbers,
        low=found.low,
        high=found.high,
        bars=draw.bars,
        p_values=draw.p_values,
        detectable=draw.detectable,
        n_points=len(points),
        n_used=draw.n_used,
        draws=found.draws,
    )


def circles(
    W_E: Any, *, p: int | None = None, group: str | None = None, level: float = 0.05, seed: int = 0
) -> TableCircles | Missing:
    """The frequencies of a table W_E (element, channel), and which of them are circles of the group.

        P_k = (2 / p) |sum_x E_x exp(-2 pi i k x / p)|^2 / sum_x |E_x - mean|^2

    Rows are the elements of the group in its order: the residues 0..p-1, or a group by its name, "symmetric(4)".
    p: take the first p rows; give it for a W_E with a row for "=", which is no residue. Without p and group every row
    is a residue mod the number of rows. Present is a frequency with a share above that of 999 permutations of the rows;
    certified, one that passes every test of `numerics.circles.circle_panel`. level: of the test of its one loop.

    `Missing` for rows that are all equal, and for a group without circles. ValueError for anything but (elements,
    channels) of finite real numbers, for fewer rows than elements, and for more rows than the group has.
    Source: frequencies, Nanda et al. 2023, arXiv:2301.05217; the panel is ours (docs/decisions/0011.md).
    """
    table = cloud_of(W_E, "W_E")
    of = None if group is None else group_of(group)
    if p is not None:
        if isinstance(p, bool) or not isinstance(p, int) or p < 1:
            raise ValueError(f"p must be a whole number of at least 1, got {p!r}")
        if len(table) < p:
            raise ValueError(f"W_E has {len(table)} rows, p is {p}: expected one row an element, then the channels")
        if table.shape[1] in (p, p + 1) and len(table) > p + 1:
            raise ValueError(f"W_E of shape {table.shape} has its {p} residues along the second axis: give W_E.T")
        table = table[:p]
    if of is not None and len(table) != of.order:
        raise ValueError(f"W_E has {len(table)} rows, {of.name} has {of.order} elements; p takes the first p rows")
    panel = circle_panel(table, group=of, level=level, seed=seed, every_ring=False)
    if isinstance(panel, Missing):
        return panel
    shares = tuple(circle.share for circle in panel.circles)
    return TableCircles(
        frequencies=tuple(circle.key for circle in panel.circles),
        certified=panel.certified,
        shares=shares,
        share=float(sum(shares)),
        panel=panel,
    )


def attention_entropy(P: Any, *, query: int = -1) -> HeadEntropy:
    """Entropy of attention weights P (input, head, key), or (input, head, query, key) as TransformerLens caches them.

        H = -sum_j P_j log P_j   [nats],    normalised: H / log(number of keys)    [1]

    query: the position that looks; -1, the last, is that of the measure attention.entropy.

    ValueError for other shapes, for a query that P has not, for negative weights, and for rows that do not sum to 1.
    Within rounding of half precision they are scaled to.
    Source: Ghader & Monz 2017, arXiv:1710.03348, equation 8.
    """
    from scipy.special import entr

    pattern = pattern_of(P, query)
    sums = pattern.sum(-1, keepdims=True)
    if pattern.min() < 0:
        raise ValueError(
            f"P holds {pattern.min():.3g}: attention weights are at least 0; are these scores before softmax?"
        )
    if (far := np.abs(sums - 1)).max() > ROUNDED:
        raise ValueError(
            f"rows of P must sum to 1, one sums to {sums.flat[far.argmax()]:.6g}; its last axis is the keys"
        )
    nats = entr(pattern / sums).sum(-1).mean(0)
    n_keys = pattern.shape[-1]
    shares = nats / math.log(n_keys) if n_keys > 1 else Missing("of one key: there is nothing to choose")
    missing = isinstance(shares, Missing)
    return HeadEntropy(
        nats=tuple(nats.tolist()),
        normalised=shares if missing else tuple(shares.tolist()),
        mean_nats=float(nats.mean()),
        mean_normalised=shares if missing else float(shares.mean()),
        n_inputs=len(pattern),
        n_keys=n_keys,
    )


def ntk(
    f: Callable[[dict[str, Tensor], Tensor], Tensor],
    params: Mapping[str, Any],
    x: Any,
    x2: Any = None,
    *,
    kind: Kind = "trace",
    memory: int = MEMORY,
) -> Float64[np.ndarray, "one other *outputs"]:
    """The empirical neural tangent kernel of f(params, x), with torch.func.

        K(x, x')_cd = <d f_c(x) / d params, d f_d(x') / d params>

    f: (params, inputs) -> (n, outputs) or (n,), each row from its own input; of a module
    `lambda params, x: torch.func.functional_call(module, params, (x,))`. params: name -> weights; whole numbers are
    passed on unchanged. x: (n, ...); x2: other inputs, by default x. All are given to f on the CPU, and numbers of
    floating point in float64, as the measures of the family kernel have them; the buffers of a module must be so too.
    kind: "trace": sum of K_cc, (n, n2); "output": each K_cc, (n, n2, outputs); "full": (n, outputs, n2, outputs).
    memory: bytes that it may take; blocks are made to fit.

    ValueError where the memory does not suffice, with how much is needed, before anything large is computed; for inputs
    and weights that are not finite, for a kernel that is not, and for an f whose rows depend on each other.
    Source: Jacot, Gabriel & Hongler 2018, arXiv:1806.07572.
    """
    if not callable(f) or isinstance(f, torch.nn.Module):
        how = "for a module give lambda params, x: torch.func.functional_call(module, params, (x,))"
        raise ValueError(f"f must be a function of (params, x), got a {type(f).__name__}; {how}")
    if not isinstance(params, Mapping) or not params:
        raise ValueError(f"params must be weights by name, such as dict(module.named_parameters()), got {params!r:.40}")
    weights = {str(name): tensor_of(value, f"params[{name!r}]") for name, value in params.items()}
    one, other = tensor_of(x, "x"), None if x2 is None else tensor_of(x2, "x2")
    for name, inputs in (("x", one), ("x2", one if other is None else other)):
        if not inputs.ndim or not len(inputs):
            raise ValueError(f"{name} must hold at least one input, along its first axis, got {tuple(inputs.shape)}")
    require_own_rows(f, weights, one)
    kernel = kernel_of(f, weights, one, other, kind=kind, memory=memory).numpy()
    if not np.isfinite(kernel).all():
        raise ValueError("the kernel is not finite: f has no finite gradient by its params at some input")
    return kernel
