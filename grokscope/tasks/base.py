"""A task: all inputs, all labels, and the ground truth about them."""

import dataclasses
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grokscope.registry import Options

Split = Literal["shuffled", "nested"]


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The ground truth of a task: the space its answers live on.

    group: the group behind the answers, such as "cyclic(59)", or None; `numerics.groups.group` builds it, with its
        irreps.
    manifold: "circle", "circle and point", "torus", "segment", "two circles", "points" (isolated answers) or "none".
    intrinsic_dimension, embedding_dimension: of the manifold, and of the smallest Euclidean space it embeds in; None
    without one.
    betti: Betti numbers (b0, b1, ...); empty without a manifold.
    known: whether anybody has told the truth; without it "none" and None say nothing.
    """

    group: str | None = None
    manifold: str = "none"
    intrinsic_dimension: int | None = None
    embedding_dimension: int | None = None
    betti: tuple[int, ...] = ()
    known: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Structure:
    """What the inputs stand for, where that is something else than their labels (the weekday that a text speaks of; its
    label is the next word).

    elements: of each input, in 0..n-1. truth: the space that the elements live on.
    """

    elements: Int[Tensor, " pair"]
    n: int
    truth: Truth


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """All inputs of a task, in lexicographic order if there is one, with their labels and the ground truth.

    inputs: symbols of each input (integers in 0..n_symbols-1), or its features (floats; n_symbols is 0).
    labels: the class of each input, in 0..n_classes-1; or, in a regression (n_classes is 0), its targets.
    orbits: index of the input's orbit under the symmetries of the task that exchange operands; (a, b) and (b, a) share
        an orbit if the operation commutes. Orbits are numbered in the order of their first member.
    templates: a vector for each class, where classes are learned by regression: the answer of a network is the class
        whose template is nearest to its output.
    tolerance: in a regression, the mean squared error (over an input's targets) below which an answer is correct; None
        where the source calls no answer correct.
    answers: the right answers of the truth, where the labels were drawn at random; None: the labels.
    train: the inputs that are trained on, where the data say it themselves; None: they are drawn (`split`).
    structure: what clouds of activations are compared with; None: the labels and their truth.
    """

    inputs: Int[Tensor, "pair operand"] | Float[Tensor, "pair feature"]
    labels: Int[Tensor, " pair"] | Float[Tensor, "pair output"]
    orbits: Int[Tensor, " pair"]
    n_symbols: int = 0
    n_classes: int = 0
    templates: Float[Tensor, "class output"] | None = None
    tolerance: float | None = None
    truth: Truth = Truth()
    answers: Int[Tensor, " pair"] | None = None
    train: Bool[Tensor, " pair"] | None = None
    structure: Structure | None = None

    @property
    def n_inputs(self) -> int:
        return len(self.labels)

    @property
    def n_outputs(self) -> int:
        """Outputs that a network needs: classes, components of a template, or targets."""
        if self.templates is not None:
            return self.templates.shape[1]
        return self.n_classes or self.labels.shape[1]

    @property
    def targets(self) -> Int[Tensor, " pair"] | Float[Tensor, "pair output"]:
        """The values a loss compares outputs with: classes, templates of the classes, or targets of a regression."""
        return self.labels if self.templates is None else self.templates[self.labels]

    @cached_property
    def n_ordered(self) -> int:
        """Inputs for which the same symbols in another order have another answer."""
        if not self.n_symbols:
            return 0
        _, group = self.inputs.sort(1).values.unique(dim=0, return_inverse=True)
        answers = self.labels if self.n_classes else self.labels.unique(dim=0, return_inverse=True)[1]
        pairs = torch.stack([group, answers], 1).unique(dim=0)
        return int((pairs[:, 0].bincount() > 1)[group].sum())

    @cached_property
    def structural(self) -> "Task":
        """The task whose labels are the elements of its structure; the task itself where it has none."""
        if (of := self.structure) is None:
            return self
        given = {"labels": of.elements, "n_classes": of.n, "truth": of.truth, "structure": None}
        return dataclasses.replace(self, **given, templates=None, tolerance=None, answers=None)

    @property
    def tokens(self) -> Int[Tensor, "pair position"]:
        """The token layout [a, b, =]; the token of "=" is n_symbols."""
        equals = torch.full_like(self.inputs[:, :1], self.n_symbols)
        return torch.cat([self.inputs, equals], dim=1)

    def split(
        self, train_fraction: float, seed: int, *, n_train: int | None = None, rule: Split = "shuffled"
    ) -> Bool[Tensor, " pair"]:
        """True for the inputs that are trained on: the first n_train of a shuffle of all inputs.

        rule "shuffled": `random.seed(seed); random.shuffle(list of inputs)` and the first int(train_fraction * n), as
        published by Nanda et al. 2023 (arXiv:2301.05217, released code). "nested": one fixed shuffle for all seeds,
        `numpy.random.RandomState(0).shuffle`, and the first round(train_fraction * n), as published by Power et al.
        2022 (arXiv:2201.02177, released code). Both are nested: a larger fraction contains a smaller one. The training
        set is not in the published order here; full-batch training has no order.
        n_train: the number of inputs, instead of the fraction. Data that have a split of their own keep it.
        """
        if self.train is not None:
            return self.train
        if n_train is None:
            if not 0 < train_fraction < 1:
                raise ValueError(f"train_fraction must lie in (0, 1), got {train_fraction}")
            share = train_fraction * self.n_inputs
            n_train = round(share) if rule == "nested" else int(share)
            if n_train == 0:
                raise ValueError(
                    f"train_fraction {train_fraction} leaves no training input of {self.n_inputs}; "
                    f"use at least {1 / self.n_inputs:.2g}"
                )
        if not 0 < n_train <= self.n_inputs:
            raise ValueError(f"n_train must lie in 1..{self.n_inputs}, the number of inputs; got {n_train}")
        order = published_shuffle(self.n_inputs, seed) if rule == "shuffled" else nested_shuffle(self.n_inputs)
        train = torch.zeros(self.n_inputs, dtype=torch.bool)
        train[order[:n_train]] = True
        return train

    def with_random_labels(self, seed: int) -> "Task":
        """The same inputs with labels independent of them: the task can be memorised and has nothing to generalise.

        Classes are drawn uniformly and independently; targets of a regression are permuted at random.
        """
        generator = torch.Generator().manual_seed(seed)
        return dataclasses.replace(self, labels=self._drawn(generator), truth=Truth(), structure=None)

    def with_noise(self, mask: Bool[Tensor, " pair"], share: float, outliers: int, seed: int) -> "Task":
        """The same task with some of the labels under the mask drawn at random: a share of them, or a number.

        The labels replaced at a smaller share or number are among those replaced at a larger one. A drawn label may by
        chance be the right one, as in Power et al. 2022 (arXiv:2201.02177, section 3.4).
        """
        chosen = mask.nonzero().flatten()
        count = min(round(share * len(chosen)) + outliers, len(chosen))
        if count == 0:
            return self
        generator = torch.Generator().manual_seed(seed)
        chosen = chosen[torch.randperm(len(chosen), generator=generator)[:count]]
        labels = self.labels.clone()
        labels[chosen] = self._drawn(generator)[chosen]
        return dataclasses.replace(self, labels=labels)

    def _drawn(self, generator: torch.Generator) -> Tensor:
        if self.n_classes:
            return torch.randint(self.n_classes, (self.n_inputs,), generator=generator)
        return self.labels[torch.randperm(self.n_inputs, generator=generator)]


@dataclass(frozen=True, kw_only=True)
class Size:
    """The size of a task. n_operands: symbols or features of an input. work: memory to build it, beside its inputs
    [bytes]."""

    n_inputs: int
    n_symbols: int = 0
    n_operands: int
    n_outputs: int
    work: int = 0

    @classmethod
    def of(cls, task: Task) -> "Size":
        """The size of a task that is built."""
        return cls(
            n_inputs=task.n_inputs,
            n_symbols=task.n_symbols,
            n_operands=task.inputs.shape[1],
            n_outputs=task.n_outputs,
        )


@dataclass(frozen=True, kw_only=True)
class TaskFamily:
    """A component: its options, a function that builds the task, and one that gives its size without building it (None
    where the options keep the task small). also_called: other names that people type for the task, or for one of its
    settings, with the fields to set for it; an unknown task is answered with them."""

    options: type[Options]
    build: Callable[[Any], Task]
    size: Callable[[Any], Size] | None = None
    also_called: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def published_shuffle(n: int, seed: int) -> Int[Tensor, " n"]:
    """The order of n inputs after `random.seed(seed); random.shuffle(inputs)`; the global generator is not touched."""
    order = list(range(n))
    random.Random(seed).shuffle(order)
    return torch.tensor(order)


def nested_shuffle(n: int) -> Int[Tensor, " n"]:
    """The order of n inputs after `numpy.random.RandomState(0).shuffle(inputs)`."""
    order = np.arange(n)
    np.random.RandomState(0).shuffle(order)
    return torch.from_numpy(order)


def number_orbits(representatives: Int[Tensor, " pair"]) -> Int[Tensor, " pair"]:
    """Numbers 0, 1, ... for the distinct values, in the order in which they first appear."""
    _, inverse = torch.unique(representatives, return_inverse=True)
    first = torch.full((int(inverse.max()) + 1,), len(inverse)).scatter_reduce(
        0, inverse, torch.arange(len(inverse)), reduce="amin"
    )
    return first.argsort().argsort()[inverse]


def pair_orbits(a: Int[Tensor, " pair"], b: Int[Tensor, " pair"], n_symbols: int) -> Int[Tensor, " pair"]:
    """Orbits of pairs whose operands may change places."""
    return number_orbits(torch.minimum(a, b) * n_symbols + torch.maximum(a, b))
