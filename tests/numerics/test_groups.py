"""Groups and their real irreps: axioms, published character tables, and the theorems that a list of irreps obeys."""

import functools
import itertools
import math
from collections import Counter

import pytest
import torch
from torch import Tensor

from grokscope.numerics.groups import discrete_logarithms, group, is_prime
from grokscope.numerics.irreps import irreps

ORDERS = {
    "cyclic(1)": 1,
    "cyclic(2)": 2,
    "cyclic(59)": 59,
    "Z2xZ4": 8,
    "Z7xZ8": 56,
    "Z2xZ3xZ4": 24,
    "multiplicative(2)": 1,
    "multiplicative(13)": 12,
    "dihedral(5)": 10,
    "dihedral(6)": 12,
    "symmetric(2)": 2,
    "symmetric(3)": 6,
    "symmetric(4)": 24,
    "symmetric(5)": 120,
    "symmetric(6)": 720,
    "alternating(3)": 3,
    "alternating(4)": 12,
    "alternating(5)": 60,
    "alternating(6)": 360,
}
every_group = pytest.mark.parametrize("name", ORDERS)


def sampled(name: str, size: int) -> list[Tensor]:
    order = group(name).order
    return [torch.randint(order, (500,), generator=torch.Generator().manual_seed(seed)) for seed in range(size)]


@every_group
def test_axioms(name: str) -> None:
    g = group(name)
    everything = torch.arange(g.order)
    assert (g.name, g.order, g.table.shape) == (name, ORDERS[name], (ORDERS[name], ORDERS[name]))
    assert len(set(g.elements)) == g.order
    assert torch.equal(g.table.sort(dim=0).values, everything[:, None].expand(-1, g.order))
    assert torch.equal(g.table[g.identity], everything)
    assert torch.equal(g.table[:, g.identity], everything)
    assert (g.table[everything, g.inverse] == g.identity).all()
    x, y, z = sampled(name, 3)
    assert torch.equal(g.table[g.table[x, y], z], g.table[x, g.table[y, z]])
    assert g.is_commutative == (g.family in {"cyclic", "product", "multiplicative"} or g.order <= 3)


def test_products_are_what_the_names_say() -> None:
    s4, d5, torus = group("S4"), group("D5"), group("Z3xZ4")
    x, y = (1, 2, 0, 3), (0, 3, 2, 1)
    product = s4.elements[s4.table[s4.elements.index(x), s4.elements.index(y)]]
    assert product == tuple(y[i] for i in x)  # science: Power et al., c[i] = b[a[i]]
    r, f = d5.elements.index((1, 0)), d5.elements.index((0, 1))
    assert d5.elements[d5.table[f, r]] == (4, 1)
    assert d5.elements[d5.table[r, f]] == (1, 1)
    assert torus.elements[torus.table[torus.elements.index((2, 3)), torus.elements.index((2, 2))]] == (1, 1)
    assert group("multiplicative(7)").elements[group("multiplicative(7)").table[2, 4]] == (3 * 5 % 7,)
    assert torch.equal(group("C59").table, (torch.arange(59)[:, None] + torch.arange(59)) % 59)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("C59", "cyclic(59)"),
        ("Z59", "cyclic(59)"),
        ("d5", "dihedral(5)"),
        ("S5", "symmetric(5)"),
        ("A5", "alternating(5)"),
        ("cyclic(7)xcyclic(8)", "Z7xZ8"),
        ("C7 x Z8", "Z7xZ8"),
    ],
)
def test_spellings_name_one_group(spelling: str, name: str) -> None:
    assert group(spelling) is group(name)
    assert group(spelling).name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Q8", "unknown group 'Q8'"),
        ("cyclic", "unknown group 'cyclic'"),
        ("C(5", "unknown group"),
        ("D5xZ2", "only cyclic groups can be factors"),
        ("S7", "more than 1,000 elements"),
        ("S999999", "more than 1,000 elements"),
        ("Z40xZ40", "more than 1,000 elements"),
        ("D501", "more than 1,000 elements"),
        ("multiplicative(1000000000000000003)", "more than 1,000 elements"),
        ("multiplicative(9)", "prime p only"),
        ("D2", "dihedral(n) needs n of at least 3"),
        ("C0", "cyclic(n) needs n of at least 1"),
    ],
)
def test_other_names_are_refused_in_one_line(name: str, message: str) -> None:
    with pytest.raises(ValueError) as error:
        group(name)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_discrete_logarithms_turn_products_into_sums() -> None:
    for p in (2, 3, 7, 97):
        logarithms = discrete_logarithms(p)
        assert sorted(logarithms.tolist()) == list(range(p - 1))
        assert torch.equal(
            logarithms[group(f"multiplicative({p})").table], (logarithms[:, None] + logarithms) % (p - 1)
        )
    with pytest.raises(ValueError, match="must be a prime, got 9"):
        discrete_logarithms(9)


