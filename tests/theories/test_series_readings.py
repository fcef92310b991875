"""Readings of series that rows rest on, from curves whose answer is known."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.predictions.readings import Series
from grokscope.runs.store.rows import Rows
from grokscope.theories.circuits.phases import BETWEEN
from grokscope.theories.softmax_collapse import ACCURACY, STEP
from grokscope.theories.stages import stages

STEPS = np.arange(0, 6_001, 100)


def falls(centre: float, width: float = 100, first: float = 1.0, last: float = 0.0) -> np.ndarray:
    return first + (last - first) / (1 + np.exp(-(STEPS - centre) / width))


def read(reading: Series, curves: dict[str, np.ndarray], **about: Any) -> Any:
    """Of a run with these curves, "measure[view]" -> values at STEPS, and these phases."""

    def rows(measure: str) -> Rows:
        chosen = {name: values for name, values in curves.items() if name.split("[")[0] == measure}
        views = [name.partition("[")[2].rstrip("]") for name in chosen]
        n, same = len(STEPS), np.full(len(STEPS) * len(chosen), measure)
        return Rows(
            steps=np.tile(STEPS, len(chosen)), runs=same, measures=same, views=np.repeat(np.array(views, object), n),
            values=np.concatenate([*chosen.values(), []]),
        )  # fmt: skip

    subject = SimpleNamespace(
        rows=rows, phases=SimpleNamespace(**about),
        config=SimpleNamespace(softmax_dtype="float32"), run=SimpleNamespace(task=SimpleNamespace(n_classes=59)),
    )  # fmt: skip
    return reading.of(subject)


RESTRICTED, NORM = "circuits.restricted_loss[split=test]", "weights.squared_norm"


def test_the_circuit_forms_between_memorisation_and_the_end_of_the_norms_fall() -> None:
    norm = falls(4_000, first=2_000, last=700)
    formed = {RESTRICTED: falls(2_500, first=math.log(59)), NORM: norm}
    assert read(BETWEEN, formed, memorized_at=200) == 1
    assert read(BETWEEN, {RESTRICTED: falls(5_000, first=math.log(59)), NORM: norm}, memorized_at=200) == 0  # after it
    assert read(BETWEEN, {RESTRICTED: falls(-5_000), NORM: norm}, memorized_at=200) == 0  # there from the start
    assert read(BETWEEN, {RESTRICTED: falls(0, first=6, last=6), NORM: norm}, memorized_at=200) == 0  # never
    assert read(BETWEEN, formed | {NORM: falls(0, first=5, last=5)}, memorized_at=200) == 0  # no cleanup
    assert isinstance(read(BETWEEN, {NORM: norm}, memorized_at=200), Missing)
    assert isinstance(read(BETWEEN, formed, memorized_at=None), Missing)


def test_half_of_the_twins_is_a_step_and_never_is_infinite() -> None:
    row = next(row for row in stages.predictions if row.name == "stages.symmetry_first/order v3")
    twin, fresh = row.readings
    assert isinstance(twin, Series)
    assert isinstance(fresh, Series)
    curves = {"behaviour.twin_accuracy": 1 - falls(1_050, 10), "behaviour.fresh_accuracy": 0.3 * (1 - falls(3_000))}
    assert read(twin, curves) == 1_100
    assert read(fresh, curves) == 1e12
    assert isinstance(read(twin, {}), Missing)


def test_a_run_without_a_series_of_collapse_is_not_one_that_never_collapses() -> None:
    rate = "stability.collapse_rate[dtype=float32]"
    assert read(STEP, {rate: 1 - falls(2_050, 10)}) == 2_100
    assert read(STEP, {rate: 0 * STEPS.astype(float)}) == 1e12
    assert isinstance(read(STEP, {}), Missing)
    accuracy = {"behaviour.test_accuracy": STEPS / 6_000}
    assert read(ACCURACY[1024], accuracy) == pytest.approx(1_100 / 6_000)
    assert read(ACCURACY[131_072], accuracy) == 1
    assert isinstance(read(ACCURACY[8], {}), Missing)
