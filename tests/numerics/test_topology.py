"""Persistence and Betti numbers on clouds whose topology is known."""

import math
import time
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist, squareform

from grokscope.benchmarks.betti_rates import APART, LOOP_FREE, LOOPS, betti_rates
from grokscope.errors import Missing
from grokscope.numerics._components import components, spanning_tree
from grokscope.numerics._distances import coordinates, resistance
from grokscope.numerics._holes import FULL, SLACK, Diagram, holes
from grokscope.numerics.topology import (
    Betti,
    LandmarkBetti,
    betti,
    betti_of_landmarks,
    persistence,
    persistence_ratio,
)

RNG = np.random.default_rng


def embedded(points: np.ndarray, channels: int, rng: np.random.Generator) -> np.ndarray:
    return points @ np.linalg.qr(rng.normal(size=(channels, points.shape[1])))[0].T


def circle(n: int, seed: int = 0, *, channels: int = 2, noise: float = 0.0, uneven: bool = False) -> np.ndarray:
    """noise: length of the noise vector in radii."""
    rng = RNG(seed)
    angle = 2 * np.pi * (rng.random(n) if uneven else np.arange(n) / n)
    ring = embedded(np.stack([np.cos(angle), np.sin(angle)], axis=1), channels, rng)
    return ring + noise * rng.normal(size=ring.shape) / math.sqrt(channels)


def torus(n: int, seed: int) -> np.ndarray:
    rng = RNG(seed)
    angle = 2 * np.pi * rng.random((n, 2))
    return embedded(np.concatenate([np.cos(angle), np.sin(angle)], axis=1), 128, rng)


