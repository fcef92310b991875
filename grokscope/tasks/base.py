"""A task: all inputs, all labels, and what is true of them, whatever is trained on them."""

import dataclasses
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from grokscope.registry import Options


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The ground truth of a task: the space its answers live on.

    group: the group behind the answers, such as "cyclic(59)", or None.
    manifold: "circle", "torus", "segment", "two circles" or "none".
    intrinsic_dimension, embedding_dimension: of the manifold, and of the smallest Euclidean space it embeds in; None
    without one.
    betti: Betti numbers (b0, b1, ...); empty without a manifold.
    """

    group: str | None = None
    manifold: str = "none"
    intrinsic_dimension: int | None = None
    embedding_dimension: int | None = None
    betti: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """All inputs of a task, in lexicographic order, with their labels and the ground truth.

    operands: symbols of each input.
    labels: the answer to each input, in 0..n_classes-1.
    orbits: index of the input's orbit under the symmetries of the task that exchange operands; (a, b) and (b, a) share
        one when the operation commutes. Orbits are numbered in the order of their first member.
    """

    operands: Int[Tensor, "pair operand"]
    labels: Int[Tensor, " pair"]
    orbits: Int[Tensor, " pair"]
    n_symbols: int
    n_classes: int
    truth: Truth

    @property
    def n_inputs(self) -> int:
        return len(self.labels)

    @property
    def tokens(self) -> Int[Tensor, "pair position"]:
        """The token layout [a, b, =]; the token of "=" is n_symbols."""
        equals = torch.full_like(self.operands[:, :1], self.n_symbols)
        return torch.cat([self.operands, equals], dim=1)

    def split(self, train_fraction: float, seed: int) -> Bool[Tensor, " pair"]:
        """True for the inputs that are trained on: the first int(train_fraction * n) of a shuffle of all inputs.

        The shuffle is Python's `random.seed(seed); random.shuffle(list of inputs)`, as published by Nanda et al. 2023
        (arXiv:2301.05217, released code), so splits are nested by fraction and equal the published ones. The published
        list is not in the training set's order here: full-batch training does not see an order.
        """
        if not 0 < train_fraction < 1:
            raise ValueError(f"train_fraction must lie in (0, 1), got {train_fraction}")
        n_train = int(train_fraction * self.n_inputs)
        if n_train == 0:
            raise ValueError(
                f"train_fraction {train_fraction} leaves no training input of {self.n_inputs}; "
                f"use at least {1 / self.n_inputs:.2g}"
            )
        order = published_shuffle(self.n_inputs, seed)
        train = torch.zeros(self.n_inputs, dtype=torch.bool)
        train[order[:n_train]] = True
        return train

    def with_random_labels(self, seed: int) -> "Task":
        """The same inputs with labels drawn uniformly, independently of the inputs: it can be memorised, never
        understood."""
        generator = torch.Generator().manual_seed(seed)
        labels = torch.randint(self.n_classes, (self.n_inputs,), generator=generator)
        return dataclasses.replace(self, labels=labels, truth=Truth())


@dataclass(frozen=True, kw_only=True)
class TaskFamily:
    """A component: its options and the function that builds the task from them."""

    options: type[Options]
    build: Callable[[Any], Task]


def published_shuffle(n: int, seed: int) -> Int[Tensor, " n"]:
    """The order in which `random.seed(seed); random.shuffle(inputs)` puts n inputs, without touching the global
    generator."""
    order = list(range(n))
    random.Random(seed).shuffle(order)
    return torch.tensor(order)


def number_orbits(representatives: Int[Tensor, " pair"]) -> Int[Tensor, " pair"]:
    """Numbers 0, 1, ... for the distinct values, in the order in which they first appear."""
    _, inverse = torch.unique(representatives, return_inverse=True)
    first = torch.full((int(inverse.max()) + 1,), len(inverse)).scatter_reduce(
        0, inverse, torch.arange(len(inverse)), reduce="amin"
    )
    return first.argsort().argsort()[inverse]
