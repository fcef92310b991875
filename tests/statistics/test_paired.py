"""Differences of two alarms on the same runs whose answer is known."""

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.statistics.paired import Difference, adjusted, in_gain, in_lead


def known(found: Difference | Missing) -> Difference:
    assert isinstance(found, Difference)
    return found


def test_all_alike_has_no_difference() -> None:
    found = known(in_gain([0] * 20, [0] * 20))
    assert (found.effect.value, found.p) == (0.0, 1.0)
    assert found.effect.low < 0 < found.effect.high  # pyright: ignore[reportOperatorIssue]


def test_signs_are_counted_exactly() -> None:
    """One alarm alone saw k of the runs, the other none: half of the sign draws of one kind, 2 / 2^k two-sided."""
    found = known(in_gain([1] * 4 + [0] * 6, [0] * 10))
    assert found.effect.value == pytest.approx(0.4)
    assert found.p == pytest.approx(2 / 2**4, abs=4 * np.sqrt(0.125 * 0.875 / 9_999))  # four standard errors


def test_both_kinds_of_runs_count() -> None:
    """Seen .3 more and cried wolf .5 less: the gain differs by .8; the two intervals join as for independent means."""
    found = known(in_gain([1] * 3 + [0] * 7, [1] * 5 + [0] * 5))
    one, other = known(in_gain([1] * 3 + [0] * 7, [0] * 10)), known(in_gain([0] * 10, [1] * 5 + [0] * 5))
    assert found.effect.value == pytest.approx(0.8)
    assert one.effect.value + other.effect.value == pytest.approx(0.8)
    assert found.effect.low > 0.2  # pyright: ignore[reportOperatorIssue]
    assert found.p < min(one.p, other.p)


def test_a_lead_without_a_difference_is_rejected_at_its_level() -> None:
    rng = np.random.default_rng(0)
    p = np.array([known(in_lead(rng.standard_normal(12).tolist())).p for _ in range(400)])
    share = float((p <= 0.05).mean())
    assert abs(share - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 400)
    assert known(in_lead((1 + 0.1 * rng.standard_normal(12)).tolist())).p < 0.001


def test_holm_is_over_all_of_them() -> None:
    rng = np.random.default_rng(1)
    given = {name: known(in_lead((shift + rng.standard_normal(20)).tolist())) for shift, name in enumerate("abc")}
    found = adjusted(given)
    smallest = min(given, key=lambda name: given[name].p)
    assert found[smallest].adjusted == pytest.approx(3 * given[smallest].p)
    assert all(one.adjusted is not None and one.adjusted >= one.p for one in found.values())
    assert adjusted({}) == {}


def test_too_few_runs_have_no_answer() -> None:
    assert isinstance(in_lead([1.0] * 4), Missing)
    assert isinstance(in_gain([1] * 4, [0] * 20), Missing)
