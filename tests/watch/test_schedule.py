"""When a watch looks, and what it leaves out for want of time."""

import itertools

import pytest

from grokscope.watch.schedule import BEYOND, FARTHEST, Budget, Schedule


def looks(schedule: Schedule, last: int, accuracy: dict[int, float] | None = None) -> list[int]:
    """The steps that are looked at; the accuracy changes where it says."""
    found, level = [], 0.0
    for step in range(last + 1):
        level = (accuracy or {}).get(step, level)
        if schedule.is_due(step):
            found.append(step)
            schedule.looked(step, level)
    return found


def test_every_so_many_steps() -> None:
    assert looks(Schedule(100), 450) == [0, 100, 200, 300, 400]


def test_logarithmic_until_the_largest_distance() -> None:
    steps = looks(Schedule("log"), 20 * FARTHEST)
    assert steps[:20] == [*range(17), 18, 20, 22]
    assert steps[-1] - steps[-2] == FARTHEST


def test_denser_where_an_accuracy_bends_and_then_no_more() -> None:
    rising = {step: (step - 4000) / 1000 for step in range(4000, 5001)}
    steps = looks(Schedule("log"), 8000, rising)

    def widest(first: int, last: int) -> int:
        inside = [step for step in steps if first <= step <= last]
        return max(b - a for a, b in itertools.pairwise(inside))

    assert widest(2600, 4000) == FARTHEST
    assert widest(4600, 5000) == FARTHEST // 8
    assert widest(6000, 8000) == FARTHEST


def test_a_look_that_is_missed_is_made_up_for() -> None:
    schedule = Schedule(10)
    schedule.looked(0, None)
    assert [step for step in (7, 14, 21) if schedule.is_due(step)] == [14, 21]


@pytest.mark.parametrize("every", [0, -3, "linear", 2.5])
def test_a_distance_that_is_none_is_one_line(every: object) -> None:
    with pytest.raises(ValueError, match="expected a number of steps"):
        Schedule(every)  # pyright: ignore[reportArgumentType]


def test_a_budget_is_a_share_of_the_time_so_far() -> None:
    """Everything within a look counts, also what no measure took, and beyond it what it costs the training."""
    now = [0.0]
    budget = Budget(0.1, clock=lambda: now[0])
    now[0] = 2.0
    budget.spend_all()
    budget.took("heavy", 1.5)
    for _ in range(200):
        now[0] += 1.0
        if budget.allows("heavy"):
            with budget.spending():
                now[0] += 2.0
                assert not budget.allows("heavy")  # of what is left the look itself has taken its part
    assert BEYOND * budget.spent == pytest.approx(0.1 * now[0], abs=2.5)
    assert BEYOND * budget.spent <= 0.1 * now[0] + 0.5
    assert budget.skipped["heavy"] > 150
    assert budget.seconds == (now[0] - budget.spent, budget.spent)


def test_without_a_budget_nothing_is_skipped() -> None:
    budget = Budget(None)
    budget.took("heavy", 1e9)
    assert budget.allows("heavy", 1e9)
    assert not budget.skipped


@pytest.mark.parametrize("share", [0.0, -0.1, 1.5])
def test_a_share_that_is_none_is_one_line(share: float) -> None:
    with pytest.raises(ValueError, match="a share of the wall time"):
        Budget(share)
