"""The circle panel on clocks whose circles are known, on tables that have none, and against literal sums."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from grokscope.benchmarks import circle_rates
from grokscope.errors import Missing
from grokscope.numerics import circles
from grokscope.numerics._group_tables import rows as centred_rows
from grokscope.numerics._harmonics import harmonics
from grokscope.numerics._lines import Line
from grokscope.numerics._permutations import permuted_table
from grokscope.numerics.fourier import frequency_norms
from grokscope.numerics.groups import Group, discrete_logarithms, group
from grokscope.numerics.irreps import irreps

Table = NDArray[np.float64]


def rows(p: int, width: int, seed: int = 0) -> Table:
    return np.random.default_rng(seed).normal(size=(p, width))


def clock(phases: Table, width: int, noise: float = 0.0, seed: int = 0, amplitudes: Sequence[float] = ()) -> Table:
    """A circle for each row of phases, in orthonormal planes; noise: expected norm of its vector over the radius 1."""
    generator = np.random.default_rng(seed)
    planes = np.linalg.qr(generator.normal(size=(width, 2 * len(phases))))[0].T.reshape(len(phases), 2, width)
    angle = 2 * np.pi * phases
    waves = np.stack([np.cos(angle), np.sin(angle)], axis=2) * np.array(amplitudes or [1.0])[:, None, None]
    return (waves @ planes).sum(0) + noise / math.sqrt(width) * generator.normal(size=(phases.shape[1], width))


def residues(p: int, *ks: int) -> Table:
    return np.outer(ks, np.arange(p)) % p / p


def power(
    table: Table, of: Group | None = None, *, permutations: int = 999, seed: int = 0, step_down: float = 0.0
) -> tuple[Table, Table]:
    """Share and p-value of each irrep, the trivial one left out; of the frequencies 1..floor(p/2) without a group."""
    x = centred_rows(table)
    assert not isinstance(x, Missing)
    share, p = permuted_table(x, harmonics(len(x), of), permutations, seed).significance(level=step_down, floor=0.0)
    return share, p


def panel(table: Table, **options: object) -> circles.Panel:
    result = circles.circle_panel(table, **{"permutations": 199, **options})
    assert isinstance(result, circles.Panel)
    return result


@pytest.mark.parametrize(
    ("p", "ks", "width", "noise"),
    [
        (23, (3, 7), 32, 0.3),
        (23, (1, 2, 5, 8, 11), 128, 0.3),
        (59, (1, 16, 20, 27), 128, 0.67),
        (60, (7, 6, 1), 128, 0.3),
        (113, (4,), 512, 0.3),
    ],
)
def test_every_circle_of_a_clock_is_certified_and_no_other(
    p: int, ks: tuple[int, ...], width: int, noise: float
) -> None:
    result = panel(clock(residues(p, *ks), width, noise))
    assert sorted(result.certified) == sorted(ks)
    assert result.n_certified == len(ks) == len(result.circles)
    for circle in result.circles:
        assert circle.share == pytest.approx(1 / len(ks), abs=0.15)
        assert circle.phases == p // math.gcd(circle.key, p)
        assert (circle.winding, circle.rings, circle.p_order) == (1, 1, None)
        assert circle.coherence > 0.9
        assert circle.ellipse_ratio > 0.8


def test_tables_without_the_tasks_circles_have_none() -> None:
    """Random rows, a clock whose residues are permuted, and few different rows repeated at random."""
    for seed in range(8):
        generator = np.random.default_rng(seed)
        for width in (32, 128):
            random = generator.normal(size=(59, width))
            hidden = clock(residues(59, 3, 17), width, 0.05)[generator.permutation(59)]
            for table in (random, hidden, random[generator.integers(0, 59, 59)]):
                assert panel(table, seed=seed).n_certified == 0


@pytest.mark.parametrize("kind", circle_rates.NONE)
def test_paths_along_the_residues_and_other_moduli_have_no_circle(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Walks, smooth functions of a line, clocks of another modulus or with rows cut out; rings are taken as met."""
    monkeypatch.setattr(circles, "_rings", lambda *_: (1, 0.01))
    for seed, p in enumerate((59, 113, 31)):
        table = circle_rates.NONE[kind](p, np.random.default_rng(100 + seed))
        assert panel(table, seed=seed).n_certified == 0, (p, seed)


