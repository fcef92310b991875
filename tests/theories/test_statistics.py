"""Every row of every theory on runs that are made up: its statistic can come out either way, and pairs by seed."""

import functools
from typing import Any

import numpy as np
import pytest

from grokscope.predictions.base import Fit, Means, Prediction, Shares, Theory, Times
from grokscope.predictions.controls import subjects
from grokscope.predictions.readings import answered
from grokscope.theories.base import theories
from tests.predictions import made

PREDICTIONS = [(theory, row) for theory in theories().values() for row in theory.predictions]
WORLDS = 40


@functools.lru_cache(maxsize=4)  # most rows need few worlds
def world(number: int) -> Any:
    return subjects(made.arms(number))


def named(pair: Any) -> str:
    return f"{pair[0].id}: {pair[1].name}" if isinstance(pair, tuple) else ""


@pytest.mark.parametrize("pair", PREDICTIONS, ids=named)
def test_a_statistic_can_come_out_on_either_side(
    pair: tuple[Theory, Prediction], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shares are 0 and 1, other numbers take more values than these; some support the row, and some do not."""
    made.use(monkeypatch)
    _, row = pair
    values: list[float] = []
    for number in range(WORLDS):
        sample = row.statistic(row.answers(world(number)))
        values += _values(sample)
        sides = {row.supports.contains(value, value) for value in values}
        shares = isinstance(sample, Shares)
        if shares and set(values) == {0.0, 1.0}:
            return
        # The supporting region of a fit is small.
        if not shares and len(set(values)) > 2 and (len(sides) > 1 or isinstance(sample, Fit)):
            return
    raise AssertionError(f"{row.name} comes out as {sorted(set(values))}")


def _values(sample: Any) -> list[float]:
    match sample:
        case Means(values) | Shares(values):
            return answered(values.values())
        case Times(treated=(t, _), others=(t_other, _)):
            return [float(np.median(t) / np.median(t_other))]
        case Fit(value=value):
            return [value]
    return []


@pytest.mark.parametrize("pair", PREDICTIONS, ids=named)
def test_a_control_can_show_what_it_is_asked(pair: tuple[Theory, Prediction], monkeypatch: pytest.MonkeyPatch) -> None:
    """Step 0 alone has no change: of a change it would be a control that never shows it."""
    made.use(monkeypatch)
    _, row = pair
    for arm, statistic in row.controls.items():
        samples = (statistic(row.answers(world(number))) for number in range(WORLDS))
        values: set[float] = set()
        for sample in samples:
            values |= set(_values(sample))
            if len(values) > 1:
                break
        assert len(values) > 1, (row.name, arm)


GONE = 2  # the seed whose run is not there
SLOW = ("topology.match", "transition.no_middle/two humps", "transition.no_middle/two humps of the loop")  # of no pairs


@pytest.mark.parametrize("theory", theories().values(), ids=lambda theory: theory.id)
def test_a_run_that_is_not_there_moves_no_other(theory: Theory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each arm in turn: no row is ended; the seeds that are left have the values they had; the pair that is not
    complete says which seed lacks its run."""
    made.use(monkeypatch)
    whole = made.arms(0)
    known = subjects(whole)
    rows = [row for row in theory.predictions if row.name not in SLOW]
    before, said = {row.name: _samples(row, known) for row in rows}, set()
    for arm in dict.fromkeys((*theory.needed, *(name for name in whole if name.startswith(FOUND)))):
        left = [run for run in whole[arm] if run.config.seed != GONE]
        fewer = subjects(whole.with_arms(whole[arm].having(left)))
        for row in (row for row in rows if arm in (*row.arms, *row.controls) or row.id in PREFIXED):
            full = before[row.name]
            for which, sample in _samples(row, fewer).items():
                if not isinstance(sample, Means | Shares):
                    continue
                one, other = dict(full[which].values), dict(sample.values)
                was, now = ({key: value for key, value in some.items() if key[0] != GONE} for some in (one, other))
                assert now == was, (row.name, which, arm)
                if (left_over := [value for key, value in other.items() if key[0] == GONE]) and other != one:
                    assert f"seed {GONE} has no run in the arm" in str(left_over[0]), (row.name, which, arm)
                    said.add(row.name)
    assert bool(said) == any(row.id in PREFIXED or len(row.arms) > 1 for row in rows)


# Rows that find their arms by a value, and how these are called.
PREFIXED = (
    *("reread.goldilocks", "reread.weight_decay", "transition.no_middle", "goldilocks.shell", "goldilocks.phases"),
    *("goldilocks.critical_fraction", "lazy.alpha", "lazy.goldilocks_data", "efficiency.norm"),
    *("efficiency.critical_size", "goldilocks.time"),
    *("delay.norm_ratio", "delay.rate", "delay.decoupled", "delay.loss", "delay.clamp", "delay.attention"),
    "delay.layer_norm",
)
FOUND = (
    "sphere/",
    "weight_decay=",
    "p=",
    "learning_rate=",
    "toy/",
    "output_scale",
    "kumar/",
    "shares/",
    "efficiency/",
    "ungrok at/",
    "delay/",
)


def _samples(row: Prediction, arms: Any) -> dict[str, Any]:
    answers = row.answers(arms)
    return {"": row.statistic(answers)} | {arm: statistic(answers) for arm, statistic in row.controls.items()}
