"""Circular coordinates on clouds whose angles are known, and their bars against another library."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist, squareform

from grokscope.errors import Missing
from grokscope.numerics._cocycles import _lifted, loops
from grokscope.numerics.cohomology import Coordinates, _reduced, _smooth, circular_coordinates


def coherence(angles: np.ndarray, phase: np.ndarray) -> float:
    """|mean exp(2 pi i (angle -+ phase))|, the larger of the signs: 1 where one is the other turned or reflected."""
    return float(max(abs(np.exp(2j * np.pi * (angles - sign * phase)).mean()) for sign in (1, -1)))


def named(angles: np.ndarray, phases: np.ndarray) -> tuple[int, float]:
    """Which row of the phases the angles follow, and how closely."""
    values = [coherence(angles, phase) for phase in phases]
    return int(np.argmax(values)), max(values)


def name_frequency(angles: np.ndarray, p: int) -> tuple[int, float]:
    """The frequency k whose phase k a / p the angles of the residues follow, and how closely."""
    row, value = named(angles, np.outer(np.arange(1, (p + 1) // 2), np.arange(p)) / p)
    return row + 1, value


def turn(u: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(2 * np.pi * u), np.sin(2 * np.pi * u)], axis=-1)


def embedded(flat: np.ndarray, *, noise: float = 0.0, seed: int = 0, channels: int = 64) -> np.ndarray:
    """The points in a random subspace, with noise of this length on average."""
    rng = np.random.default_rng(1000 + seed)
    frame = np.linalg.qr(rng.normal(size=(channels, flat.shape[1])))[0]
    return flat @ frame.T + noise * rng.normal(size=(len(flat), channels)) / np.sqrt(channels)


def clock(frequencies: list[int], *, p: int = 113, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    waves = turn(np.outer(np.arange(p), frequencies) / p).reshape(p, -1)
    return embedded(waves, noise=noise, seed=seed, channels=128)


def coordinates_of(points: np.ndarray, **options: int) -> Coordinates:
    coordinates = circular_coordinates(points, **options)
    assert isinstance(coordinates, Coordinates), coordinates
    assert ((coordinates.angles >= 0) & (coordinates.angles < 1)).all()
    return coordinates


def torus(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random points of a 2-torus and the phases of its angles' combinations with coefficients up to 3."""
    u = np.random.default_rng(seed).random((n, 2))
    pairs = np.array([(i, j) for i in range(-3, 4) for j in range(-3, 4) if (i, j) > (0, 0)])
    return embedded(turn(u).reshape(n, 4), seed=seed), pairs @ u.T


CLOUDS = {
    "circle": lambda rng: turn(rng.random(40)),
    "plane": lambda rng: rng.normal(size=(60, 2)),
    "space": lambda rng: rng.normal(size=(50, 8)),
    "lattice": lambda rng: np.stack(np.meshgrid(np.arange(6.0), np.arange(7.0)), axis=-1).reshape(-1, 2),
    "tied": lambda rng: rng.integers(0, 4, size=(40, 3)).astype(float),
    "clock": lambda rng: clock(rng.choice(np.arange(1, 29), 2, replace=False).tolist(), p=59),
}


@pytest.mark.parametrize("name", CLOUDS)
def test_the_bars_are_those_of_another_library(name: str) -> None:
    from gudhi.sklearn import RipsPersistence

    reference = RipsPersistence(homology_dimensions=[1], input_type="lower distance matrix")
    for seed in range(4):
        distances = squareform(pdist(CLOUDS[name](np.random.default_rng(seed))))
        bars = np.asarray(reference.fit_transform([distances])[0][0]).reshape(-1, 2)
        bars = bars[bars[:, 1] > bars[:, 0] * (1 + 1e-9)]
        own = np.array([(loop.birth, loop.death) for loop in loops(distances, keep=10**6)]).reshape(-1, 2)
        assert len(own) == len(bars)
        np.testing.assert_allclose(own[np.lexsort(own.T)], bars[np.lexsort(bars.T)], rtol=1e-12)
        ratios = own[:, 1] / own[:, 0]
        assert (np.diff(ratios) < 1e-9).all()


