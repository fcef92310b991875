"""Group tasks against composition done by hand, and the spaces of their answers."""

import itertools

import pytest

from grokscope.tasks.group_operation import GroupOperation, build


def compose(*permutations: tuple[int, ...]) -> tuple[int, ...]:
    """The first one is applied first."""
    result = tuple(range(len(permutations[0])))
    for permutation in permutations:
        result = tuple(permutation[i] for i in result)
    return result


@pytest.mark.parametrize("operation", ["xy", "xyx^-1", "xyx"])
def test_s4_pair_by_pair(operation: str) -> None:
    task = build(GroupOperation(group="S4", operation=operation))
    elements = list(itertools.permutations(range(4)))
    assert (task.n_inputs, task.n_symbols, task.n_classes) == (576, 24, 24)
    for (i, j), answer in zip(task.inputs.tolist(), task.labels.tolist(), strict=True):
        x, y = elements[i], elements[j]
        last = {"xy": None, "xyx": x, "xyx^-1": tuple(sorted(range(4), key=x.__getitem__))}[operation]
        assert elements[answer] == (compose(x, y, last) if last else compose(x, y))
    assert int(task.orbits.max()) + 1 == 576


def test_the_published_size() -> None:
    assert build(GroupOperation()).n_inputs == 14_400  # science: Power et al. 2022, S5


def test_swapped_pairs_share_an_orbit_where_the_group_commutes() -> None:
    assert int(build(GroupOperation(group="Z3xZ3")).orbits.max()) + 1 == 45
    assert int(build(GroupOperation(group="D3")).orbits.max()) + 1 == 36


@pytest.mark.parametrize(
    ("name", "group", "manifold", "dimensions", "betti"),
    [
        ("C59", "cyclic(59)", "circle", (1, 2), (1, 1)),
        ("multiplicative(97)", "multiplicative(97)", "circle", (1, 2), (1, 1)),
        ("cyclic(7)xcyclic(7)", "Z7xZ7", "torus", (2, 3), (1, 2, 1)),
        ("Z3xZ3xZ3", "Z3xZ3xZ3", "torus", (3, 4), (1, 3, 3, 1)),
        ("Z7xZ8", "Z7xZ8", "circle", (1, 2), (1, 1)),  # Z56 by another name
        ("Z6xZ10", "Z6xZ10", "two circles", (1, 2), (2, 2)),  # Z2xZ30 by another name
        ("Z1xZ7", "Z1xZ7", "circle", (1, 2), (1, 1)),
        ("Z2xZ2", "Z2xZ2", "points", (0, 1), (4,)),
        ("C1", "cyclic(1)", "points", (0, 0), (1,)),
        ("D5", "dihedral(5)", "two circles", (1, 2), (2, 2)),
        ("S4", "symmetric(4)", "none", (None, None), ()),
        ("A4", "alternating(4)", "none", (None, None), ()),
        ("Z2xZ4xZ6", "Z2xZ4xZ6", "none", (None, None), ()),  # four circles: Z2xZ2xZ12
        ("Z2xZ4xZ4", "Z2xZ4xZ4", "none", (None, None), ()),  # two tori
    ],
)
def test_truth(
    name: str, group: str, manifold: str, dimensions: tuple[int | None, int | None], betti: tuple[int, ...]
) -> None:
    truth = build(GroupOperation(group=name)).truth
    assert (truth.group, truth.manifold, truth.betti) == (group, manifold, betti)
    assert (truth.intrinsic_dimension, truth.embedding_dimension) == dimensions


def test_conjugates_have_the_group_and_no_manifold() -> None:
    truth = build(GroupOperation(group="D5", operation="xyx^-1")).truth
    assert (truth.group, truth.manifold, truth.betti) == ("dihedral(5)", "none", ())


def test_spellings_of_one_group_are_one_config() -> None:
    assert GroupOperation(group="S5") == GroupOperation()
    assert GroupOperation(group="cyclic(3) x Z4").group == "Z3xZ4"


@pytest.mark.parametrize("name", ["Q8", "S7", "D1"])
def test_an_impossible_group_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(ValueError) as error:
        GroupOperation(group=name)
    assert str(error.value).startswith("group: ")
    assert repr(name) in str(error.value)
    assert "\n" not in str(error.value)
