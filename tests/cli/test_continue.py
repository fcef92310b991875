"""`grokscope continue` and `run --tag`."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from grokscope.cli.base import main
from grokscope.runs.keeping import labels
from grokscope.runs.run import Run, load
from grokscope.studies.experiment import train
from tests.conftest import TINY, tiny

SETTINGS = [part for field, value in TINY.items() for part in ("--set", f"{field}={value}")]


def run(capsys: pytest.CaptureFixture, *args: str) -> tuple[int, str, str]:
    code = main(list(args))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def weights(run: Run) -> dict[str, torch.Tensor]:
    return run.snapshot(run.steps).params


def test_more_steps_are_those_of_one_long_run(capsys: pytest.CaptureFixture, store: Path) -> None:
    first = train(tiny(), store=store, progress=False)
    code, out, _ = run(capsys, "continue", first.id, "--steps", "30", "--no-report", "--json", "--store", str(store))
    assert code == 0
    assert json.loads(out)["steps"] == 90
    whole = train(tiny(max_steps=90), store=store / "whole", progress=False)
    found = load(first.folder)
    assert found.steps == whole.steps == 90
    theirs = weights(whole)
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in weights(found).items())


def test_the_stop_rule_does_not_end_the_added_steps(capsys: pytest.CaptureFixture, store: Path) -> None:
    rule: dict[str, Any] = {"stop_accuracy": 0.01, "stop_after": 2, "max_steps": 500}
    first = train(tiny(**rule), store=store, progress=False)
    before = first.steps
    assert before < 400
    run(capsys, "continue", "latest", "--steps", "70", "--no-report", "--store", str(store))
    assert load(first.folder).steps == before + 70


def test_the_runs_of_a_pack_go_on_together(capsys: pytest.CaptureFixture, store: Path) -> None:
    pack = train([tiny(seed=seed) for seed in (0, 1)], store=store, progress=False)
    code, out, _ = run(capsys, "continue", pack[1].id, "--steps", "5", "--no-report", "--json", "--store", str(store))
    assert code == 0
    assert [one["steps"] for one in json.loads(out)["runs"]] == [65, 65]


def test_a_finished_run_asks_how_far(capsys: pytest.CaptureFixture, store: Path) -> None:
    first = train(tiny(), store=store, progress=False)
    code, _, err = run(capsys, "continue", "latest", "--store", str(store))
    assert (code, err) == (
        2,
        f"error: run {first.id} ended at step 60: --steps 5000 lets it go on for 5,000 more\n",
    )
    assert run(capsys, "continue", "latest", "--steps", "0", "--store", str(store))[0] == 2


def test_an_interrupted_run_goes_on_to_its_end(
    capsys: pytest.CaptureFixture, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from grokscope.training.pack import Pack

    advance = Pack.advance

    def dies(pack: Any, keep: bool = False) -> Any:
        if pack.step == 40:
            raise KeyboardInterrupt
        return advance(pack, keep)

    with monkeypatch.context() as patch:
        patch.setattr(Pack, "advance", dies)
        with pytest.raises(KeyboardInterrupt):
            train(tiny(), store=store, progress=False)
    code, out, _ = run(capsys, "continue", "latest", "--no-report", "--json", "--store", str(store))
    assert (code, json.loads(out)["steps"]) == (0, 60)


def test_tags_are_given_at_once_and_checked_before_the_training(capsys: pytest.CaptureFixture, store: Path) -> None:
    base = ["run", "--out", str(store), "--no-report", "--json", *SETTINGS]
    code, out, _ = run(capsys, *base, "--seeds", "2", "--tag", "paper", "--tag", "first")
    assert code == 0
    runs = [one["run"] for one in json.loads(out)["runs"]]
    assert {name: of["tags"] for name, of in labels(store).items()} == {key: ["paper", "first"] for key in runs}
    code, _, err = run(capsys, "run", "--out", str(store / "none"), "--tag", "two words", *SETTINGS)
    assert (code, (store / "none").exists()) == (2, False)
    assert "a tag is a word of letters" in err
