"""The study of the manifold: stages, nulls, statistics of series, and one number a seed for each prediction."""

from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.runs.run import Run
from grokscope.runs.store.rows import Rows
from grokscope.statistics.contrasts import Share
from grokscope.statistics.intervals import Effect
from grokscope.statistics.transitions import phases
from grokscope.studies.manifold import (
    INSTRUMENTS,
    Instrument,
    Subject,
    half_way,
    planes,
    share_inside,
    tabulated,
    where,
)
from grokscope.studies.manifold_effects import ROWS, Seed, effects

STEPS = np.array([0, 10, 20, 40, 80, 160, 320, 640, 1280, 2560])


class Made:
    """A run that memorises at step 10 and generalises at 640, with one stored series that falls from 9 to 1."""

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
        if measure.startswith("behaviour."):
            none = STEPS[:0]
            return Rows(steps=none, values=none, runs=none, measures=none, views=none)
        values = np.where(STEPS < 160, 9.0, np.where(STEPS < 320, 5.0, 1.0))
        same = np.full(len(STEPS), "")
        return Rows(steps=STEPS, values=values, runs=same, measures=same, views=same)


MADE: Any = Made()


def test_the_memorised_stage_is_the_middle_of_the_memorised_window() -> None:
    subject = Subject(run=MADE)
    assert MADE.phases().memorized == (10, 40)
    assert subject.stages == {"untrained": 0, "memorised": 20, "after": 2560}


def test_the_share_of_a_change_within_a_window() -> None:
    assert share_inside(MADE, "any", "", (80, 320)) == pytest.approx(1)
    assert share_inside(MADE, "any", "", (80, 160)) == pytest.approx(0.5)
    assert share_inside(MADE, "any", "", (10, 40)) == pytest.approx(0)
    assert isinstance(share_inside(MADE, "any", "", None), Missing)
    assert half_way(MADE, "any", "") == 160


def test_a_step_is_before_in_or_after_a_window() -> None:
    assert [where(step, (10, 20)) for step in (9, 10, 20, 21)] == ["before", "in", "in", "after"]
    assert where(Missing("no change"), (10, 20)) == Missing("no change")
    assert isinstance(where(10, None), Missing)


def test_readings_name_the_stages_and_the_null(tiny_run: Run) -> None:
    some = {name: INSTRUMENTS[name] for name in ("swap distance", "embedding: equivariance R2")}
    found = Subject(run=tiny_run).readings(some)
    assert set(found) >= {"untrained", "after", "permuted"}
    assert set(found["permuted"]) == {"embedding: equivariance R2"}
    assert found["after"]["swap distance"] != found["untrained"]["swap distance"]
    assert tabulated([found, found])[0][:2] == ("instrument", "untrained")


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


def test_a_control_is_measured_against_the_truth_of_another_run(tiny_run: Run) -> None:
    control = Subject(run=tiny_run, truth_of=tiny_run).snapshot(0)
    assert control.task.truth.group == "cyclic(11)"


def test_an_instrument_takes_an_element_or_the_mean(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    heads = [Instrument("attention.entropy", {}, head)(snap) for head in range(2)]
    assert Instrument("attention.entropy", {})(snap) == pytest.approx(np.mean(heads))
    assert isinstance(Instrument("manifold.gride", {}, 64)(snap), Missing)


def test_planes_are_those_of_the_key_frequencies(tiny_run: Run) -> None:
    last = tiny_run.checkpoints[-1]
    keys = evaluate("circuits.key_frequencies", tiny_run.snapshot(last))
    found = planes(Subject(run=tiny_run), "embed/tokens", last)
    assert list(found) == [str(k) for k in np.asarray(keys)]
    k, (b1, _) = next(iter(found.items()))
    plane = tiny_run.snapshot(last).view("embed", f"frequency={k}")
    assert b1 == evaluate("manifold.betti", tiny_run.snapshot(last), view=f"embed/frequency={k}")[1]
    assert plane.shape == (11, 2)


def test_every_prediction_is_a_number_or_says_why_not(tiny_run: Run) -> None:
    readings = {
        stage: {"TwoNN, training inputs": value, "class means: b0": 1.0, "class means: b1": one}
        for stage, value, one in (("memorised", 30.0, 0.0), ("after", 3.0, 1.0))
    }
    seeds = [Seed(subject=Subject(run=tiny_run), readings=readings)] * 5
    found = {(row.prediction, row.says): (effect, lacking) for row, effect, lacking in effects(seeds)}
    assert len(found) == len(ROWS)
    literal, lacking = found["dimension.before", "TwoNN of training inputs, memorised, over n_train"]
    assert isinstance(literal, Effect)
    assert (literal.value, lacking) == (pytest.approx(30 / 60), 0)
    for says, k in (("class means, memorised: b1 = 0", 5), ("class means, after: b0 = b1 = 1", 5)):
        shares = [effect for (_, row), (effect, _) in found.items() if row == says]
        assert isinstance(shares[0], Share)
        assert (shares[0].k, shares[0].n) == (k, 5)
    never, lacking = found["attention.low_high_mid", "all three contrasts of the mean entropy, any difference"]
    assert isinstance(never, Missing)
    assert lacking == 5