@pytest.mark.parametrize("seed", range(3))
def test_cocycles_close_before_the_death_and_not_after(seed: int) -> None:
    distances = squareform(pdist(np.random.default_rng(seed).normal(size=(40, 3))))
    for loop in loops(distances, keep=5):
        z = loop.cocycle.astype(int)
        boundary = (z[:, :, None] + z[None] - z[:, None, :]) % 47
        longest = np.maximum(np.maximum(distances[:, :, None], distances[None]), distances[:, None, :])
        assert not boundary[longest < loop.death].any()
        assert z[loop.edge] == 1
        assert distances[loop.edge] == loop.birth
        assert (z == -z.T).all()
        assert not z[distances < loop.birth].any()


@pytest.mark.parametrize(("noise", "least"), [(0.0, 1 - 1e-9), (0.05, 0.999), (0.3, 0.95)])
@pytest.mark.parametrize(("k", "seed"), [(1, 0), (7, 1), (56, 2)])
def test_a_clock_names_its_frequency(k: int, seed: int, noise: float, least: float) -> None:
    points = clock([k], noise=noise, seed=seed)
    coordinates = coordinates_of(points)
    name, value = name_frequency(coordinates.angles[0], 113)
    assert name == k
    assert value > least
    if not noise:
        # Chords of the regular polygon; the circle is filled by the first triangle that holds its centre.
        edges = 2 * np.sin(np.pi * np.array([1, 38]) / 113)
        np.testing.assert_allclose(coordinates.bars[0], edges, rtol=1e-9)
        assert coordinates.scale == pytest.approx(edges @ [0.75, 0.25], rel=1e-9)


@pytest.mark.parametrize(("noise", "least"), [(0.0, 0.999), (0.05, 0.99), (0.3, 0.95)])
@pytest.mark.parametrize("frequencies", [[7, 31], [5, 9], [8, 30]])
def test_a_clock_of_two_frequencies_names_both(frequencies: list[int], noise: float, least: float) -> None:
    """[8, 30]: one of the two classes mod 47 is a fraction, and has no integer cocycle by itself."""
    coordinates = coordinates_of(clock(frequencies, noise=noise), n=2)
    names, values = zip(*(name_frequency(angle, 113) for angle in coordinates.angles), strict=True)
    assert sorted(names) == frequencies
    assert min(values) > least


def test_one_coordinate_of_two_frequencies_may_mix_them() -> None:
    points = clock([33, 53], noise=0.05)
    name, value = name_frequency(coordinates_of(points).angles[0], 113)
    assert name == 53 - 33
    assert value > 0.99
    assert sorted(name_frequency(angle, 113)[0] for angle in coordinates_of(points, n=2).angles) == [33, 53]


def test_a_class_that_outlives_another_is_lifted_from_its_fraction() -> None:
    """The first bar's class mod 47 is a sixth of an integer class: unlifted it winds 8 times, at no frequency."""
    for seed in range(2):
        name, value = name_frequency(coordinates_of(clock([31, 7], noise=0.3, seed=seed)).angles[0], 113)
        assert name in (31, 7)
        assert value > 0.95


def arc_length(curve: np.ndarray) -> np.ndarray:
    steps = np.linalg.norm(np.diff(curve, axis=0), axis=1)
    return np.concatenate([[0], np.cumsum(steps)]) / steps.sum()


CURVES = {
    "ellipse": (lambda u: turn(u) * [2.5, 1], 150, 0.0),
    "uneven circle": (turn, 200, 1.0),
    "trefoil": (
        lambda u: np.concatenate([turn(u) + 2 * turn(2 * u) * [-1, 1], np.sin(6 * np.pi * u)[:, None]], axis=1),
        300,
        0.0,
    ),
}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("seed", range(2))
def test_random_points_of_a_curve_get_its_arc_length(name: str, seed: int) -> None:
    """For an even sample any weights of the edges do; on the uneven circle equal weights reach 0.6."""
    curve, n, concentration = CURVES[name]
    rng = np.random.default_rng(seed)
    u = (rng.vonmises(0, concentration, n) / (2 * np.pi)) % 1 if concentration else rng.random(n)
    fine = np.linspace(0, 1, 4001)
    angles = coordinates_of(embedded(curve(u), noise=0.05, seed=seed)).angles[0]
    assert coherence(angles, np.interp(u, fine, arc_length(curve(fine)))) > 0.95


