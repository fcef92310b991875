"""The clock jumps, and files have the times of other machines: nothing that is told depends on it."""

import json
import os
import random
import time
from pathlib import Path

import pytest

from grokscope.cli.base import main
from grokscope.runs.run import Run
from grokscope.studies.experiment import train
from tests.conftest import tiny
from tests.drills.conftest import Place
from tests.drills.test_truncated_journals import same

COMMANDS = (
    ["list", "--json"],
    ["query", "--json", "select run, measure, step, value from metrics order by all"],
    ["show", "{run}", "--json"],
    ["doctor", "--json"],
)
TIMES = {"1970": 0, "2100": 4_102_444_800, "before 1970": -86_400}


def told(place: Place, capsys: pytest.CaptureFixture) -> list[object]:
    """What commands say of a store, whatever the order: the newest comes first."""
    found = []
    for words in COMMANDS:
        given = [word.format(run=f"{place.done.name}-0") for word in words]
        assert main([*given, "--store", str(place.store)]) == 0, words
        said = json.loads(capsys.readouterr().out)
        said.pop("environment", None)  # of the doctor: also how much of the disk is free
        lists = {name: sorted(map(repr, value)) for name, value in said.items() if isinstance(value, list)}
        found.append(said | lists)
    return found


@pytest.mark.parametrize("when", TIMES)
def test_times_of_files_change_no_answer(when: str, place: Place, capsys: pytest.CaptureFixture) -> None:
    before = told(place, capsys)
    for path in place.store.rglob("*"):
        os.utime(path, (TIMES[when], TIMES[when]))
    assert told(place, capsys) == before


def test_a_file_that_changed_and_has_its_old_time_is_read_again(place: Place, capsys: pytest.CaptureFixture) -> None:
    """Such as one that a copy with times has put there."""
    told(place, capsys)
    path = next((place.done / "metrics").glob("*.parquet"))
    about, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert main(["doctor", "--json", "--store", str(place.store)]) == 1
    assert path.name in capsys.readouterr().out


def test_a_clock_that_jumps_changes_no_run(undisturbed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw, now = random.Random(20), time.time
    monkeypatch.setattr(time, "time", lambda: now() + draw.uniform(-1e8, 1e8))
    run = train(tiny(seed=3), store=tmp_path / "store", progress=False)
    assert same(run.folder, undisturbed)
    assert main(["doctor", "--store", str(tmp_path / "store")]) == 0
