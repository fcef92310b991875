"""When a run is evaluated and kept, and when it stops."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.studies.cost import evaluations
from grokscope.training.schedule import Schedule, is_evaluated, most_checkpoints
from tests.conftest import tiny


def see(accuracy: float, fresh: float | None) -> dict[str, float]:
    return {"test_accuracy": accuracy, "fresh_accuracy": math.nan if fresh is None else fresh}


def test_evaluations_are_about_ten_per_cent_apart_then_even() -> None:
    steps = [step for step in range(3000) if is_evaluated(step, 25)]
    assert steps[:17] == list(range(17))
    for one, other in itertools.pairwise(steps):
        assert other - one <= max(1, one / 6.5)  # an eighth, but for the seam at evaluate_every
    assert all(other - one == 25 for one, other in itertools.pairwise(steps) if one >= 250)


def test_checkpoints_are_logarithmic_and_denser_within_the_transition() -> None:
    config = tiny(max_steps=10_000, checkpoint_every=250, checkpoint_ratio=1.2)
    schedule, kept = Schedule(config), []
    for step in range(10_001):
        if not is_evaluated(step, config.evaluate_every):
            continue
        schedule.see([see(0.9, 0.0 if step < 4000 else 0.5 if step < 6000 else 1.0)])
        if schedule.wants_checkpoint(step):
            schedule.last_checkpoint = step
            kept.append(step)
    assert kept[0] == 0
    gaps = {step: after - step for step, after in itertools.pairwise(kept)}
    assert all(gap >= 25 for gap in gaps.values())
    assert all(gap == 250 for step, gap in gaps.items() if 4100 <= step <= 5500)
    assert all(gap >= 0.19 * step for step, gap in gaps.items() if step >= 6500)
    assert len(kept) <= most_checkpoints(config)


@given(st.integers(1, 40), st.integers(1, 300), st.floats(1.01, 3), st.integers(1, 3000))
def test_a_run_never_keeps_more_checkpoints_than_was_said(every: int, dense: int, ratio: float, steps: int) -> None:
    config = tiny(max_steps=steps, evaluate_every=every, checkpoint_every=dense, checkpoint_ratio=ratio)
    schedule, kept = Schedule(config), 0
    schedule.see([see(0.5, 0.5)])  # within the transition all the time
    for step in range(steps + 1):
        if (is_evaluated(step, every) and schedule.wants_checkpoint(step)) or step == steps:
            schedule.last_checkpoint = step
            kept += 1
    assert kept <= most_checkpoints(config)


def test_a_run_stops_when_every_replica_has_stayed_generalised() -> None:
    schedule = Schedule(tiny(stop_accuracy=0.99, stop_after=3))
    for done, *accuracies in [
        (False, 1.0, 1.0),
        (False, 1.0, 1.0),
        (False, 1.0, 0.98),  # one replica falls back: the count starts again
        (False, 0.99, 1.0),
        (False, 1.0, 1.0),
        (True, 1.0, 1.0),
    ]:
        schedule.see([see(accuracy, accuracy) for accuracy in accuracies])
        assert schedule.has_generalised is done


@pytest.mark.parametrize(
    ("test", "fresh", "stops"), [(1.0, 0.5, False), (1.0, None, True), (0.5, 1.0, False), (1.0, 1.0, True)]
)
def test_symmetry_alone_is_not_generalisation(test: float, fresh: float | None, stops: bool) -> None:
    schedule = Schedule(tiny(stop_after=1))
    schedule.see([see(test, fresh)])
    assert schedule.has_generalised is stops


def test_a_pack_without_living_replicas_has_not_generalised() -> None:
    schedule = Schedule(tiny(stop_after=1))
    schedule.see([])
    assert not schedule.has_generalised


def test_numbers_of_checkpoints_and_evaluations_take_no_longer_for_more_steps() -> None:
    for every in (1, 3, 25, 1000):
        for steps in (*range(70), 1000, 4097):
            assert evaluations(steps, every) == sum(is_evaluated(step, every) for step in range(steps + 1))
    assert evaluations(10**18, 1) == 10**18 + 1
    assert most_checkpoints(tiny(max_steps=10**18, checkpoint_every=1)) >= 10**18
    small, large = (most_checkpoints(tiny(max_steps=steps, checkpoint_every=50)) for steps in (10**6, 10**12))
    assert small * 10**6 <= large <= 10**12
