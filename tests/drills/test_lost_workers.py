"""Workers and the process that conducts a study are killed at random instants; then two conduct it on one store.

In the end there are the same packs as undisturbed, each ended once, nothing damaged, and no process is left. Lost nodes
of a Ray cluster: tests/studies/test_ray.py.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from grokscope.runs.doctor import examine
from grokscope.runs.run import load_pack
from grokscope.runs.store.events import FINISHED, read_events
from grokscope.runs.store.lock import is_held
from grokscope.studies.experiment import train_pack
from grokscope.studies.plan import Plan, plan
from tests.conftest import tiny
from tests.drills._children import ROOT
from tests.drills.test_truncated_journals import same
from tests.studies.test_conduct import until
from tests.studies.test_slurm import lives

KILLS, PACKS = 10, 3
DRIVER = """
import sys
from tests.drills.test_lost_workers import study
from grokscope.studies.conduct import conduct
name, store, engine = sys.argv[1:]
failed = [outcome for outcome in conduct(study(name, store), engine=engine, workers=2) if outcome.state == "failed"]
sys.exit(f"{failed}" if failed else 0)
"""


def study(name: str, store: Path | str) -> Plan:
    fields = {"p": 7, "d_model": 8, "n_heads": 2, "max_steps": 600, "evaluate_every": 100, "stop_after": 10_000}
    return plan(name, {"a": [tiny(d_mlp=8 + 4 * pack, **fields) for pack in range(PACKS)]}, store)


def driver(name: str, store: Path, engine: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", DRIVER, name, str(store), engine]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)


def holders(store: Path) -> list[int]:
    """The processes that write a pack now."""
    held = [path for path in store.glob("*/lock") if is_held(path.parent)]
    return [int(words[0]) for path in held if (words := path.read_text().split())]


def descendants(process: int) -> Iterator[int]:
    """Of a process, at any depth."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
        if parent == process:
            yield int(path.parent.name)
            yield from descendants(int(path.parent.name))


def kills(store: Path, process: subprocess.Popen[bytes], draw: random.Random, count: int) -> int:
    """Kills writers of packs at random instants until so many are dead, or the driver has ended."""
    done = 0
    while done < count and process.poll() is None:
        until(lambda: holders(store) or process.poll() is not None)
        time.sleep(draw.uniform(0, 1.5))
        for writer in holders(store)[:1]:
            os.kill(writer, signal.SIGKILL)
            until(lambda writer=writer: not lives(writer))  # and its lock is free
            done += 1
    return done


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_study_outlives_its_workers_and_its_drivers(engine: str, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    for pack in study("one", tmp_path / "whole").packs:
        train_pack(pack.configs, folder=tmp_path / "whole" / pack.id, device=torch.device("cpu"), kept=pack.kept)
    store, draw = tmp_path / "store", random.Random(6)
    with driver("one", store, engine) as first:
        killed = kills(store, first, draw, KILLS // 2)
        until(lambda: holders(store) or first.poll() is not None)
        left, interrupted = list(descendants(first.pid)), first.poll() is None
        held = {path.parent.name for path in store.glob("*/lock") if is_held(path.parent)}
        first.kill()
    assert interrupted
    if engine == "local":  # Ray ends its workers some seconds later
        until(lambda: not any(map(lives, left)), 60)
        assert held & {pack.id for pack in study("one", store).todo}, "workers ended their packs without a driver"
    with driver("one", store, engine) as one, driver("two", store, engine) as two:
        left += [*descendants(one.pid), *descendants(two.pid)]
        killed += kills(store, one, draw, KILLS - killed)
        for process in (one, two):
            assert process.stderr is not None
            print(engine, process.stderr.read().decode()[-1500:])
    with driver("one", store, engine) as last:  # packs that were given up, because their workers died too often
        assert last.wait() == 0
    assert study("one", store).todo == study("two", store).todo == []
    until(lambda: not any(map(lives, left)), 60)
    assert examine(store).damages == []
    packs = sorted(path.parent.name for path in (tmp_path / "whole").glob("*/pack.json"))
    assert len(packs) == PACKS
    assert sorted(path.parent.name for path in store.glob("*/pack.json")) == packs
    for pack in packs:
        (whole,), (found,) = load_pack(tmp_path / "whole" / pack), load_pack(store / pack)
        assert same(found.folder, whole)
        assert Counter(event["event"] for event in read_events(found.folder))[FINISHED] == 1
        for name, tensor in whole.snapshot().params.items():
            assert torch.equal(found.snapshot().params[name], tensor), name
    print(f"{engine}: {killed} workers killed, and a driver")


def test_a_pack_that_another_driver_has_done_is_not_begun_again(tmp_path: Path) -> None:
    """Both had planned it, and its turn comes later at one of them."""
    pack = study("one", tmp_path).packs[0]

    def turn() -> dict[Path, int]:
        where = {"folder": tmp_path / pack.id, "device": torch.device("cpu")}
        train_pack(pack.configs, **where, resume=True, kept=pack.kept)
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    assert turn() == turn()