def sphere(n: int, seed: int, dimension: int = 2) -> np.ndarray:
    points = RNG(seed).normal(size=(n, dimension + 1))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def blobs(n: int, seed: int, *, channels: int = 10, apart: float = 10.0) -> np.ndarray:
    centres = apart * np.eye(channels + 3)[:3, : max(3, channels)]
    return np.repeat(centres, n // 3, axis=0) + RNG(seed).normal(size=(n // 3 * 3, max(3, channels)))


def swiss_roll(n: int, seed: int) -> np.ndarray:
    rng = RNG(seed)
    angle = 1.5 * np.pi * (1 + 2 * rng.random(n))
    return np.stack([angle * np.cos(angle), 21 * rng.random(n), angle * np.sin(angle)], axis=1)


def two_circles(n: int, apart: float) -> np.ndarray:
    ring = circle(n // 2)
    return np.concatenate([ring, ring + [apart, 0.0]])


def numbers(points: Any, *args: Any, **options: Any) -> tuple[int | Missing, ...]:
    answer = betti(points, *args, **options)
    assert isinstance(answer, Betti)
    return answer.numbers


def test_persistence_of_a_square() -> None:
    """Side 3: joined at 3, one loop from 3 to the diagonal, no void."""
    h0, h1, h2 = persistence(3 * np.array([[0, 0], [0, 1], [1, 1], [1, 0]]), 2)
    np.testing.assert_allclose(h0, [[0, math.inf], [0, 3], [0, 3], [0, 3]], rtol=1e-9)
    np.testing.assert_allclose(h1, [[3, 3 * math.sqrt(2)]], rtol=1e-9)
    assert len(h2) == 0


def test_persistence_of_an_octahedron() -> None:
    """Six points at distances sqrt(2), opposite ones at 2: one void in between."""
    _, h1, h2 = persistence(np.concatenate([np.eye(3), -np.eye(3)]), 2)
    assert len(h1) == 0
    np.testing.assert_allclose(h2, [[math.sqrt(2), 2]], rtol=1e-9)


@pytest.mark.parametrize("n", [12, 30, 113])
def test_persistence_of_an_even_circle(n: int) -> None:
    """Born at the side of the polygon; dies when three points span it (Adamaszek & Adams 2017, arXiv:1503.03669)."""
    side, filled = 2 * math.sin(math.pi / n), 2 * math.sin(math.pi * math.ceil(n / 3) / n)
    np.testing.assert_allclose(persistence(circle(n))[1], [[side, filled]], rtol=1e-9)
    assert persistence_ratio(circle(n)) == pytest.approx(filled / side, rel=1e-9)


@pytest.mark.parametrize("move", ["1e-8", "1e8", "1e-200", "rotation", "shift", "order", "float32", "tensor"])
def test_moves_change_nothing(move: str) -> None:
    points = circle(40, 3, channels=6, noise=0.5, uneven=True)
    rotation = np.linalg.qr(RNG(4).normal(size=(6, 6)))[0]
    unit = float(move) if move[0] == "1" else 1.0
    moved: Any = {
        "rotation": points @ rotation,
        "shift": points + 100.0,
        "order": points[RNG(5).permutation(40)],
        "float32": points.astype(np.float32),
        "tensor": torch.tensor(points),
    }.get(move, unit * points)
    tolerance = 1e-4 if move == "float32" else 1e-9
    for a, b in zip(persistence(points), persistence(moved), strict=True):
        assert not isinstance(a, Missing)
        np.testing.assert_allclose(a * unit, b, rtol=tolerance)
    before, after = betti(points), betti(moved)
    assert isinstance(before, Betti)
    assert isinstance(after, Betti)
    assert before.numbers == after.numbers
    for p, q in zip(before.p_values, after.p_values, strict=True):
        # A p-value is a power of the ratio of about 10, which multiplies the rounding.
        np.testing.assert_allclose(p, q, rtol=100 * tolerance, atol=tolerance)


def test_ties_do_not_depend_on_the_order_of_the_points() -> None:
    """A clock of three frequencies has every distance many times, each with its own rounding."""
    angle = 2 * np.pi * np.outer(np.arange(59), [3, 7, 22]) / 59
    clock = embedded(np.concatenate([np.cos(angle), np.sin(angle)], axis=1), 32, RNG(0))
    first, second = persistence(clock)[1], persistence(clock[RNG(1).permutation(59)])[1]
    np.testing.assert_allclose(first, second, rtol=1e-9)
    assert numbers(clock) == numbers(clock[::-1])


def test_duplicates_change_nothing() -> None:
    points = circle(30, 1, channels=4, noise=0.2)
    twice = np.concatenate([points, points[::2]])
    for a, b in zip(persistence(points), persistence(twice), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    once, again = betti(points), betti(twice)
    assert isinstance(once, Betti)
    assert isinstance(again, Betti)
    assert again.n_points == 30
    np.testing.assert_allclose(once.p_values[1], again.p_values[1], rtol=1e-6)


def test_distances_may_be_given_and_rounding_in_them_is_harmless() -> None:
    points = RNG(0).normal(size=(60, 40))
    distances = np.sqrt(np.maximum(np.square(points[:, None] - points[None]).sum(-1), 0))
    distances += np.triu(1e-15 * RNG(1).random((60, 60)), 1)
    for a, b in zip(persistence(points), persistence(distances, metric="precomputed"), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_the_p_values_are_those_of_the_law() -> None:
    """pi ~ Pareto(rate), Bonferroni; the detectable ratio has p = level; bars and p-values are aligned."""
    answer = betti(circle(60, 2, channels=32, noise=0.7), level=0.01)
    assert isinstance(answer, Betti)
    ratio = answer.bars[1][:, 1] / answer.bars[1][:, 0]
    m, rate = answer.tests[1], answer.rates[1]
    np.testing.assert_allclose(answer.p_values[1], np.minimum(1, m * ratio**-rate), rtol=1e-9)
    assert m >= len(ratio)
    assert m * answer.detectable[1] ** -rate == pytest.approx(0.01, rel=1e-9)
    assert answer.numbers[1] == (ratio > answer.detectable[1]).sum() == 1
    lengths = np.diff(answer.bars[1], axis=1)
    assert (np.diff(lengths, axis=0) <= 0).all()
    assert answer.p_values[0][0] == 0
    assert len(answer.p_values[0]) == len(answer.bars[0]) == 60


def test_the_rate_is_that_of_clouds_of_the_same_spectrum() -> None:
    """A Gaussian cloud is its own surrogate: its bars' mean log ratio is 1 / rate, less the slack, over many clouds."""
    own, law = [], []
    for seed in range(12):
        answer = betti(RNG(seed).normal(size=(60, 4)), seed=seed)
        assert isinstance(answer, Betti)
        own.append(np.log(answer.bars[1][:, 1] / answer.bars[1][:, 0]).mean())
        law.append(1 / (SLACK * answer.rates[1]))
    error = np.std(own, ddof=1) / math.sqrt(12)
    assert abs(np.mean(own) - np.mean(law)) < 4 * error


@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0])
def test_a_circle_is_found_up_to_noise_as_long_as_its_radius(noise: float) -> None:
    assert all(numbers(circle(113, seed, channels=128, noise=noise)) == (1, 1) for seed in range(3))


def test_two_dimensional_shapes() -> None:
    answer = [numbers(torus(113, seed))[1] for seed in range(6)]
    assert answer.count(2) >= 4
    assert numbers(sphere(80, 0), 2) == (1, 0, 1)


@pytest.mark.parametrize("apart", [4.0, 10.0, 100.0])
def test_two_circles(apart: float) -> None:
    assert numbers(two_circles(112, apart)) == (2, 2)


@pytest.mark.parametrize("channels", [2, 10, 100])
def test_three_blobs(channels: int) -> None:
    assert numbers(blobs(113, 0, channels=channels, apart=30.0)) == (3, 0)


def test_outliers_are_no_components() -> None:
    points = np.concatenate([RNG(0).normal(size=(60, 5)), [[40.0, 0, 0, 0, 0], [0, 40.0, 0, 0, 0]]])
    assert numbers(points)[0] == 1


@pytest.mark.parametrize("shape", LOOP_FREE)
def test_no_loop_and_no_second_component_where_there_is_none(shape: str) -> None:
    assert numbers(LOOP_FREE[shape](60, RNG(0))) == (1, 0)


@pytest.mark.parametrize("shape", APART)
def test_components_and_their_loops_are_found(shape: str) -> None:
    b0, b1, draw = APART[shape]
    assert [numbers(draw(360, RNG(seed)), 0)[0] for seed in range(5)] == [b0] * 5
    assert numbers(draw(180, RNG(0))) == (b0, b1)


@pytest.mark.parametrize("shape", LOOPS | LOOP_FREE)
@pytest.mark.parametrize("n", [60, 113, 300])
def test_uneven_sampling_leaves_no_gap(shape: str, n: int) -> None:
    """20 draws: more than 3 false ones have a chance of 2 % at the level of 5 %; most shapes have none."""
    draw = (LOOPS | LOOP_FREE)[shape]
    assert sum(numbers(draw(n, RNG(seed)), 0) != (1,) for seed in range(20)) <= 2


def test_uneven_curves_of_many_points() -> None:
    assert [numbers(LOOPS[f"trefoil in R^64, noise .0{k}"](600, RNG(k)), 0)[0] for k in (2, 3)] == [1, 1]


def test_the_chance_of_a_gap() -> None:
    """A Poisson process on a line: from a point, a gap g with m points in the next stretch of length g, P = 2^-m.

    Simulated: the share of draws in which m reaches 3 is 1/8, within four standard errors.
    """
    steps = RNG(0).exponential(size=(4000, 40))
    beyond = (np.cumsum(steps[:, 1:], axis=1) < steps[:, :1]).sum(1)
    assert abs((beyond >= 3).mean() - 1 / 8) < 4 * math.sqrt(1 / 8 * 7 / 8 / 4000)


def test_the_p_value_of_a_gap_is_that_of_its_emptier_side() -> None:
    side = np.concatenate([np.linspace(0, 0.9, 40), [1.5, 2.2, 3.0]])  # 41 other points nearer than 2, one beyond
    line = np.concatenate([-side, 2 + np.concatenate([np.linspace(0, 1.9, 14), [2.5, 3.4]])])[:, None]  # here 13
    gaps = components(np.abs(line - line.T), 0.05)
    assert gaps.lengths[0] == 2
    assert gaps.p_values[0] == pytest.approx((len(line) - 1) * 2.0**-13)
    far = np.concatenate([np.linspace(0, 1, 6), np.linspace(5, 6, 6)])[:, None]
    gaps = components(np.abs(far - far.T), 0.05)
    assert gaps.p_values[0] == pytest.approx(11 * (1 + 4) ** -5.0)
    assert gaps.labels.tolist() == [0] * 6 + [1] * 6


def test_holes_are_judged_within_components() -> None:
    """Two far blobs have the p-values of each by itself, multiplied by the bars of both."""
    one, two = RNG(1).normal(size=(60, 2)), RNG(2).normal(size=(80, 2)) + [200, 0]
    both, alone = betti(np.concatenate([one, two])), [betti(one), betti(two)]
    assert isinstance(both, Betti)
    assert both.numbers == (2, 0)
    assert both.tests[1] == pytest.approx(sum(each.tests[1] for each in alone))  # type: ignore[misc, union-attr]
    assert both.rates[1] == pytest.approx(min(each.rates[1] for each in alone))  # type: ignore[type-var, union-attr]
    assert len(both.bars[1]) == sum(len(each.bars[1]) for each in alone)  # type: ignore[arg-type, union-attr]
    bars = np.concatenate([each.bars[1] for each in alone])  # type: ignore[union-attr]
    np.testing.assert_allclose(np.sort(both.bars[1][:, 1]), np.sort(bars[:, 1]), rtol=1e-9)  # type: ignore[index]


def test_two_far_blobs_have_no_hole() -> None:
    """2 x 60 and 2 x 100 points, 100 and 200 standard deviations apart; once 9 and 16 of 24 draws had."""
    for apart, n in ((100, 60), (200, 60), (200, 100)):
        clouds = [RNG([apart, seed]).normal(size=(2, n, 2)) + [[[0, 0]], [[apart, 0]]] for seed in range(12)]
        answer = [numbers(both.reshape(-1, 2)) for both in clouds]
        assert [one[0] for one in answer] == [2] * 12
        assert sum(one[1] != 0 for one in answer) <= 2


def test_blobs_of_unequal_spread() -> None:
    for spread in (0.1, 0.01, 1e-4):
        points = np.concatenate([RNG(0).normal(size=(100, 2)), spread * RNG(1).normal(size=(100, 2)) + 15])
        assert numbers(points) == (2, 0)


def test_betti_of_distances() -> None:
    """Distances give the same as points, which are recovered up to a rotation; rounding in the matrix is harmless."""
    points = np.concatenate([circle(60), circle(60, channels=2) + [6, 0]]) @ RNG(0).normal(size=(2, 5))
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.testing.assert_allclose(squareform(pdist(coordinates(distances))), distances, atol=1e-9 * distances.max())
    rough = distances * (1 + 1e-7 * RNG(1).random(distances.shape)) + 1e-7 * np.eye(120)
    for matrix in (distances, rough, torch.tensor(distances, dtype=torch.float32)):
        one, other = betti(points), betti(matrix, metric="precomputed")
        assert isinstance(one, Betti)
        assert isinstance(other, Betti)
        assert one.numbers == other.numbers == (2, 2)
        np.testing.assert_allclose(one.bars[1], other.bars[1], rtol=1e-4)


@pytest.mark.parametrize("ask", [betti, persistence])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d + np.triu(1e-4 * d.max() * np.ones_like(d), 1), "transpose by up to .*, 0.0001 of the largest"),
        (lambda d: d + 1e-3 * d.max() * np.eye(len(d)), "themselves are not 0, but by up to"),
        (lambda d: d - 0.01 * d.max() * (1 - np.eye(len(d))) * (d < 0.005 * d.max()), "negative"),
        (lambda d: np.where(d == d.max(), np.inf, d), "distances must be finite"),
        (lambda d: d[:5], "symmetric matrix, got shape"),
        (lambda d: d + 0j, "distances must be real"),
    ],
)
def test_what_is_no_distance_is_refused_with_its_size(ask: Any, change: Any, message: str) -> None:
    distances = squareform(pdist(circle(400, channels=3, noise=0.1)))
    with pytest.raises(ValueError, match=message):
        ask(change(distances), metric="precomputed")


