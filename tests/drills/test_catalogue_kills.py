"""The catalogue: killed while it is built, built by several at once, on a full disk, or by another version. The answers
are those of the packs."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from grokscope.benchmarks.store import stub
from grokscope.runs.store import finished, tables
from grokscope.runs.store.checksum import BLANK, stamp
from grokscope.runs.store.merged import MIXED, literal, parquet
from grokscope.runs.store.segments import engine
from tests.drills._forks import killed
from tests.drills.test_catalogue import FEWEST, PACKS, SQL, agrees, answers, config, few, made, settle, store  # noqa: F401
from tests.drills.test_full_disks import filled, small  # noqa: F401

BUILDING = f"""
import json, os, shutil
from pathlib import Path
from grokscope.runs.store import finished, tables
from grokscope.runs.store.query import query
import duckdb, filelock, numpy
from tests.drills.test_catalogue import SQL
finished.FEWEST = {FEWEST}

def act(number):
    for _ in range({{together}} - 1 if number >= 0 else 0):
        if not os.fork():
            break
    finished.FEWEST = {FEWEST}
    for table in tables.TABLES:
        finished.current(Path("store"), table)
    if number < 0:  # else the first that is killed would find it built
        shutil.rmtree("store/.catalogue")

def look(number):
    told = [query(Path("store"), sql)[1] for sql in SQL]
    believed = [len(finished.look(Path("store"), table).packs) for table in tables.TABLES]
    rests = [name for name in os.listdir("store/.catalogue") if name.endswith(".tmp")] if believed[-1] else []
    shutil.rmtree("store/.catalogue")
    again = [query(Path("store"), sql)[1] for sql in SQL]
    print(json.dumps({{{{"same": told == again, "believed": believed, "rests": rests}}}}))
    shutil.rmtree("store/.catalogue")
"""


@pytest.mark.parametrize("together", [1, 3])
@pytest.mark.parametrize("count", [4, pytest.param(40, marks=pytest.mark.slow)])
def test_killed_while_it_is_built(made: Path, tmp_path: Path, count: int, together: int) -> None:  # noqa: F811
    """together: how many build it; one of them is killed, and the others go on."""
    shutil.copytree(made, tmp_path / "store")
    settle()
    found: list[Any] = killed(BUILDING.format(together=together), tmp_path, count)
    assert len(found) == count
    assert all(one["same"] and one["rests"] == [] for one in found), found
    assert all(set(one["believed"]) == {PACKS} for one in found), found
    print(found)


NAMELESS = """
import itertools, signal
stamp, build = finished.stamp, act

def act(number):
    calls = itertools.count()
    def dies(path):
        stamp(path)
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
    finished.stamp = dies
    build(number)

def look(number):
    rests = [len(list(Path("store/.catalogue").glob(".*.tmp")))]
    build(number)
    print(json.dumps([*rests, len(list(Path("store/.catalogue").glob(".*.tmp")))]))
    shutil.rmtree("store/.catalogue")
"""


def test_killed_before_a_file_has_its_name(made: Path, tmp_path: Path) -> None:  # noqa: F811
    """Each of the six files of three tables: one is left over, and the next who builds removes it. At random instants
    few of them are met."""
    shutil.copytree(made, tmp_path / "store")
    settle()
    files = 2 * len(tables.TABLES)
    assert killed(BUILDING.format(together=1) + NAMELESS, tmp_path, files, itself=True) == [[1, 0]] * files


def written_anew(path: Path, select: str) -> None:
    """The file with other columns, whole by its checksum, as another version may have written it."""
    aside = path.with_name("aside")
    path.rename(aside)
    options = f"FORMAT parquet, KV_METADATA {{grokscope: {literal(BLANK)}}}"
    engine().execute(f"COPY (SELECT {select} FROM {parquet(aside)}) TO {literal(str(path))} ({options})")
    aside.unlink()
    stamp(path)


OTHERS = {  # what the packs say, and the rows
    "without segments": ("pack, signature", "*"),
    "a column more": ("*, 1 AS later", "*, 1 AS later"),
    "signatures that are texts": ("* REPLACE ('x' AS signature)", "*"),
    "another layout of the rows": ("* RENAME (signature AS signature_2)", "pack AS nothing"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_catalogue_of_another_version(store: Path, what: str) -> None:  # noqa: F811
    for table in tables.TABLES:
        (path,) = finished.generations(store, table.name)
        for file, select in zip((path, finished.rows_of(path)), OTHERS[what], strict=True):
            written_anew(file, select)
    agrees(store)
    for number in range(FEWEST):
        stub(store, [config(400 + number)])
    settle()
    agrees(store)
    assert {len(finished.look(store, table).packs) for table in tables.TABLES} == {PACKS + FEWEST}, "it is built again"


FIXED = ("run", "pack", "replica", "state", "step")
LISTED = ("notes", "imported", "written", "key", "about", "measure_seconds", "train_seconds")
LAYOUT = {  # without the fields of configs and summaries, which are read by their names
    "runs": {"pack", *(f"fixed:{name}" for name in FIXED), *(f"listed:{name}" for name in LISTED)},
    "numbers": {"pack", "run", "step", "measure", "view", "value"},
    "events": {"pack", "run", "step", "event", "detail", "place"},
}


def test_other_columns_have_another_name_of_the_signature(store: Path) -> None:  # noqa: F811
    for table in tables.TABLES:
        rows = finished.rows_of(finished.generations(store, table.name)[0])
        names = {name for name, *_ in engine().execute(f"DESCRIBE FROM {parquet(rows)}").fetchall()}
        own = {name.removesuffix(MIXED) for name in names if not name.startswith(("config:", "summary:"))}
        assert (finished.SIGNATURE, own) == ("signature", LAYOUT[table.name])


def test_a_full_disk_changes_no_answer(made: Path, small: Path) -> None:  # noqa: F811
    store = small / "store"  # noqa: F811
    shutil.copytree(made, store)
    settle()
    truth = json.dumps(answers(store), default=str)
    for free in (0, 4_096, 12_288, 24_576):
        shutil.rmtree(store / finished.FOLDER, ignore_errors=True)
        filled(small, free)
        assert json.dumps(answers(store), default=str) == truth
        (small / "ballast").unlink()
        assert not list((store / finished.FOLDER).glob(".*.tmp"))
