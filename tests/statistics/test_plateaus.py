"""Changes whose shares are known."""

import numpy as np
import pytest
from scipy.special import expit, logit

from grokscope.errors import Missing
from grokscope.statistics.plateaus import Change, change

STEPS = np.arange(0, 5001, 25)
SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)


@pytest.mark.parametrize("height", [3.0, -0.2])
@pytest.mark.parametrize("width", [100.0, 250.0])
def test_shares_of_a_sigmoid_are_made_where_it_makes_them(height: float, width: float) -> None:
    found = change(STEPS, 7 + height * expit((STEPS - 2500) / width))
    assert isinstance(found, Change)
    np.testing.assert_allclose(np.exp(found.made(SHARES)), 2500 + width * logit(SHARES), atol=0.06 * width)
    assert found.step(0.5) in (2500, 2525)
    assert found.fit[0] == pytest.approx(0, abs=0.01)
    assert found.fit[-1] == pytest.approx(1, abs=0.01)
    assert list(found.steps) == list(STEPS[2:-2])  # the middles of windows of five


def test_a_jump_is_made_between_two_evaluations() -> None:
    found = change(STEPS, (STEPS >= 2500).astype(float))
    assert isinstance(found, Change)
    assert list(found.fit) == list((found.steps >= 2500).astype(float))
    assert 2475 < np.exp(found.made([0.5])[0]) < 2500


def test_what_has_not_come_to_rest_has_no_answer() -> None:
    for middle, name in ((4800, "last"), (200, "first")):
        missing = change(STEPS, expit((STEPS - middle) / 150))
        assert isinstance(missing, Missing)
        assert f"at its {name} level" in missing.reason


def test_resampled_times_spread_as_the_noise_has_it() -> None:
    rng = np.random.default_rng(0)
    found = change(STEPS, expit((STEPS - 2500) / 250) + 0.05 * rng.normal(size=len(STEPS)))
    assert isinstance(found, Change)
    times = np.exp(found.resampled([0.5], 200, np.random.default_rng(1))[:, 0])
    again = [change(STEPS, expit((STEPS - 2500) / 250) + 0.05 * rng.normal(size=len(STEPS))) for _ in range(60)]
    fresh = [float(np.exp(one.made([0.5])[0])) for one in again if isinstance(one, Change)]
    assert len(fresh) > 50
    assert np.std(times) == pytest.approx(np.std(fresh), rel=0.4)
