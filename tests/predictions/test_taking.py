"""Readings: taken once, stored with their reasons, and all that judging looks at."""

import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from grokscope.errors import Missing, StoreError
from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.measures.base import evaluate
from grokscope.predictions import readings as module
from grokscope.predictions.readings import At, Instrument, at
from grokscope.predictions.subject import HeldTruth, Subject
from grokscope.predictions.taking import Asked, held_against, stages, take
from grokscope.runs.doctor import examine_pack
from grokscope.runs.repair import repair
from grokscope.runs.run import Run, load_pack
from grokscope.runs.store.readings import NAME, Record, append_readings, read_readings
from grokscope.studies.experiment import train
from grokscope.studies.judging import judge
from tests.conftest import tiny as tiny_config

SOME = (
    at("after", "manifold.betti", 1, view="embed/tokens"),
    at("after", "manifold.gride", 4, view="resid_mid/orbits"),
    at("after", "manifold.dimension", view="resid_mid/all", method="mle"),
    at("untrained", "attention.entropy"),
    at("after", "manifold.gride", 4096, view="resid_mid/orbits"),
    at("after", "kernel.never_made"),
)


@pytest.fixture
def run(tiny_run: Run, store: Path) -> Run:
    """A copy of the run, in a store of its own."""
    shutil.copytree(tiny_run.folder, store / tiny_run.folder.name, ignore=shutil.ignore_patterns(NAME))
    (one,) = load_pack(store / tiny_run.folder.name)
    return one


def numbers(run: Run) -> dict[str, Any]:
    return {key: record.number for (_, key, _), record in read_readings(run.folder).items()}


def test_a_reading_has_a_key_that_can_be_read_and_goes_to_json_and_back() -> None:
    assert SOME[1].key == "manifold.gride[view=resid_mid/orbits]#4 @ after"
    assert len({one.key for one in SOME}) == len(SOME)
    for one in SOME:
        again = At.from_json(json.loads(json.dumps(one.to_json())))
        assert (again, again.key, hash(again)) == (one, one.key, hash(one))
    asked = Asked("a-0", SOME, HeldTruth.of(tiny_config()), "b-0", "")
    assert Asked.from_json(json.loads(json.dumps(asked.to_json()))) == asked


