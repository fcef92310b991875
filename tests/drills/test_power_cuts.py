"""The power goes at any instant: what was synced is there, nothing is damaged, and the run ends as if undisturbed."""

import math
import random
from pathlib import Path
from typing import Any

import pytest

from grokscope.runs import writer
from grokscope.runs.doctor import examine
from grokscope.runs.run import Run, load_pack
from grokscope.runs.store.checkpoints import load_resume
from grokscope.runs.store.events import finished_at
from grokscope.studies.experiment import train
from tests.conftest import tiny
from tests.drills._power import Cut, Disk
from tests.drills.test_truncated_journals import same

CUTS, MANY = 10, 100


@pytest.fixture
def saved(often: None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps whose resume point is there."""
    save, steps = writer.Writer.save, list[int]()

    def noted(self: Any, step: int, *args: Any, **fields: Any) -> None:
        save(self, step, *args, **fields)
        steps.append(step)

    monkeypatch.setattr(writer.Writer, "save", noted)
    return steps


def trained(store: Path, config: Any) -> Run:
    return train(config, store=store, progress=False, resume=True)


def kept(store: Path) -> int:
    """The step from which a store goes on; the end of a run that is done."""
    for folder in (path.parent for path in store.glob("*/pack.json")):
        point = load_resume(folder)
        return 10**9 if finished_at(folder) is not None else point[1]["step"] if point else 0
    return 0


def drilled(tmp_path: Path, saved: list[int], count: int) -> None:
    """So many cuts of a training, at random."""
    config, draw = tiny(seed=3), random.Random(20)
    whole = trained(tmp_path / "undisturbed", config)
    with Disk(tmp_path / "counted", tmp_path, math.inf, draw) as counted:
        trained(tmp_path / "counted", config)
    for number in range(count):
        store, after = tmp_path / f"{number}-before" / "store", tmp_path / f"{number}-after"
        store.parent.mkdir()
        saved.clear()
        with pytest.raises(Cut), Disk(store, after, draw.randrange(1, counted.calls + 1), draw):
            trained(store, config)
        if after.exists():
            # The status is a hint that is not synced: read as empty where it is torn.
            assert {damage.file.name for damage in examine(after).damages} <= {"status.json"}, number
        assert kept(after) >= max(saved, default=0), number
        again = trained(after, config)
        assert same(again.folder, whole), number
        assert load_pack(again.folder)[0].phases() == whole.phases(), number


def test_no_power_cut_damages_a_training(tmp_path: Path, saved: list[int]) -> None:
    drilled(tmp_path, saved, CUTS)


@pytest.mark.slow
def test_no_power_cut_of_many_damages_a_training(tmp_path: Path, saved: list[int]) -> None:
    drilled(tmp_path, saved, MANY)
