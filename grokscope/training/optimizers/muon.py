"""Muon: momentum whose matrices are made nearly orthogonal; AdamW for all other tensors.

    m <- b m + (1 - b) g,   u = (1 - b) g + b m
    X = u / (|u|_F + 1e-7), then five times   A = X X^T,   X <- 3.4445 X + (-4.7750 A + 2.0315 A^2) X
    W <- (1 - eta lambda) W - eta muon_factor sqrt(max(1, rows / columns)) X

rows and columns are those of torch's layout, output by input. Singular values of X are 0.68 to 1.20, not 1. Matrices:
the hidden weights; each head's are one. Tables of symbols and positions, the unembedding (W_out in networks without
W_U) and vectors take AdamW's step at the rate eta, so that one rate serves both: Muon's own rate is eta muon_factor
(published: 0.02 beside 3e-4).

Source: Jordan et al. 2024, kellerjordan.github.io/posts/muon, released code 857d1ad (there X is formed in bfloat16,
here in the dtype of training).
"""

from collections.abc import Mapping, Sequence
from typing import Self, final

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.registry import per_replica
from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step
from grokscope.training.flat import Flat, readout
from grokscope.training.optimizers.adamw import AdamW
from grokscope.training.optimizers.base import Betas, Optimizer, OptimizerOptions, column

TABLES = ("W_E", "W_E_right", "W_pos")
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ROUNDS, SMALLEST = 5, 1e-7


class MuonOptions(OptimizerOptions):
    """Muon's own hyper-parameters, and those of AdamW for the rest."""

    muon_factor: float = per_replica(20.0, gt=0, description="of the learning rate, for matrices [1]")
    muon_momentum: float = per_replica(0.95, ge=0, lt=1, description="share of the average that is kept a step [1]")
    betas: Betas = per_replica((0.9, 0.95), description="of AdamW: shares of two averages kept a step [1]")
    eps: float = per_replica(1e-10, gt=0, description="of AdamW: added to the root of the second average [1]")

    @property
    def decay_sets_the_time(self) -> bool:
        return True


def hidden(shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """The names of the matrices that are neither tables nor the unembedding."""
    others = (*TABLES, readout(shapes))
    return [name for name, shape in shapes.items() if len(shape) > 1 and name not in others]


def nearly_orthogonal(matrices: Float[Tensor, "*batch row column"]) -> Float[Tensor, "*batch row column"]:
    """Five rounds of the quintic iteration of Newton and Schulz, on the side with fewer rows; zero stays zero."""
    a, b, c = COEFFICIENTS
    x = matrices.mT if matrices.shape[-2] > matrices.shape[-1] else matrices
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + SMALLEST)
    for _ in range(ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if matrices.shape[-2] > matrices.shape[-1] else x


@final
class Muon(Optimizer):
    """flat: names and shapes; without it, as for one vector, every parameter takes AdamW's step."""

    options = MuonOptions

    def __init__(self, configs: Sequence[RunConfig], params: Tensor, flat: Flat | None = None) -> None:
        self._flat = flat
        shapes = {} if flat is None else flat.shapes
        self._matrices = hidden(shapes)
        rest = torch.ones(params.shape[1], dtype=torch.bool)
        for name in self._matrices:
            assert flat is not None
            rest[flat.columns[name]] = False
        self._rest = rest.nonzero().flatten().to(params.device)
        self._adamw = AdamW(configs, params[:, self._rest])
        self.state = {"momentum": torch.zeros_like(params), **self._adamw.state}
        self._new = column(configs, lambda config: 1 - config.muon_momentum, params).to(params)
        self._factor = column(configs, lambda config: config.muon_factor, params)

    @classmethod
    def build(cls, configs: Sequence[RunConfig], flat: Flat) -> Self:
        return cls(configs, flat.params, flat)

    def update(self, params: Tensor, gradients: Tensor, *, step: Step, rates: Tensor, decay: Tensor) -> None:
        momentum = self.state["momentum"]
        momentum.lerp_(gradients, self._new)
        if self._flat is not None and self._matrices:
            ahead, tensors = self._flat.views(momentum.lerp(gradients, self._new)), self._flat.views(params)
            for name in self._matrices:
                rate, share = (
                    self._own(name, values, tensors[name]) for values in (rates * self._factor, rates * decay)
                )
                tensors[name].mul_(1 - share).sub_(rate * _step(ahead[name]))
        rest, of_rest = params[:, self._rest], [x if x.shape[1] == 1 else x[:, self._rest] for x in (rates, decay)]
        self._adamw.update(rest, gradients[:, self._rest], step=step, rates=of_rest[0], decay=of_rest[1])
        params.index_copy_(1, self._rest, rest)

    def _own(self, name: str, values: Tensor, like: Tensor) -> Tensor:
        """A column, or the value of a tensor where rates or decays differ between tensors, for (replica, ...)."""
        assert self._flat is not None
        own = values if values.shape[1] == 1 else values[:, self._flat.columns[name]][:, :1]
        return own.to(like.dtype).view(-1, *[1] * (like.ndim - 1))


def _step(ahead: Tensor) -> Tensor:
    """Ours is input by output, so the output's axis has torch's rows."""
    inputs, outputs = ahead.shape[-2:]
    return max(1, outputs / inputs) ** 0.5 * nearly_orthogonal(ahead)


muon = Muon
