"""Shared by the Fourier measures of a cyclic task."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from grokscope.errors import Missing
from grokscope.losses import cross_entropy
from grokscope.measures.analyses.groups import product
from grokscope.measures.circuits.key_frequencies import key_frequencies
from grokscope.numerics.fourier import distinct, sum_directions
from grokscope.runs.snapshot import Snapshot


def chosen(snapshot: Snapshot, frequencies: Sequence[int] | None) -> NDArray[np.int64] | Missing:
    """The given frequencies, or by default, as published, the key frequencies of the run's last checkpoint."""
    if frequencies is not None:
        return distinct(frequencies, snapshot.task.n_classes)
    keys = key_frequencies(snapshot.final)
    if isinstance(keys, Missing) or len(keys):
        return keys
    return Missing("the last checkpoint has no key frequency")


def projection(snapshot: Snapshot, frequencies: NDArray) -> Float[Tensor, "pair class"]:
    """The part of the logits over all inputs along cos and sin(2 pi k (a + b) / p), k in frequencies.

    a + b is the right answer of an input; labels may be noisy. Where the answers are residues but no product of the
    operands, the labels stand for it. As published, the projection is fitted on all inputs, trained or not.
    """
    task = product(snapshot)
    answers = snapshot.labels if isinstance(task, Missing) else task.answers
    directions = torch.from_numpy(sum_directions(answers, snapshot.task.n_classes, frequencies))
    return directions @ (directions.T @ snapshot.logits.double())


def loss_of(snapshot: Snapshot, logits: Float[Tensor, "pair class"], split: str) -> float | Missing:
    """Mean cross-entropy of changed logits over the inputs of a split."""
    return snapshot.mean(cross_entropy(logits, snapshot.labels, reduction="none"), split)
