"""A finished run goes on, bit for bit as if it had been one run; where it ends is not part of its id."""

from pathlib import Path
from typing import Any

import pytest
import torch

from grokscope.cli.base import main
from grokscope.errors import GrokscopeError
from grokscope.runs.config import pack_id
from grokscope.runs.run import Run, load_pack
from grokscope.runs.store import checkpoints
from grokscope.runs.store.events import finished_at
from grokscope.studies import experiment
from grokscope.studies.experiment import train, train_pack
from grokscope.studies.plan import plan
from tests.conftest import tiny
from tests.drills.conftest import killed

QUIET: dict[str, Any] = {"progress": False}


def weights(run: Run) -> dict[str, torch.Tensor]:
    return checkpoints.load(run.folder, run.steps)


def require_same(found: Run, whole: Run) -> None:
    assert found.steps == whole.steps
    ours, theirs = weights(found), weights(whole)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    for name in ("train/loss", "test/accuracy"):
        assert series(whole, name).items() <= series(found, name).items()


def series(run: Run, name: str) -> dict[int, float]:
    steps, values = run.series(name)
    return dict(zip(steps.tolist(), values.tolist(), strict=True))


@pytest.mark.parametrize("first", [20, 33])  # at an evaluation of the schedule, and between two
@pytest.mark.parametrize("more", [{}, {"batch_size": 7}, {"grokfast_gain": 2.0}])
def test_it_equals_one_long_run(store: Path, first: int, more: dict[str, Any]) -> None:
    configs = [tiny(seed=seed, max_steps=first, **more) for seed in (0, 1)]
    longer = [config.replace(max_steps=60) for config in configs]
    short = train(configs, store=store, **QUIET)
    found = train(longer, store=store, extend=True, **QUIET)
    whole = train(longer, store=store / "whole", **QUIET)
    assert [run.id for run in found] == [run.id for run in short] == [run.id for run in whole]
    for ours, theirs in zip(found, whole, strict=True):
        require_same(ours, theirs)
    assert [run.config.max_steps for run in found] == [60, 60]
    assert finished_at(found[0].folder) == 60


def test_the_stop_rule_counts_as_in_one_long_run(store: Path) -> None:
    rule = {"stop_accuracy": 0.02, "max_steps": 500}
    first = train(tiny(stop_after=2, **rule), store=store, **QUIET).steps
    found = train(tiny(stop_after=9, **rule), store=store, extend=True, **QUIET)
    whole = train(tiny(stop_after=9, **rule), store=store / "whole", **QUIET)
    assert first < found.steps < 500
    require_same(found, whole)


def test_killed_on_the_way_it_ends_the_same(store: Path) -> None:
    train(tiny(max_steps=20), store=store, **QUIET)
    loop, advance = experiment.Loop, experiment.Pack.advance

    def dies(pack: Any, keep: bool = False) -> Any:
        if pack.step in (20, 47) and pack.step not in died:
            died.append(pack.step)
            raise KeyboardInterrupt
        return advance(pack, keep)

    died: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "Loop", lambda **fields: loop(**fields, save_every=10))
        patch.setattr(experiment.Pack, "advance", dies)
        for _ in range(2):  # right at the start, then after a new resume point
            with pytest.raises(KeyboardInterrupt):
                train(tiny(max_steps=60), store=store, extend=True, **QUIET)
    (folder,) = (path.parent for path in store.glob("*/pack.json"))
    assert (died, finished_at(folder)) == ([20, 47], None)
    found = train(tiny(max_steps=60), store=store, resume=True, **QUIET)
    require_same(found, train(tiny(max_steps=60), store=store / "whole", **QUIET))
    assert [event["step"] for event in found.events if event["event"] == "finished"] == [60]