def test_a_random_walk_and_another_modulus_fail_as_tables() -> None:
    walk = panel(circle_rates.walk(64)(59, np.random.default_rng(1)))
    assert walk.n_certified == 0
    assert walk.line.gap > 1
    assert all("gap" in circle.failed for circle in walk.circles)
    other = panel(clock(residues(53, 9, 4)[:, np.arange(59) % 53], 64, 0.1))
    assert other.n_certified == 0
    assert other.line.p_drift < 1e-6
    assert all("drift" in circle.failed for circle in other.circles)


def test_rows_of_clocks_give_no_sign_of_a_line() -> None:
    for seed in range(6):
        for noise in (0.0, 0.3):
            line = panel(clock(residues(59, 3, 4, 17), 64, noise, seed), surrogates=5).line
            assert line.gap == 0
            assert min(line.p_drift, line.p_skirt, line.p_rest) > 0.001


def test_a_smooth_closed_loop_is_a_circle_and_a_closed_walk_is_none() -> None:
    kinds = ("closed walk", "closed loop, length .15")
    walk, loop = (panel(circle_rates.CLOSED[kind](59, np.random.default_rng(0))) for kind in kinds)
    assert walk.line.gap == loop.line.gap == 0
    assert 1 in loop.certified
    assert walk.n_certified == 0
    assert walk.line.p_rest < 0.001


def test_a_walk_through_a_group_of_two_factors_has_two_ends() -> None:
    of = group("Z7xZ7")
    table = circle_rates.walk(64)(49, np.random.default_rng(0))
    assert panel(table, group=of).n_certified == 0
    known = circles.waves(of)
    assert not isinstance(known, Missing)
    result = panel(clock(known.phases[[0, 4]], 64, 0.1), group=of)
    assert result.n_certified == 2
    assert result.line == Line(gap=0.0, p_drift=1.0, p_skirt=1.0, p_rest=1.0)


def test_a_plane_does_not_see_the_elements_beside_the_one_it_shows() -> None:
    """A literal fit without each of five blocks of neighbours; the seed says where they begin."""
    p, seed = 23, 4
    table = rows(p, 8)
    angle = 2 * np.pi * residues(p, 5)[0]
    design = np.stack([np.ones(p), np.cos(angle), np.sin(angle)], axis=1)
    expected = np.empty((p, 2))
    for held in np.array_split((np.arange(p) + np.random.default_rng(seed).integers(p)) % p, 5):
        seen = np.delete(np.arange(p), held)
        fit = np.linalg.lstsq(design[seen], table[seen])[0]
        expected[held] = np.linalg.lstsq(fit[1:].T, (table[held] - fit[0]).T)[0].T
    points = circles.plane(table, 5, folds=5, seed=seed)
    assert not isinstance(points, Missing)
    np.testing.assert_allclose(points, expected, atol=1e-9)


