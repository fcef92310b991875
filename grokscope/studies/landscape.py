"""The loss around a network: along its weights, along the sharpest directions, along a random one.

    L_1(t) = L(w + t d),   L_2(s, t) = L(w + s d_1 + t d_2),   |d| = |w|

t is a share of the norm in every direction: along the weights w + t d = (1 + t) w, so that the L and the U of Liu et
al. 2023 (arXiv:2210.01117), which train anew at each norm, can be laid beside what the same network is at other norms.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from grokscope.errors import Missing
from grokscope.measures.analyses.curvature import curvature
from grokscope.numerics.curvature import Curvature
from grokscope.registry import unknown
from grokscope.runs.snapshot import Snapshot

Direction: TypeAlias = str | Mapping[str, Tensor]
NAMED = ("weights", "hessian", "random")
# Step of the second difference, as a share of the norm: its error is of the order of the step squared, its rounding of
# 1e-16 over the step squared.
STEP = 1e-4


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One direction d and the loss on it, at the centre.

    curvature: v^T H v along v = d / |d|, from the train loss's gradients; along a top Hessian direction that is its
    eigenvalue, and `eigenvalue` has it as the Lanczos iteration found it. difference: the same curvature from three
    train losses, (L(w + e v) - 2 L(w) + L(w - e v)) / e^2 with e = 1e-4 |w|. The two are computed apart and agree where
    the network is smooth. Kinks within e (of ReLUs) bend the loss and have no part in H: along the top eigenvectors of
    a trained ReLU network the difference can be several times the curvature.
    """

    direction: str
    curvature: float
    difference: float
    eigenvalue: float | Missing


@dataclass(frozen=True, kw_only=True)
class Slice1D:
    """Mean losses by split along one direction; t in units of the norm |w|."""

    t: Float[np.ndarray, " point"]
    losses: Mapping[str, Float[np.ndarray, " point"]]
    norm: float
    axis: Axis


@dataclass(frozen=True, kw_only=True)
class Slice2D:
    """Mean losses by split over a plane, [i, j] at w + t[i] d_1 + t[j] d_2. cosine: between the two directions; a plane
    spanned by oblique ones is drawn sheared."""

    t: Float[np.ndarray, " point"]
    losses: Mapping[str, Float[np.ndarray, "point point"]]
    norm: float
    axes: tuple[Axis, Axis]
    cosine: float


def slice_1d(
    snapshot: Snapshot,
    direction: Direction = "weights",
    *,
    reach: float = 0.5,
    n: int = 41,
    splits: Sequence[str] = ("train", "test"),
    seed: int = 0,
) -> Slice1D | Missing:
    """The loss on a line through a network's weights, in float64.

    direction: `weights`; `hessian` or `hessian=k` (the eigenvector of the train loss's k-th largest eigenvalue, from
    1); `random`, Gaussian and filter-normalised: each neuron's incoming weights in d have the norm they have in w, so
    that networks of different scales can be compared (Li et al. 2018, arXiv:1712.09913, section 4; a filter is a column
    of a matrix, all of a bias); or tensors by the parameters' names, of any length but 0.
    reach: the line runs from -reach to reach [|w|]. n: points, odd, so that the middle one is w itself.
    seed: of the random direction, and of the Lanczos iteration's first vector.

    `Missing` for weights that are not finite or all 0, a split without inputs, eigenvalues that did not converge.
    Raises ValueError for another direction or split than there is, reach <= 0, n even or below 3.
    """
    points = _points(reach, n)
    space = _space(snapshot, splits)
    if isinstance(space, Missing):
        return space
    axis = space.axis(direction, seed)
    if isinstance(axis, Missing):
        return axis
    d, found = axis
    losses = np.array([space.losses(space.centre + t * space.norm * d) for t in points])
    by_split = {split: losses[:, column] for column, split in enumerate(splits)}
    return Slice1D(t=points, losses=by_split, norm=space.norm, axis=found)


