"""The engine `slurm`, on submitit's local executor: a job a pack, tried again where it is lost; what it refuses."""

import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from grokscope.cli.base import main
from grokscope.errors import GrokscopeError
from grokscope.runs.run import load_pack
from grokscope.studies.conduct import conduct
from grokscope.studies.executors import slurm as module
from grokscope.studies.executors.slurm import Settings, read_settings, slurm
from grokscope.studies.plan import Plan, plan
from tests.conftest import tiny
from tests.studies.test_conduct import SIZE, final_weights, job_of, until

LONG: dict[str, Any] = SIZE | {"max_steps": 500, "evaluate_every": 250}
HERE: dict[str, Any] = {"engine": "slurm", "address": "local", "say": lambda _: None}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def of_two(store: Path) -> Plan:
    return plan("two", {name: [tiny(weight_decay=wd, **LONG)] for name, wd in (("a", 1.0), ("b", 2.0))}, store)


def test_packs_as_jobs_have_the_weights_of_local_packs_also_when_one_is_lost(tmp_path: Path) -> None:
    """The process of a job is killed in the middle of its pack: another job goes on with it."""
    here, there = tmp_path / "here", tmp_path / "there"
    assert all(outcome.state == "done" for outcome in conduct(of_two(here), workers=1, say=lambda _: None))
    first = there / of_two(there).packs[0].id

    def kill() -> None:
        until((first / "resume.safetensors").exists)
        os.kill(int((first / "lock").read_text().split()[0]), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    outcomes = conduct(of_two(there), options={"settings": Settings(parallel=1)}, **HERE)
    killer.join()
    assert [(outcome.state, outcome.reason) for outcome in outcomes] == [("done", "")] * 2
    assert [event["event"] for event in load_pack(first)[0].events].count("resumed") == 1
    assert list((tmp_path / "slurm").glob("*/*.err"))  # a job was lost: its log stays
    expected, found = final_weights(here), final_weights(there)
    assert expected.keys() == found.keys()
    for pack, tensors in expected.items():
        assert all(torch.equal(tensor, found[pack][name]) for name, tensor in tensors.items())


def test_a_job_has_its_cores_as_threads_and_its_files_go_with_it(store: Path, tmp_path: Path) -> None:
    found = plan("threads", {"a": [tiny(max_steps=2, **SIZE)]}, store)
    conduct(found, options={"settings": Settings(cpus=3)}, **HERE)
    assert load_pack(store / found.packs[0].id)[0].about["threads"] == 3
    assert list((tmp_path / "slurm").iterdir()) == []


def test_a_pack_that_fails_is_an_outcome_and_not_tried_again(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = plan("bad", {"a": [tiny(max_steps=2, norm_sphere=("W_nowhere",), **SIZE)]}, store)
    (outcome,) = conduct(found, **HERE)
    assert (outcome.state, outcome.fatal) == ("failed", False)
    assert "unknown tensor 'W_nowhere'" in outcome.reason


class Lost:
    """A submitit whose cluster loses every job, or takes none."""

    def __init__(self, refuses: bool = False) -> None:
        self.refuses, self.sent = refuses, 0

    def AutoExecutor(self, **about: Any) -> "Lost":
        self.about = about
        return self

    def update_parameters(self, **about: Any) -> None:
        self.asked = {name: value for name, value in about.items() if value is not None}

    def submit(self, *_: Any) -> Any:
        self.sent += 1
        if self.refuses:
            raise RuntimeError("Command failed\nsbatch: error: invalid partition specified: nowhere")
        return self

    state, job_id = "NODE_FAIL", "17"

    paths = SimpleNamespace(folder=Path("slurm/x"))

    def done(self) -> bool:
        return True

    def result(self) -> Any:
        raise RuntimeError("Job 17 has not produced any output\nError stream produced:\n\nslurmstepd: node failure\n")


def test_a_job_that_is_always_lost_is_given_up(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", lost := Lost())
    found = plan("lost", {"a": [tiny(max_steps=2, **SIZE)]}, store)
    with slurm(slots=1, threads=1, address="local") as engine:
        outcome = engine.submit(job_of(found)).result()
    assert (outcome.state, lost.sent) == ("failed", 5)
    assert outcome.reason == (
        "its job was lost 5 times, the last time NODE_FAIL (job 17, logs in slurm/x): slurmstepd: node failure"
    )


def test_a_cluster_that_takes_no_job_ends_the_sweep_at_once(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", lost := Lost(refuses=True))
    monkeypatch.setattr(module, "SECONDS", 0.0)
    found = plan("no", {str(seed): [tiny(seed=seed, max_steps=2, **SIZE)] for seed in range(9)}, store)
    outcomes = conduct(found, options={"settings": Settings(parallel=1)}, **HERE)
    assert len(outcomes) <= 3
    assert lost.sent == 5  # it may have been busy; after that no other job is tried
    assert outcomes[0].reason == "not submitted: sbatch: error: invalid partition specified: nowhere"


def test_what_a_job_asks_slurm_for(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", lost := Lost())
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    texts = ["partition=gpu", "time=90", "cpus=4", "gpus=2", "memory=16", "parallel=8", "account=a=b", "qos=long"]
    with slurm(slots=1, threads=1, device="cuda", settings=read_settings(texts)) as engine:
        assert (engine.slots, engine.threads) == (8, 4)
    assert lost.about["cluster"] == "slurm"
    assert "OMP_NUM_THREADS=4" in lost.about["slurm_python"]
    assert lost.asked == {
        "name": "grokscope", "timeout_min": 90, "cpus_per_task": 4, "gpus_per_node": 2, "mem_gb": 16,
        "slurm_partition": "gpu", "slurm_account": "a=b", "slurm_qos": "long",
    }  # fmt: skip
    with slurm(slots=1, threads=1):
        pass
    assert "gpus_per_node" not in lost.asked


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # submitit does not wait for what it cancels
@pytest.mark.parametrize("heard", [signal.default_int_handler, signal.SIG_IGN], ids=["terminal", "background"])
def test_an_engine_that_is_closed_cancels_its_job(store: Path, heard: Any) -> None:
    found = plan("closed", {"a": [tiny(**(LONG | {"max_steps": 100_000, "stop_after": 100_000}))]}, store)
    folder = store / found.packs[0].id
    before = signal.signal(signal.SIGINT, heard)  # a job inherits what its driver ignores
    try:
        with slurm(slots=1, threads=1, address="local") as engine:
            future = engine.submit(job_of(found))
            until((folder / "resume.safetensors").exists)
            holder = int((folder / "lock").read_text().split()[0])
    finally:
        signal.signal(signal.SIGINT, before)
    assert future.result(timeout=0).state == "failed"
    until(lambda: not lives(holder), 30)


def lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--slurm", "partion=gpu"], 2, "unknown key of --slurm 'partion'. Did you mean 'partition'?"),
        (["--slurm", "time=4h"], 2, "--slurm time= takes a whole number above 0, got 'time=4h'"),
        (["--slurm", "cpus=0"], 2, "--slurm cpus= takes a whole number above 0, got 'cpus=0'"),
        (["--slurm", "partition="], 2, "--slurm partition= takes a name, got 'partition='"),
        (["--workers", "4"], 2, "--workers counts processes of this machine; jobs at a time are --slurm parallel=4"),
        (["--address", "head:6379"], 2, '--address of --engine slurm is "local", or left out on a cluster; got'),
        ([], 1, "this machine has no sbatch: start the command where you submit jobs, or try the same jobs here with"),
        (["--engine", "local", "--slurm", "cpus=2"], 2, "--slurm 'cpus=2' is for --engine slurm, got --engine local"),
    ],
)
def test_mistakes_are_one_line(
    capsys: pytest.CaptureFixture, store: Path, args: list[str], code: int, message: str
) -> None:
    words = ["sweep", "quickstart", "--grid", "p=7", "--engine", "slurm", *args, "--store", str(store)]
    assert main(words) == code
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert message in err


def test_a_missing_submitit_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(GrokscopeError, match=r"needs submitit: pip install 'grokscope\[slurm\]'"):  # noqa: SIM117
        with slurm(slots=1, threads=1, address="local"):
            pass


def test_the_options_that_help_names_are_those_there_are() -> None:
    from grokscope.cli._options import Slurm

    assert all(name in repr(Slurm) for name in vars(Settings()))
