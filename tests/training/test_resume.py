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
from grokscope.runs.run import Run, load_pack
from grokscope.runs.store.checkpoints import load as load_checkpoint
from grokscope.runs.store.lock import hold
from grokscope.runs.store.rows import read_rows
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
    """How far the run is: the last step among its rows, sealed or not."""
    folders = [path.parent for path in store.glob("*/pack.json")]
    return max((int(read_rows(folder).steps.max(initial=0)) for folder in folders), default=0)


def kill_between(store: Path, low: int, high: int) -> int:
    """Starts the run and kills it, once it is past `low`, at a random instant; the step at which it was killed."""
    process = start(store)
    deadline = time.monotonic() + 120
    while (reached := step_of(store)) < low and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(random.uniform(0, 0.05))
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run ended before it was killed"
    assert low <= reached < high
    return reached


def final_weights(store: Path) -> dict[str, torch.Tensor]:
    (folder,) = (path.parent for path in store.glob("*/pack.json"))
    return load_checkpoint(folder, load_pack(folder)[0].checkpoints[-1])


def test_resume_after_sigkill_at_random_instants_is_exact(tmp_path: Path) -> None:
    """At two instants; `tests/drills/test_kills.py` has fifteen."""
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    process = start(undisturbed)
    kills = [kill_between(killed, low, 900) for low in (1, 410)]
    assert process.wait(timeout=300) == 0
    assert len(kills) == 2
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


def begun(run: Run) -> None:
    """Makes a finished run look as if it had been killed at step 10."""
    (run.folder / "status.json").write_text(json.dumps({"state": "running", "step": 10, "heartbeat": 0}))
    (run.folder / "events.jsonl").write_text("")
    (run.folder / "resume.safetensors").unlink()


def test_a_run_that_was_begun_is_not_begun_again_by_accident(store: Path) -> None:
    config = tiny(max_steps=40)
    run = train(config, store=store, progress=False)
    begun(run)
    with pytest.raises(GrokscopeError, match="has started and stopped at step 10; continue it with --resume"):
        train(config, store=store, progress=False)
    assert train(config, store=store, progress=False, resume=True).status["state"] == "done"


@pytest.mark.parametrize("resume", [False, True])
def test_a_finished_run_is_not_trained_again_even_without_its_status(store: Path, resume: bool) -> None:
    first = train(tiny(), store=store, progress=False)
    before = first.status
    assert train(tiny(), store=store, progress=False, resume=resume).status == before
    (first.folder / "status.json").write_text("")  # not synced: a power cut may take it
    rows = len(first.rows())
    again = train(tiny(), store=store, progress=False, resume=resume)
    assert (again.status["state"], again.steps, len(again.rows())) == ("done", 60, rows)
    assert again.summary()["steps_per_second"] is None


def test_a_killed_run_is_not_running(store: Path) -> None:
    run = train(tiny(), store=store, progress=False)
    begun(run)
    assert run.status["state"] == "stopped"
    with hold(run.folder):
        assert run.status["state"] == "running"


def test_resuming_removes_checkpoints_of_the_future(store: Path) -> None:
    config = tiny(max_steps=40)
    run = train(config, store=store, progress=False)
    begun(run)
    stale = run.folder / "checkpoints" / "step-00000039.safetensors"
    stale.parent.mkdir()  # a finished pack has one file of all checkpoints; a begun one goes on with files of its own
    stale.write_bytes(b"of another trajectory")
    train(config, store=store, progress=False, resume=True)
    assert not stale.exists()


def test_resume_says_what_is_damaged(store: Path) -> None:
    config = tiny(max_steps=40)
    run = train(config, store=store, progress=False)
    begun(run)
    (run.folder / "resume.safetensors").write_bytes(b"torn")
    with pytest.raises(StoreError, match=r"truncated or damaged: .*resume\.safetensors"):
        train(config, store=store, progress=False, resume=True)
