"""What all peers train: initial weights, tokens, labels, splits, settings, as a file of arrays. Needs numpy alone."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Problem:
    """recipe and changes: the config that it is made of. weights: name -> (replica, ...). tokens: (pair, position).
    train: (replica, pair) inputs trained on.

    Training ends when test accuracy is at least `level` at `times` evaluations in a row, `every` steps apart.
    """

    recipe: str
    changes: dict[str, Any]
    weights: dict[str, np.ndarray]
    tokens: np.ndarray
    labels: np.ndarray
    train: np.ndarray
    n_classes: int
    rate: float
    betas: tuple[float, float]
    eps: float
    decay: float
    warmup: int
    every: int
    level: float
    times: int
    most: int

    def save(self, path: Path) -> None:
        settings = {name: value for name, value in asdict(self).items() if name not in ARRAYS}
        arrays: dict[str, Any] = {name: getattr(self, name) for name in ARRAYS[1:]}
        arrays |= {f"weights.{name}": tensor for name, tensor in self.weights.items()}
        np.savez(path, settings=json.dumps(settings), **arrays)


ARRAYS = ("weights", "tokens", "labels", "train")


def read(path: str) -> Problem:
    """The problem of a file."""
    with np.load(path, allow_pickle=False) as file:
        settings: dict[str, Any] = json.loads(str(file["settings"]))
        weights = {name.partition(".")[2]: file[name] for name in file.files if name.startswith("weights.")}
        arrays = {name: file[name] for name in ARRAYS[1:]}
    return Problem(**(settings | {"betas": tuple(settings["betas"])}), **arrays, weights=weights)
