"""The catalogue of finished packs: missing, torn, stale or damaged, it never changes an answer: the packs are true.

Every answer is compared with that of a copy of the store without a catalogue.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grokscope.benchmarks.store import stub
from grokscope.cli.base import main
from grokscope.errors import StoreError
from grokscope.recipes.base import recipe
from grokscope.report.study.cells import phases_over
from grokscope.runs.listing import summaries
from grokscope.runs.run import runs
from grokscope.runs.store import checksum, finished, jsonl
from grokscope.runs.store.documents import document
from grokscope.runs.store.events import append_event
from grokscope.runs.store.journal import Journal, Measured
from grokscope.runs.store.lock import hold
from grokscope.runs.store.query import query
from grokscope.runs.store.segments import recover, seal
from grokscope.runs.store.tables import HAPPENED, NUMBERS, RUNS, TABLES

SQL = (
    "select * from runs order by run",
    "select * from metrics order by run, measure, step",
    "select * from events order by run, event",
)
PACKS, FEWEST = 12, 4


def config(number: int, **fields: Any):
    base = recipe("quickstart", max_steps=20_000, d_model=8, d_mlp=8)
    return base.replace(
        seed=number, weight_decay=float(1 + number % 3), learning_rate=1e-3 * (1 + number % 2), **fields
    )


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finished, "FEWEST", FEWEST)
    monkeypatch.setattr("grokscope.runs.store.series.FEWEST", FEWEST)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("made") / "store"
    for number in range(PACKS):
        stub(store, [config(number), config(number + 100)][: 1 + number % 2], evaluated=5)
    return store


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Iterator[Path]:
    """A store with a catalogue of all tables."""
    shutil.copytree(made, tmp_path / "store")
    settle()
    answers(tmp_path / "store")
    assert {len(finished.look(tmp_path / "store", table).packs) for table in TABLES} == {PACKS}
    yield tmp_path / "store"
    agrees(tmp_path / "store")


def settle() -> None:
    """A file that was written a moment ago may change unnoticed, and is not catalogued."""
    time.sleep(checksum.FRESH / 1e9 + 0.02)


def answers(store: Path, said: list[Any] | None = None) -> list[Any]:
    damage: list[Any] = []
    found: list[Any] = [query(store, sql, on_damage=damage.append) for sql in SQL]
    found.append(list(summaries(store, on_damage=damage.append)))
    known = list(runs(store, on_damage=damage.append))
    found.append([(run.id, run.config.key) for run in known])
    table = phases_over(known)
    found.append([table.classes.tolist(), table.train_step.tolist(), table.runs.tolist()])
    if said is not None:
        said += damage
    return found


def agrees(store: Path) -> list[Any]:
    """The answers of a store, compared with those of the same store without a catalogue; the reasons of damage."""
    plain, said = store.parent / "plain" / store.name, []
    shutil.rmtree(plain.parent, ignore_errors=True)
    shutil.copytree(store, plain, ignore=shutil.ignore_patterns(finished.FOLDER))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finished, "FEWEST", 10**9)
        patch.setattr("grokscope.runs.store.series.FEWEST", 10**9)
        truth = json.dumps(answers(plain), default=str).replace(str(plain), str(store))
    assert json.dumps(answers(store, said), default=str) == truth
    return said


def folder_of(store: Path, number: int = 0) -> Path:
    return sorted(path.parent for path in store.glob("*/pack.json"))[number]


def test_it_is_used(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known, read = json.dumps(answers(store), default=str), []

    def never(*_: Any) -> None:
        read.append("a pack")
        raise AssertionError("a pack was read")

    with monkeypatch.context() as patch:
        for place in ("tables.read_pack", "tables.records", "tables.at_one_instant", "tables.read_events"):
            patch.setattr(f"grokscope.runs.store.{place}", never)
        patch.setattr("grokscope.runs.store.series.at_one_instant", never)
        assert json.dumps(answers(store), default=str) == known
    assert read == []


@pytest.mark.parametrize("part", ["packs", "rows"])
@pytest.mark.parametrize("table", ["runs", "numbers", "events"])
def test_a_flipped_bit_makes_it_no_catalogue(store: Path, table: str, part: str) -> None:
    (path,) = (store / finished.FOLDER).glob(f"{table}-*.{part}.parquet")
    data = path.read_bytes()
    for place in range(0, len(data), max(1, len(data) // 12)):
        bad = bytearray(data)
        bad[place] ^= 1 << place % 8
        path.write_bytes(bad)
        agrees(store)
        assert path.exists() or finished.generations(store, table), "a new one took its place"
        if not path.exists():
            break


def test_files_of_nonsense_and_links_are_no_catalogue(store: Path) -> None:
    folder = store / finished.FOLDER
    for number, path in enumerate(sorted(folder.glob("*.packs.parquet"))):
        data = (b"", b"PAR1", b"\0" * 4096)[number % 3]
        path.write_bytes(data)
    agrees(store)
    shutil.rmtree(folder)
    folder.symlink_to(store.parent / "elsewhere")
    (store.parent / "elsewhere").mkdir()
    agrees(store)
    assert not list((store.parent / "elsewhere").iterdir()), "nothing is written through a link"
    folder.unlink()


def test_packs_are_removed_added_and_swapped_behind_its_back(store: Path) -> None:
    first, second, third = (folder_of(store, number) for number in range(3))
    shutil.rmtree(first)
    agrees(store)
    stub(store, [config(50)])
    agrees(store)
    second.rename(store / "aside")
    third.rename(second)  # another pack under this name: its description does not fit
    said = agrees(store)
    assert second.name in str(said[0])
    shutil.rmtree(second)
    shutil.rmtree(store / "aside")
    agrees(store)


def test_what_a_writer_adds_is_seen_at_every_instant(store: Path) -> None:
    folder = folder_of(store)
    run = json.loads((folder / "pack.json").read_text())["runs"][0]["run"]
    with hold(folder):
        journal = recover(folder)
        agrees(store)
        journal.append([Measured(run=run, step=7, measure="late.one", view="", value=0.5)])
        assert query(store, "select count(*) from metrics where measure = 'late.one'")[1] == [(1,)]
    settle()  # killed here: the row is in the journal alone
    assert query(store, "select count(*) from metrics where measure = 'late.one'")[1] == [(1,)]
    agrees(store)
    with hold(folder):
        seal(folder, recover(folder))
        append_event(folder, {"run": run, "step": 8, "event": "rows-lost"})
    settle()
    assert query(store, "select count(*) from metrics where measure = 'late.one'")[1] == [(1,)]
    assert query(store, "select count(*) from events where event = 'rows-lost'")[1] == [(1,)]


def test_a_row_that_is_appended_between_two_readings_of_a_held_pack_is_seen(store: Path) -> None:
    folder = folder_of(store)
    with hold(folder):
        journal: Journal = recover(folder)
        settle()
        for table in TABLES:  # the writer works: its pack is read, and not catalogued
            assert folder in finished.current(store, table).others
        journal.append([Measured(run=folder.name, step=9, measure="late.two", view="", value=1.0)])
    assert query(store, "select count(*) from metrics where measure = 'late.two'")[1] == [(1,)]


@pytest.mark.parametrize("name", ["status.json", "pack.json"])
def test_a_file_that_is_replaced_is_read(store: Path, name: str) -> None:
    path = folder_of(store) / name
    about = json.loads(path.read_text())
    about.pop("checksum")
    new = path.with_name("new")
    if name == "status.json":
        about["train_seconds"] = 123.0
    else:
        about["versions"] = {"torch": "9"}
    new.write_bytes(document(about))
    new.replace(path)
    agrees(store)
    if name == "status.json":
        assert 123.0 in {one["train_seconds"] for one in summaries(store)}


def test_a_damaged_segment_or_event_is_named_and_not_answered(store: Path) -> None:
    for name in ("metrics/seg-000001.parquet", "events.jsonl", "journal.jsonl"):
        folder = folder_of(store)
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)
        said: list[Any] = []
        _, rows = query(store, SQL[2] if name == "events.jsonl" else SQL[1], on_damage=said.append)
        assert [folder.name in str(error) for error in said] == [True]
        assert not any(folder.name in map(str, row) for row in rows)
        shutil.rmtree(folder)


def test_a_lost_segment_is_missed(store: Path) -> None:
    (folder_of(store) / "metrics" / "seg-000001.parquet").unlink()
    said: list[Any] = []
    query(store, SQL[1], on_damage=said.append)
    assert "has lost seg-000001.parquet" in str(said[0])
    shutil.rmtree(folder_of(store))


def test_the_clock_is_set_back(store: Path) -> None:
    clock = pytest.MonkeyPatch()
    clock.setattr(time, "time_ns", lambda: 10**18)
    path = folder_of(store) / "status.json"
    about = json.loads(path.read_text())
    about.pop("checksum")
    about["train_seconds"] = 321.0
    path.with_name("new").write_bytes(document(about))
    path.with_name("new").replace(path)
    os.utime(path.parent, ns=(10**18, 10**18))
    assert 321.0 in {one["train_seconds"] for one in summaries(store)}
    for number in range(60, 60 + FEWEST):
        stub(store, [config(number)])
    agrees(store)  # nothing is old enough by this clock: read each time
    clock.undo()
    settle()
    agrees(store)
    assert len(finished.look(store, RUNS).others) < FEWEST


def test_a_store_that_cannot_be_written_answers_all_the_same(made: Path, tmp_path: Path, monkeypatch) -> None:
    store = tmp_path / "store"
    shutil.copytree(made, store)
    settle()

    def refused(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    found = answers(store)
    monkeypatch.undo()
    assert not (store / finished.FOLDER).exists()
    assert json.dumps(found, default=str) == json.dumps(answers(store), default=str)


@pytest.mark.parametrize("after", range(8))
def test_killed_while_writing_it(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    store, calls = tmp_path / "store", []
    shutil.copytree(made, store)
    settle()
    with monkeypatch.context() as patch:
        for place, name in ((os, "replace"), (finished, "stamp"), (finished, "sync_folder"), (Path, "unlink")):
            real = getattr(place, name)

            def dies(*given: Any, real: Any = real, **options: Any) -> Any:
                calls.append(given)
                if len(calls) > after:
                    raise KeyboardInterrupt
                return real(*given, **options)

            patch.setattr(place, name, dies)
        with contextlib.suppress(KeyboardInterrupt):
            finished.current(store, RUNS)
            finished.current(store, NUMBERS)
    agrees(store)
    assert len(finished.look(store, RUNS).packs) == PACKS


TWO = """
import sys, time
from pathlib import Path
from grokscope.runs.store import finished
from grokscope.runs.store.query import query
finished.FEWEST = 2
store, seconds = Path(sys.argv[1]), float(sys.argv[2])
end = time.time() + seconds
while time.time() < end:
    runs = query(store, "select count(*), count(distinct run) from runs")[1][0]
    rows = query(store, "select count(*), count(distinct run) from metrics")[1][0]
    print(runs[0], runs[1], rows[0], rows[1], flush=True)
