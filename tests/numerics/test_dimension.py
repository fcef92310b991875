"""Intrinsic dimension on clouds whose dimension is known, against an independent implementation, and on bad clouds."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.random import Generator, default_rng

from grokscope.benchmarks.dimension_coverage import dimension_coverage, shapes
from grokscope.errors import Missing
from grokscope.numerics.dimension import (
    Dimension,
    Estimate,
    Nearest,
    gride,
    intrinsic_dimension,
    nearest,
    twonn,
)
from grokscope.numerics.neighbours import distinct, neighbours

Cloud = Callable[[Generator, int], np.ndarray]


def placed(flat: np.ndarray, generator: Generator, channels: int = 128) -> np.ndarray:
    """The cloud in a random subspace of R^128."""
    return flat @ np.linalg.qr(generator.standard_normal((channels, flat.shape[1])))[0].T


def torus(generator: Generator, n: int, circles: int = 2) -> np.ndarray:
    angle = generator.uniform(0, 2 * np.pi, (n, circles))
    return placed(np.hstack([np.cos(angle), np.sin(angle)]), generator)


def sphere(generator: Generator, n: int) -> np.ndarray:
    flat = generator.standard_normal((n, 3))
    return placed(flat / np.linalg.norm(flat, axis=1, keepdims=True), generator)


def swiss_roll(generator: Generator, n: int) -> np.ndarray:
    # Uniform in the angle, not in arc length, as usual.
    turn, height = 1.5 * np.pi * (1 + 2 * generator.uniform(size=n)), 21 * generator.uniform(size=n)
    return placed(np.stack([turn * np.cos(turn), height, turn * np.sin(turn)], axis=1), generator)


CLOUDS: dict[str, tuple[Cloud, float, float]] = {
    "circle": (lambda generator, n: torus(generator, n, 1), 1, 0.25),
    "segment": (lambda generator, n: placed(generator.uniform(size=(n, 1)), generator), 1, 0.25),
    "2-torus": (torus, 2, 0.25),
    "sphere": (sphere, 2, 0.25),
    "swiss roll": (swiss_roll, 2, 0.3),
    "5-torus": (lambda generator, n: torus(generator, n, 5), 5, 1),
}


def known(estimate: Estimate | Missing) -> Estimate:
    assert isinstance(estimate, Estimate), estimate
    return estimate


@pytest.mark.parametrize("name", CLOUDS)
@pytest.mark.parametrize("n", [113, 500])
def test_known_dimensions(name: str, n: int) -> None:
    """The mean over draws: one draw of 113 points has a standard error of d / sqrt(113)."""
    cloud, truth, tolerance = CLOUDS[name]
    generator = default_rng(3)
    draws = [cloud(generator, n) for _ in range(40 if n < 200 else 10)]
    assert np.mean([known(twonn(points)).value for points in draws]) == pytest.approx(truth, abs=tolerance)
    assert np.mean([known(twonn(points, "fit")).value for points in draws]) == pytest.approx(truth, abs=tolerance)
    curves = np.mean([[known(each).value for each in gride(points, (1, 2, 4))] for points in draws], axis=0)
    if name != "5-torus":  # of 113 points it bends within the distance of its second neighbours
        assert curves == pytest.approx(truth, abs=tolerance)


@pytest.mark.parametrize("name", CLOUDS)
def test_known_dimensions_of_many_points_in_a_single_draw(name: str) -> None:
    cloud, truth, tolerance = CLOUDS[name]
    points = cloud(default_rng(4), 3830)
    for estimate in (twonn(points), twonn(points, "fit"), *gride(points)):
        assert known(estimate).value == pytest.approx(truth, abs=tolerance)
        assert known(estimate).fits
    dimension = intrinsic_dimension(points)
    assert isinstance(dimension, Dimension)
    assert dimension.value == pytest.approx(truth, abs=tolerance)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    generator = default_rng(5)
    counts = np.zeros(4)
    for _ in range(100):
        points = sphere(generator, 200)
        estimates = [twonn(points), *gride(points, (1, 4, 8))]
        counts += [known(each).low <= 2 <= known(each).high for each in estimates]
    # 95 % of 100, three standard errors down; without the correlation of neighbours n1 = 8 comes to 60 %.
    assert (counts / 100 >= 0.88).all(), counts / 100


def test_agrees_with_scikit_dimension() -> None:
    from skdim.id import GRIDE, TwoNN  # compiles for seconds

    for name, (cloud, _, _) in CLOUDS.items():
        points = cloud(default_rng(6), 400)
        for ours, theirs in (("mle", "mle"), ("fit", "linear")):
            for discard in (0.1, 0.25):
                oracle = TwoNN(discard_fraction=discard, method=theirs).fit(points).dimension_
                assert known(twonn(points, ours, discard)).value == pytest.approx(oracle, rel=1e-6), name
        oracle = GRIDE(multiscale=True, range_max=32).fit(points).dimension_scales_
        assert [known(each).value for each in gride(points)] == pytest.approx(oracle.tolist(), rel=1e-6), name


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("off centre", lambda x: x + 100),
        ("tiny", lambda x: x * 1e-200),
        ("huge", lambda x: x * 1e200),
        ("rotated", lambda x: x @ np.linalg.qr(default_rng(8).standard_normal((128, 128)))[0]),
        ("in another order", lambda x: x[::-1]),
        ("of tensors", torch.from_numpy),
        ("of Fortran's order", np.asfortranarray),
    ],
)
def test_only_the_shape_of_a_cloud_counts(name: str, changed: Callable[[np.ndarray], np.ndarray]) -> None:
    points = torus(default_rng(7), 300)
    before = [known(each).value for each in (twonn(points), twonn(points, "fit"), *gride(points))]
    moved = changed(points.copy())
    after = [known(each).value for each in (twonn(moved), twonn(moved, "fit"), *gride(moved))]
    assert after == pytest.approx(before, rel=1e-6)


def test_single_and_half_precision_and_integers_are_numbers() -> None:
    points = torus(default_rng(9), 300)
    value = known(twonn(points)).value
    assert known(twonn(points.astype(np.float32))).value == pytest.approx(value, rel=1e-3)
    assert known(twonn(torch.from_numpy(points).bfloat16())).value == pytest.approx(value, rel=0.3)
    assert known(twonn(points.astype(np.float16))).value == pytest.approx(value, rel=0.05)
    assert known(twonn((points * 1e6).astype(np.int64))).value == pytest.approx(value, rel=1e-3)
    with pytest.raises(ValueError, match="real numbers"):
        twonn(points.astype(complex))


def test_repeated_points_count_once() -> None:
    points = torus(default_rng(10), 200)
    doubled = np.concatenate([points, points[:50], -0.0 * points[:1], 0.0 * points[:1]])
    estimate = known(twonn(doubled))
    assert estimate.n_duplicates == 51
    assert estimate.n_used == 201
    assert estimate.value == known(twonn(np.concatenate([points, 0 * points[:1]]))).value
    assert known(gride(doubled, (2,))[0]).n_duplicates == 51


PLANE = default_rng(30).normal(size=(1000, 2)) @ default_rng(31).normal(size=(2, 50))


def jitter(points: np.ndarray, size: float) -> np.ndarray:
    return points + size * default_rng(32).normal(size=points.shape)


COPIES: dict[str, np.ndarray] = {
    "by a factor": PLANE[:300] * (1 + 1e-7),
    "by a larger factor": PLANE[:300] * (1 + 1e-6),
    "few": PLANE[:20] * (1 + 1e-7),
    "all": PLANE * (1 - 1e-8),
    "by jitter": jitter(PLANE[:300], 1e-9),
    "in single precision": PLANE[:300].astype(np.float32).astype(np.float64),
    "three of each": np.concatenate([jitter(PLANE, 1e-9), PLANE * (1 + 1e-9)]),
    "many of some": jitter(np.repeat(PLANE[:40], 20, axis=0), 1e-8),
    "very many of one": jitter(np.repeat(PLANE[:1], 300, axis=0), 1e-9),
    "in a chain": PLANE[:1] + 1e-8 * np.arange(1, 200)[:, None],
}


@pytest.mark.parametrize("name", COPIES)
def test_near_duplicates_are_copies(name: str) -> None:
    points = np.concatenate([PLANE, COPIES[name]])
    for ours, once in ((twonn(points), twonn(PLANE)), *zip(gride(points, (1, 4)), gride(PLANE, (1, 4)), strict=True)):
        assert known(ours).n_duplicates == len(COPIES[name])
        assert known(ours).value == pytest.approx(known(once).value, rel=1e-6)
        assert known(ours).fits
    dimension = intrinsic_dimension(points)
    assert isinstance(dimension, Dimension)
    assert dimension.value == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize("copies", [PLANE[:300] * (1 + 1e-5), PLANE[:30] * (1 + 1e-5), jitter(PLANE[:300], 1e-5)])
def test_near_duplicates_beyond_the_tolerance_are_named(copies: np.ndarray) -> None:
    points = np.concatenate([PLANE, copies])
    for answer in (twonn(points), *gride(points, (1, 2)), intrinsic_dimension(points), nearest(points)):
        assert isinstance(answer, Missing)
        assert "near-duplicates beyond the tolerance of 0.0001" in answer.reason
    merged = known(twonn(points, tolerance=0.01))
    assert merged.n_duplicates >= len(copies)
    assert merged.value == pytest.approx(known(twonn(PLANE)).value, rel=0.02)
    with pytest.raises(ValueError, match="tolerance must lie"):
        twonn(points, tolerance=1.0)


def test_a_few_twins_do_not_fit() -> None:
    """One point in thirty has a twin a hundredth of a spacing away: the ks distance alone passes them."""
    generator = default_rng(33)
    points = generator.random((150, 2))
    twins = points[:5] + 5e-4 * generator.normal(size=(5, 2))
    estimate = known(twonn(np.concatenate([points, twins])))
    assert estimate.ks < 2
    assert not estimate.fits
    assert known(twonn(points)).fits


@pytest.mark.parametrize(
    "points",
    [
        np.concatenate([scale * default_rng(34).normal(size=(200, 2)) + 9 * scale for scale in (1, 1e-2, 1e-4)]),
        default_rng(35).normal(size=(600, 2)) * 10.0 ** default_rng(36).uniform(-3, 0, (600, 1)),
        np.repeat(9 * default_rng(37).normal(size=(10, 2)), 60, axis=0) + 0.01 * default_rng(38).normal(size=(600, 2)),
        torus(default_rng(39), 600).astype(np.float32),
    ],
    ids=["clusters of unequal size", "density that falls by 1e6", "tight clusters", "single precision"],
)
def test_structure_at_small_scales_is_no_copy(points: np.ndarray) -> None:
    estimate = known(twonn(points))
    assert estimate.n_duplicates == 0
    assert estimate.fits
    assert estimate.value == pytest.approx(2, abs=0.25)
    whole = intrinsic_dimension(points)
    assert isinstance(whole, Dimension)
    assert whole.low <= 2 <= whole.high


def test_two_tight_clusters_far_apart() -> None:
    """Each cluster is 1e-9 of the cloud in size: there a matrix product in float64 is only rounding."""
    generator = default_rng(11)
    one, other = (torus(generator, 150) for _ in range(2))
    estimate = known(twonn(np.concatenate([1e-9 * one, 1 + 1e-9 * other]))).value
    # The shift by 1 leaves 7 digits of 1e-9: their ratios to 1e-6.
    apart = known(twonn(np.concatenate([one, 1e9 + other]))).value
    assert estimate == pytest.approx(apart, rel=1e-4)
    assert estimate == pytest.approx(2, abs=0.35)


def test_neighbours_are_those_of_all_differences() -> None:
    generator = default_rng(12)
    points = np.concatenate([generator.standard_normal((700, 5)), 1e-7 * generator.standard_normal((40, 5))])
    distances, indices = neighbours(points, 7)
    from grokscope.numerics._points import cloud

    rows = cloud(points)
    all_of_them = np.sqrt(((rows[:, None] - rows[None]) ** 2).sum(-1))
    np.fill_diagonal(all_of_them, np.inf)
    np.testing.assert_allclose(distances, np.sort(all_of_them, axis=1)[:, :7], rtol=1e-9)
    np.testing.assert_allclose(np.take_along_axis(all_of_them, indices, axis=1), distances, rtol=1e-9)
    with pytest.raises(ValueError, match=r"k must lie in 1\.\.739"):
        neighbours(points, 740)


def test_distinct_keeps_the_order() -> None:
    points = np.array([[1.0, 2], [0, 0], [1, 2], [-0.0, 0], [3, 1]])
    assert distinct(points).tolist() == [[1, 2], [0, 0], [3, 1]]


def test_a_lattice_has_no_ratio_of_distances() -> None:
    """Residues on a circle: the neighbours a + 1 and a - 1 are equally far. Larger scales see the circle."""
    angle = 2 * np.pi * np.arange(113) / 113
    clock = placed(np.stack([np.cos(angle), np.sin(angle)], axis=1), default_rng(13))
    missing = twonn(clock)
    assert isinstance(missing, Missing)
    assert "100% of the points" in missing.reason
    assert "lattice" in missing.reason
    curve = gride(clock)
    assert isinstance(curve[0], Missing)
    assert known(curve[4]).value == pytest.approx(1, abs=0.25)
    grid = np.stack(np.meshgrid(np.arange(30.0), np.arange(30.0)), axis=-1).reshape(-1, 2)
    assert isinstance(twonn(grid), Missing)
    some = grid[default_rng(14).permutation(900)[:270]]
    assert isinstance(twonn(some), Missing)


def test_a_lattice_with_noise_is_flagged() -> None:
    """All pairs of a clock lie on a lattice of a torus: with 2 % noise TwoNN says 27, and the fit says no."""
    generator = default_rng(15)
    a, b = np.divmod(np.arange(113**2), 113)
    angle = 2 * np.pi * np.stack([a, b], axis=1) / 113
    pairs = placed(np.hstack([np.cos(angle), np.sin(angle)]), generator)
    pairs = pairs[::3] + 0.02 * generator.standard_normal((4257, 128)) / np.sqrt(128)
    estimate = known(twonn(pairs))
    assert estimate.value > 3
    assert not estimate.fits
    assert known(gride(pairs)[4]).value < known(gride(pairs)[0]).value / 3


def test_twins_bring_twonn_below_one_and_are_flagged() -> None:
    """(a, b) and (b, a) nearly coincide: the nearest neighbour of each point is its twin."""
    generator = default_rng(16)
    points = torus(generator, 800)
    twins = np.concatenate([points, points + 1e-4 * generator.standard_normal(points.shape)])
    estimate = known(twonn(twins))
    assert estimate.value < 0.5
    assert not estimate.fits
    assert isinstance(intrinsic_dimension(points), Dimension)


def test_noise_is_a_matter_of_scale() -> None:
    generator = default_rng(17)
    points = torus(generator, 3830)
    noisy = points + 0.05 * generator.standard_normal(points.shape) * np.sqrt(2 / 128)
    curve = [known(each).value for each in gride(noisy)]
    assert curve[0] > 3.5
    assert curve[4] == pytest.approx(2, abs=0.4)
    assert curve == sorted(curve, reverse=True)


def test_the_headline_says_what_it_was_read_from() -> None:
    generator = default_rng(19)
    dimension = intrinsic_dimension(torus(generator, 500))
    assert isinstance(dimension, Dimension)
    assert dimension.low <= 2 <= dimension.high
    assert len(dimension.scales) >= 2
    assert dimension.share == 1
    assert len(dimension.gride) == 5
    angle = 2 * np.pi * np.arange(113) / 113
    clock = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    noisy = clock + 0.3 * generator.standard_normal((113, 128)) @ np.eye(128)[:, :2]
    assert isinstance(intrinsic_dimension(placed(noisy, generator)), Dimension)
    steep = placed(clock, generator) + 0.1 * generator.standard_normal((113, 128)) / np.sqrt(128)
    missing = intrinsic_dimension(steep)
    assert isinstance(missing, Missing)
    assert "depends on the scale" in missing.reason


@pytest.mark.parametrize("name", ["5-cube", "4-torus", "4-Gaussian", "torus x square", "6-cube"])
def test_the_interval_carries_borders_and_curvature(name: str) -> None:
    """An interval of sampling alone holds the truth of a 5-cube in 1 of 20 draws, of a 6-cube in 1 of 10."""
    shape, truth = shapes()[name]
    generator = default_rng(40)
    answer = [intrinsic_dimension(shape(generator, 500)) for _ in range(10)]
    held = sum(isinstance(each, Dimension) and each.low <= truth <= each.high for each in answer)
    assert held >= 8  # at 95 % 7 or fewer come in 1 of 90 trials


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in shapes() if "noise" not in name])
def test_the_interval_holds_the_truth_in_nine_of_ten_draws(name: str) -> None:
    for row in dimension_coverage(rounds=100, only=name)["rates"]:
        assert row["name"] != name or (row["coverage"] >= 0.9 - 0.06 and row["missing"] <= 5), row  # two errors of .03


@pytest.mark.parametrize(
    ("channels", "noise", "n"), [(2, 0.01, 1000), (2, 0.02, 1000), (2, 0.02, 3000), (64, 0.01, 1000), (64, 0.002, 1000)]
)
def test_noise_on_a_circle_is_not_its_dimension(channels: int, noise: float, n: int) -> None:
    """At small scales the noise has its own plateau, of two dimensions in the plane; coarser scales contradict it."""
    generator = default_rng(41)
    angle, points = generator.uniform(0, 2 * np.pi, n), noise * generator.normal(size=(n, channels))
    points[:, :2] += np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert known(twonn(points)).low > 1.3
    dimension = intrinsic_dimension(points)
    if isinstance(dimension, Missing):
        assert "depends on the scale" in dimension.reason
        assert "points" in dimension.reason  # the message names the coarsest scales, too
        return
    assert dimension.value == pytest.approx(1, abs=0.15)
    assert dimension.low - 0.05 <= 1 <= dimension.high
    assert dimension.share < 1 or dimension.scales[0] > 1


def test_two_dimensional_clusters_stay_two_dimensional() -> None:
    """Coarse scales see distances between clusters, and contradict nothing."""
    generator = default_rng(42)
    for centres in (10 * generator.normal(size=(20, 2)), 10 * generator.normal(size=(20, 1)) * [1, 0]):
        dimension = intrinsic_dimension(np.repeat(centres, 100, axis=0) + 0.1 * generator.normal(size=(2000, 2)))
        assert isinstance(dimension, Dimension)
        assert dimension.low <= 2 <= dimension.high
        assert dimension.share == 1


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros(20), "shape"),
        (np.zeros((20, 3, 2)), "shape"),
        (np.zeros((20, 0)), "shape"),
        (np.array([[np.nan, 1.0]] * 20), "finite"),
        (np.array([[np.inf, 1.0]] * 20), "finite"),
        (np.array([["a", "b"]] * 20), "real numbers"),
    ],
)
def test_what_is_no_cloud_is_refused(points: np.ndarray, message: str) -> None:
    for estimate in (twonn, gride, intrinsic_dimension):
        with pytest.raises(ValueError, match=message):
            estimate(points)


def test_too_few_points_have_no_dimension() -> None:
    generator = default_rng(20)
    for points in (generator.standard_normal((9, 3)), np.ones((50, 3)), np.zeros((0, 3))):
        for answer in (twonn(points), *gride(points, (1,)), intrinsic_dimension(points)):
            assert isinstance(answer, Missing)
            assert "distinct points" in answer.reason
    few = gride(generator.standard_normal((12, 3)), (1, 8))
    assert isinstance(few[0], Estimate)
    assert isinstance(few[1], Missing)
    assert "16 neighbours" in few[1].reason


def test_a_line_of_one_channel() -> None:
    assert known(twonn(default_rng(21).uniform(size=(300, 1)))).value == pytest.approx(1, abs=0.25)


def test_wrong_options_are_refused() -> None:
    points = default_rng(22).standard_normal((50, 3))
    with pytest.raises(ValueError, match="method must be"):
        twonn(points, "ml")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="discard must lie"):
        twonn(points, discard=1.0)
    for wrong in ((), (0,), (1.5,)):
        with pytest.raises(ValueError, match="n1 must be"):
            gride(points, wrong)
    assert isinstance(twonn(points, discard=0.0), Estimate)
    assert isinstance(twonn(points, "fit", discard=0.0), Estimate)
    assert isinstance(twonn(points[:12], discard=0.99), Missing)


def test_neighbours_found_once_give_the_same_numbers() -> None:
    points = np.random.default_rng(0).normal(size=(60, 4))
    points[50:] = points[:10]
    near = nearest(points)
    assert isinstance(near, Nearest)
    assert (near.n_duplicates, near.distances.shape) == (10, (50, 32))
    for method in ("mle", "fit"):
        assert twonn(near, method) == twonn(points, method)
    assert gride(near) == gride(points)
    assert intrinsic_dimension(near) == intrinsic_dimension(points)
    few = gride(nearest(points, 4), (1, 2, 4))
    assert [isinstance(each, Missing) for each in few] == [False, False, True]
    assert nearest(points[:9]) == Missing("9 distinct points; a dimension needs at least 10")
    with pytest.raises(ValueError, match="k must be at least 1"):
        nearest(points, 0)