def test_readings_are_taken_once_and_stored_with_their_reasons(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    new = take(run, Asked(run.id, SOME))
    assert len(new) == len(SOME)
    last = run.snapshot()
    assert numbers(run)[SOME[0].key] == evaluate("manifold.betti", last, view="embed/tokens")[1]  # pyright: ignore
    assert numbers(run)[SOME[4].key] == Missing("no answer at 4096")
    assert numbers(run)[SOME[5].key] == Missing("the measure kernel.never_made is not available")
    assert {record.step for record in new} == {0, run.checkpoints[-1]}
    monkeypatch.setattr(Run, "snapshot", lambda *_: pytest.fail("a checkpoint was opened"))
    assert take(run, Asked(run.id, SOME)) == []
    more = at("after", "manifold.equivariance", view="embed/tokens")
    with pytest.raises(pytest.fail.Exception):
        take(run, Asked(run.id, (*SOME, more)))


def test_what_the_run_has_stored_is_not_measured_again(tiny: Any, store: Any) -> None:
    """The same number as measured anew; and the store's own, not another, where the two differ."""
    run = train(tiny(seed=3, dtype="float64"), store=store, progress=False)
    before = {one.key: one.instrument(run.snapshot()) for one in SOME[:3]}
    measure_checkpoints(run, only=["manifold.betti", "manifold.gride", "manifold.dimension"])
    last = run.checkpoints[-1]
    for one in SOME[:3]:
        stored = one.instrument.stored(run.rows(one.instrument.measure), last)
        assert stored == pytest.approx(before[one.key], abs=1e-9)
    other = Instrument("manifold.gride", {"view": "resid_post/orbits"}, 4)
    assert other.stored(run.rows("manifold.gride"), last) is None


def test_a_reading_of_another_definition_is_taken_anew(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(run.id, SOME[:2])
    take(run, asked)
    monkeypatch.setattr(module, "_source", lambda measure: f"{measure}, defined otherwise")
    assert asked.lacking(read_readings(run.folder)) == SOME[:2]
    judged = judge([run], "manifold")
    assert judged.notes == ()  # of runs without a study they are taken before
    assert asked.lacking(read_readings(run.folder)) == ()


def test_a_run_without_checkpoints_says_so(run: Run) -> None:
    (run.folder / "checkpoints.safetensors").unlink()
    reason = f"run {run.id} has no checkpoint: its numbers are in the store, its weights are not"
    take(run, Asked(run.id, SOME[:1]))
    assert numbers(run) == {SOME[0].key: Missing(reason)}
    assert any(row.missing == reason for row in judge({"base": [run]}, "circuits").rows)
    with pytest.raises(StoreError, match="has no checkpoint"):
        stages(Subject(run=run))


def test_judging_a_study_never_opens_a_checkpoint(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same scorecard when they are gone, from the readings that were taken before."""
    arms = {"base": [run], "random_labels": [run]}
    before = judge(arms)
    assert any(row.effect is not None and row.theory == "circuits" for row in before.rows)

    class Studied:
        looks = None

        def runs(self) -> Any:
            from grokscope.studies.judging import arms_of

            return arms_of(arms)

    (run.folder / "checkpoints.safetensors").unlink()
    monkeypatch.setattr(Run, "snapshot", lambda *_: pytest.fail("a checkpoint was opened"))
    assert judge(Studied()) == before


def test_a_study_says_which_readings_it_lacks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Studied:
        looks = None

        def runs(self) -> Any:
            from grokscope.studies.judging import arms_of

            return arms_of({"base": [run]})

    card = judge(Studied(), "circuits")
    assert "readings were never taken: the same study again takes them" in card.notes[0]
    lacking = next(row for row in card.rows if row.part == "logits")
    assert lacking.missing.startswith("nobody has taken the reading circuits.logit_explained @ after")
    judge([run], "circuits")
    assert judge(Studied(), "circuits").notes == ()
    monkeypatch.setattr(module, "_source", lambda measure: f"{measure}, defined otherwise")
    assert any("taken with another definition of it" in note for note in judge(Studied(), "circuits").notes)


def test_runs_whose_pack_cannot_be_written_are_judged_all_the_same(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from grokscope.studies import judging

    def refuse(*_: Any) -> Any:
        raise StoreError("held by another process")

    whole = judge([run], "circuits")
    (run.folder / NAME).unlink()
    monkeypatch.setattr(judging, "take", refuse)
    assert judge([run], "circuits").rows == whole.rows
    assert not (run.folder / NAME).exists()


@pytest.fixture(scope="module")
def random_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(tiny_config(random_labels=True), store=tmp_path_factory.mktemp("random"), progress=False)


def test_a_control_of_random_labels_is_held_against_a_truth_that_follows_from_a_config(random_run: Run) -> None:
    """Its own labels are the classes; no other run is needed, at its last checkpoint neither."""
    truth = HeldTruth.of(tiny_config())
    task = held_against(random_run.task, truth)
    assert task.truth.group == "cyclic(11)"
    assert task.labels.equal(random_run.task.labels)
    asked = at("after", "circuits.logit_explained"), at("untrained", "circuits.key_frequencies")
    new = take(random_run, Asked(random_run.id, asked, truth))
    assert all(record.value is not None and record.truth == truth.digest for record in new)
    control = Subject(run=random_run, truth=truth, records={record.place: record for record in new})
    assert control.value(asked[0]) == next(record.value for record in new if record.key == asked[0].key)
    own = dataclasses.replace(control, truth=None)
    assert isinstance(own.value(asked[0]), Missing)  # a reading of another truth is another one


def test_stages_of_a_control_are_those_of_the_run_that_it_refers_to(run: Run, random_run: Run) -> None:
    asked = Asked(random_run.id, (at("onset", "weights.norm"), at("after", "weights.norm")), None, run.id)
    early, late = asked.split(late=False), asked.split(late=True)
    assert [[one.stage for one in part.readings] for (part,) in (early, late)] == [["after"], ["onset"]]
    assert not Asked(run.id, asked.readings).split(late=True)  # of a run of its own windows nothing waits
    unpaired = dataclasses.replace(asked, reference=None, unpaired="seed 0 has no run")
    (record,) = [one for one in take(random_run, unpaired) if "onset" in one.key]
    assert record.number == Missing("seed 0 has no run")


def test_a_damaged_reading_is_found_and_moved_away(run: Run, store: Path) -> None:
    take(run, Asked(run.id, SOME[:2]))
    path = run.folder / NAME
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"value") + 9] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(StoreError, match="damaged"):
        read_readings(run.folder)
    damages = list(examine_pack(run.folder))
    assert [damage.kind for damage in damages] == ["readings"]
    repair(store, damages)
    assert not list(examine_pack(run.folder))
    assert read_readings(run.folder) == {}
    take(run, Asked(run.id, SOME[:2]))
    assert len(read_readings(run.folder)) == 2


def test_a_torn_last_line_is_dropped_and_a_later_line_counts(run: Run) -> None:
    record = Record(run=run.id, key="a @ after", step=1, value=1.0)
    append_readings(run.folder, [record])
    append_readings(run.folder, [dataclasses.replace(record, value=2.0), dataclasses.replace(record, key="b @ after")])
    path = run.folder / NAME
    os.truncate(path, path.stat().st_size - 3)
    assert {key: one.value for (_, key, _), one in read_readings(run.folder).items()} == {"a @ after": 2.0}
    append_readings(run.folder, [dataclasses.replace(record, key="b @ after", value=None, missing="why")])
    assert numbers(run) == {"a @ after": 2.0, "b @ after": Missing("why")}
