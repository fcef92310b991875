"""A penalty on the weights that begins once the training set is learned.

    loss + lambda sum |W|_F^2,   so   g <- g + 2 lambda W,   in steps whose samples are answered right to a share of
    at least `gated_penalty_from`

Source: the gist of vuciv/grokfast (README; LessWrong 38RcAQezS2AEcaEGv), "loss = CE + 0.01 * sum of squared Frobenius
norms" over all parameters called weight, embeddings and gains of LayerNorm among them, if the train accuracy is at
least 0.99. Whether that accuracy is the batch's or the whole set's is not said: here it is that of the step's samples,
before the step, so that the test set decides nothing and one replica's gate is none of its neighbours'. The penalty is
part of the loss: it is there before any other change of the gradient, and Adam rescales it as L2.
"""

from collections.abc import Sequence
from typing import ClassVar, Self, final

import torch
from jaxtyping import Float64
from torch import Tensor

from grokscope.registry import per_replica
from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step
from grokscope.training.flat import Flat
from grokscope.training.optimizers.base import column
from grokscope.training.transforms.base import Transform, TransformOptions


class GatedPenaltyOptions(TransformOptions):
    """The penalty, and the accuracy from which it acts."""

    gated_penalty: float = per_replica(
        0.0, ge=0, description="penalty on the sum of squared weights once the training set is learned; 0: off [1]"
    )
    gated_penalty_from: float = per_replica(
        0.99, ge=0, le=1, description="training accuracy of a step from which the penalty acts [1]"
    )

    @property
    def is_on(self) -> bool:
        return self.gated_penalty > 0


@final
class GatedPenalty(Transform):
    """ValueError for a task without classes (of the pack that has it). twice: 2 lambda; level: of the gate."""

    options: ClassVar[type[TransformOptions]] = GatedPenaltyOptions
    when = "before"
    place = -1  # of the loss's own gradient
    reads_accuracy = True

    def __init__(self, flat: Flat, *, twice: Float64[Tensor, "replica 1"], level: Float64[Tensor, "replica 1"]) -> None:
        self.state = {}
        self._twice, self._level, self._accuracies = twice.to(flat.params.dtype), level, flat.accuracies
        self._weights = [columns for name, columns in flat.columns.items() if _is_weight(name)]

    @classmethod
    def build(cls, configs: Sequence[RunConfig], flat: Flat) -> Self:
        twice = column(configs, lambda config: 2 * config.gated_penalty, flat.params)
        return cls(flat, twice=twice, level=column(configs, lambda c: c.gated_penalty_from, flat.params))

    def apply(self, params: Tensor, gradients: Tensor, *, step: Step) -> None:  # noqa: ARG002
        # A replica that ended has an accuracy of 0 and may have a level of 0: it has no penalty either.
        open_ = (self._accuracies[:, None] >= self._level) & (self._accuracies[:, None] > 0)
        for columns in self._weights:
            # A closed gate adds nothing at all: 0 times a weight that is not finite would be NaN.
            gradients[:, columns].add_(torch.where(open_, self._twice * params[:, columns], 0.0))


def _is_weight(name: str) -> bool:
    """Matrices, tables and the gains of LayerNorm; no biases."""
    return name.startswith("W_") or name.endswith("_w")


gated_penalty = GatedPenalty
