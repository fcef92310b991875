"""A ledger: killed while it is written, full disks, two who add at a time, copied meanwhile. Old or new, never less."""

import shutil
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import grokscope.studies.judging  # noqa: F401  it must have its names before `known` replaces them
from grokscope.cli.base import main
from grokscope.errors import StoreError
from grokscope.predictions import ledger_file
from grokscope.predictions.ledger_file import read_ledger, write_ledger
from grokscope.studies.known import Known
from tests.drills._forks import killed
from tests.drills.test_full_disks import filled, small  # noqa: F401  a fixture
from tests.predictions.lines import small as ledger_of

KILLS, MANY = 5, 60


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The theory of the ledger by hand is one that is known here."""
    monkeypatch.setattr("grokscope.predictions.recorded.require_theories", lambda *_: None)
    monkeypatch.setattr("grokscope.predictions.recorded.unknown_rows", lambda *_: [])


def seeds(path: Path) -> set[int]:
    return {line.seed for line in read_ledger(path).lines}


def add(*paths: Path) -> int:
    return main(["evidence", "add", *map(str, paths)])


def together(monkeypatch: pytest.MonkeyPatch, *acts: Any) -> None:
    """Each in a thread; what is written takes so long that all have begun."""
    write = ledger_file.write_table

    def slowly(*given: Any) -> Path:
        time.sleep(0.3)
        return write(*given)

    monkeypatch.setattr(ledger_file, "write_table", slowly)
    threads = [threading.Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_of_two_who_add_at_a_time_both_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = write_ledger(ledger_of((0,)), tmp_path / "ledger.parquet")
    others = [write_ledger(ledger_of((seed,)), tmp_path / f"{seed}.parquet") for seed in (1, 2, 3)]
    together(monkeypatch, *(lambda other=other: add(ledger, other) for other in others))
    assert seeds(ledger) == {0, 1, 2, 3}


def test_two_who_begin_a_ledger_are_both_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [write_ledger(ledger_of((seed,)), tmp_path / f"{seed}.parquet") for seed in (1, 2)]
    together(monkeypatch, *(lambda other=other: add(tmp_path / "new" / "l.parquet", other) for other in others))
    assert seeds(tmp_path / "new" / "l.parquet") == {1, 2}


def test_a_study_keeps_what_others_added_while_it_trained(tmp_path: Path) -> None:
    ledger = write_ledger(ledger_of((0,)), tmp_path / "ledger.parquet")
    study = Known(read_ledger(ledger)).having(ledger_of((5,)))
    assert add(ledger, write_ledger(ledger_of((1,)), tmp_path / "other.parquet")) == 0
    study.save(ledger)
    assert seeds(ledger) == {0, 1, 5}


ADDING = """
import json
from pathlib import Path
from grokscope.predictions.ledger_file import alone, read_ledger, write_ledger
from grokscope.predictions.merging import merged
from tests.predictions.lines import small
import duckdb, filelock, numpy

def act(number):
    with alone("ledger.parquet"):
        path = Path("ledger.parquet")
        more = small(range(100 * number, 100 * number + 100))
        write_ledger(merged(read_ledger(path), more) if path.exists() else more, path)

def look(number):
    print(json.dumps(sorted({line.seed // 100 for line in read_ledger("ledger.parquet").lines})))
"""


@pytest.mark.parametrize("count", [KILLS, pytest.param(MANY, marks=pytest.mark.slow)])
def test_killed_while_it_is_written(tmp_path: Path, count: int) -> None:
    found = killed(ADDING, tmp_path, count)
    assert len(found) == count
    before: Any = [-1]
    outcomes = Counter[str]()
    for number, now in enumerate(found):
        assert now in (before, [*before, number])  # a kill leaves no lock behind, and loses nothing
        outcomes["old" if now == before else "new"] += 1
        before = now
    print(dict(outcomes))


@pytest.mark.parametrize("count", [4, pytest.param(40, marks=pytest.mark.slow)])
def test_copied_while_it_is_written(tmp_path: Path, count: int) -> None:
    """What is copied is what one of the writers wrote."""
    ledger = write_ledger(ledger_of(range(50)), tmp_path / "ledger.parquet")
    end = threading.Event()

    def writes() -> None:
        many = 50
        while not end.is_set():
            many = 150 - many
            write_ledger(ledger_of(range(many)), ledger)

    writer = threading.Thread(target=writes)
    writer.start()
    try:
        for _ in range(count):
            time.sleep(0.02)
            copy = shutil.copy(ledger, tmp_path / "copy.parquet")
            assert len(seeds(Path(copy))) in (50, 100)
    finally:
        end.set()
        writer.join()


def test_a_full_disk_leaves_the_ledger(small: Path, capsys: pytest.CaptureFixture) -> None:  # noqa: F811
    more = write_ledger(ledger_of(range(4, 3_000)), small.parent / "more.parquet")
    ledger = write_ledger(ledger_of((0,)), small / "ledger.parquet")
    before = ledger.read_bytes()
    for free in (0, 4_096, 8_192):
        filled(small, free)
        capsys.readouterr()
        assert add(ledger, more) == 1
        assert capsys.readouterr().err.count("\n") == 1
        assert ledger.read_bytes() == before
        assert {path.name for path in small.iterdir()} <= {"ledger.parquet", ".ledger.parquet.lock", "ballast"}
        (small / "ballast").unlink()
    assert add(ledger, more) == 0
    assert len(seeds(ledger)) == 2_997


def test_no_room_for_what_is_made_on_the_way(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr("tempfile.tempdir", str(small))
    filled(small, 4_096)
    with pytest.raises(StoreError, match=r"ledger\.parquet"):
        write_ledger(ledger_of(range(3_000)), small.parent / "ledger.parquet")
    assert not (small.parent / "ledger.parquet").exists()
