"""Clouds of points: a choice of inputs, channels and points from a site's activations."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grokscope.errors import Missing
from grokscope.numerics.circles import plane, waves
from grokscope.numerics.groups import Group, group
from grokscope.numerics.pairs import pair_energies
from grokscope.numerics.sampling import decimate, maxmin
from grokscope.registry import unknown
from grokscope.tasks.base import Task

Cloud = Float[Tensor, "point channel"]


def means(cloud: Cloud, place: Int[Tensor, " point"]) -> Float[Tensor, "place channel"]:
    """The mean point of each place with points, in ascending order of the places."""
    size = torch.bincount(place)
    total = torch.zeros(len(size), cloud.shape[1], dtype=torch.float64).index_add_(0, place, cloud.double())
    return (total / size[:, None])[size > 0].to(cloud.dtype)


def chosen_points(
    cloud: Cloud, points: str, masks: Mapping[str, Bool[Tensor, " point"]], orbits: Int[Tensor, " point"]
) -> Cloud:
    """Of the points of all inputs those of a split, or the mean points of orbits: of all inputs, or of those trained
    on."""
    if points == "orbits":
        return means(cloud, orbits)
    if points == "train_orbits":
        return means(cloud[masks["train"]], orbits[masks["train"]])
    return cloud[masks[points]]


def thinned(cloud: Cloud, share: float | None, landmarks: int | None, seed: int) -> Cloud:
    """A random share of the points, then their maxmin landmarks, the first drawn with the seed; in ascending order of
    the points."""
    if share is not None:
        cloud = cloud[decimate(len(cloud), share, seed)]
    if landmarks is not None and landmarks < len(cloud):
        start = int(np.random.default_rng(seed).integers(len(cloud)))
        cloud = cloud[np.sort(maxmin(cloud, landmarks, start=start))]
    return cloud


def elements(rows: Cloud, task: Task) -> tuple[Cloud, Group] | Missing:
    """The rows of a table of symbols or classes that are elements of the task's group, in their order, and the group.

    A multiplicative group of a prime p has p - 1 elements; the symbols and classes are 0..p-1, so 0 is left out.
    """
    if task.truth.group is None:
        return Missing("the task has no group")
    chosen = group(task.truth.group)
    if chosen.family == "multiplicative" and len(rows) == chosen.order + 1:
        rows = rows[1:]
    if len(rows) != chosen.order:
        return Missing(f"the table has {len(rows)} rows, the group {chosen.order} elements")
    return rows, chosen


def frequency_plane(rows: Cloud, task: Task, frequency: str) -> Float[Tensor, "element 2"] | Missing:
    """Each element of a table in the cross-validated plane of one frequency (`numerics.circles.plane`)."""
    table = elements(rows, task)
    if isinstance(table, Missing):
        return table
    known = waves(table[1])
    if isinstance(known, Missing):
        return known
    keys = {str(key): key for key in known.keys}
    if frequency not in keys:
        raise ValueError(unknown("frequency", frequency, keys))
    points = plane(table[0], keys[frequency], group=table[1])
    return points if isinstance(points, Missing) else torch.from_numpy(points)


def cluster(cloud: Float[Tensor, "pair neuron"], task: Task, frequency: str) -> Float[Tensor, "pair neuron"] | Missing:
    """The neurons with this dominant frequency: the one with the most energy in a alone, in b alone, in a + b and in
    a - b together (`numerics.pairs.pair_energies`, the block). A neuron without energy belongs to no cluster.

    Source: the assignment of neurons in Nanda et al. 2023, arXiv:2301.05217, section 4.2; clusters of one frequency as
    a manifold, Moisescu-Pareja et al. 2025, arXiv:2512.25060.
    """
    p = task.n_symbols
    if task.truth.group != f"cyclic({p})" or task.n_inputs != p * p:
        return Missing("clusters of neurons by frequency need the task of all pairs of residues")
    highest = p // 2
    if not frequency.isdigit() or not 1 <= int(frequency) <= highest:
        raise ValueError(f"the frequency of a cluster must be one of 1..{highest}, got {frequency!r}")
    functions = cloud.double()
    energy, of = pair_energies(functions, p, terms="block").max(0)
    of = torch.where(energy > 1e-20 * functions.square().sum(), 1 + of, 0)
    chosen = cloud[:, of == int(frequency)]
    if chosen.shape[1]:
        return chosen
    present = ", ".join(map(str, of[of > 0].unique().tolist()))
    return Missing(f"no neuron has the dominant frequency {frequency}; there are those of {present or 'none'}")


def no_inputs(split: str) -> Missing:
    """Why there is no answer on a split without inputs."""
    return Missing(f"the task has no {split} inputs here")
