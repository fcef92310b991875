"""Which checkpoints stay: a sweep keeps the first and the last; a study that looks at checkpoints has all of them."""

import json
from pathlib import Path

import pytest
import torch

from grokscope.cli.base import main
from grokscope.errors import GrokscopeError
from grokscope.predictions.subject import Subject
from grokscope.predictions.taking import stages
from grokscope.runs.store import checkpoints
from grokscope.studies.conduct import conduct
from grokscope.studies.experiment import train, train_pack
from grokscope.studies.plan import plan
from tests.conftest import tiny
from tests.drills.conftest import killed

CPU = torch.device("cpu")


def same(one: Path, other: Path, step: int) -> bool:
    ours, theirs = checkpoints.load(one, step), checkpoints.load(other, step)
    return all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_the_first_and_the_last_are_those_of_a_run_that_keeps_all(store: Path) -> None:
    whole = train(tiny(max_steps=60), store=store / "all", progress=False)
    (run,) = train_pack([tiny(max_steps=60)], folder=store / "ends", device=CPU, kept="ends")
    assert run.checkpoints == [0, 60] != whole.checkpoints
    assert all(same(run.folder, whole.folder, step) for step in (0, 60))
    assert (run.rows().values == whole.rows().values).all()
    assert run.about["checkpoints"] == "ends"
    assert "checkpoints" not in whole.about


def test_a_pack_goes_on_as_it_began(store: Path) -> None:
    folder = killed(tiny(), store)  # with all
    (run,) = train_pack([tiny()], folder=folder, device=CPU, resume=True, kept="ends")
    assert len(run.checkpoints) > 2
    assert run.folder == folder


def test_a_killed_one_ends_with_the_same_weights(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from grokscope.studies import experiment

    opened = experiment.open_writer
    with monkeypatch.context() as patch:
        patch.setattr(experiment, "open_writer", lambda *args, **more: opened(*args, **more | {"kept": "ends"}))
        folder = killed(tiny(), store)
    assert checkpoints.steps(folder) == [0]
    (run,) = train_pack([tiny()], folder=folder, device=CPU, resume=True)
    whole = train(tiny(), store=store / "all", progress=False)
    assert run.checkpoints == [0, whole.steps]
    assert all(same(run.folder, whole.folder, step) for step in run.checkpoints)


def test_a_sweep_keeps_few_and_says_so(store: Path, capsys: pytest.CaptureFixture) -> None:
    grid = ["sweep", "quickstart", "--grid", "weight_decay=0.5,1"]
    for setting in ("p=7", "d_model=8", "d_mlp=8", "n_heads=2", "max_steps=30"):
        grid += ["--set", setting]
    grid += ["--store", str(store), "--json"]
    assert main([*grid, "--dry-run"]) == 0
    few = json.loads(capsys.readouterr().out)
    assert main([*grid, "--dry-run", "--checkpoints", "all"]) == 0
    many = json.loads(capsys.readouterr().out)
    assert (few["checkpoints"], many["checkpoints"]) == ("ends", "all")
    assert few["bytes"] < many["bytes"]
    assert main([*grid[:-1], "--dry-run"]) == 0
    assert "the first and the last of each run; --checkpoints all" in capsys.readouterr().out
    assert main([*grid, "--workers", "1"]) == 0
    (folder,) = {path.parent for path in store.glob("*/pack.json")}
    assert checkpoints.steps(folder) == [0, 30]


def test_a_study_that_measures_checkpoints_has_all_of_them(store: Path) -> None:
    arms = {"a": [tiny(max_steps=30)]}
    (pack,) = plan("heavy", arms, store, measures={"a": ("weights.effective_rank",)}, kept="ends").packs
    assert pack.kept == "all"


def test_a_pack_of_a_sweep_is_not_taken_for_a_whole_one(store: Path) -> None:
    arms = {"a": [tiny(max_steps=30, seed=seed) for seed in range(2)]}
    measures = {"a": ("weights.effective_rank",)}
    swept = plan("swept", {"one": [arms["a"][0]], "two": [arms["a"][1]]}, store, mixed=True, kept="ends")
    conduct(swept, workers=1, say=lambda _: None)
    assert plan("again", {"b": arms["a"]}, store).reused == 2, "its numbers are the store's"
    with pytest.raises(GrokscopeError, match="kept only their first and last checkpoint"):
        plan("heavy", arms, store, measures=measures)
    single = plan("heavy", {"a": arms["a"][:1]}, store, measures={"a": measures["a"]})
    assert (single.reused, [pack.state for pack in single.packs]) == (0, ["missing"])


def test_no_reading_is_taken_near_a_step_that_was_not_kept(store: Path) -> None:
    (run,) = train_pack([tiny()], folder=store / "ends", device=CPU, kept="ends")
    assert stages(Subject(run=run)) == {"untrained": 0, "after": run.steps}