@pytest.mark.parametrize(("p", "keys"), [(23, [5, 3, 11]), (24, [5, 3, 4])])
def test_planes_fitted_together_are_those_of_a_literal_fit_for_each(p: int, keys: list[int]) -> None:
    """Of 23 all frequencies share their folds; 3 and 4 have 8 and 6 angles of 24, which are held out together."""
    table, angles = rows(p, 16), {k: 2 * np.pi * (k * np.arange(p) % p) / p for k in keys}
    found = circles.planes(table, keys, folds=5, seed=2)
    assert not isinstance(found, Missing)
    for k, points in zip(keys, found, strict=True):
        met = np.arange(p // math.gcd(k, p))
        waves = [wave(angles[key]) for key in (k, *set(keys) - {k}) for wave in (np.cos, np.sin)]
        design = np.stack([np.ones(p), *waves], axis=1)
        for block in np.array_split(np.roll(met, -np.random.default_rng(2).integers(len(met))), min(5, len(met))):
            held = np.isin(np.arange(p) % len(met), block)
            fit = np.linalg.lstsq(design[~held], table[~held])[0]
            expected = np.linalg.lstsq(fit[1:].T, (table[held] - fit[0]).T)[0][:2].T
            np.testing.assert_allclose(points[held], expected, atol=1e-9)


def test_a_random_function_of_the_residue_mod_m_is_no_circle() -> None:
    """Rows repeat, so that folds over elements would have seen them and would show a circle at every frequency."""
    for m in (3, 4, 5, 6, 7, 11):
        table = np.tile(rows(m, 128, seed=m), (77 // m, 1))
        assert panel(table).n_certified == 0, m
    single = circles.plane(np.tile(rows(11, 128), (7, 1)), 7)
    assert not isinstance(single, Missing)
    assert circles.coherence(single, residues(77, 7)[0]) < 0.9


def test_a_circle_of_few_angles_needs_an_order_that_chance_has_not() -> None:
    """m angles have (m - 1)! / 2 circular orders, and 12 of five cannot be significant."""
    for m, certified in ((3, False), (5, False), (8, True)):
        (circle,) = panel(clock(residues(120, 120 // m), 32, 0.2), permutations=999).circles
        assert (circle.phases, circle.certified) == (m, certified)
        assert isinstance(circle.rings, Missing)
        assert isinstance(circle.p_ring, Missing)
        assert circle.p_order is not None
        assert circle.p_order == pytest.approx(max(2 / math.factorial(m - 1), 0.001), rel=0.3)
        assert ("order" in circle.failed) is not certified


def test_lines_and_bent_planes_are_present_but_no_circles() -> None:
    p = 59
    line = np.cos(2 * np.pi * residues(p, 5)).T @ rows(1, 32) + 0.01 * rows(p, 32, seed=1)
    (result,) = panel(line).circles
    assert result.key == 5
    assert "ellipse_ratio" in result.failed
    assert result.ellipse_ratio < 0.05


def test_a_weak_circle_is_found_beside_a_strong_one_by_stepping_down() -> None:
    p = 59
    table = clock(residues(p, 4, 9), 64, 0.05, amplitudes=(1.0, 0.15))
    share, plain = power(table, permutations=199)
    same, stepped = power(table, permutations=199, step_down=0.01)
    assert plain[8] > 0.05
    assert stepped[[3, 8]].max() == pytest.approx(1 / 200)
    assert np.delete(stepped, [3, 8]).min() > 0.01
    np.testing.assert_array_equal(share, same)
    assert panel(table).certified == (4, 9)
    assert panel(table, min_share=0.05).certified == (4,)


@pytest.mark.parametrize("p", [12, 23])
def test_the_power_of_frequencies_is_the_literal_one(p: int) -> None:
    table = rows(p, 5) + 3
    share, p_value = power(table, permutations=99, seed=7)
    k = np.arange(1, p // 2 + 1)

    def shares(some: Table) -> Table:
        squares = frequency_norms(some) ** 2
        return squares / squares.sum()

    np.testing.assert_allclose(share, shares(table), atol=1e-9)
    assert harmonics(p, None).keys == tuple(k)
    orders = np.random.default_rng(7).permuted(np.tile(np.arange(p), (99, 1)), axis=1)
    size = np.where(2 * k == p, 1, 2)
    unit = np.sqrt(size * (p - 1 - size)) / (p - 1)
    highest = [((shares(table[order]) - size / (p - 1)) / unit).max() for order in orders]
    observed = (shares(table) - size / (p - 1)) / unit
    np.testing.assert_allclose(p_value, [(1 + sum(h >= o for h in highest)) / 100 for o in observed], atol=1e-9)


def test_p_values_of_random_rows_hold_their_level() -> None:
    """The smallest p-value is uniform: 200 tables, 10 % below .1 within four standard errors."""
    p_values = [power(rows(17, 6, seed=seed), permutations=99, seed=seed)[1] for seed in range(200)]
    below = np.mean([p.min() <= 0.1 for p in p_values])
    assert below == pytest.approx(0.1, abs=4 * math.sqrt(0.1 * 0.9 / 200))


@pytest.mark.parametrize("name", ["symmetric(4)", "dihedral(6)", "Z4xZ3", "alternating(4)", "multiplicative(13)"])
def test_the_power_of_an_irrep_is_the_projection_onto_the_matrix_entries(name: str) -> None:
    of = group(name)
    table = rows(of.order, 7)
    share, _ = power(table, of, permutations=19)
    sizes = harmonics(of.order, of).sizes
    centred = table - table.mean(0)
    for i, irrep in enumerate(irreps(of)[1:]):
        entries = irrep.matrices.reshape(of.order, -1).numpy()
        q, s, _ = np.linalg.svd(entries, full_matrices=False)
        q = q[:, s > 1e-9]
        assert sizes[i] == q.shape[1]
        assert share[i] == pytest.approx(np.square(q.T @ centred).sum() / np.square(centred).sum(), abs=1e-9)
        carrier = entries @ rows(entries.shape[1], 7, seed=i) + 0.05 * table
        assert int(power(carrier, of, permutations=199)[0].argmax()) == i
    assert share.sum() == pytest.approx(1, abs=1e-9)


def test_only_the_irrep_that_a_table_carries_is_significant() -> None:
    of = group("symmetric(4)")
    standard = next(i for i, irrep in enumerate(irreps(of)[1:]) if irrep.name == "standard")
    entries = irreps(of)[1 + standard].matrices.reshape(24, -1).numpy()
    _, p = power(entries @ rows(9, 16) + 0.05 * rows(24, 16), of)
    assert harmonics(24, of).keys[standard] == "standard"
    assert p[standard] == pytest.approx(0.001)
    assert np.delete(p, standard).min() > 0.5


def test_a_group_without_complex_characters_has_no_panel() -> None:
    for name in ("symmetric(4)", "dihedral(5)"):
        of = group(name)
        missing = circles.circle_panel(rows(of.order, 8), group=of)
        assert isinstance(missing, Missing)
        assert "no circle" in missing.reason
        assert isinstance(circles.waves(of), Missing)
    assert isinstance(circles.waves(2), Missing)


def test_the_waves_are_characters() -> None:
    for of in (group("cyclic(12)"), group("Z4xZ3"), group("multiplicative(13)"), group("alternating(4)")):
        characters = circles.waves(of)
        assert not isinstance(characters, Missing)
        x, y = np.meshgrid(np.arange(of.order), np.arange(of.order), indexing="ij")
        for phase in characters.phases:
            turns = phase[x] + phase[y] - phase[of.table.numpy()]
            np.testing.assert_allclose(turns, np.round(turns), atol=1e-9)
            assert len(np.unique(phase)) > 2
    plain, named = circles.waves(12), circles.waves(group("cyclic(12)"))
    assert not isinstance(plain, Missing)
    assert not isinstance(named, Missing)
    assert plain.keys == named.keys == (1, 2, 3, 4, 5)
    np.testing.assert_allclose(plain.phases, named.phases, atol=1e-9)
    np.testing.assert_allclose(plain.phases, residues(12, 1, 2, 3, 4, 5), atol=1e-9)


def test_circles_of_other_groups() -> None:
    of = group("multiplicative(59)")
    logarithm = discrete_logarithms(59).numpy()
    table = clock(residues(58, 3, 10)[:, logarithm], 64, 0.2)
    assert sorted(panel(table, group=of).certified) == [3, 10]
    assert panel(table).n_certified == 0  # the same rows, read as residues
    torus = group("Z11xZ10")
    i, j = np.array(torus.elements).T
    table = clock(np.stack([i / 11, j / 10]), 64, 0.2)
    assert sorted(panel(table, group=torus).certified) == ["k=(0,1)", "k=(1,0)"]


@pytest.mark.parametrize(("noise", "least", "most"), [(0.05, 0.998, 1.0), (0.3, 0.95, 0.98), (1.0, 0.6, 0.72)])
def test_equivariance_of_clocks(noise: float, least: float, most: float) -> None:
    """science/manifold.md, section 4, whose noise is measured in norms of a row: sqrt(5) for five circles."""
    answer = circles.equivariance(clock(residues(113, 3, 9, 20, 31, 50), 128, noise * math.sqrt(5)))
    assert not isinstance(answer, Missing)
    assert least < answer.r2 < most
    assert answer.p_value == pytest.approx(0.001)
    assert answer.chance == pytest.approx(1 / 111, rel=0.2)


def test_equivariance_is_the_literal_r2_on_both_sides() -> None:
    of = group("dihedral(4)")
    table, product, inverse = rows(8, 5), of.table.numpy(), of.inverse.numpy()
    for side in ("left", "right"):
        pairs: dict[int, list[float]] = {}
        for x, y in itertools.permutations(range(8), 2):
            kind = product[inverse[x], y] if side == "left" else product[x, inverse[y]]
            pairs.setdefault(int(kind), []).append(float(np.square(table[x] - table[y]).sum()))
        everything = np.concatenate(list(pairs.values()))
        within = sum(np.square(np.array(d) - np.mean(d)).sum() for d in pairs.values())
        answer = circles.equivariance(table, group=of, side=side, permutations=19)
        assert not isinstance(answer, Missing)
        assert answer.r2 == pytest.approx(1 - within / np.square(everything - everything.mean()).sum(), abs=1e-9)
    vectors = irreps(of)[-1].matrices.numpy()[:, :, 0]  # the orbit g -> rho(g) e: the group acts from the left
    answer = circles.equivariance(vectors @ np.diag([1.0, 1.0]), group=of, permutations=19)
    assert not isinstance(answer, Missing)
    assert answer.r2 == pytest.approx(1, abs=1e-9)


def test_random_rows_are_not_equivariant() -> None:
    answer = circles.equivariance(rows(113, 64))
    assert not isinstance(answer, Missing)
    assert answer.r2 < 0.015
    assert answer.p_value > 0.05


def test_a_plane_that_saw_the_labels_lies_and_a_held_out_one_does_not() -> None:
    """science/manifold.md, section 4: in-sample coherence of random rows .44, .74, .94 at 32, 128, 512 channels."""
    p, k = 113, 17
    phase = residues(p, k)[0]
    design = np.stack([np.cos(2 * np.pi * phase), np.sin(2 * np.pi * phase)], axis=1)
    for width, seen in ((32, 0.44), (128, 0.74), (512, 0.94)):
        inside, outside = [], []
        for seed in range(10):
            table = rows(p, width, seed)
            centred = table - table.mean(0)
            axes = np.linalg.lstsq(design, centred)[0]
            inside.append(circles.coherence(np.linalg.lstsq(axes.T, centred.T)[0].T, phase))
            points = circles.plane(table, k)
            assert not isinstance(points, Missing)
            outside.append(circles.coherence(points, phase))
        assert np.mean(inside) == pytest.approx(seen, abs=0.05)
        assert np.mean(outside) < 0.15


def test_the_plane_of_a_clock_is_the_unit_circle() -> None:
    table = 7 * clock(residues(31, 2, 9), 16) + 100
    points = circles.plane(clock(residues(31, 9), 16), 9)
    np.testing.assert_allclose(points, np.exp(2j * np.pi * residues(31, 9)[0]).view(float).reshape(-1, 2), atol=1e-9)
    points = circles.plane(table, 9)
    assert not isinstance(points, Missing)
    assert circles.coherence(points, residues(31, 9)[0]) > 0.98


def test_coherence_and_winding_in_closed_form() -> None:
    phase = residues(30, 7)[0]
    for turns in (-2, -1, 1, 2, 3):
        circle = np.exp(2j * np.pi * turns * phase)
        points = np.stack([circle.real, circle.imag], axis=1)
        assert circles.winding(points, phase) == turns
        assert circles.coherence(points, phase) == pytest.approx(1.0 if turns == 1 else 0.0, abs=1e-9)
        assert circles.winding(points + 5, phase) == 0
    rotated = np.stack([-np.sin(2 * np.pi * phase), np.cos(2 * np.pi * phase)], axis=1)
    assert circles.coherence(rotated, phase) == pytest.approx(1, abs=1e-9)
    repeated = residues(30, 6)[0]
    assert (
        circles.winding(np.stack([np.cos(2 * np.pi * repeated), np.sin(2 * np.pi * repeated)], axis=1), repeated) == 1
    )


def test_the_ellipse_ratio_is_that_of_the_axes() -> None:
    phase = residues(29, 4)[0]
    for ratio in (0.0, 0.3, 1.0):
        ellipse = np.stack([np.cos(2 * np.pi * phase), ratio * np.sin(2 * np.pi * phase)], axis=1)
        assert circles.ellipse_ratio(ellipse, phase) == pytest.approx(ratio, abs=1e-9)
    assert circles.ellipse_ratio(ellipse[:, :1], phase) == 0
    assert isinstance(circles.ellipse_ratio(ellipse, residues(29, 5)[0]), Missing)


def test_the_ideal_clock_keeps_its_frequencies_and_nothing_else() -> None:
    table = 5 * clock(residues(30, 2, 7, 11), 16) + 3
    ideal = circles.ideal_clock(table, [7, 2, 7])
    assert not isinstance(ideal, Missing)
    expected = frequency_norms(table)
    expected[np.setdiff1d(np.arange(15), [1, 6])] = 0
    np.testing.assert_allclose(frequency_norms(ideal), expected, atol=1e-9)
    np.testing.assert_allclose(circles.ideal_clock(ideal, [2, 7]), ideal, atol=1e-9)
    np.testing.assert_allclose(ideal.mean(0), 0, atol=1e-9)
    with pytest.raises(ValueError, match="unknown frequency or irrep 16; known are 1, 2"):
        circles.ideal_clock(table, [16])


def test_nothing_depends_on_rotation_scale_shift_or_the_kind_of_array() -> None:
    table = clock(residues(31, 3, 8), 12, 0.5)
    before = table.copy()
    turn = np.linalg.qr(rows(12, 12, seed=4))[0]
    expected = panel(table)
    wide = np.concatenate([table, np.zeros((31, 40))], axis=1)
    for other in (table @ turn, 1e-150 * table, 1e150 * table, table + 7, wide, torch.tensor(table)):
        result = panel(other)
        assert result.certified == expected.certified == (3, 8) or result.certified == (8, 3)
        for one, two in zip(result.circles, expected.circles, strict=True):
            assert one.coherence == pytest.approx(two.coherence, abs=1e-9)
            assert one.share == pytest.approx(two.share, abs=1e-9)
            assert one.ellipse_ratio == pytest.approx(two.ellipse_ratio, abs=1e-9)
        assert result.equivariance.r2 == pytest.approx(expected.equivariance.r2, abs=1e-9)
    assert panel(table) == expected
    np.testing.assert_array_equal(table, before)
    assert panel(table.astype(np.float32)).circles[0].share == pytest.approx(expected.circles[0].share, rel=1e-4)
    shifted = panel(np.roll(table, 5, axis=0))
    assert sorted(shifted.certified) == [3, 8]
    assert shifted.equivariance.r2 == pytest.approx(expected.equivariance.r2, abs=1e-9)
    relabelled = panel(table[2 * np.arange(31) % 31])
    assert sorted(relabelled.certified) == [6, 15]  # 2 * 8 = 16 = -15


def test_tables_without_variance_have_no_answer() -> None:
    for table in (np.full((23, 3), 0.1), np.zeros((23, 3)), rows(1, 4)):
        for ask in (circles.circle_panel, circles.equivariance):
            assert isinstance(ask(table), Missing)
        assert isinstance(circles.plane(table, 1), Missing)
        assert isinstance(circles.ideal_clock(table, [1]), Missing)
    one_hot = circles.equivariance(np.eye(23))
    assert isinstance(one_hot, Missing)
    assert "equally far apart" in one_hot.reason
    assert panel(np.eye(23)).n_certified == 0


def test_bad_arguments_are_refused() -> None:
    table = rows(11, 4)
    for bad in (table[0], np.where(table == table.max(), np.nan, table), table.astype(complex)):
        with pytest.raises(ValueError, match="points must"):
            circles.circle_panel(bad)
    with pytest.raises(ValueError, match=r"the table has 11 rows, but cyclic\(12\) has 12 elements"):
        circles.circle_panel(table, group=group("cyclic(12)"))
    with pytest.raises(ValueError, match="permutations must be at least 1, got 0"):
        circles.circle_panel(table, permutations=0)
    with pytest.raises(ValueError, match="folds must be at least 2, got 1"):
        circles.plane(table, 1, folds=1)
    with pytest.raises(ValueError, match="side must be 'left' or 'right', got 'both'"):
        circles.equivariance(table, side="both")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="phases must be one for each of the 11 rows"):
        circles.ellipse_ratio(table, np.zeros(5))


def test_a_circle_in_too_much_noise_fails_by_what_was_measured() -> None:
    failures: set[str] = set()
    for seed in range(6):
        for circle in panel(clock(residues(23, 2, 5, 9), 128, 3.4, seed)).circles:
            expected = {
                "coherence": circle.coherence < 0.9,
                "winding": circle.winding != 1,
                "rings": circle.rings != 1,
            }
            assert circle.failed == tuple(name for name, failed in expected.items() if failed)
            assert circle.certified is not any(expected.values())
            failures.update(circle.failed)
    assert failures == {"coherence", "winding", "rings"}


@pytest.mark.slow
@pytest.mark.parametrize("p", [59, 113])
def test_the_certified_circles_of_many_clocks_are_counted_right(p: int) -> None:
    generator, right = np.random.default_rng(0), []
    for k in (1, 2, 3, 4, 5):
        for noise in (0.0, 0.1, 0.3):  # of the norm of a row
            for seed in range(7):
                ks = generator.choice(np.arange(1, (p + 1) // 2), size=k, replace=False)
                result = circles.circle_panel(clock(residues(p, *ks), 128, noise=noise * math.sqrt(k), seed=seed))
                assert isinstance(result, circles.Panel)
                right.append(set(result.certified) == set(ks.tolist()))
    assert np.mean(right) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["random", "permuted"])
def test_of_two_hundred_tables_without_circles_one_percent_at_most_have_one(kind: str) -> None:
    generator, answer = np.random.default_rng(1), 0
    for seed in range(200):
        p = int(generator.choice([23, 59, 97, 113]))
        table = rows(p, int(generator.choice([32, 128, 512])), seed)
        if kind == "permuted":
            ks = generator.choice(np.arange(1, (p + 1) // 2), size=seed % 5 + 1, replace=False)
            table = generator.permutation(clock(residues(p, *ks), 128, noise=0.1, seed=seed))
        made = circles.circle_panel(table)
        assert isinstance(made, circles.Panel)
        answer += made.n_certified > 0
    assert answer <= 2


@pytest.mark.slow
def test_of_two_hundred_paths_none_has_a_circle_and_clocks_keep_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of 200 at most: 31 rows that forget each other in two steps hardly show their two ends."""
    monkeypatch.setattr(circles, "_rings", lambda *_: (1, 0.01))
    for row in circle_rates.circle_rates(rounds=200)["rates"]:
        if row["kind"].startswith("clock, "):
            assert row["certified"] >= 0.95, row
        elif row["kind"] not in circle_rates.CLOSED:
            assert row["certified"] <= 0.01, row
