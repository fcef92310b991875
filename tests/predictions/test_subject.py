"""Runs as predictions look at them: stages, windows, series, instruments and nulls."""

from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.predictions.base import Answers
from grokscope.predictions.controls import subjects
from grokscope.predictions.readings import Fact, Instrument, Series
from grokscope.predictions.rows import T_MEM, TIMES, times
from grokscope.predictions.seeds import paired
from grokscope.predictions.series import changes_within, half_way, share_inside, where
from grokscope.predictions.subject import Subject
from grokscope.predictions.taking import stages
from grokscope.report.study.sweep import t_gen_curve
from grokscope.runs.run import Run
from grokscope.runs.store.rows import Rows
from grokscope.statistics.transitions import Phases, phases
from grokscope.studies.experiment import train
from grokscope.studies.judging import arms_of
from grokscope.theories.lazy_rich.kernel import _stays
from tests.conftest import tiny as tiny_config

STEPS = np.array([0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560])
FALLS = np.where(STEPS < 160, 9.0, np.where(STEPS < 320, 5.0, 1.0))


class Made:
    """A run that memorises at step 10 and generalises at 640; `falls` goes from 9 to 1, `flat` does nothing."""

    checkpoints = STEPS.tolist()
    about: Any = {}  # noqa: RUF012

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
    assert stages(made) == {"untrained": 0, "memorised": 20, "after": 2560}


def test_the_share_of_a_change_within_a_window(made: Subject) -> None:
    assert share_inside(made, "falls", "", (80, 320)) == pytest.approx(1)
    assert share_inside(made, "falls", "", (80, 160)) == pytest.approx(0.5)
    assert share_inside(made, "falls", "", (10, 40)) == pytest.approx(0)
    assert isinstance(share_inside(made, "falls", "", None), Missing)
    assert half_way(made, "falls", "") == 160


def test_the_way_of_a_kernel_before_onset() -> None:
    """Read at t_mem, onset and the end: of a kernel that grows by 5 and shrinks by 5 half, whatever its net change."""
    for at_end, share in ((1.0, 0.5), (6.0, 1.0), (26.0, 0.2)):
        assert _stays(1.0, 6.0, at_end) == pytest.approx(share)
    assert isinstance(_stays(1.0, 1.0, 1.0), Missing)


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


@pytest.fixture(scope="module")
def random_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(tiny_config(random_labels=True), store=tmp_path_factory.mktemp("random"), progress=False)


def test_a_control_is_held_against_the_run_of_its_seed(tiny: Any, store: Any, tiny_run: Run, random_run: Run) -> None:
    other, small = train([tiny(seed=1, max_steps=2), tiny(seed=2, max_steps=2)], store=store, progress=False)
    elsewhere = train(tiny(seed=0, p=7, random_labels=True, max_steps=2), store=store, progress=False)
    found = subjects(arms_of({"base": [other, tiny_run, small], "random_labels": [random_run], "p=7": [elsewhere]}))
    control = found["random_labels"][0]
    assert control.reference is tiny_run
    assert control.true.group == "cyclic(11)"
    assert control.stages_of_reference(fresh=True) == Subject(run=tiny_run).fresh
    assert found["p=7"][0].truth is None  # no base has its task
    assert {subject.untrained for subject in found["untrained"]} == {True}
    lacking = subjects(arms_of({"base": [other, small], "random_labels": [random_run]}))["random_labels"][0]
    assert lacking.true.group == "cyclic(11)"
    reason = lacking.stages_of_reference(fresh=False)
    assert reason == Missing("seed 0 has no run in the arm base: the control has no window of steps")
    assert lacking.transition(fresh=True) == reason


def test_a_reading_sees_what_it_declares_and_no_other_series(made: Subject) -> None:
    def of(subject: Subject) -> float:
        return float(len(subject.rows("falls")))

    assert made.value(Series("honest", of, ("falls",))) == len(STEPS)
    with pytest.raises(ValueError, match="looks at falls, which it has not declared"):
        made.value(Series("secret", of, ("flat",)))
    assert made.value(Series("empty", lambda _: Missing("nothing"), ())) == Missing("nothing")
    assert made.value(Series("empty", lambda _: Missing("nothing"), ()).otherwise(3.0)) == 3.0


def test_a_statistic_sees_what_its_prediction_declares(made: Subject) -> None:
    reading = Fact("one", lambda _: 1.0)
    answers = Answers(replace(made, run=SimpleNamespace(config=None)), frozenset({reading}))  # pyright: ignore
    assert answers[reading] == 1.0
    with pytest.raises(ValueError, match="does not declare"):
        answers[Fact("two", lambda _: 2.0)]


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
        run: Any = SimpleNamespace(config=None, phases=lambda *_, **__: Phases(**known))  # pyright: ignore[reportArgumentType]
        return Subject(run=run)

    subjects = subject(generalized_at=0), subject(generalized_at=30), subject(), subject(last_at=None)
    found, reached = times([Answers(one, frozenset(TIMES)) for one in subjects])
    assert found.tolist() == [0, 30, 50, 0]
    assert reached.tolist() == [True, True, False, False]
    assert subject(memorized_at=0).value(T_MEM) == 0
    assert subject().value(T_MEM) == 50
    curve = t_gen_curve([subject(generalized_at=0).phases, subject(last_at=None).phases, subject(last_at=0).phases])
    assert curve is not None
    assert curve.times.tolist() == [1]  # step 0 has no place on a logarithmic axis
