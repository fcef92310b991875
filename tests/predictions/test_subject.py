"""Runs as predictions look at them: stages, windows, series, instruments and nulls."""

import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.predictions.rows import memorised_or_end, times
from grokscope.predictions.seeds import paired
from grokscope.predictions.series import changes_within, half_way, share_inside, where
from grokscope.predictions.subject import Instrument, Subject
from grokscope.predictions.verdict import subjects
from grokscope.report.sweep import t_gen_curve
from grokscope.runs.run import Run, load_pack
from grokscope.runs.store.rows import Rows
from grokscope.statistics.transitions import Phases, phases
from grokscope.studies.experiment import measure_checkpoints, train
from grokscope.studies.judging import arms_of, judge
from grokscope.theories.lazy_rich import _stays
from tests.conftest import tiny as tiny_config

STEPS = np.array([0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560])
FALLS = np.where(STEPS < 160, 9.0, np.where(STEPS < 320, 5.0, 1.0))


class Made:
    """A run that memorises at step 10 and generalises at 640; `falls` goes from 9 to 1, `flat` does nothing."""

    checkpoints = STEPS.tolist()

    def phases(self, split: str = "test") -> Any:
        assert split == "test"  # it has no fresh inputs
        test = np.interp(np.log(np.maximum(STEPS, 1)), np.log([80, 640]), [0, 1])
        return phases(
            STEPS,
            train_accuracy=STEPS >= 10,
            test_accuracy=test,
            test_loss=9 - np.abs(np.log(np.maximum(STEPS, 1) / 40)),
        )

    def rows(self, measure: str) -> Any:
        if measure.startswith("behaviour.") or measure == "nothing":
            none = STEPS[:0]
            return Rows(steps=none, values=none, runs=none, measures=none, views=none)
        values = {"falls": FALLS, "flat": np.ones(len(STEPS))}[measure]
        same = np.full(len(STEPS), "")
        return Rows(steps=STEPS, values=values, runs=same, measures=same, views=same)


@pytest.fixture
def made() -> Subject:
    run: Any = Made()
    return Subject(run=run)


def test_the_memorised_stage_is_the_middle_of_the_memorised_window(made: Subject) -> None:
    assert made.phases.memorized == (10, 40)
    assert made.stages == {"untrained": 0, "memorised": 20, "after": 2560}
    assert set(Subject(run=made.run, untrained=True).stages.values()) == {0}


def test_the_share_of_a_change_within_a_window(made: Subject) -> None:
    assert share_inside(made, "falls", "", (80, 320)) == pytest.approx(1)
    assert share_inside(made, "falls", "", (80, 160)) == pytest.approx(0.5)
    assert share_inside(made, "falls", "", (10, 40)) == pytest.approx(0)
    assert isinstance(share_inside(made, "falls", "", None), Missing)
    assert half_way(made, "falls", "") == 160


