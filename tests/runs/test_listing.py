"""The list of runs says what the runs themselves say."""

from pathlib import Path

from grokscope.recipes.base import recipe
from grokscope.runs.listing import summaries
from grokscope.runs.run import phases_of, runs
from grokscope.runs.store.journal import Measured
from grokscope.runs.store.segments import recover, seal
from grokscope.runs.store.series import read_series
from grokscope.studies.experiment import train
from tests.conftest import tiny


def test_a_listed_run_is_summarised_as_the_run_itself_is(store: Path) -> None:
    train([tiny(seed=0), tiny(seed=1, learning_rate=1e30)], store=store, progress=False)
    train(tiny(max_steps=20), store=store, progress=False)
    lost = train(tiny(max_steps=20, learning_rate=1e30), store=store, progress=False)
    assert list(summaries(store)) == [run.summary() for run in runs(store)]
    assert set(lost.summary()["final"].values()) == {None}


def test_a_run_whose_status_does_not_tell_is_read(store: Path) -> None:
    killed = train(tiny(max_steps=20), store=store, progress=False)
    lost = train(tiny(max_steps=20, seed=1), store=store, progress=False)
    (lost.folder / "status.json").write_text("")
    (killed.folder / "events.jsonl").write_text("")
    listed = {one["run"]: one for one in summaries(store)}
    assert listed == {run.id: run.summary() for run in runs(store)}
    assert listed[lost.id]["steps_per_second"] is None
    assert listed[killed.id]["final"]["train/loss"] is not None


def test_a_damaged_pack_hides_no_other(store: Path) -> None:
    good, bad = (train(tiny(max_steps=5, seed=seed), store=store, progress=False) for seed in (0, 1))
    (bad.folder / "pack.json").write_text("{")
    said: list[Exception] = []
    assert [one["run"] for one in summaries(store, on_damage=said.append)] == [good.id]
    assert str(bad.folder) in str(said[0])


def test_phases_of_many_runs_are_those_of_each(store: Path) -> None:
    train([tiny(seed=seed) for seed in range(3)], store=store, progress=False)
    train(tiny(max_steps=20), store=store, progress=False)
    train(recipe("omnigrok2023", max_steps=10, d_mlp=16, n_samples=40, n_train=20), store=store, progress=False)
    everything = list(runs(store))
    for thresholds in ({}, {"train_threshold": 0.2, "test_threshold": 0.1, "stable": 1}):
        assert phases_of(everything, **thresholds) == [run.phases(**thresholds) for run in everything]
    assert phases_of(everything, split="fresh")[:3] == [run.phases(split="fresh") for run in everything[:3]]


def test_series_are_found_in_journals_that_are_not_sealed_yet(store: Path) -> None:
    journal = recover(store / "pack")

    def rows(steps: range) -> list[Measured]:
        return [
            Measured(run=run, step=s, measure="a.b", view="", value=s / 2)
            for s in steps
            for run in ("pack-0", "pack-1")
        ]

    journal.append([*rows(range(4)), Measured(run="pack-0", step=1, measure="a.c", view="", value=7.0)])
    seal(store / "pack", journal)
    journal.append(rows(range(4, 6)))
    found = read_series([store / "pack"], ["a.b"])
    assert found.keys() == {("pack-0", "a.b"), ("pack-1", "a.b")}
    for steps, values in found.values():
        assert steps.tolist() == [0, 1, 2, 3, 4, 5]
        assert values.tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert read_series([], ["a.b"]) == read_series([store / "pack"], ["a.d"]) == {}