def test_the_angle_winds_once_along_the_loop() -> None:
    u = np.sort(np.random.default_rng(0).random(80))
    order = np.random.default_rng(1).permutation(80)
    for points in (turn(u), turn(u) * [3, 1], turn(u) + np.array([1e6, -1e6])):
        angles = np.empty(80)
        angles[order] = coordinates_of(points[order]).angles[0]
        steps = np.diff(angles, append=angles[0])
        assert round(abs((steps - np.round(steps)).sum()), 9) == 1


@pytest.mark.parametrize("seed", range(2))
def test_both_angles_of_a_torus_are_found(seed: int) -> None:
    points, phases = torus(300, seed)
    coordinates = coordinates_of(points, n=2)
    rows = [named(angle, phases) for angle in coordinates.angles]
    assert min(value for _, value in rows) > 0.95
    # Rows of the phases: (0, 1) is the first, (1, 0) the seventh.
    assert sorted(row for row, _ in rows) == [0, 6]


def test_two_circles_have_an_angle_each() -> None:
    u = np.random.default_rng(0).random(100)
    one = np.pad(turn(u), ((0, 0), (0, 1)))
    coordinates = coordinates_of(np.concatenate([one, one * 3 + [20, 0, 1]]), n=2)
    for angle in coordinates.angles:
        assert max(coherence(half, u) for half in (angle[:100], angle[100:])) > 0.97
        other = angle[:100] if np.ptp(angle[:100]) < np.ptp(angle[100:]) else angle[100:]
        np.testing.assert_allclose(turn(other), turn(np.zeros(100)), atol=1e-9)


def moebius() -> tuple[np.ndarray, np.ndarray]:
    """A Moebius band, sampled densely at its edge and thinly inside, and its angle along the core."""
    edge, inside = np.arange(160) / 160, np.arange(15) / 15
    along, across = np.concatenate([2 * edge, inside]), np.concatenate([np.full(160, 0.45), np.zeros(15)])
    half = turn(along / 2) * across[:, None]
    return np.concatenate([turn(along), half[:, :1] * turn(along), half[:, 1:]], axis=1), along


def test_a_moebius_band_turns_once_along_its_core() -> None:
    points, along = moebius()
    assert coherence(coordinates_of(points).angles[0], along) > 0.95


def test_a_cocycle_that_closes_only_mod_47_is_none_of_integers() -> None:
    edges = ~np.eye(3, dtype=bool)
    for last, closes in ((13, True), (-7, False)):
        value = {-7: 20, 13: 6}[last]
        cocycle = np.array([[0, value, last], [-value, 0, last - value], [-last, value - last, 0]])
        lifted = _lifted(cocycle, edges)
        assert (lifted is not None) == closes
    # The same on an open chain of edges.
    edges[0, 2] = edges[2, 0] = False
    assert _lifted(cocycle, edges) is not None


def test_landmarks_carry_the_angle_to_all_points() -> None:
    u = np.random.default_rng(0).random(2000)
    points = embedded(turn(u), noise=0.05)
    coordinates = coordinates_of(points, max_points=60)
    assert coordinates.angles.shape == (1, 2000)
    assert coherence(coordinates.angles[0], u) > 0.998
    # Between landmarks the angle moves too: those of 60 landmarks alone would be 1/60 apart.
    assert np.diff(np.sort(coordinates.angles[0])).max() < 1 / 90
    # As smooth as the loop through all points says: the same angle up to a turn.
    few = coordinates_of(points[:200])
    assert coherence(few.angles[0], coordinates.angles[0][:200]) > 0.99


def test_steps_are_those_of_the_reduced_angles() -> None:
    """Two rings of unlike size, the first class winding around both, three times around the second."""
    n = 12
    ring = np.zeros((n, n))
    ring[np.arange(n), (np.arange(n) + 1) % n] = 1
    weights = np.kron(np.eye(2), ring + ring.T)
    once = np.zeros((n, n), dtype=int)
    once[0, 1], once[1, 0] = 1, -1
    cocycles = np.stack([np.kron(np.diag([1, 3]), once), np.kron(np.diag([0, 1]), once)])
    angles, steps = _smooth(cocycles, weights)
    difference = steps - (angles[:, None, :] - angles[:, :, None])
    np.testing.assert_allclose(difference, np.round(difference), atol=1e-9)
    # Each ring has one angle that turns evenly, 1/12 a step, and one that stands still.
    size = np.abs(steps) * weights
    np.testing.assert_allclose(size[:, :n, :n].max((1, 2)), [1 / 12, 0], atol=1e-9)
    np.testing.assert_allclose(size[:, n:, n:].max((1, 2)), [0, 1 / 12], atol=1e-9)