def test_a_later_end_is_no_accident_and_an_earlier_one_is_there(store: Path) -> None:
    short = train(tiny(max_steps=40), store=store, **QUIET)
    with pytest.raises(GrokscopeError, match=r"ended at step 40, .* \(max_steps = 60\); --extend"):
        train(tiny(max_steps=60), store=store, **QUIET)
    assert train(tiny(max_steps=30), store=store, extend=True, **QUIET).steps == 40
    before = short.folder.stat().st_mtime_ns
    assert train(tiny(max_steps=40), store=store, extend=True, **QUIET).id == short.id
    assert short.folder.stat().st_mtime_ns == before


def test_a_planned_pack_is_found_and_stays_as_it_was_planned(store: Path) -> None:
    config = tiny(max_steps=20)
    planned = store / pack_id([config])
    train_pack([config], folder=planned, device=torch.device("cpu"), kept="ends")
    assert not (planned / "resume.safetensors").exists()
    assert train(config, store=store, **QUIET).folder == planned
    longer = train(config.replace(max_steps=40), store=store, extend=True, **QUIET)
    assert longer.folder.name == pack_id([config], ends=False) != planned.name
    assert load_pack(planned)[0].steps == 20
    require_same(longer, train(config.replace(max_steps=40), store=store / "whole", **QUIET))


def test_a_run_that_a_study_rests_on_stays_as_it_ended(store: Path) -> None:
    run = train(tiny(max_steps=20), store=store, **QUIET)
    made = plan("some", {"a": [tiny(max_steps=20)]}, store)
    assert made.reused == 1
    made.study.save([])
    with pytest.raises(GrokscopeError, match=rf"the study some-\w+ rests on where run {run.id} ended"):
        train(tiny(max_steps=40), store=store, extend=True, **QUIET)
    assert (run.steps, run.status["state"]) == (20, "done")


def test_without_the_state_of_the_optimizer_it_says_so(store: Path) -> None:
    run = train(tiny(max_steps=20), store=store, **QUIET)
    checkpoints.remove_resume(run.folder)
    with pytest.raises(GrokscopeError, match="cannot go on: the optimizer's state at its end was not kept"):
        train(tiny(max_steps=40), store=store, extend=True, **QUIET)
    assert run.status["state"] == "done"


def test_an_interrupted_run_may_be_given_another_end(store: Path) -> None:
    folder = killed(tiny(max_steps=60), store)
    run = train(tiny(max_steps=50), store=store, resume=True, **QUIET)
    assert (run.folder, run.steps, run.config.max_steps) == (folder, 50, 50)


def test_a_caller_ends_the_training(store: Path) -> None:
    seen: list[tuple[int, dict[str, float]]] = []

    def stop(step: int, values: dict[str, float]) -> bool:
        seen.append((step, values))
        return step >= 20

    run = train(tiny(), store=store, on_evaluate=stop, **QUIET)
    assert run.steps == seen[-1][0] == 20
    steps, losses = run.series("train/loss")
    assert [(step, values["train/loss"]) for step, values in seen] == list(zip(steps, losses, strict=True))
    assert train(tiny(), store=store, **QUIET).steps == 20, "it has ended"
    require_same(train(tiny(), store=store, extend=True, **QUIET), train(tiny(), store=store / "whole", **QUIET))
    both: list[list[dict[str, float]]] = []
    train([tiny(seed=3), tiny(seed=4)], store=store, on_evaluate=lambda _, each: both.append(each), **QUIET)
    assert {len(each) for each in both} == {2}


def test_by_command(store: Path, capsys: pytest.CaptureFixture) -> None:
    shape = ["p=7", "d_model=8", "n_heads=2", "d_mlp=8", "evaluate_every=10"]
    words = [word for text in shape for word in ("--set", text)]

    def run(*more: str) -> int:
        return main(["run", "quickstart", *words, "--no-report", "--out", str(store), "--json", *more])

    assert run("--set", "max_steps=20") == 0
    assert run("--set", "max_steps=40") == 1
    assert "--extend" in capsys.readouterr().err
    assert run("--set", "max_steps=40", "--extend") == 0
    (folder,) = store.glob("*/pack.json")
    assert load_pack(folder.parent)[0].steps == 40
