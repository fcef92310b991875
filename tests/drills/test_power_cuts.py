"""The power goes at any instant: what was synced is there, nothing is damaged, and the run ends as if undisturbed."""

import math
import random
from pathlib import Path
from typing import Any

import pytest

from grokscope.runs import writer
from grokscope.runs.doctor import examine
from grokscope.runs.run import Run, load_pack
from grokscope.studies import experiment
from grokscope.studies.experiment import train
from tests.conftest import tiny
from tests.drills._power import Cut, Disk
from tests.drills.test_truncated_journals import same

CUTS, MANY = 10, 300


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resume point every 10 steps, and a seal every few evaluations."""
    loop = experiment.Loop
    monkeypatch.setattr(experiment, "Loop", lambda **fields: loop(**fields, save_every=10))
    monkeypatch.setattr(writer, "SEALED_AT", 4_000)


def trained(store: Path, config: Any) -> Run:
    return train(config, store=store, progress=False, resume=True)


def drilled(tmp_path: Path, count: int) -> None:
    """So many cuts of a training, at random."""
    config, draw = tiny(seed=3), random.Random(20)
    whole = trained(tmp_path / "undisturbed", config)
    with Disk(tmp_path / "counted", tmp_path, math.inf, draw) as counted:
        trained(tmp_path / "counted", config)
    for number in range(count):
        store, after = tmp_path / f"{number}-before" / "store", tmp_path / f"{number}-after"
        store.parent.mkdir()
        with pytest.raises(Cut), Disk(store, after, draw.randrange(1, counted.calls + 1), draw):
            trained(store, config)
        if after.exists():
            # The status is a hint that is not synced: read as empty where it is torn.
            assert {damage.file.name for damage in examine(after).damages} <= {"status.json"}, number
        again = trained(after, config)
        assert same(again.folder, whole), number
        assert load_pack(again.folder)[0].phases() == whole.phases(), number


def test_no_power_cut_damages_a_training(tmp_path: Path) -> None:
    drilled(tmp_path, CUTS)


@pytest.mark.slow
def test_no_power_cut_of_many_damages_a_training(tmp_path: Path) -> None:
    drilled(tmp_path, MANY)
