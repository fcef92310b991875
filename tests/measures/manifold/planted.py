"""Networks with a planted neuron-logit map, which has the key frequencies, and a planted table of symbols."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from grokscope.models.base import Interface
from grokscope.models.transformer import TransformerOptions, transformer
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.modular_addition import ModularAddition, build

WIDTH = 16


def planted(p: int, keys: Sequence[int], pairs: Mapping[int, np.ndarray], noise: float = 1e-3) -> Snapshot:
    """A transformer with these key frequencies, and W_E[x] = the points of all pairs, each in a plane of its own.

    pairs: frequency -> (p, 2) points that turn with this frequency.
    """
    task = build(ModularAddition(p=p))
    model = transformer(
        TransformerOptions(d_model=WIDTH, n_heads=2, d_mlp=WIDTH), Interface(n_symbols=p, n_operands=2, n_outputs=p)
    )
    params = {name: tensor.double() for name, tensor in model.init(torch.Generator().manual_seed(0)).items()}
    table = noise * np.random.default_rng(0).normal(size=(p, WIDTH))
    points = np.hstack(list(pairs.values()))
    table[:, : points.shape[1]] += points
    params["W_E"][:p] = torch.from_numpy(table)
    waves = np.vstack([circle(p, k).T for k in keys]) if keys else np.zeros((0, p))
    params["W_out"] = torch.eye(WIDTH, dtype=torch.float64)
    params["W_U"] = torch.zeros_like(params["W_U"])
    params["W_U"][: len(waves), :p] = torch.from_numpy(waves)
    return Snapshot(task=task, model=model, params=params, train_mask=task.split(0.4, 0))


def circle(p: int, k: int, jitter: np.ndarray | float = 0.0) -> np.ndarray:
    """(cos, sin)(2 pi k x / p + jitter), a row a residue."""
    angle = 2 * np.pi * k * np.arange(p) / p + jitter
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def disc(p: int, k: int, jitter: np.ndarray | float = 0.0, seed: int = 0) -> np.ndarray:
    """The same angles at radii that fill the disc evenly."""
    return circle(p, k, jitter) * np.sqrt(np.random.default_rng(seed).random(p))[:, None]