def test_large_clouds_are_judged_on_landmarks() -> None:
    answer = betti(np.concatenate([circle(700, noise=0.05), circle(350, noise=0.05) + [9, 0]]), surrogates=10)
    assert isinstance(answer, Betti)
    assert answer.numbers == (2, 2)
    assert answer.n_points == 1050
    assert answer.n_used == (1050, 500)
    with pytest.raises(ValueError, match="landmarks are taken of points"):
        betti_of_landmarks(np.zeros((20, 20)), metric="precomputed")


def test_seconds_are_for_all_dimensions_together() -> None:
    points = RNG(0).normal(size=(250, 6))
    start = time.monotonic()
    answer = betti(points, 2, seconds=3)
    assert isinstance(answer, Betti)
    assert time.monotonic() - start < 4.5  # the end of a child process, and H0
    assert isinstance(answer.numbers[2], Missing)
    late = persistence(points, 2, seconds=1e-9)
    assert isinstance(late[1], Missing)
    assert isinstance(late[2], Missing)


@pytest.mark.slow
def test_rates_of_false_and_right_numbers() -> None:
    """Over all connected shapes at most 5 % of b0 and b1 are false at each size, four standard errors allowed."""
    rates = betti_rates(rounds=20)["rates"]
    for n in (60, 113, 300):
        for number in ("b0", "b1"):
            known = [row[number] for row in rates if (row["kind"], row["n"]) == ("connected", n) and row[number]]
            assert 1 - np.mean(known) < 0.05
    assert all(row["b0"] == 1 for row in rates if row["kind"] == "apart" and row["n"] == 300)


