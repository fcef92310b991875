"""Carrying out plans on this machine: what is missing and nothing else, whatever is killed in between."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from grokscope.cli.base import main
from grokscope.errors import StoreError
from grokscope.predictions.readings import At, Instrument
from grokscope.predictions.taking import Asked
from grokscope.runs.run import load_pack
from grokscope.runs.store.checkpoints import load as load_checkpoint
from grokscope.runs.store.lock import hold
from grokscope.runs.store.rows import read_rows
from grokscope.studies import conduct as conducting
from grokscope.studies.conduct import _answerable, conduct, division, first_failure
from grokscope.studies.executors import base
from grokscope.studies.executors import local as local_module
from grokscope.studies.executors.base import Job, Outcome, work
from grokscope.studies.executors.local import in_turn, local
from grokscope.studies.plan import Plan, Planned, plan
from grokscope.training.device import visible_gpus
from tests.conftest import tiny

SIZE: dict[str, Any] = {"p": 7, "d_model": 8, "n_heads": 2, "d_mlp": 16, "stop_after": 1000}


def job_of(plan_: Plan, number: int = 0, **changes: Any) -> Job:
    pack = plan_.packs[number]
    configs = tuple(json.loads(config.model_dump_json()) for config in pack.configs)
    return Job(**({"pack": pack.id, "configs": configs, "store": str(plan_.study.store), "threads": 1} | changes))


def final_weights(store: Path) -> dict[str, dict[str, torch.Tensor]]:
    """Of every pack."""
    packs = {path.parent.name: load_pack(path.parent)[0] for path in store.glob("*/pack.json")}
    return {name: load_checkpoint(run.folder, run.checkpoints[-1]) for name, run in packs.items()}


def test_a_study_is_trained_measured_and_then_done(store: Path) -> None:
    arms = {name: [tiny(max_steps=4, weight_decay=wd, **SIZE)] for name, wd in (("a", 1.0), ("b", 2.0))}
    ids = dict.fromkeys(arms, ("weights.effective_rank",))
    said: list[str] = []
    first = plan("study", arms, store, measures=ids)
    outcomes = conduct(first, workers=1, say=said.append)
    assert [outcome.state for outcome in outcomes] == ["done", "done"]
    runs = first.study.runs()
    assert [[run.config.weight_decay for run in arm] for arm in runs.values()] == [[1.0], [2.0]]
    assert all(run.steps == 4 for arm in runs.values() for run in arm)
    assert set(runs["a"][0].rows("weights.effective_rank").steps) == set(runs["a"][0].checkpoints)
    assert said[0].endswith("2 packs, 1 at a time, 1 threads each")
    assert said[-1].startswith("pack 2 of 2")
    again = plan("study", arms, store, measures=ids)
    assert again.todo == []
    assert conduct(again, workers=1, say=said.append) == []
    about = json.loads((first.study.folder / "plan.json").read_text())
    assert {pack["id"]: pack["runs"] for pack in about["packs"]} == {pack.id: 1 for pack in first.packs}
    assert about["packs"][0]["soonest_end"] == 4


def test_cores_are_divided_among_packs_and_not_oversubscribed(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conducting, "available_cores", lambda: 8)

    def packs(number: int) -> Plan:
        return plan("p", {str(k): [tiny(seed=k, **SIZE)] for k in range(number)}, store)

    assert [division(packs(n)) for n in (1, 2, 3, 8, 9)] == [(1, 8), (2, 4), (3, 2), (8, 1), (8, 1)]
    assert division(packs(9), 4) == (4, 1)
    monkeypatch.setattr(conducting, "machine_bytes", lambda _: 4 << 30)  # half of it holds three packs of 0.6 GB
    assert division(packs(9))[0] == 3
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        division(packs(1), 0)


def test_each_worker_has_a_gpu_of_its_own_as_long_as_there_are_others(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With counts that are faked: nothing here needs a GPU."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpus() == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,MIG-a")
    assert visible_gpus() == ["3", "MIG-a"]
    assert [of["CUDA_VISIBLE_DEVICES"] for of in in_turn(5, visible_gpus())] == ["3", "MIG-a", "3", "MIG-a", "3"]
    assert in_turn(2, []) == [{}, {}]

    monkeypatch.setattr(conducting, "available_cores", lambda: 16)
    monkeypatch.setattr(conducting, "machine_bytes", lambda _: 80 << 30)
    here = plan("p", {str(k): [tiny(seed=k, **SIZE)] for k in range(20)}, store)
    for count, slots in ((1, 4), (2, 8), (8, 16)):  # packs share a GPU, as before
        monkeypatch.setattr(conducting, "visible_gpus", lambda count=count: [str(gpu) for gpu in range(count)])
        assert division(replace(here, device="cuda"))[0] == slots
    monkeypatch.setattr(conducting, "machine_bytes", lambda _: 2 << 30)  # one pack a GPU fits
    assert division(replace(here, device="cuda"))[0] == 8
    assert division(here)[0] == 1


def test_a_worker_sees_its_gpu_alone_also_after_one_has_died(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Dying(subprocess.Popen):
        def __init__(self, command: Any, **options: Any) -> None:
            seen.append((threading.get_ident(), options["env"]["CUDA_VISIBLE_DEVICES"]))
            super().__init__([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], **options)

    monkeypatch.setattr(subprocess, "Popen", Dying)
    monkeypatch.setattr(local_module, "visible_gpus", lambda: ["4", "5"])
    found = plan("gpus", {"a": [tiny(max_steps=2, **SIZE)]}, store)
    with local(slots=2, threads=1, device="cuda") as engine:
        for future in [engine.submit(job_of(found)) for _ in range(4)]:
            future.result()
    of_slot = {slot: {gpu for other, gpu in seen if other == slot} for slot, _ in seen}
    assert len(seen) == 4 * base.TRIES
    assert sorted(of_slot.values(), key=min) == [{"4"}, {"5"}][: len(of_slot)]


def test_a_worker_has_its_threads_from_the_start(store: Path) -> None:
    found = plan("threads", {"a": [tiny(max_steps=2, **SIZE)]}, store)
    with local(slots=1, threads=3) as engine:
        assert engine.submit(job_of(found, threads=3)).result().state == "done"
    assert json.loads((store / found.packs[0].id / "pack.json").read_text())["threads"] == 3


def test_a_worker_that_is_killed_costs_nothing(store: Path) -> None:
    found = plan("killed", {"a": [tiny(max_steps=500, evaluate_every=250, **SIZE)]}, store)
    folder = store / found.packs[0].id
    with local(slots=1, threads=1) as engine:
        future = engine.submit(job_of(found))
        until((folder / "resume.safetensors").exists)
        holder = int((folder / "lock").read_text().split()[0])
        assert holder != os.getpid()
        os.kill(holder, signal.SIGKILL)
        assert future.result().state == "done"
    events = [event["event"] for event in load_pack(folder)[0].events]
    assert events.count("resumed") == 1
    assert events[-1] == "finished"


def test_a_pack_whose_worker_always_dies_is_given_up(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = plan("deadly", {"a": [tiny(max_steps=2, **SIZE)]}, store)
    started = []

    class Dying(subprocess.Popen):
        def __init__(self, command: Any, **options: Any) -> None:
            started.append(command)
            super().__init__([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], **options)

    monkeypatch.setattr(subprocess, "Popen", Dying)
    with local(slots=1, threads=1) as engine:
        outcome = engine.submit(job_of(found)).result()
    assert outcome.state == "failed"
    assert outcome.reason == "its worker died 5 times, the last time by signal SIGKILL (out of memory?)"
    assert len(started) == base.TRIES


def test_a_worker_that_is_being_started_is_ended_as_well(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = plan("closed", {"a": [tiny(max_steps=2, **SIZE)]}, store)
    starting, children, started = threading.Event(), [], subprocess.Popen

    def slow(*args: Any, **options: Any) -> Any:
        starting.set()
        time.sleep(0.5)  # `close` comes in between
        children.append(started(*args, **options))
        return children[-1]

    with local(slots=1, threads=1) as engine:
        monkeypatch.setattr(subprocess, "Popen", slow)
        future = engine.submit(job_of(found))
        assert starting.wait(10)
    outcome = future.result(timeout=0)
    assert (outcome.state, outcome.reason) == ("failed", "the engine was closed")
    assert [child.poll() for child in children] == [-signal.SIGKILL]


def test_a_pack_that_fails_does_not_keep_the_others_from_being_done(store: Path) -> None:
    good = tiny(max_steps=2, **SIZE)
    bad = good.replace(norm_sphere=("W_nowhere",))
    found = plan("mixed", {"bad": [bad], "good": [good]}, store)
    outcomes = {outcome.pack: outcome for outcome in conduct(found, workers=1, say=lambda _: None)}
    assert outcomes[found.packs[0].id].state == "failed"
    assert "unknown tensor 'W_nowhere'" in outcomes[found.packs[0].id].reason
    assert outcomes[found.packs[1].id].state == "done"
    failure = first_failure(list(outcomes.values()), 2)
    assert failure is not None
    assert failure.startswith("1 of 2 packs failed; ")
    assert [len(arm) for arm in found.study.runs().values()] == [0, 1]


def test_a_run_whose_loss_is_not_finite_is_a_result_like_any_other(store: Path) -> None:
    found = plan("nan", {"a": [tiny(max_steps=8, learning_rate=1e30, **SIZE), tiny(max_steps=8, **SIZE)]}, store)
    assert [outcome.state for outcome in conduct(found, workers=1, say=lambda _: None)] == ["done"]
    assert any(event["event"] == "non-finite" for event in found.study.runs()["a"][0].events)


class Stub:
    """An engine that does nothing, and fails where it is told to."""

    def __init__(self, *, slots: int, threads: int, address: str | None = None, device: str = "cpu") -> None:
        self.slots, self.threads, self.seen = slots, threads, []

    def __enter__(self) -> "Stub":
        return self

    def __exit__(self, *_: object) -> None: ...

    def submit(self, job: Job) -> "Future[Outcome]":
        self.seen.append(job.pack)
        future: Future[Outcome] = Future()
        fatal = len(self.seen) == 2
        state = "failed" if fatal else "done"
        future.set_result(Outcome(pack=job.pack, state=state, reason="the disk is full" if fatal else "", fatal=fatal))
        return future


def test_a_full_disk_ends_the_study_without_beginning_other_packs(store: Path) -> None:
    found = plan("full", {str(seed): [tiny(seed=seed, **SIZE)] for seed in range(9)}, store)
    outcomes = conduct(found, engine=Stub, workers=1, say=lambda _: None)
    assert [outcome.state for outcome in outcomes].count("failed") == 1
    assert len(outcomes) <= 4
    failure = first_failure(outcomes, len(found.todo))
    assert failure is not None
    full = next(outcome for outcome in outcomes if outcome.fatal)
    left = 9 - len(outcomes)
    assert failure.startswith(f"1 of 9 packs failed, {left} were not begun; {full.pack}: the disk is full")


def test_no_pack_is_begun_after_the_end_of_the_budget(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one that was submitted before the end, while another was trained."""
    clock = [0.0]
    monkeypatch.setattr(conducting, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    class Slow(Stub):
        def submit(self, job: Job) -> "Future[Outcome]":
            def trained() -> Outcome:
                time.sleep(0.2)
                clock[0] += 60
                return Outcome(pack=job.pack, state="done", reason="", fatal=False)

            return one.submit(trained)

    found = plan("late", {str(seed): [tiny(seed=seed, **SIZE)] for seed in range(5)}, store)
    with ThreadPoolExecutor(1) as one:
        assert len(conduct(found, engine=Slow, workers=1, say=lambda _: None, until=100.0)) == 2


def test_a_full_disk_is_told_from_other_failures(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = plan("full", {"a": [tiny(max_steps=2, **SIZE)]}, store)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    outcome = work(job_of(found))
    assert outcome.fatal
    assert "the disk is full while writing" in outcome.reason
    monkeypatch.undo()
    outcome = work(job_of(found))
    assert (outcome.state, outcome.fatal) == ("done", False)


def test_a_pack_that_another_process_writes_is_waited_for(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = plan("held", {"a": [tiny(max_steps=2, **SIZE)]}, store)
    monkeypatch.setattr(base, "PATIENCE", 0.3)
    with hold(store / found.packs[0].id):
        outcome = work(job_of(found))
    assert outcome.state == "failed"
    assert "is being written by process" in outcome.reason
    assert not outcome.fatal
    assert work(job_of(found)).state == "done"


def test_configs_that_are_read_differently_are_not_trained(store: Path) -> None:
    found = plan("version", {"a": [tiny(max_steps=2, **SIZE)]}, store)
    outcome = work(job_of(found, pack="0123456789ab"))
    assert outcome.reason == "its configs are read differently here than where it was planned: is grokscope the same?"


def test_two_processes_do_not_carry_out_one_study(store: Path) -> None:
    found = plan("once", {"a": [tiny(max_steps=2, **SIZE)]}, store)
    with hold(found.study.folder), pytest.raises(StoreError, match="is being written by process"):
        conduct(found, workers=1)


def test_a_local_study_takes_no_address(store: Path) -> None:
    found = plan("address", {"a": [tiny(max_steps=2, **SIZE)]}, store)
    with pytest.raises(ValueError, match="joins a Ray cluster: it needs --engine ray"):
        conduct(found, address="host:6379", say=lambda _: None)


def test_jobs_and_outcomes_travel_as_json(store: Path) -> None:
    job = job_of(plan("json", {"a": [tiny(betas=(0.9, 0.98), **SIZE)]}, store), measures=("weights.norm",))
    there = Job(**json.loads(json.dumps(asdict(job))))
    assert json.dumps(asdict(there)) == json.dumps(asdict(job))


COMMAND = ["sweep", "quickstart", "--grid", "weight_decay=0.5,1", "--workers", "1"]
COMMAND += ["--grid", "d_mlp=16,24", "--json"]  # four runs of two shapes: two packs
FIELDS = SIZE | {"train_fraction": 0.5, "max_steps": 400, "evaluate_every": 200}
COMMAND += [part for name, value in FIELDS.items() if name != "d_mlp" for part in ("--set", f"{name}={value}")]


def sweep(store: Path, capsys: pytest.CaptureFixture) -> dict[str, Any]:
    assert main([*COMMAND, "--store", str(store)]) == 0
    return json.loads(capsys.readouterr().out)


def until(happens: Any, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def test_a_sweep_killed_in_the_middle_and_started_again_does_only_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert sweep(undisturbed, capsys)["packs"] == {"all": 2, "done": 0, "begun": 0, "missing": 2}
    command = [sys.executable, "-m", "grokscope", *COMMAND, "--store", str(killed)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # In the middle of the second pack, past its first resume point.
    until(lambda: len(list(killed.glob("*/pack.json"))) == 2 and list(killed.glob("*/resume.safetensors")))
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    first = {path.parent.name: path.stat().st_mtime_ns for path in killed.glob("*/pack.json")}
    result = sweep(killed, capsys)
    assert result["packs"] == {"all": 2, "done": 1, "begun": 1, "missing": 0}
    assert len(result["trained"]) == 1
    assert {path.parent.name: path.stat().st_mtime_ns for path in killed.glob("*/pack.json")} == first
    expected, found = final_weights(undisturbed), final_weights(killed)
    assert expected.keys() == found.keys()
    for pack, tensors in expected.items():
        for name, tensor in tensors.items():
            assert torch.equal(tensor, found[pack][name]), (pack, name)
        a, b = (read_rows(store / pack) for store in (undisturbed, killed))
        rows = [sorted(zip(r.runs, r.steps, r.measures, r.views, r.values, strict=True)) for r in (a, b)]
        assert rows[0] == rows[1]
    assert sweep(killed, capsys)["trained"] == []


def test_controls_are_read_as_soon_as_the_runs_that_they_refer_to_are_trained() -> None:
    """Also where the budget ends before the last pack."""
    refers = At("onset", Instrument("weights.norm"))

    def pack(name: str, reference: str | None = None, state: Any = "missing") -> Planned:
        asked = (Asked(f"{name}-0", (refers,), reference=reference),)
        return Planned(id=name, configs=(), shape="", state=state, soonest=1, most=1, asked=asked)

    packs = (pack("base"), pack("other", state="done"), pack("a", "base-0"), pack("b", "other-3"), pack("c", "late-0"))
    whole = Plan(study=cast("Any", None), packs=(*packs, pack("late")), borrowed=(), reused=0, notes=())
    assert [one.id for one in _answerable(whole, {"base", "a", "b", "c"})] == ["a", "b"]
    assert [one.id for one in _answerable(whole, {"a", "b", "c"})] == ["b"]
    assert [one.id for one in _answerable(whole, {"base", "b", "c", "late"})] == ["b", "c"]
