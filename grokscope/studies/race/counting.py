"""What a step of a method costs: operations, samples, and numbers kept beside the weights.

    6 P B  +  the method's own      (forward 2 P B, backward 4 P B; P weights, B inputs of a batch)

AdamW's own 10 P are the same for all and left out, as are evaluations. The count treats a table of symbols as a matrix
that is multiplied, as is usual: an upper bound for small networks.
"""

from dataclasses import dataclass

import torch

from grokscope.runs.config import RunConfig
from grokscope.studies.race.base import Changes, Method, Setting
from grokscope.studies.race.shapes import weights
from grokscope.training.pack import Pack


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """operations, samples: of a step. kept: numbers of the optimizer's and the transforms' state for each weight."""

    operations: float
    samples: int
    kept: float


def step_cost(method: Method, cell: Changes, setting: Setting) -> StepCost:
    """The cost of a step of a method with a cell, counted from the shapes, and from the state that it keeps."""
    config = method.config(setting, cell, seed=0)
    pack = Pack([config], device=torch.device("cpu"))
    shapes, samples = pack.model.shapes, _batch(config)
    n_weights = weights(shapes)
    state = sum(tensor[0].numel() for name, tensor in pack.state().items() if name not in ("params", "alive"))
    own = method.flops(shapes)
    return StepCost(operations=6.0 * n_weights * samples + own, samples=samples, kept=state / n_weights)


def _batch(config: RunConfig) -> int:
    if config.batch_size:
        return config.batch_size
    return int(config.train_mask(config.build_task()).sum())
