"""The recipes grok as they say. Long: minutes to an hour on two cores.

GROKSCOPE_STORE names a folder that already holds (part of) these runs; by default they are trained from nothing.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.recipes.base import recipe
from grokscope.runs.run import Run
from grokscope.studies.experiment import train

pytestmark = pytest.mark.slow


def trained(name: str, seeds: int, tmp_path: Path) -> list[Run]:
    store = Path(os.environ.get("GROKSCOPE_STORE", tmp_path / "runs"))
    return train([recipe(name, seed=seed) for seed in range(seeds)], store=store, progress=True, resume=True)


def first_below(run: Run, name: str, level: float) -> int:
    """First evaluated step after the first hundred at which a loss is below a level."""
    steps, values = run.series(name)
    return int(steps[(values < level) & (steps > 100)][0])


def test_quickstart_groks_for_ten_seeds(tmp_path: Path) -> None:
    for run in trained("quickstart", 10, tmp_path):
        found = run.phases()
        assert found.grokked, run
        assert run.summary()["final"]["test/accuracy"] >= 0.99


def test_nanda2023_is_the_published_run(tmp_path: Path) -> None:
    """The stored 30 % run of the paper: train loss < .1 at 151, largest test loss at 1,420, test loss < .1 at 7,930.

    The memorisation of every seed is the published one. What follows differs from seed to seed: over ten seeds the peak
    lies at 1,150 to 1,425 (docs/results/nanda2023.md); there the median is.
    """
    runs = trained("nanda2023", 3, tmp_path)
    for run in runs:
        assert run.phases().grokked
        assert 120 <= first_below(run, "train/loss", 0.1) <= 180
        assert 990 <= first_below(run, "train/loss", 3e-6) <= 1_090
    assert abs(np.median([run.phases().onset_at for run in runs]) / 1420 - 1) <= 0.15
    assert 5_000 <= np.median([first_below(run, "test/loss", 0.1) for run in runs]) <= 13_000


def test_the_grokked_network_computes_with_few_frequencies(tmp_path: Path) -> None:
    """Keeping only the key frequencies lowers the loss, removing them is worse than guessing."""
    for run in trained("quickstart", 10, tmp_path):
        measure_checkpoints(run, only=["circuits.restricted_loss", "circuits.excluded_loss"])
        p = run.config.options("task").model_dump()["p"]
        assert run.series("circuits.restricted_loss", view="split=test")[1][-1] < run.series("test/loss")[1][-1]
        assert run.series("circuits.excluded_loss")[1][-1] > np.log(p)