@pytest.mark.slow
def test_tori_are_found() -> None:
    """At 113 random points 88 % are (of 180); the others have a second loop within chance, or a third beyond it.

    Of 60 draws that is 45 or more in 99 % of samples.
    """
    assert sum(numbers(torus(113, seed))[1] == 2 for seed in range(60)) >= 45
    assert sum(numbers(torus(300, seed))[1] == 2 for seed in range(20)) >= 19


def test_resistance_of_a_ring_of_resistors() -> None:
    """Two neighbours each: k (n - k) / n between points k apart, less 1/2 + 1/2, and 1/2 back between neighbours."""
    n = 12
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    expected = apart * (n - apart) / n - 1 + 0.5 * np.isin(apart, (1, n - 1))
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(resistance(circle(n), 2), expected, atol=1e-9)
    np.testing.assert_allclose(resistance(1e-8 * circle(n) + 1, 2), expected, atol=1e-9)


def test_resistance_between_components_is_twice_the_largest_within() -> None:
    distances = resistance(two_circles(40, 100.0), 4)
    assert (distances[:20, 20:] == 2 * distances[:20, :20].max()).all()
    np.testing.assert_allclose(distances[:20, :20], distances[20:, 20:], atol=1e-9)


def test_resistance_finds_the_circle_that_noise_hides() -> None:
    clouds = [circle(113, seed, channels=128, noise=2.0) for seed in range(3)]
    assert [numbers(points)[1] for points in clouds] == [0, 0, 0]
    assert [numbers(points, metric="resistance")[1] for points in clouds] == [1, 1, 1]


