"""Seconds of measuring: the cheap measures of a pack while it trains, and all measures of a run's checkpoints after.

The pack: 64 networks of the quickstart's kind, p = 23, d_model 32; what a run and evaluation takes. The run: one such
network for 1,500 steps, whose checkpoints are measured as `grokscope run` does before the report; each time in a fresh
copy of its folder.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from grokscope.benchmarks.base import durations, summary, table, timed
from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.recipes.base import recipe
from grokscope.runs.config import RunConfig
from grokscope.runs.run import load
from grokscope.studies.experiment import train
from grokscope.studies.measuring import observer
from grokscope.training.pack import Pack

NETWORKS, WARM_STEPS, RUN_STEPS = 64, 5, 1_500
BAR = 0.4e-3  # asked for: of cheap measures, seconds a run and evaluation


def measuring(*, rounds: int = 5, seconds: float = 1.0) -> dict[str, Any]:
    """Seconds of both, medians over the rounds with their spread."""
    return table([cheap(rounds=rounds, seconds=seconds), checkpoints(rounds=rounds)])


def cheap(*, rounds: int, seconds: float) -> dict[str, Any]:
    """The row of the cheap measures of a pack, a run and evaluation."""
    pack = Pack([small(seed=seed) for seed in range(NETWORKS)], device=torch.device("cpu"))
    observe = observer(pack, [f"run {number}" for number in range(NETWORKS)])
    for _ in range(WARM_STEPS):
        pack.advance(keep=True)
    taken = durations({"seconds": lambda: timed(observe, pack) / NETWORKS}, rounds=rounds, seconds=seconds, warm=True)
    name = f"cheap measures, pack of {NETWORKS}, a run and evaluation"
    return summary(taken) | {"name": name, "bar": BAR}


def checkpoints(*, rounds: int) -> dict[str, Any]:
    """The row of all measures of a small run's checkpoints."""
    with TemporaryDirectory() as place:
        trained = train(small(max_steps=RUN_STEPS), store=Path(place) / "store", device="cpu", progress=False)
        taken = durations({"seconds": _measured(trained.folder)}, rounds=rounds, warm=True)
        number = len(trained.checkpoints)
    return summary(taken) | {"name": f"all measures of the {number} checkpoints of a small run", "bar": None}


def small(**fields: Any) -> RunConfig:
    """The network and task that both rows measure."""
    return recipe("quickstart", **({"p": 23, "d_model": 32, "d_mlp": 128} | fields))


def _measured(folder: Path) -> Callable[[], float]:
    """A function that measures a fresh copy of a run's folder, and returns the seconds of it."""

    def measured() -> float:
        with TemporaryDirectory() as place:
            copy = shutil.copytree(folder, Path(place) / folder.name)
            return timed(measure_checkpoints, load(copy))

    return measured