def test_primes() -> None:
    assert [n for n in range(-1, 30) if is_prime(n)] == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]


@every_group
def test_irreps_are_orthogonal_homomorphisms(name: str) -> None:
    g = group(name)
    x, y = sampled(name, 2)
    for irrep in irreps(g):
        rho = irrep.matrices
        assert rho.dtype == torch.float64
        assert rho.shape == (g.order, irrep.dimension, irrep.dimension)
        torch.testing.assert_close(rho[g.table[x, y]], rho[x] @ rho[y], atol=1e-9, rtol=0)
        identity = torch.eye(irrep.dimension).double().expand_as(rho)
        torch.testing.assert_close(rho @ rho.mT, identity, atol=1e-9, rtol=0)


@every_group
def test_irreps_are_irreducible_different_of_their_type_and_all(name: str) -> None:
    g = group(name)
    all_irreps = irreps(g)
    characters = torch.stack([irrep.character for irrep in all_irreps])
    endomorphisms = torch.tensor([irrep.endomorphisms for irrep in all_irreps]).double()
    torch.testing.assert_close(characters @ characters.T / g.order, endomorphisms.diag(), atol=1e-9, rtol=0)
    # Frobenius and Schur: the mean of chi(x^2) is 1, 0 or -2; a sum of two real irreps, with the norm 2 of one of
    # complex type, would have 2.
    squares = characters[:, g.table.diagonal()].mean(dim=1)
    expected = [{"real": 1.0, "complex": 0.0, "quaternionic": -2.0}[irrep.type] for irrep in all_irreps]
    torch.testing.assert_close(squares, torch.tensor(expected).double(), atol=1e-9, rtol=0)
    assert sum(irrep.dimension**2 / irrep.endomorphisms for irrep in all_irreps) == g.order
    # Real irreps are as many as classes once a class and that of the inverses count as one.
    conjugates = g.table[g.table, g.inverse[:, None]]  # the least of g x g^-1 stands for the class of x
    classes = conjugates.amin(dim=0)
    pairs = torch.stack([classes, classes[g.inverse]]).sort(dim=0).values
    assert len(all_irreps) == len(pairs.unique(dim=1).T)
    assert len({irrep.name for irrep in all_irreps}) == len(all_irreps)


@pytest.mark.parametrize(
    ("name", "dimensions", "complex_dimensions"),
    [
        ("C59", [1], [2] * 29),
        ("C8", [1, 1], [2] * 3),
        ("Z2xZ4", [1, 1, 1, 1], [2, 2]),
        ("D5", [1, 1, 2, 2], []),
        ("D6", [1, 1, 1, 1, 2, 2], []),
        ("S3", [1, 1, 2], []),
        ("S4", [1, 1, 2, 3, 3], []),
        ("S5", [1, 1, 4, 4, 5, 5, 6], []),
        ("S6", [1, 1, 5, 5, 5, 5, 9, 9, 10, 10, 16], []),
        ("A3", [1], [2]),
        ("A4", [1, 3], [2]),
        ("A5", [1, 3, 3, 4, 5], []),
        ("A6", [1, 5, 5, 8, 8, 9, 10], []),
    ],
)
def test_known_dimensions(name: str, dimensions: list[int], complex_dimensions: list[int]) -> None:
    listed = irreps(group(name))
    assert sorted(irrep.dimension for irrep in listed if irrep.type == "real") == dimensions
    assert sorted(irrep.dimension for irrep in listed if irrep.type == "complex") == complex_dimensions


def cycles(permutation: tuple[int, ...]) -> tuple[int, ...]:
    lengths, left = [], set(range(len(permutation)))
    while left:
        start = x = min(left)
        length = 0
        while x in left:
            left.remove(x)
            x, length = permutation[x], length + 1
        assert x == start
        lengths.append(length)
    return tuple(sorted(lengths, reverse=True))