def test_landmarks_of_a_large_circle() -> None:
    answer = betti_of_landmarks(circle(2500, 0, channels=8, noise=0.05, uneven=True), n_landmarks=60)
    assert isinstance(answer, LandmarkBetti)
    assert len(answer.draws) == 3
    assert answer.numbers == answer.low == answer.high == (1, 1)
    assert len({one.bars[1][0, 0] for one in answer.draws}) > 1  # other starts, other landmarks
    whole = betti_of_landmarks(circle(40))
    assert isinstance(whole, LandmarkBetti)
    assert len(whole.draws) == 1


def test_no_answer_is_missing() -> None:
    for points in (np.zeros((30, 2)), circle(9), np.repeat(circle(9), 5, axis=0), np.empty((0, 3))):
        assert isinstance(betti(points), Missing)
    assert isinstance(persistence_ratio(np.linspace(0, 1, 20)[:, None]), Missing)
    late = betti(circle(40, noise=0.1, channels=3), 2, seconds=1e-3)
    assert isinstance(late, Betti)
    assert late.numbers[:2] == (1, 1)
    assert isinstance(late.numbers[2], Missing)
    assert "took more than" in late.numbers[2].reason
    many = persistence(RNG(0).normal(size=(2001, 2)))
    assert len(many[0]) == 2001
    assert isinstance(many[1], Missing)