def slice_2d(
    snapshot: Snapshot,
    directions: tuple[Direction, Direction] = ("weights", "hessian"),
    *,
    reach: float = 0.5,
    n: int = 21,
    splits: Sequence[str] = ("train", "test"),
    seed: int = 0,
) -> Slice2D | Missing:
    """The loss on a plane through a network's weights; as `slice_1d`, and the second direction draws seed + 1.

    Raises ValueError for two directions that are the same line, too.
    """
    points = _points(reach, n)
    space = _space(snapshot, splits)
    if isinstance(space, Missing):
        return space
    found = [space.axis(direction, seed + place) for place, direction in enumerate(directions)]
    axes = [axis for axis in found if not isinstance(axis, Missing)]
    if len(axes) < 2:
        return next(axis for axis in found if isinstance(axis, Missing))
    (d_1, first), (d_2, second) = axes
    cosine = float(d_1 @ d_2)
    if abs(cosine) > 1 - 1e-9:
        raise ValueError(f"{first.direction} and {second.direction} are one line: a plane needs two directions")
    losses = np.array([[space.losses(space.centre + space.norm * (s * d_1 + t * d_2)) for t in points] for s in points])
    by_split = {split: losses[:, :, column] for column, split in enumerate(splits)}
    return Slice2D(t=points, losses=by_split, norm=space.norm, axes=(first, second), cosine=cosine)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Space:
    """Weights as one vector. centre: w. losses: the mean loss of each split at any weights. hessian: at w."""

    snapshot: Snapshot
    hessian: Curvature
    centre: NDArray
    norm: float
    losses: Callable[[NDArray], list[float]]
    train_loss: Callable[[NDArray], float]

    def axis(self, direction: Direction, seed: int) -> tuple[NDArray, Axis] | Missing:
        """The unit vector of a direction, and what is known of it at the centre."""
        name, rank = ("given", 0) if isinstance(direction, Mapping) else _named(direction)
        value: float | Missing = Missing("the direction is no eigenvector that was looked for")
        if isinstance(direction, Mapping):
            d = _flat(_checked(direction, self.snapshot.params))
        elif rank:
            top = self.hessian.top(rank, seed=seed)
            if isinstance(top, Missing):
                return top
            value, d = float(top[0][rank - 1]), np.ascontiguousarray(top[1][:, rank - 1])
        else:
            d = self.centre if name == "weights" else _flat(_filtered(self.snapshot.params, seed))
        d = d / np.linalg.norm(d)
        step = STEP * self.norm
        below, here, above = (self.train_loss(self.centre + sign * step * d) for sign in (-1, 0, 1))
        return d, Axis(
            direction=name if rank < 2 else f"{name}={rank}",
            curvature=float(d @ self.hessian.product(d)),
            difference=(above - 2 * here + below) / step**2,
            eigenvalue=value,
        )


def _space(snapshot: Snapshot, splits: Sequence[str]) -> _Space | Missing:
    for split in splits:
        if isinstance(missing := snapshot.rows(split), Missing):
            return missing
    hessian = curvature(snapshot)
    if isinstance(hessian, Missing):
        return hessian
    centre = _flat(snapshot.params)
    norm = float(np.linalg.norm(centre)) if snapshot.is_finite else 0.0
    if not norm:
        return Missing("the weights are not finite" if not snapshot.is_finite else "all weights are 0")

    def loss(split: str) -> Callable[[NDArray], float]:
        rows = snapshot.masks[split]
        function, targets = snapshot.function(rows), snapshot.task.targets[rows]

        def at(weights: NDArray) -> float:
            with torch.no_grad():
                outputs = function(hessian.unflattened(weights))
                return float(snapshot.loss(outputs[:, : snapshot.task.n_outputs], targets))

        return at

    of_splits = [loss(split) for split in splits]
    return _Space(
        snapshot=snapshot,
        hessian=hessian,
        centre=centre,
        norm=norm,
        losses=lambda weights: [at(weights) for at in of_splits],
        train_loss=loss("train"),
    )


def _named(direction: str) -> tuple[str, int]:
    """The name, and which of the largest eigenvalues (0: none)."""
    name, _, rank = direction.partition("=")
    if name not in NAMED or (rank and (name != "hessian" or not rank.isdecimal() or rank == "0")):
        raise ValueError(unknown("direction", direction, [*NAMED, "hessian=2"]))
    return name, int(rank or 1) if name == "hessian" else 0


def _filtered(params: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
    """A Gaussian direction with each filter at the norm of the weights' own."""
    generator, found = torch.Generator().manual_seed(seed), {}
    for name, tensor in params.items():
        drawn = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
        axis = -1 if tensor.ndim < 2 else -2  # tensors end in (in, out): a column is a neuron's incoming weights
        norms = [torch.linalg.vector_norm(each.double(), dim=axis, keepdim=True) for each in (tensor, drawn)]
        found[name] = drawn * norms[0] / norms[1]
    return found


def _checked(direction: Mapping[str, Tensor], params: Mapping[str, Tensor]) -> list[Tensor]:
    for name in direction:
        if name not in params:
            raise ValueError(unknown("tensor", name, params))
    found = [direction.get(name, torch.zeros_like(tensor)) for name, tensor in params.items()]
    for (name, tensor), given in zip(params.items(), found, strict=True):
        if given.shape != tensor.shape:
            raise ValueError(f"{name} of the direction has shape {tuple(given.shape)}, expected {tuple(tensor.shape)}")
    if not any(bool(given.any()) for given in found):
        raise ValueError("the direction is 0 in every weight")
    return found


def _flat(tensors: Mapping[str, Tensor] | Sequence[Tensor]) -> NDArray:
    values = tensors.values() if isinstance(tensors, Mapping) else tensors
    return torch.cat([tensor.detach().double().flatten() for tensor in values]).numpy()


def _points(reach: float, n: int) -> NDArray:
    if not reach > 0:
        raise ValueError(f"reach must be above 0, got {reach}")
    if n < 3 or n % 2 == 0:
        raise ValueError(f"n must be an odd number of points, at least 3, got {n}")
    return np.linspace(-reach, reach, n)
