"""A store on a URL: what one machine sends, another finds; what is cut off is gone on with elsewhere."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from fsspec.implementations.memory import MemoryFileSystem

from grokscope.cli.base import main
from grokscope.errors import StoreError
from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.runs.run import load_pack
from grokscope.runs.store import mirror
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.mirror import address, opened, publish
from grokscope.studies import experiment
from grokscope.studies.conduct import conduct
from grokscope.studies.experiment import train
from grokscope.studies.plan import plan
from tests.conftest import tiny

URL = "memory://bucket/runs"


@pytest.fixture(autouse=True)
def nothing_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_machine("one", tmp_path, monkeypatch)
    MemoryFileSystem.store.clear()


def on_machine(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on as if on another machine, which has a mirror of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))


def test_a_plain_folder_mirrors_nothing(tmp_path: Path) -> None:
    assert opened(tmp_path) == opened(str(tmp_path)) == tmp_path
    assert address(tmp_path) == str(tmp_path)
    publish(tmp_path / "0123456789ab")


def test_a_run_that_is_done_is_found_on_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(tiny(), store=URL, progress=False)
    assert address(run.folder.parent) == URL
    on_machine("other", tmp_path, monkeypatch)
    store = opened(URL)
    assert store != run.folder.parent
    (found,) = load_pack(store / run.id)
    assert found.checkpoints == run.checkpoints
    assert found.rows().values.tolist() == run.rows().values.tolist()
    assert train(tiny(), store=URL, progress=False).id == run.id  # and is not trained again
    # What is measured there is found here.
    measure_checkpoints(found, only=("weights.effective_rank",))
    on_machine("one", tmp_path, monkeypatch)
    opened(URL)
    assert len(run.rows("weights.effective_rank")) == len(found.rows("weights.effective_rank")) > 0


def test_what_is_cut_off_is_gone_on_with_on_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny(max_steps=60)
    whole = train(config, store=tmp_path / "undisturbed", progress=False)
    monkeypatch.setattr(mirror, "SECONDS", 0.0)
    loop = experiment.Loop
    monkeypatch.setattr(experiment, "Loop", lambda **fields: loop(**fields, save_every=10))
    advance = experiment.Pack.advance

    def dies(pack: Any, keep: bool = False) -> Any:
        if pack.step == 35:  # a machine that is gone says nothing any more
            monkeypatch.setattr(mirror, "_system", lambda url: (_ for _ in ()).throw(OSError("gone")))
            raise KeyboardInterrupt
        return advance(pack, keep)

    with monkeypatch.context() as context:
        context.setattr(experiment.Pack, "advance", dies)
        with pytest.raises(KeyboardInterrupt):
            train(config, store=URL, progress=False)
    monkeypatch.undo()
    on_machine("other", tmp_path, monkeypatch)
    folder = opened(URL) / whole.id
    assert finished_at(folder) is None
    assert (folder / "resume.safetensors").exists()
    again = train(config, store=URL, progress=False, resume=True)
    assert any(event["event"] == "resumed" and event["step"] == 30 for event in again.events)
    for name, tensor in whole.snapshot().params.items():
        assert torch.equal(again.snapshot().params[name], tensor)
    assert again.rows().values.tolist() == whole.rows().values.tolist()
    # The first machine gives up what it had begun, since it was brought to its end.
    on_machine("one", tmp_path, monkeypatch)
    assert finished_at(opened(URL) / whole.id) == 60


def test_what_is_begun_here_and_not_done_elsewhere_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(tiny(max_steps=5), store=URL, progress=False)
    system, base = mirror._system(URL)
    system.rm(f"{base}/{run.id}/events.jsonl")  # as it is while it is trained
    (run.folder / "events.jsonl").unlink()
    (run.folder / "status.json").write_text("{}")
    opened(URL)
    assert (run.folder / "status.json").read_text() == "{}"


def test_a_study_on_a_url_is_carried_out_by_workers(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Processes of their own, as on other machines; file:// is the one protocol that they share with this one."""
    url = f"file://{tmp_path}/there"
    found = plan("study", {"a": [tiny(seed=seed, max_steps=3) for seed in range(2)]}, url)
    outcomes = conduct(found, workers=1, say=lambda _: None)
    assert [outcome.state for outcome in outcomes] == ["done"]
    pack = tmp_path / "there" / found.packs[0].id
    assert finished_at(pack) == 3
    assert (tmp_path / "there" / "studies" / found.study.id / "plan.json").exists()
    shutil.rmtree(found.study.store)
    assert plan("study", {"a": [tiny(seed=seed, max_steps=3) for seed in range(2)]}, url).todo == []
    assert main(["list", "runs", "--store", url]) == 0
    assert found.packs[0].id in capsys.readouterr().out


def test_a_network_that_is_away_for_a_while_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "SECONDS", 0.0)
    real, calls = mirror._send, []

    def away(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 1:
            raise OSError("away")
        real(*args)

    monkeypatch.setattr(mirror, "_send", away)
    loop = experiment.Loop
    monkeypatch.setattr(experiment, "Loop", lambda **fields: loop(**fields, save_every=4))
    run = train(tiny(max_steps=10), store=URL, progress=False)
    assert len(calls) == 4  # at steps 4, 8 and 10, each a resume point, and at the end
    assert run.steps == 10
    # At the end it must be there.
    monkeypatch.setattr(mirror, "_send", lambda *_: (_ for _ in ()).throw(OSError("away")))
    with pytest.raises(StoreError, match="cannot reach the store memory://bucket/runs: away"):
        train(tiny(max_steps=3, seed=1), store=URL, progress=False)


def test_a_place_that_cannot_be_reached_is_one_line(capsys: pytest.CaptureFixture) -> None:
    assert main(["list", "runs", "--store", "nowhere://x"]) == 1
    assert capsys.readouterr().err == "error: cannot reach the store nowhere://x: Protocol not known: nowhere\n"
    with pytest.raises(StoreError, match="cannot reach the store nowhere://x"):
        train(tiny(), store="nowhere://x", progress=False)