def test_the_child_process_gives_the_same_bars() -> None:
    points = sphere(30, 0)
    for a, b in zip(persistence(points, 2), persistence(points, 2, seconds=100), strict=True):
        np.testing.assert_array_equal(a, b)


def test_surrogates_without_bars_leave_the_law_of_noise_in_the_plane() -> None:
    """20 points of a line: no surrogate has a bar. A ring of ratio 2 among two bars would then have p = 2 2^(-1/.2)."""
    answer = betti(np.linspace(0, 1, 20)[:, None])
    assert isinstance(answer, Betti)
    assert answer.numbers == (1, 0)
    assert answer.rates[1] == pytest.approx(1 / (SLACK * FULL[1]))
    bars = np.array([[1.0, 2.0], [1.0, 1.1]])
    verdict = holes([Diagram(bars=bars, surrogates=[np.empty((0, 2))] * 20)], 1, 0.05)
    np.testing.assert_allclose(verdict.p_values, [2 * 2 ** (-1 / (SLACK * 0.2)), 1.0], rtol=1e-9)
    small = holes([Diagram(bars=bars, surrogates=[])], 1, 0.05)
    np.testing.assert_array_equal(small.p_values, [1.0, 1.0])


def noise(logs: Any) -> np.ndarray:
    """Bars of these log(death / birth)."""
    return np.stack([np.ones(len(logs)), np.exp(logs)], axis=1)


@pytest.mark.parametrize(("own", "excess"), [(0.1, 0.1), (0.01, 0.05), (0.5, FULL[1])])
def test_excess_bars_count_as_the_own_ones_between_the_surrogates_and_the_plane(own: float, excess: float) -> None:
    """Four bars, two of a surrogate with log ratio .05: the mean is that of .05, .05 and two excess ones."""
    one = Diagram(bars=noise([own] * 4), surrogates=[noise([0.03, 0.07])] * 20)
    verdict = holes([one], 1, 0.05)
    assert verdict.tests == 4
    assert verdict.rate == pytest.approx(1 / (SLACK * (2 * 0.05 + 2 * excess) / 4))
    assert holes([Diagram(bars=noise([]), surrogates=one.surrogates)], 1, 0.05).rate == pytest.approx(
        1 / (SLACK * 0.05)
    )


@pytest.mark.parametrize("scale", [0.02, 0.1, FULL[1]])
@pytest.mark.parametrize("number", [1, 2, 5, 11, 60])
def test_the_level_holds_where_all_bars_are_excess(number: int, scale: float) -> None:
    """Noise that follows the law (log pi exponential) and no surrogate has; 3,000 draws, four standard errors."""
    drawn = RNG(0).exponential(scale, size=(3000, number))
    none = [np.empty((0, 2))] * 5
    false = [(holes([Diagram(bars=noise(one), surrogates=none)], 1, 0.05).p_values < 0.05).any() for one in drawn]
    assert np.mean(false) <= 0.05 + 4 * math.sqrt(0.05 * 0.95 / 3000)


def circles(turns: np.ndarray, amplitudes: list[float], rng: np.random.Generator) -> np.ndarray:
    angle = 2 * np.pi * turns
    return embedded(np.concatenate([amplitudes * np.cos(angle), amplitudes * np.sin(angle)], axis=1), 128, rng)


def test_the_largest_circle_of_an_uneven_torus_is_found() -> None:
    """60 points of a torus of five circles, the first twice as large as the next: at least one loop, at most five."""
    answer = []
    for seed in range(30):
        rng = RNG([60, seed])
        answer.append(numbers(circles(rng.random((60, 5)), [1.0, 0.5, 0.4, 0.3, 0.2], rng))[1])
    assert sum(n > 0 for n in answer) >= 24
    assert max(answer) <= 5


