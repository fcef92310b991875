"""A run killed at any instant and resumed ends with the weights of the run that was not killed, bit for bit."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from grokscope.errors import GrokscopeError, StoreError
from grokscope.runs.run import load_pack
from grokscope.runs.store.checkpoints import load as load_checkpoint
from grokscope.studies.experiment import train
from tests.conftest import tiny

FIELDS = {
    "p": 11,
    "d_model": 16,
    "n_heads": 2,
    "d_mlp": 24,
    "train_fraction": 0.5,
    "max_steps": 900,
    "stop_after": 1000,
}
COMMAND = [sys.executable, "-m", "grokscope", "run", "--seeds", "2", "--resume", "--json", "--no-report"]
COMMAND += [part for field, value in FIELDS.items() for part in ("--set", f"{field}={value}")]


def start(store: Path) -> subprocess.Popen:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*COMMAND, "--out", str(store)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )


def step_of(store: Path) -> int:
    """Rows in the journal or segments show that training is under way; the journal's last step is how far."""
    journals = list(store.glob("*/journal.jsonl"))
    lines = journals[0].read_text().splitlines() if journals else []
    steps = [row.get("step", 0) for row in map(parsed, lines)]
    return max(steps, default=0)


def parsed(line: str) -> dict:
    try:
        return json.loads(line)
    except ValueError:  # torn while being written
        return {}


def kill_between(store: Path, low: int, high: int) -> int:
    """Starts the run and kills it, once it is past `low`, at a random instant; the step at which it was killed."""
    process = start(store)
    deadline = time.monotonic() + 120
    while step_of(store) < low and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(random.uniform(0, 0.05))
    process.send_signal(signal.SIGKILL)
    process.wait()
    reached = step_of(store)
    assert low <= reached, f"killed at step {reached}, wanted one in [{low}, {high}]"
    return reached


def final_weights(store: Path) -> dict[str, torch.Tensor]:
    (folder,) = (path.parent for path in store.glob("*/pack.json"))
    return load_checkpoint(folder, load_pack(folder)[0].checkpoints[-1])


def test_resume_after_sigkill_at_five_random_instants_is_exact(tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    process = start(undisturbed)
    kills = [kill_between(killed, low, 900) for low in (1, 130, 260, 410, 600)]
    assert process.wait(timeout=300) == 0
    assert len(kills) == 5
    last = start(killed)
    assert last.wait(timeout=300) == 0
    expected, found = final_weights(undisturbed), final_weights(killed)
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        assert torch.equal(tensor, found[name]), name
    (one,), (other,) = ([path.parent for path in store.glob("*/pack.json")] for store in (undisturbed, killed))
    for a, b in zip(load_pack(one), load_pack(other), strict=True):
        # Every number is there once, and it is the same number; so are the events, but for the resumptions.
        first, second = a.rows(), b.rows()
        keys = [sorted(zip(r.steps, r.measures, r.views, r.values, strict=True)) for r in (first, second)]
        assert keys[0] == keys[1]
        assert a.checkpoints == b.checkpoints
        assert a.events == [event for event in b.events if event["event"] != "resumed"]
        assert a.steps == b.steps == 900


def test_a_run_that_was_begun_is_not_begun_again_by_accident(store: Path) -> None:
    config = tiny(max_steps=40)
    run = train(config, store=store, progress=False)
    (run.folder / "status.json").write_text(json.dumps({"state": "running", "step": 10, "heartbeat": 0}))
    with pytest.raises(GrokscopeError, match="was begun and stopped at step 10; go on with --resume"):
        train(config, store=store, progress=False)
    assert train(config, store=store, progress=False, resume=True).status["state"] == "done"


def test_a_finished_run_is_not_trained_again(store: Path) -> None:
    first = train(tiny(), store=store, progress=False)
    before = first.status
    assert train(tiny(), store=store, progress=False).status == before


def test_resume_says_what_is_damaged(store: Path) -> None:
    config = tiny(max_steps=40)
    run = train(config, store=store, progress=False)
    (run.folder / "resume.safetensors").write_bytes(b"torn")
    (run.folder / "status.json").write_text(json.dumps({"state": "running", "step": 10}))
    with pytest.raises(StoreError, match=r"truncated or damaged: .*resume\.safetensors"):
        train(config, store=store, progress=False, resume=True)
