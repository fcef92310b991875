"""A watch whose store fails, goes or is killed with the training: the training goes as it would go unwatched."""

import random
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from grokscope.runs.doctor import examine
from grokscope.runs.store.lock import is_held
from tests.drills._forks import killed
from tests.drills.test_full_disks import filled, small  # noqa: F401  a fixture
from tests.watch.networks import plain, train
from tests.watch.test_watch import watched

STEPS, AT = 12, 5
CHEAP = ["weights.norm", "behaviour.test_accuracy"]


def followed(store: Path, happens: Callable[[Any], object]) -> tuple[list[float], list[str], Any]:
    """The losses of a training to which something happens after some steps; what is warned of; the run that `close`
    gives."""
    network = plain()
    watch = watched(network, store, every=1, measures=CHEAP)
    torch.manual_seed(3)

    def each(step: int, loss: torch.Tensor) -> None:
        if step == AT:
            happens(watch)
        watch.step(step, loss=loss)

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        losses = train(network, STEPS, each)
        run = watch.close()
    assert not is_held(run.folder)
    return losses, [str(one.message) for one in said], run


@pytest.fixture(scope="module")
def alone() -> list[float]:
    network = plain()
    torch.manual_seed(3)
    return train(network, STEPS)


def replaced_by_a_link(path: Path) -> None:
    path.rename(path.with_name("aside"))
    path.symlink_to(path.with_name("aside"))


HAPPENINGS: dict[str, Callable[[Path, Path], object]] = {  # to a store, or to the folder of its run
    "the store is removed": lambda store, run: shutil.rmtree(store),
    "the store is moved": lambda store, run: store.rename(store.with_name("moved")),
    "the store is a file": lambda store, run: (shutil.rmtree(store), store.write_text("")),
    "the run is removed": lambda store, run: shutil.rmtree(run),
    "the run is removed and made anew": lambda store, run: (shutil.rmtree(run), run.mkdir()),
    "the run is a link": lambda store, run: replaced_by_a_link(run),
    "the lock is removed": lambda store, run: (run / "lock").unlink(),
    "the journal is removed": lambda store, run: (run / "journal.jsonl").unlink(),
    "the journal is cut": lambda store, run: (run / "journal.jsonl").write_bytes(b"{"),
    "the description is nonsense": lambda store, run: (run / "pack.json").write_bytes(b"{"),
    "the events are nonsense": lambda store, run: (run / "events.jsonl").write_bytes(b"\0[]\n"),
    "the status is a folder": lambda store, run: ((run / "status.json").unlink(), (run / "status.json").mkdir()),
}


@pytest.mark.parametrize("what", HAPPENINGS)
def test_whatever_happens_to_the_store_the_training_ends(tmp_path: Path, alone: list[float], what: str) -> None:
    store = tmp_path / "store"
    losses, said, run = followed(store, lambda watch: HAPPENINGS[what](store, store / watch.run.id))
    assert losses == alone
    assert len(said) <= 2, said  # each said once
    assert all("\n" not in line for line in said)
    assert run.id
    if "removed" in what or "moved" in what or "link" in what:
        assert said


@pytest.mark.parametrize("count", [4, pytest.param(40, marks=pytest.mark.slow)])
def test_a_full_disk_does_not_end_it(small: Path, alone: list[float], count: int) -> None:  # noqa: F811
    draw, warned = random.Random(20), 0
    for number in range(count):
        store = small / str(number)
        losses, said, _ = followed(store, lambda _: filled(small, draw.randrange(0, 16_384, 4_096)))
        assert losses == alone
        assert len(said) <= 1, said
        warned += any("the disk is full" in line for line in said)
        (small / "ballast").unlink()
        assert examine(store).damages == []
        shutil.rmtree(store)
    assert warned >= count // 2
    print(f"{warned} of {count} were told of a full disk")


WATCHING = f"""
import json, os, random, signal, threading
from pathlib import Path
import duckdb, filelock, torch, torch._dynamo  # before the first fork
import grokscope as gs
from grokscope.runs.doctor import examine
from grokscope.watch.watch import Watch
from tests.watch.networks import plain, train
from tests.watch.test_watch import watched
for id_ in {CHEAP!r}:
    gs.measures()[id_]

def act(number):
    network = plain()
    watch = watched(network, Path(str(number)), every=1, measures={CHEAP!r})
    torch.manual_seed(3)
    draw = random.Random(number)
    last, delay = draw.randrange(1, 20), draw.uniform(0, 0.01)  # however slow the machine, it is killed by then

    def each(step, loss):
        watch.step(step, loss=loss)
        if step == last and number >= 0:
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()

    train(network, 20, each)
    watch.close()

def rows(run):
    try:
        return [series.tolist() for series in run.series("weights.norm")]
    except (gs.GrokscopeError, ValueError):  # killed before the first row
        return [[], []]

def look(number):
    store = Path(str(number))
    damages = [str(one) for one in examine(store).damages] if store.is_dir() else []
    runs = list(gs.runs(store)) if store.is_dir() else []
    (whole,) = gs.runs("-1")
    steps, values = rows(runs[0]) if runs else ([], [])
    same = [steps, values] == [one[: len(steps)] for one in rows(whole)]
    print(json.dumps({{"damages": damages, "same": same, "rows": len(steps)}}))
"""


@pytest.mark.parametrize("count", [4, pytest.param(40, marks=pytest.mark.slow)])
def test_a_training_that_is_killed_leaves_what_it_had(tmp_path: Path, count: int) -> None:
    found: list[Any] = killed(WATCHING, tmp_path, count)
    assert len(found) == count
    assert all(one["damages"] == [] and one["same"] for one in found), found
    assert any(0 < one["rows"] < 21 for one in found)
    print(sorted(one["rows"] for one in found))