def test_the_way_of_a_kernel_before_onset(made: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read at t_mem, onset and the end: of a kernel that grows by 5 and shrinks by 5 half, whatever its net change."""
    for at_end, share in ((1.0, 0.5), (6.0, 1.0), (26.0, 0.2)):
        kernel = {10: 1.0, 40: 6.0, 2560: at_end}
        monkeypatch.setattr(Subject, "read", lambda self, step, instrument, kernel=kernel: kernel[step])
        assert _stays("distance")(made) == pytest.approx(share)
    monkeypatch.setattr(Subject, "read", lambda self, step, instrument: 1.0)
    assert isinstance(_stays("distance")(made), Missing)
    monkeypatch.setattr(Subject, "read", lambda self, step, instrument: Missing("no kernel"))
    assert _stays("distance")(made) == Missing("no kernel")


def test_a_step_is_before_in_or_after_a_window() -> None:
    assert [where(step, (10, 20)) for step in (9, 10, 20, 21)] == ["before", "in", "in", "after"]
    assert where(Missing("no change"), (10, 20)) == Missing("no change")
    assert isinstance(where(10, None), Missing)


def test_a_series_that_does_not_change_changes_nowhere(made: Subject) -> None:
    """It has made no change within the window: a 0, which counts, and no Missing, which would not."""
    assert changes_within(made, "falls", "", (80, 320)) == 1
    assert changes_within(made, "falls", "", (10, 40)) == 0
    assert changes_within(made, "flat", "", (80, 320)) == 0
    assert isinstance(changes_within(made, "falls", "", None), Missing)
    assert isinstance(changes_within(made, "nothing", "", (80, 320)), Missing)


def test_permuted_symbols_and_labels_are_the_same_network_in_another_order(tiny_run: Run) -> None:
    subject, last = Subject(run=tiny_run), tiny_run.checkpoints[-1]
    own, symbols, labels = (subject.snapshot(last, kind) for kind in ("", "symbols", "labels"))
    rows = {tuple(row) for row in own.params["W_E"][:11].tolist()}
    assert {tuple(row) for row in symbols.params["W_E"][:11].tolist()} == rows
    assert not torch.equal(symbols.params["W_E"], own.params["W_E"])
    assert torch.equal(symbols.params["W_E"][11:], own.params["W_E"][11:])
    assert torch.equal(labels.logits, own.logits)
    pairs = set(zip(own.labels.tolist(), labels.labels.tolist(), strict=True))
    assert len(pairs) == 11
    assert not torch.equal(own.labels, labels.labels)


def test_a_control_is_measured_against_the_truth_and_the_window_of_another_run(made: Subject, tiny_run: Run) -> None:
    control = Subject(run=tiny_run, truth_of=tiny_run)
    assert control.snapshot(0).task.truth.group == "cyclic(11)"
    assert replace(made, truth_of=made.run).stages_of_reference(fresh=True) == made.fresh


def test_an_instrument_takes_an_element_or_the_mean(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    one, two = (Instrument("attention.entropy", {}, head)(snap) for head in range(2))
    assert not isinstance(one, Missing)
    assert not isinstance(two, Missing)
    assert Instrument("attention.entropy")(snap) == pytest.approx((one + two) / 2)
    assert isinstance(Instrument("manifold.gride", {}, 64)(snap), Missing)
    aligned = Instrument("stability.nlm_alignment")(snap)
    assert aligned == pytest.approx(np.mean(list(evaluate("stability.nlm_alignment", snap).values())))  # pyright: ignore
    assert Instrument("kernel.never_made")(snap) == Missing("the measure kernel.never_made is not available")


def test_what_the_store_has_is_read_from_it(tiny: Any, store: Any) -> None:
    """The same number as measured anew; and the store's own, not another, where the two differ."""
    run = train(tiny(seed=3), store=store, progress=False)
    names = ["manifold.betti", "manifold.gride", "manifold.dimension", "attention.entropy"]
    instruments = [
        Instrument("manifold.betti", {"view": "embed/tokens"}, 1),
        Instrument("manifold.gride", {"view": "resid_mid/orbits"}, 4),
        Instrument("manifold.dimension", {"view": "resid_mid/all", "method": "mle"}),
        Instrument("attention.entropy"),
    ]
    before = [Subject(run=run).at("after", instrument) for instrument in instruments]
    measure_checkpoints(run, only=names)
    last = run.checkpoints[-1]
    for instrument, measured in zip(instruments, before, strict=True):
        stored = instrument.stored(run.rows(instrument.measure), last)
        assert stored is not None
        assert stored == pytest.approx(measured, abs=1e-12)
    assert (
        Instrument("manifold.gride", {"view": "resid_post/orbits"}, 4).stored(run.rows("manifold.gride"), last) is None
    )
    lacking = Subject(run=run).read(last, Instrument("manifold.gride", {"view": "resid_mid/orbits"}, 4096))
    assert isinstance(lacking, Missing)


def test_a_run_whose_weights_are_gone_is_judged_by_its_numbers(tiny_run: Run, store: Path) -> None:
    shutil.copytree(tiny_run.folder, store / tiny_run.folder.name)
    shutil.rmtree(store / tiny_run.folder.name / "checkpoints")
    (run,) = load_pack(store / tiny_run.folder.name)
    subject = Subject(run=run)
    reason = f"run {run.id} has no checkpoint: its numbers are in the store, its weights are not"
    assert subject.at("after", Instrument("circuits.key_frequencies")) == Missing(reason)
    assert len(subject.rows("behaviour.test_loss"))
    for theory in ("circuits", "manifold"):
        card = judge({"base": [run] * 5}, theory)
        assert any(row.missing == reason for row in card.rows)
    order = next(
        row for row in card.rows if row.name == "attention.low_high_mid/signs"
    )  # a series is all that it needs
    assert reason not in order.missing


@pytest.fixture(scope="module")
def random_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(tiny_config(random_labels=True), store=tmp_path_factory.mktemp("random"), progress=False)


def test_a_control_of_random_labels_answers_at_every_step(tiny_run: Run, random_run: Run) -> None:
    """Its truth and the right answers are those of the other run, at its last checkpoint too, which measures ask for
    the frequencies that they look at."""
    control = subjects(arms_of({"base": [tiny_run], "random_labels": [random_run]}))["random_labels"][0]
    measures = (
        *("restricted_loss", "excluded_loss", "neuron_logit_residual", "logit_explained", "neuron_explained"),
        *("distance_irrelevance", "key_irreps"),
    )
    middle, last = random_run.checkpoints[1], random_run.checkpoints[-1]
    assert control.snapshot(middle).final.task is control.snapshot(last).task
    for name in measures:
        for step in (middle, last):
            assert not isinstance(evaluate(f"circuits.{name}", control.snapshot(step)), Missing), (name, step)
    assert torch.equal(control.snapshot(middle).labels, random_run.task.labels)


def test_a_control_is_held_against_the_run_of_its_seed(tiny: Any, store: Any, tiny_run: Run, random_run: Run) -> None:
    other, small = train([tiny(seed=1, max_steps=2), tiny(seed=2, max_steps=2)], store=store, progress=False)
    elsewhere = train(tiny(seed=0, p=7, random_labels=True, max_steps=2), store=store, progress=False)
    found = subjects(arms_of({"base": [other, tiny_run, small], "random_labels": [random_run], "p=7": [elsewhere]}))
    assert found["random_labels"][0].truth_of is tiny_run
    assert found["p=7"][0].truth_of is None  # no base has its task
    lacking = subjects(arms_of({"base": [other, small], "random_labels": [random_run]}))["random_labels"][0]
    assert lacking.snapshot(0).task.truth.group == "cyclic(11)"
    reason = lacking.stages_of_reference(fresh=False)
    assert reason == Missing("seed 0 has no run in the arm base: the control has no window of steps")
    assert lacking.transition(fresh=True) == reason


def test_runs_are_paired_by_seed_and_by_what_else_tells_them_apart(tiny: Any) -> None:
    def runs(*fields: Any) -> Any:
        return [type("Run", (), {"config": tiny(**each)})() for each in fields]

    one = runs({"seed": 2}, {"seed": 0}, {"seed": 1})
    two = runs({"seed": 1, "weight_decay": 0.5}, {"seed": 2, "weight_decay": 0.5}, {"seed": 4, "weight_decay": 0.5})
    found = paired({"one": one, "two": two})
    assert list(found) == [(0,), (1,), (2,), (4,)]
    assert found[1,] == (one[2], two[0])
    assert found[2,] == (one[0], two[1])
    assert found[0,] == Missing("seed 0 has no run in the arm two")
    assert found[4,] == Missing("seed 4 has no run in the arm one")
    splits = runs({"seed": 0, "split": "nested"}, {"seed": 0, "split": "shuffled"})
    again = paired({0.5: splits, 1.5: splits[::-1]})
    assert [group for group in again.values() if group] == [(splits[0], splits[0]), (splits[1], splits[1])]
    twice = paired({0.5: [splits[0], splits[0]], 1.5: splits[:1]})
    assert twice == {(0,): Missing("seed 0 has 2 runs in the arm of 0.5")}


def test_what_happens_at_step_0_has_happened() -> None:
    """Networks that go on from trained weights generalise at step 0: that is a time, and no absence of one."""

    def subject(**steps: Any) -> Any:
        known = {field.name: None for field in fields(Phases)} | {"grokked": False, "last_at": 50} | steps
        return type("Subject", (), {"phases": Phases(**known)})()  # pyright: ignore[reportArgumentType]

    found, reached = times([subject(generalized_at=0), subject(generalized_at=30), subject(), subject(last_at=None)])
    assert found.tolist() == [0, 30, 50, 0]
    assert reached.tolist() == [True, True, False, False]
    assert memorised_or_end(subject(memorized_at=0)) == 0
    assert memorised_or_end(subject()) == 50
    curve = t_gen_curve([subject(generalized_at=0).phases, subject(last_at=None).phases, subject(last_at=0).phases])
    assert curve is not None
    assert curve.times.tolist() == [0]