"""


@pytest.mark.parametrize("seconds", [4.0, pytest.param(30.0, marks=pytest.mark.slow)])
def test_two_processes_ask_while_packs_come_and_one_is_killed(store: Path, seconds: float) -> None:
    asking = [
        subprocess.Popen([sys.executable, "-c", TWO, str(store), str(seconds)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    end, number = time.monotonic() + seconds, 200
    while time.monotonic() < end:
        building = store.parent / "building"
        made = stub(building, [config(number)], evaluated=5)
        made.rename(store / made.name)
        number += 1
        time.sleep(0.05)
        if time.monotonic() > end - seconds / 2 and asking[2].poll() is None:
            asking[2].kill()
    for process in asking[:2]:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        told = [tuple(map(int, line.split())) for line in out.splitlines()]
        assert told
        for runs_, distinct, rows, with_rows in told:
            assert runs_ == distinct, "no run twice"
            assert rows == 40 * with_rows, "every number once"
        assert [one[0] for one in told] == sorted(one[0] for one in told), "no run is lost again"
    asking[2].communicate(timeout=120)
    settle()


def test_a_replaced_catalogue_stays_a_while(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def grow(number: int) -> int:
        for more in range(FEWEST):
            stub(store, [config(number + more)])
        settle()
        finished.current(store, RUNS)
        return len(finished.generations(store, RUNS.name))

    assert [grow(300), grow(310)] == [2, 3]
    monkeypatch.setattr(finished, "KEPT_FOR", 0.0)
    assert grow(320) == 2, "the new one, and the one that was the newest"


def test_the_doctor_names_and_repairs_it(store: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["doctor", "--json", "--store", str(store)]) == 0
    assert json.loads(capsys.readouterr().out)["damages"] == []
    (rows,) = (store / finished.FOLDER).glob("runs-*.rows.parquet")
    data = bytearray(rows.read_bytes())
    data[len(data) // 2] ^= 1
    rows.write_bytes(data)
    assert main(["doctor", "--json", "--store", str(store)]) == 1
    (damage,) = json.loads(capsys.readouterr().out)["damages"]
    assert damage["file"] == str(rows)
    assert main(["doctor", "--repair", "--json", "--store", str(store)]) == 0
    assert not rows.exists()
    assert (store / ".quarantine" / finished.FOLDER / rows.name).exists()


def test_the_doctor_finds_what_the_times_do_not_tell(store: Path, capsys: pytest.CaptureFixture) -> None:
    """An event that is rewritten in place, with its checksum, by somebody who restores the times of the files."""
    folder = folder_of(store)
    lines = jsonl.read_lines(folder / "events.jsonl").contents()
    (folder / "events.jsonl").write_bytes(
        jsonl.summed([line.replace(b'"step": 100', b'"step": 101') for line in lines])
    )
    path, other = finished.generations(store, HAPPENED.name)[0], folder.name
    stats = hash(HAPPENED.stats(str(folder), ""))
    entries = finished._read(store, HAPPENED)[1] | {other: (stats, "")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finished, "_read", lambda store, table: (finished.rows_of(path), entries))
        with pytest.raises(StoreError, match=f"says something else of pack {other}"):
            finished.compare(store, HAPPENED)
    shutil.rmtree(folder)
