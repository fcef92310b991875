"""Seconds of the circuit's measures on one checkpoint at p = 113, each beside its bar.

The network is nanda2023's at initialisation, with an unembedding of five frequencies: as many key frequencies as a
trained network has. The cost of a measure depends on nothing else that training changes.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from grokscope.benchmarks.base import family, table
from grokscope.numerics.fourier import basis
from grokscope.recipes.base import recipe
from grokscope.runs.snapshot import Snapshot

FREQUENCIES = (14, 35, 41, 42, 52)  # of the published run
FAMILY, BAR = "circuits.", 2.0


def circuits(*, rounds: int = 3, seconds: float = 0.5) -> dict[str, Any]:  # noqa: ARG001  a turn is one checkpoint
    """Seconds of all measures of the family and of each (median over the rounds, and spread), and the bar of all."""
    return table([family(FAMILY, checkpoint(), rounds=rounds, bar=BAR)], torch=torch.__version__)


def checkpoint() -> Callable[[], Snapshot]:
    """A function that makes fresh snapshots of the network."""
    config = recipe("nanda2023")
    task = config.build_task()
    model = config.build_model(task)
    params = model.init(torch.Generator().manual_seed(0))
    first = {name: tensor.clone() for name, tensor in params.items()}
    p, width = task.n_classes, params["W_U"].shape[0]
    rows = [row for k in FREQUENCIES for row in (2 * k - 1, 2 * k)]
    mixing = np.random.default_rng(0).standard_normal((width, len(rows)))
    params["W_U"][:, :p] = torch.from_numpy(mixing @ basis(p)[rows]).float()

    def snapshot(params: dict[str, torch.Tensor], **initial: Any) -> Snapshot:
        return Snapshot(task=task, model=model, params=params, train_mask=config.train_mask(task), **initial)

    return lambda: snapshot(params, initial=lambda: snapshot(first))
