"""What series say within a window of steps."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.predictions.series import at_edges, drop_inside, risen_by
from grokscope.runs.store.rows import Rows

STEPS = np.unique(np.geomspace(100, 5000, 30).round().astype(int))
MEASURE, VIEW = "manifold.gride", "view=mlp_out/class_means,n1=16"


def subject(values: np.ndarray, steps: np.ndarray = STEPS) -> Any:
    views = np.full(len(steps), VIEW)
    rows = Rows(steps=steps, values=values, runs=views, measures=views, views=views)
    return SimpleNamespace(phases=SimpleNamespace(memorized_at=100), rows=lambda _: rows)


def fall(at: float, width: float, start: float = 8.0, end: float = 2.0) -> np.ndarray:
    return end + (start - end) / (1 + (STEPS / at) ** (1 / width))


def test_a_drop_is_inside_or_it_is_not() -> None:
    sudden = subject(fall(2000, 0.02))
    assert drop_inside(sudden, MEASURE, VIEW, (1500, 2700)) == pytest.approx(1, abs=0.01)
    assert drop_inside(sudden, MEASURE, VIEW, (150, 900)) == pytest.approx(0, abs=0.01)
    assert drop_inside(subject(fall(2000, 0.02, start=2, end=8)), MEASURE, VIEW, (1500, 2700)) == 0.0  # it rises
    flat = 8 + 0.1 * np.random.default_rng(0).normal(size=len(STEPS))
    assert drop_inside(subject(flat), MEASURE, VIEW, (1500, 2700)) == 0.0


def test_a_slow_drop_is_inside_by_its_share() -> None:
    """A line in ln step from 100 to 5,000: the share is that of ln of the window."""
    line = 8 - np.log(STEPS / 100)
    found = drop_inside(subject(line), MEASURE, VIEW, (400, 2000))
    assert found == pytest.approx(np.log(5) / np.log(50), rel=0.1)  # the levels at both ends are medians of three
    assert at_edges(subject(line), MEASURE, VIEW, (400, 2000)) == pytest.approx((8 - np.log(4), 8 - np.log(20)))


def test_no_window_and_a_series_that_ends_within_it_have_no_answer() -> None:
    line = 8 - np.log(STEPS / 100)
    assert isinstance(at_edges(subject(line), MEASURE, VIEW, None), Missing)
    assert at_edges(subject(line), MEASURE, VIEW, Missing("no pair")) == Missing("no pair")
    for of in (at_edges, drop_inside):
        short = of(subject(line), MEASURE, VIEW, (400, 6000))
        assert isinstance(short, Missing)
        assert "window ends at 6000" in short.reason


EVERY = np.arange(100, 6000, 25)


def dip_and_rise(at: float, width: float, noise: float = 0.002) -> np.ndarray:
    """From .5 down to .3 by step 400, then up by .3 around a step."""
    falls = 0.2 / (1 + (EVERY / 200) ** 6)
    return (
        0.3
        + falls
        + 0.3 / (1 + np.exp(-(EVERY - at) / width))
        + noise * np.random.default_rng(0).normal(size=len(EVERY))
    )


@pytest.mark.parametrize("end", [3600, 4200, 6000])
def test_what_comes_after_the_window_does_not_matter(end: int) -> None:
    """Training may end one width or ten after: the share is of the rise up to the end of the transition."""
    here = end >= EVERY
    early = risen_by(EVERY[here], dip_and_rise(2000, 100)[here], 3000, 3400)
    late = risen_by(EVERY[here], dip_and_rise(3300, 30)[here], 3000, 3400)
    assert early == pytest.approx(1, abs=0.03)
    assert late == pytest.approx(0, abs=0.03)


def test_half_way_at_the_start_of_the_window_is_a_half() -> None:
    assert risen_by(EVERY, dip_and_rise(3000, 60), 3000, 3600) == pytest.approx(0.5, abs=0.05)


def test_a_series_that_only_falls_has_not_risen() -> None:
    noise = 0.002 * np.random.default_rng(1).normal(size=len(EVERY))
    assert risen_by(EVERY, 0.5 - 0.2 * (EVERY / 6000) + noise, 3000, 3600) == 0.0
    assert isinstance(risen_by(EVERY, noise, 150, 3600), Missing)
    assert isinstance(risen_by(EVERY, noise, 3000, 7000), Missing)