def test_the_loop_of_a_clock_is_found() -> None:
    """59 class means at random frequencies, noise of .05 of the largest circle: many short bars and the torus' own."""
    answer = []
    for seed in range(30):
        rng = RNG([59, seed])
        turns = np.outer(np.arange(59), rng.choice(np.arange(1, 30), 3, replace=False)) / 59
        points = circles(turns, [1.0, 0.5, 0.4], rng)
        answer.append(numbers(points + 0.05 * rng.normal(size=points.shape) / math.sqrt(128))[1])
    assert sum(n > 0 for n in answer) >= 21
    assert max(answer) <= 3


@pytest.mark.parametrize("sides", [[1.0, 1.0], [1.0, 1.0, 0.2], [1.0, 0.7, 0.5, 0.3]])
def test_many_short_bars_of_even_points_are_no_loop(sides: list[float]) -> None:
    """A Kronecker sequence fills a box evenly: 10 to 20 bars more than its surrogates, and no loop."""
    root = {2: 1.3247179572447460, 3: 1.2207440846057595, 4: 1.1673039782614187}[len(sides)]  # x^(d + 1) = x + 1
    steps = np.outer(np.arange(59), root ** -np.arange(1.0, len(sides) + 1))
    answer = [(RNG(seed).random(len(sides)) + steps) % 1 * sides for seed in range(20)]
    answers = [betti(points, seed=seed) for seed, points in enumerate(answer)]
    assert all(isinstance(one, Betti) and one.numbers == (1, 0) for one in answers)


def test_tiny_clouds_have_bars_too() -> None:
    assert [len(bars) for bars in persistence(np.ones((1, 2)), 2)] == [1, 0, 0]
    assert [len(bars) for bars in persistence(np.ones((5, 2)), 2)] == [1, 0, 0]
    assert spanning_tree(np.zeros((1, 1)))[0].size == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: betti(np.full((20, 2), np.nan)), "finite"),
        (lambda: betti(np.zeros(20)), "shape"),
        (lambda: betti(circle(20), level=0.0), "level"),
        (lambda: betti(circle(20), level=1.0), "level"),
        (lambda: betti(circle(20), surrogates=4), "surrogates"),
        (lambda: betti(circle(20), 3), "max_dimension"),
        (lambda: betti(circle(20), seconds=0), "seconds"),
        (lambda: betti(circle(20), metric="precomputed"), "metric"),  # type: ignore[arg-type]
        (lambda: betti(circle(12), metric="resistance"), "neighbours"),
        (lambda: persistence(circle(20), -1), "max_dimension"),
        (lambda: persistence(np.empty((0, 2))), "at least one point"),
        (lambda: persistence(circle(20), metric="precomputed"), "symmetric"),
        (lambda: persistence(1 - 2 * np.eye(3), metric="precomputed"), "negative"),
        (lambda: persistence(np.ones((3, 3)), metric="precomputed"), "themselves"),
        (lambda: persistence_ratio(circle(20), 0), "dimension"),
        (lambda: persistence_ratio(persistence(circle(20)), 2), "dimensions 0 to 1"),
        (lambda: betti(circle(20), metric="resistance", neighbours=20), "neighbours"),
        (lambda: betti_of_landmarks(circle(20), starts=0), "starts"),
    ],
)
def test_bad_arguments_are_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_the_surrogates_bars_are_in_the_units_of_the_cloud() -> None:
    cloud = torus(60, 0)
    one, other = betti(cloud), betti(1e6 * cloud)
    assert isinstance(one, Betti)
    assert isinstance(other, Betti)
    for null, larger in zip(one.null[1:], other.null[1:], strict=True):
        np.testing.assert_allclose(1e6 * np.asarray(null), larger, rtol=1e-9)
    assert isinstance(one.null[0], Missing)
    strengths = np.asarray(one.null[1])[:, 1] / np.asarray(one.null[1])[:, 0]
    assert one.rates[1] == pytest.approx(1 / (SLACK * np.log(strengths).mean()))
