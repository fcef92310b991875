"""What the Fourier measures of a cyclic task share."""

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
    """The frequencies asked for, or else the key frequencies of the run's last checkpoint, as published."""
    if frequencies is not None:
        return distinct(frequencies, snapshot.task.n_classes)
    found = key_frequencies(snapshot.final)
    if isinstance(found, Missing):
        return found
    return np.asarray(found) if len(np.asarray(found)) else Missing("the last checkpoint has no key frequency")


def projection(snapshot: Snapshot, frequencies: NDArray) -> Float[Tensor, "pair class"]:
    """The part of the logits over all inputs that lies along cos and sin(2 pi k (a + b) / p), k in frequencies.

    a + b is the right answer of an input, whatever its label: labels may be noisy. In a task whose answers are residues
    but no product of the operands, its labels. The projection is fitted on all inputs, trained or not, as published.
    """
    task = product(snapshot)
    answers = snapshot.labels if isinstance(task, Missing) else task.answers
    directions = torch.from_numpy(sum_directions(answers, snapshot.task.n_classes, frequencies))
    return directions @ (directions.T @ snapshot.logits.double())


def loss_of(snapshot: Snapshot, logits: Float[Tensor, "pair class"], split: str) -> float | Missing:
    """Mean cross-entropy of changed logits over a split, over the task's classes."""
    return snapshot.mean(cross_entropy(logits, snapshot.labels, reduction="none"), split)
