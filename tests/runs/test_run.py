"""Reading runs back from the store."""

from pathlib import Path

import numpy as np
import pytest

from grokscope.errors import StoreError
from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.runs.outcomes import FINAL
from grokscope.runs.run import Run, load, runs
from grokscope.studies.experiment import train
from tests.conftest import tiny


def test_series_by_short_and_by_full_name(tiny_run: Run) -> None:
    steps, values = tiny_run.series("test/accuracy")
    again, same = tiny_run.series("behaviour.test_accuracy")
    assert np.array_equal(steps, again)
    assert np.array_equal(values, same)
    assert (np.diff(steps) > 0).all()
    assert steps[0] == 0
    assert steps[-1] == tiny_run.steps == 60


def test_series_with_several_views_ask_for_one(tiny_run: Run) -> None:
    with pytest.raises(ValueError, match=r"several views; choose one with view=: head=0, head=1"):
        tiny_run.series("attention.entropy")
    steps, values = tiny_run.series("attention.entropy", view="head=1")
    assert len(steps) == len(values) > 10
    with pytest.raises(ValueError, match=r"unknown view of attention.entropy 'head=7'"):
        tiny_run.series("attention.entropy", view="head=7")


def test_an_unknown_series_is_answered_with_the_nearest(tiny_run: Run) -> None:
    with pytest.raises(ValueError, match=r"unknown series 'weights.nrom'. Did you mean 'weights.norm'"):
        tiny_run.series("weights.nrom")


def test_final_values_are_those_of_the_last_weights(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    losses = snap.sample_losses
    final = tiny_run.summary()["final"]
    assert final["train/loss"] == pytest.approx(float(losses[snap.train_mask].mean()), rel=1e-4)
    assert final["test/loss"] == pytest.approx(float(losses[~snap.train_mask].mean()), rel=1e-4)
    assert final["train/accuracy"] == float(snap.correct[snap.train_mask].double().mean())


def test_runs_are_loaded_by_path_and_by_number(store: Path) -> None:
    single = train(tiny(max_steps=5), store=store, progress=False)
    pack = train([tiny(max_steps=5, seed=seed) for seed in (1, 2)], store=store, progress=False)
    assert load(store / single.id).config == single.config
    assert load(store / pack[1].id).config.seed == 2
    assert [run.id for run in pack] == [f"{pack[0].folder.name}-0", f"{pack[0].folder.name}-1"]
    with pytest.raises(ValueError, match="is a pack of 2 runs; name one of them"):
        load(pack[0].folder)
    with pytest.raises(StoreError, match="holds replicas 0 to 1, asked for 5"):
        load(store / f"{pack[0].folder.name}-5")
    assert {run.id for run in runs(store)} == {single.id, *(run.id for run in pack)}


def test_what_is_not_a_run_is_said(store: Path, tiny_run: Run) -> None:
    with pytest.raises(StoreError, match="no store at"):
        load(store / "abc")
    store.mkdir()
    (store / "notarun").mkdir()
    with pytest.raises(StoreError, match=r"is not a run of grokscope: it has no pack\.json"):
        load(store / "notarun")
    (store / "notarun" / "pack.json").write_text("{")
    with pytest.raises(StoreError, match=r"pack\.json cannot be read"):
        load(store / "notarun")
    wrong = tiny_run.id[:-1] + "x"
    with pytest.raises(StoreError, match=f"Did you mean '{tiny_run.id}'"):
        load(tiny_run.folder.parent / wrong)


def test_a_replica_that_is_not_finite_ends_with_an_event_and_the_pack_goes_on(store: Path) -> None:
    good, bad = train([tiny(max_steps=60), tiny(max_steps=60, seed=1, learning_rate=1e30)], store=store, progress=False)
    assert [event["event"] for event in bad.events] == ["non-finite", "finished"]
    step = bad.events[0]["step"]
    assert bad.series("train/loss")[0][-1] <= step < 60
    assert good.series("train/loss")[0][-1] == 60
    assert good.status["state"] == "done"
    assert good.summary()["final"]["train/loss"] is not None
    assert bad.summary()["grokked"] is False
    assert bad.summary()["final"] == dict.fromkeys(FINAL)
    measure_checkpoints(bad)
    assert bad.rows().steps.max() <= step


def test_a_last_step_that_destroys_the_loss_is_said(store: Path) -> None:
    run = train(tiny(max_steps=2, warmup_steps=0, learning_rate=1e38), store=store, progress=False)
    assert "non-finite" in [event["event"] for event in run.events]


def test_one_damaged_pack_hides_no_other(store: Path, tiny_run: Run) -> None:
    good = train(tiny(max_steps=3), store=store, progress=False)
    for name, text in (("a", '{"runs": [{"config": {}}]}'), ("b", '{"runs": [{"run": "b", "config": {"wrong": 1}}]}')):
        (store / name).mkdir()
        (store / name / "pack.json").write_text(text)
        with pytest.raises(StoreError, match=r"pack\.json cannot be read"):
            load(store / name)
    damage: list[StoreError] = []
    assert [run.id for run in runs(store, on_damage=damage.append)] == [good.id]
    assert len(damage) == 2
    assert [run.id for run in runs(store)] == [good.id]


def test_phases_come_from_the_curves(tiny_run: Run) -> None:
    found = tiny_run.phases()
    assert found.generalized_at is None
    assert not found.grokked
    lenient = tiny_run.phases(train_threshold=0.0)
    assert lenient.memorized_at == 0
