"""Very many packs, one of them damaged: every answer is right, the damaged one is named, and time and memory have ends.

The packs are stubs: their files are those of trained ones. A stub has 40 numbers a run, drawn with a fixed seed.
"""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from grokscope.benchmarks.store import stub
from grokscope.runs.store import checksum, finished, tables
from tests.conftest import alone
from tests.drills._children import drilled
from tests.drills._crowd import Crowd, serving
from tests.drills.test_catalogue import config
from tests.drills.test_doctor import flip

EVALUATED, NUMBERS = 5, 40  # of a pack
# Of all values in any order; a sum of floats depends on it in its last digits.
SQL = "select count(*) as n, count(distinct run) as runs, bit_xor(hash(value)) as total from metrics"


def built(store: Path, count: int) -> list[Path]:
    return [stub(store, [config(number)], evaluated=EVALUATED) for number in range(count)]


def asked(store: Path, *, damaged: bool, seconds: float, mebibytes: int) -> dict[str, Any]:
    """What list, two queries and doctor say, each within so many seconds of the processor and so much memory."""
    words = {"list": ["list"], "query": ["query", SQL], "again": ["query", SQL], "doctor": ["doctor"]}
    cases: dict[str, Any] = {name: [*said, "--json", "--store", str(store)] for name, said in words.items()}
    found = drilled(cases, store.parent, seconds=seconds, mebibytes=mebibytes)
    for name, outcome in found.items():
        assert not outcome.killed, (name, outcome.killed, outcome.seconds, outcome.mebibytes)
        assert outcome.code == (damaged and name == "doctor"), (name, outcome.err[-500:])
    print("; ".join(f"{name} {one.seconds:.1f} s, {one.mebibytes} MiB" for name, one in found.items()))
    return {name: json.loads(outcome.out) for name, outcome in found.items()}


@pytest.mark.parametrize(
    ("count", "seconds", "mebibytes"), [(300, 10.0, 640), pytest.param(10_000, 120.0, 1024, marks=pytest.mark.slow)]
)
def test_one_damaged_pack_among_many(tmp_path: Path, count: int, seconds: float, mebibytes: int) -> None:
    store = tmp_path / "store"
    packs = built(store, count)
    time.sleep(checksum.FRESH / 1e9)  # younger files are not catalogued
    names = {pack.name for pack in packs}
    told = asked(store, damaged=False, seconds=seconds, mebibytes=mebibytes)
    assert {row["run"] for row in told["list"]["runs"]} == names
    assert told["query"]["rows"][0][:2] == [NUMBERS * count, count]
    assert told["again"]["rows"] == told["query"]["rows"]
    assert {len(finished.look(store, table).packs) for table in (tables.RUNS, tables.NUMBERS)} == {count}
    assert told["doctor"]["damages"] == []

    hurt, left = packs[count // 2], names - {packs[count // 2].name, packs[0].name}
    shutil.rmtree(packs[0])
    flip(hurt / "pack.json", 100)
    (hurt / "pack.json").rename(hurt / "aside")  # as whoever writes does: the catalogue believes no word of it
    (hurt / "aside").rename(hurt / "pack.json")
    flip(hurt / "metrics" / "seg-000001.parquet")
    told = asked(store, damaged=True, seconds=seconds, mebibytes=mebibytes)
    assert {row["run"] for row in told["list"]["runs"]} == left
    assert told["again"] == told["query"]
    assert told["query"]["rows"][0][:2] == [NUMBERS * len(left), len(left)]
    named = [told["list"]["damaged"], told["query"]["damaged"], told["doctor"]["damages"]]
    assert all(damages and all(hurt.name in str(one) for one in damages) for damages in named), named

    with serving(store) as server:
        page = alone(Crowd(server=server).json("data/runs"))
        assert page["total"] == len(left)
        assert {row["run"] for row in page["runs"]} <= left
        assert [hurt.name in line for line in page["problems"]] == [True]
        mib = server.told("VmHWM") // 1024
        assert mib < mebibytes // 2
    print(f"{count} packs; serve {mib} MiB")
