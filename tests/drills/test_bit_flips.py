"""One bit of a file flips: no number in it is believed, the file is named, and all other packs answer as before."""

import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from grokscope.cli.base import main
from grokscope.errors import StoreError
from grokscope.runs.run import Run, load, load_pack
from grokscope.runs.store.rows import read_rows
from grokscope.studies.experiment import train
from tests.drills.conftest import Place

KINDS = ("parquet", "checkpoint", "resume", "journal", "events", "pack")


def target(place: Place, kind: str) -> Path:
    return {
        "parquet": place.done / "metrics" / "seg-000001.parquet",
        "checkpoint": place.done / "checkpoints.safetensors",
        "resume": place.begun / "resume.safetensors",
        "journal": place.begun / "journal.jsonl",
        "events": place.done / "events.jsonl",
        "pack": place.done / "pack.json",
    }[kind]


def reading(place: Place, kind: str) -> Callable[[], object]:
    """What believes the file, where it believes it."""
    return {
        "parquet": lambda: read_rows(place.done),
        "checkpoint": lambda: all_weights(load(place.store / f"{place.done.name}-1")),
        "resume": lambda: train(load_pack(place.begun)[0].config, store=place.store, progress=False, resume=True),
        "journal": lambda: read_rows(place.begun, measure="behaviour.test_loss"),
        "events": lambda: load_pack(place.done)[0].events,
        "pack": lambda: load_pack(place.done)[0].config,
    }[kind]


def all_weights(run: Run) -> list[object]:
    return [run.snapshot(step).params for step in run.checkpoints]


def flips(path: Path, count: int):
    """Sets one bit after another to what it is not, and puts it back."""
    data = path.read_bytes()
    for bit in sorted(random.Random(20).sample(range(8 * len(data)), min(count, 8 * len(data)))):
        bad = bytearray(data)
        bad[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bytes(bad))
        yield bit
    path.write_bytes(data)


def outcomes(place: Place, kind: str, count: int) -> Counter[str]:
    """How many flips were named, in one line with the file; how many were read as truth; and what else came."""
    path, read, found = target(place, kind), reading(place, kind), Counter()
    for _ in flips(path, count):
        try:
            read()
        except StoreError as error:
            found["named" if path.name in str(error) and "\n" not in str(error) else f"not named: {error}"] += 1
        except Exception as error:
            found[type(error).__name__] += 1
        else:
            found["read as truth"] += 1
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_no_flipped_bit_is_read_as_truth(place: Place, kind: str) -> None:
    assert outcomes(place, kind, 20) == {"named": 20}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_flipped_bit_of_a_hundred_is_read_as_truth(place: Place, kind: str) -> None:
    assert outcomes(place, kind, 100) == {"named": 100}


@pytest.mark.parametrize("kind", KINDS)
def test_the_other_packs_answer_as_before(place: Place, kind: str, capsys: pytest.CaptureFixture) -> None:
    path = target(place, kind)
    tables = {"parquet": "metrics", "journal": "metrics", "events": "events", "pack": "runs"}
    for _ in flips(path, 3):
        capsys.readouterr()
        assert main(["list", "--json", "--store", str(place.store)]) == 0
        listed = json.loads(capsys.readouterr().out)
        assert place.other.name in {run["run"] for run in listed["runs"]}
        if kind in ("events", "pack"):  # what the list reads
            assert [str(path) in reason for reason in listed["damaged"]] == [True]
        table = tables.get(kind, "metrics")
        pack = "pack" if table != "runs" else "pack as pack"
        sql = f"select distinct {pack} from {table}"
        assert main(["query", sql, "--json", "--store", str(place.store)]) == 0
        out, err = capsys.readouterr()
        packs = {row[0] for row in json.loads(out)["rows"]}
        assert place.other.name in packs
        if kind in tables:
            assert str(path) in err
            assert path.parents[kind == "parquet"].name not in packs, "half a pack is not told as the whole"
        assert main(["show", place.other.name, "--json", "--store", str(place.store)]) == 0
        capsys.readouterr()


@pytest.mark.parametrize("kind", ["parquet", "checkpoint", "events", "pack"])
def test_showing_the_damaged_run_names_the_file(place: Place, kind: str, capsys: pytest.CaptureFixture) -> None:
    path = target(place, kind)
    for _ in flips(path, 1):
        assert main(["show", f"{place.done.name}-0", "--store", str(place.store)]) == 1
        err = capsys.readouterr().err
        assert str(path) in err
        assert "grokscope doctor" in err
