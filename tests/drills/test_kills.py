"""Killed at random instants, also while it seals, rewinds and saves: nothing is damaged, lost or there twice."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import grokscope.errors
from grokscope.runs.doctor import examine
from grokscope.runs.run import load_pack
from grokscope.studies.experiment import train
from tests.conftest import tiny
from tests.drills.test_truncated_journals import same

ROOT = Path(grokscope.errors.__file__).parents[1]
KILLS = 40
TRAINER = """
import sys
from pathlib import Path
import torch
from grokscope.recipes.base import recipe
from grokscope.runs import writer
from grokscope.runs.config import RunConfig
from grokscope.studies import experiment

torch.set_num_threads(1)
writer.SEALED_AT = 60_000  # bytes: a seal every few evaluations
loop = experiment.Loop
experiment.Loop = lambda **fields: loop(**fields, save_every=10)
print("ready", flush=True)
experiment.train(RunConfig.model_validate_json(sys.argv[2]), store=sys.argv[1], progress=False, resume=True)
"""


def written(store: Path) -> set[int]:
    """When its journals were written last: it trains once this changes."""
    return {path.stat().st_mtime_ns for path in store.glob("*/journal.jsonl")}


@pytest.mark.slow
def test_no_kill_damages_anything(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    config = tiny(max_steps=2_000, stop_after=10_000)
    whole = train(config, store=tmp_path / "undisturbed", progress=False)
    store, draw, kills = tmp_path / "killed", random.Random(20), 0
    command = [sys.executable, "-c", TRAINER, str(store), config.model_dump_json()]
    while kills < KILLS:
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            before, deadline = written(store), time.monotonic() + 60
            while written(store) == before and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(draw.uniform(0, 0.5))
            ended = process.poll() is not None
            process.send_signal(signal.SIGKILL)
        if store.exists():
            assert examine(store).damages == []
        if ended:
            break
        kills += 1
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    (folder,) = (path.parent for path in store.glob("*/pack.json"))
    assert kills >= 10
    assert examine(store).damages == []
    assert same(folder, whole)
    for name, tensor in whole.snapshot().params.items():
        assert torch.equal(load_pack(folder)[0].snapshot().params[name], tensor), name
    print(f"{kills} kills")