# Columns: (2), (2,2), (3), (4) of S4 and (3), (2,2) of A5; the identity's column is the dimension.
S4_TABLE = {
    "trivial": {(2, 1, 1): 1, (2, 2): 1, (3, 1): 1, (4,): 1},
    "sign": {(2, 1, 1): -1, (2, 2): 1, (3, 1): 1, (4,): -1},
    "(2,2)": {(2, 1, 1): 0, (2, 2): 2, (3, 1): -1, (4,): 0},
    "standard": {(2, 1, 1): 1, (2, 2): -1, (3, 1): 0, (4,): -1},
    "(2,1,1)": {(2, 1, 1): -1, (2, 2): -1, (3, 1): 0, (4,): 1},
}
A5_TABLE = {
    "trivial": {(3, 1, 1): 1, (2, 2, 1): 1, (5,): 1},
    "standard": {(3, 1, 1): 1, (2, 2, 1): 0, (5,): -1},
    "(3,2)": {(3, 1, 1): -1, (2, 2, 1): 1, (5,): 0},
    "(3,1,1)+": {(3, 1, 1): 0, (2, 2, 1): -1},
    "(3,1,1)-": {(3, 1, 1): 0, (2, 2, 1): -1},
}


@pytest.mark.parametrize(("name", "table"), [("S4", S4_TABLE), ("A5", A5_TABLE)])
def test_known_character_tables(name: str, table: dict[str, dict[tuple[int, ...], int]]) -> None:
    g = group(name)
    assert {irrep.name for irrep in irreps(g)} == set(table)
    for irrep in irreps(g):
        for element, value in zip(g.elements, irrep.character.tolist(), strict=True):
            if (known := table[irrep.name].get(cycles(element))) is not None:
                assert value == pytest.approx(known, abs=1e-9)


def test_the_two_threefold_irreps_of_a5_have_the_golden_ratio_on_five_cycles() -> None:
    g = group("A5")
    five = [i for i, element in enumerate(g.elements) if cycles(element) == (5,)]
    golden = [(1 - math.sqrt(5)) / 2, (1 + math.sqrt(5)) / 2]
    halves = [irrep for irrep in irreps(g) if irrep.dimension == 3]
    for element in five:
        assert sorted(float(half.character[element]) for half in halves) == pytest.approx(golden, abs=1e-9)


@pytest.mark.parametrize("name", ["S5", "A4", "A5"])
def test_standard_and_sign(name: str) -> None:
    g = group(name)
    by_name = {irrep.name: irrep for irrep in irreps(g)}
    fixed = torch.tensor([sum(i == image for i, image in enumerate(x)) for x in g.elements])
    torch.testing.assert_close(by_name["standard"].character, fixed - 1.0, atol=1e-9, rtol=0, check_dtype=False)
    signs = [math.prod((-1) ** (length - 1) for length in cycles(x)) for x in g.elements]
    assert by_name.get("sign", by_name["trivial"]).character.tolist() == signs


def test_frequencies_turn_by_what_their_names_say() -> None:
    """chi_k(x) = 2 cos(2 pi sum_i k_i x_i / n_i), against a literal sum."""
    g = group("Z3xZ4")
    for irrep in irreps(g)[1:]:
        k = [int(part) for part in irrep.name.removeprefix("k=(").removesuffix(")").split(",")]
        for x, value in zip(g.elements, irrep.character.tolist(), strict=True):
            angle = 2 * math.pi * sum(ki * xi / n for ki, xi, n in zip(k, x, (3, 4), strict=True))
            assert value == pytest.approx(irrep.dimension * math.cos(angle), abs=1e-9)


def test_the_sign_of_a_multiplicative_group_tells_squares() -> None:
    (sign,) = (irrep for irrep in irreps(group("multiplicative(13)")) if irrep.name == "sign")
    squares = {x * x % 13 for x in range(1, 13)}
    assert sign.character.tolist() == [1 if x in squares else -1 for x in range(1, 13)]


def test_generic_irreps_of_young_are_the_permutation_module_s() -> None:
    """Young's rule at S5: the 10 pairs of 5 things decompose as trivial + standard + (3,2)."""
    g = group("S5")
    pairs = list(itertools.combinations(range(5), 2))
    counted = [sum({x[a], x[b]} == {a, b} for a, b in pairs) for x in g.elements]
    multiplicities = Counter(
        {irrep.name: round(float(irrep.character @ torch.tensor(counted).double()) / 120) for irrep in irreps(g)}
    )
    assert +multiplicities == Counter(["trivial", "standard", "(3,2)"])


def test_the_regular_representation_holds_each_irrep() -> None:
    """Peter and Weyl: sum of d / dim End chi(x) is the order at the identity and 0 elsewhere."""
    for name in ("A4", "D6", "Z3xZ4"):
        g = group(name)
        regular = functools.reduce(
            torch.add, (irrep.character * irrep.dimension / irrep.endomorphisms for irrep in irreps(g))
        )
        expected = torch.zeros(g.order).double()
        expected[g.identity] = g.order
        torch.testing.assert_close(regular, expected, atol=1e-9, rtol=0)
