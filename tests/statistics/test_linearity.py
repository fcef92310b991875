"""Linearity of medians: exact cases, coverage by simulation, and what noise does not show."""

from collections.abc import Callable

import numpy as np
import pytest

from grokscope.errors import Missing
from grokscope.statistics.linearity import Linearity, linearity

X = np.log([1.4, 2.0, 2.8, 4.0])
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
# Noise whose median is 0 and whose spread is about 1.
NOISES: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - np.log(2),
}


def found(medians: np.ndarray, noise: np.ndarray) -> Linearity:
    answer = linearity(X.tolist(), list(medians[:, None] + noise))
    assert isinstance(answer, Linearity)
    return answer


def test_a_line_a_fall_and_a_bend() -> None:
    none = np.zeros((4, 10))
    assert found(3 * X + 2, none).value == pytest.approx(1)
    assert found(-3 * X, none).value == pytest.approx(-1)
    bend = found(np.square(X - X.mean()), none)
    literal = np.corrcoef(X, np.square(X - X.mean()))[0, 1]
    assert bend.value == pytest.approx(literal * abs(literal))
    assert bend.intervals(0.95) == pytest.approx((bend.value, bend.value))


def test_what_has_no_answer() -> None:
    assert isinstance(linearity([0.0, 1.0], [np.ones(5), np.ones(5)]), Missing)
    assert isinstance(linearity(X.tolist(), [np.ones(5)] * 4), Missing)
    lost = [np.array([1.0, np.inf, np.inf]), *[np.arange(3.0)] * 3]
    assert isinstance(linearity(X.tolist(), lost), Missing)
    late = [np.array([1.0, 2.0, 3.0, 4.0, np.inf]) + k for k in range(4)]  # one of five is not finite
    answer = linearity(X.tolist(), late)
    assert isinstance(answer, Linearity)
    assert answer.value > 0.99


def curved(share: float) -> np.ndarray:
    """Medians of which a straight line explains this share."""
    line = X - X.mean()
    bend = np.square(line) - np.mean(np.square(line))
    bend -= line * (bend @ line) / (line @ line)
    return np.sqrt(share) * line / np.linalg.norm(line) + np.sqrt(1 - share) * bend / np.linalg.norm(bend)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("size", [0.1, 1.0])
def test_the_interval_covers_the_share_of_the_true_medians(noise: str, size: float) -> None:
    rng, inside, draws = np.random.default_rng(0), 0, 400
    for _ in range(draws):
        low, high = found(curved(0.9), size * NOISES[noise](rng, (4, 10))).intervals(0.95)
        inside += low <= 0.9 <= high
    assert inside / draws >= 0.95 - 4 * np.sqrt(0.05 * 0.95 / draws)


def test_noise_does_not_show_that_a_law_fails_and_a_clear_bend_does() -> None:
    rng = np.random.default_rng(1)
    line = X - X.mean()
    fails = [found(line, 2 * rng.normal(size=(4, 10))).intervals(0.95)[1] < 0.9 for _ in range(400)]
    assert np.mean(fails) <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 400)
    assert found(line, 0.05 * rng.normal(size=(4, 10))).intervals(0.95)[0] > 0.9
    assert found(curved(0.5), 0.05 * rng.normal(size=(4, 10))).intervals(0.95)[1] < 0.9