def test_one_outlier_of_the_landmarks_takes_the_nearest_angle() -> None:
    u = np.random.default_rng(0).random(500)
    points = np.concatenate([turn(u), [[1.9, 0.0]]])
    angles = coordinates_of(points, max_points=100).angles[0]
    assert coherence(angles[:500], u) > 0.99


def test_the_reduced_basis_is_the_shortest() -> None:
    rng = np.random.default_rng(0)
    coefficients = np.stack(np.meshgrid(*[np.arange(-12, 13)] * 3), axis=-1).reshape(-1, 3)
    coefficients = coefficients[coefficients.any(1)]
    for _ in range(20):
        vectors = np.tril(rng.integers(-2, 3, size=(3, 3)), -1) + np.eye(3)
        vectors = vectors @ (np.eye(3) + 0.2 * rng.normal(size=(3, 3)))
        basis = _reduced(vectors @ vectors.T)
        assert abs(round(np.linalg.det(basis))) == 1
        lengths = np.linalg.norm(basis @ vectors, axis=1)
        # The shortest vector of the lattice is in the basis.
        assert lengths.min() == pytest.approx(np.linalg.norm(coefficients @ vectors, axis=1).min(), abs=1e-9)
    np.testing.assert_array_equal(_reduced(np.array([[1.0, 5.1], [5.1, 27.0]])), [[1, 0], [-5, 1]])


@pytest.mark.parametrize("n", [1, 2])
def test_a_moved_cloud_has_the_same_angles(n: int) -> None:
    points, _ = torus(120, 3)
    before = coordinates_of(points, n=n)
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.normal(size=(64, 64)))[0]
    order = rng.permutation(120)
    for factor in (1e-200, 1e-3, 3.0, 1e150):
        after = coordinates_of((factor * (points @ rotation + 5.0))[order], n=n)
        np.testing.assert_allclose(after.bars, factor * before.bars, rtol=1e-9)
        assert after.scale == pytest.approx(factor * before.scale, rel=1e-9)
        table = [[coherence(one[order], other) for other in after.angles] for one in before.angles]
        np.testing.assert_allclose(np.max(table, axis=1), 1, atol=1e-9)


def test_the_same_input_gives_the_same_bits_and_is_not_touched() -> None:
    points = clock([3, 20], p=59, noise=0.1)
    copy = points.copy()
    one, two = coordinates_of(points, n=2), coordinates_of(torch.tensor(points), n=2)
    np.testing.assert_array_equal(points, copy)
    np.testing.assert_array_equal(one.angles, two.angles)
    single = coordinates_of(points.astype(np.float32), n=2)
    for angle, other in zip(one.angles, single.angles, strict=True):
        assert coherence(angle, other) > 1 - 1e-4


def test_there_is_no_answer_without_loops_or_points() -> None:
    line = np.linspace(0, 1, 20)[:, None]
    assert circular_coordinates(line) == Missing("the cloud has 0 loops, 1 were asked for")
    assert circular_coordinates(clock([5], noise=0.0), n=2) == Missing("the cloud has 1 loops, 2 were asked for")
    few = Missing("a loop needs at least 10 distinct points")
    assert circular_coordinates(turn(np.arange(9) / 9)) == few
    assert circular_coordinates(np.tile(turn(np.arange(9) / 9), (5, 1))) == few
    assert circular_coordinates(np.zeros((0, 3))) == few
    assert isinstance(circular_coordinates(turn(np.arange(10) / 10)), Coordinates)
    # A small circle is filled before the large one closes.
    small = turn(np.arange(12) / 12) * 0.01
    apart = circular_coordinates(np.concatenate([small, turn(np.arange(12) / 12) * 10 + 40]), n=2)
    assert isinstance(apart, Missing)
    assert "same scale" in apart.reason


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        (np.zeros(5), {}, "shape"),
        (np.full((20, 2), np.nan), {}, "finite"),
        (np.ones((20, 2)), {"n": 0}, "n must be at least 1 loop, got 0"),
        (np.ones((20, 2)), {"max_points": 9}, "max_points must be at least 10, got 9"),
    ],
)
def test_bad_arguments_are_refused(points: np.ndarray, options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        circular_coordinates(points, **options)
