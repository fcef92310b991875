"""Power's operations against their definitions, pair by pair."""

import dataclasses
from collections.abc import Callable

import pytest
import torch

from grokscope.numerics.groups import group
from grokscope.recipes.base import recipe
from grokscope.registry import component
from grokscope.tasks._pairs import all_pairs
from grokscope.tasks.base import Truth
from grokscope.tasks.binary_operation import PUBLISHED, BinaryOperation, build
from grokscope.tasks.modular_addition import ModularAddition
from grokscope.tasks.modular_addition import build as build_addition

POLYNOMIALS: dict[str, Callable[[int, int], int]] = {
    "x+y": lambda x, y: x + y,
    "x-y": lambda x, y: x - y,
    "x*y": lambda x, y: x * y,
    "x^2+y^2": lambda x, y: x * x + y * y,
    "x^2+xy+y^2": lambda x, y: x * x + x * y + y * y,
    "x^2+xy+y^2+x": lambda x, y: x * x + x * y + y * y + x,
    "x^3+xy": lambda x, y: x * x * x + x * y,
    "x^3+xy^2+y": lambda x, y: x * x * x + x * y * y + y,
}
SYMMETRIC = {"x+y", "x*y", "x^2+y^2", "x^2+xy+y^2"}
P = 11


def test_each_operation_is_tested() -> None:
    assert set(PUBLISHED) == {*POLYNOMIALS, "x/y", "x/y_or_x-y"}


@pytest.mark.parametrize("operation", POLYNOMIALS)
def test_polynomials(operation: str) -> None:
    task = build(BinaryOperation(p=P, operation=operation))
    pairs = [(x, y) for x in range(P) for y in range(P)]
    assert task.inputs.tolist() == [list(pair) for pair in pairs]
    assert task.labels.tolist() == [POLYNOMIALS[operation](x, y) % P for x, y in pairs]
    n_orbits = int(task.orbits.max()) + 1
    assert n_orbits == (P * (P + 1) // 2 if operation in SYMMETRIC else P * P)


def test_polynomials_do_not_overflow_at_the_largest_p() -> None:
    task = build(BinaryOperation(p=997, operation="x^3+xy^2+y"))
    x, y = task.inputs[-1].tolist()
    assert task.labels[-1] == (x**3 + x * y**2 + y) % 997


def test_division_is_the_inverse_of_multiplication_in_the_published_order() -> None:
    task = build(BinaryOperation(operation="x/y"))
    assert task.n_inputs == 9312  # science: Power et al. 2022, p = 97
    published = [(c * y % 97, y, c) for c in range(97) for y in range(1, 97)]
    assert torch.cat([task.inputs, task.labels[:, None]], dim=1).tolist() == [list(row) for row in published]
    assert task.orbits.tolist() == list(range(9312))


def test_division_or_subtraction_by_parity() -> None:
    task = build(BinaryOperation(p=P, operation="x/y_or_x-y"))
    assert task.n_inputs == P * P
    for (x, y), answer in zip(task.inputs.tolist(), task.labels.tolist(), strict=True):
        assert (answer * y - x) % P == 0 if y % 2 else answer == (x - y) % P


@pytest.mark.parametrize(
    ("operation", "p", "divisor", "prime"), [("x/y", 91, 7, 89), ("x/y", 8, 2, 7), ("x/y_or_x-y", 15, 3, 13)]
)
def test_division_without_an_inverse_is_refused_in_one_line(operation: str, p: int, divisor: int, prime: int) -> None:
    with pytest.raises(ValueError) as error:
        BinaryOperation(p=p, operation=operation)
    assert str(error.value) == (
        f"operation {operation!r} is undefined for p = {p}, where {divisor} has no inverse; use a prime p, "
        f"such as {prime}"
    )


def test_an_unknown_operation_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError) as error:
        BinaryOperation(operation="x**y")
    assert str(error.value).startswith("operation: ")
    assert "'x+y'" in str(error.value)
    assert "\n" not in str(error.value)


def test_addition_is_the_task_of_that_name() -> None:
    ours, theirs = build(BinaryOperation(p=59)), build_addition(ModularAddition(p=59))
    assert ours.truth == theirs.truth
    assert torch.equal(ours.labels, theirs.labels)
    assert torch.equal(ours.orbits, theirs.orbits)


@pytest.mark.parametrize("operation", ["x*y", "x/y"])
def test_products_and_quotients_are_those_of_the_group_away_from_zero(operation: str) -> None:
    task = build(BinaryOperation(p=P, operation=operation))
    assert (task.truth.group, task.truth.betti) == (f"multiplicative({P})", (2, 1))
    units = group(f"multiplicative({P})")
    nonzero = (task.inputs != 0).all(dim=1)
    x, y = (task.inputs[nonzero] - 1).unbind(1)
    expected = units.table[x, y if operation == "x*y" else units.inverse[y]]
    assert torch.equal(task.labels[nonzero] - 1, expected)
    assert (task.labels[~nonzero] == 0).all()


def test_truth_of_the_rest() -> None:
    assert build(BinaryOperation(p=P, operation="x-y")).truth == build(BinaryOperation(p=P)).truth
    assert build(BinaryOperation(p=12, operation="x*y")).truth.group is None
    assert build(BinaryOperation(p=P, operation="x^2+y^2")).truth.manifold == "none"
    assert build(BinaryOperation(p=3, operation="x*y")).truth.betti == (3,)
    assert build(BinaryOperation(p=2)).truth.betti == (2,)


def test_a_formula_is_bitwise_the_task_written_by_hand() -> None:
    x, y = torch.arange(P)[:, None], torch.arange(P)[None, :]
    theirs = all_pairs((x * x + x * y + 3) % P, truth=Truth())
    ours = build(BinaryOperation(p=P, operation="a*a + a*b + 3"))
    for field in dataclasses.fields(theirs):
        one, other = getattr(ours, field.name), getattr(theirs, field.name)
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other, field.name


def test_a_formula_has_one_spelling_and_a_published_operation_its_own() -> None:
    spelt = {BinaryOperation(operation=text).operation for text in ("a*a + a*b + 3", "x*x+x*y+3", " a * a+a*b +03")}
    assert spelt == {"x*x+x*y+3"}
    for text in ("a + b", "x + y", "x^2 + xy + y^2", "a**2 + b**2"):
        assert BinaryOperation(operation=text).operation in PUBLISHED
    assert build(BinaryOperation(p=P, operation="a - b")).truth.group == f"cyclic({P})"
    configs = [recipe("quickstart", task="binary_operation", p=P, operation=text) for text in ("a+b", "x+y", "x+y+0")]
    assert configs[0].key == configs[1].key != configs[2].key


def test_published_operations_are_the_formulas_that_they_say() -> None:
    for text, by_hand in POLYNOMIALS.items():
        again = text.replace("xy", "a*b").replace("x", "a").replace("y", "b") + " + 0*a"
        labels = build(BinaryOperation(p=P, operation=again)).labels
        assert labels.tolist() == [by_hand(x, y) % P for x in range(P) for y in range(P)]
        assert component("tasks", "binary_operation").options(operation=again).operation not in PUBLISHED


def test_a_hostile_formula_is_one_line_of_a_config() -> None:
    with pytest.raises(ValueError) as error:
        recipe("quickstart", task="binary_operation", operation="__import__('os')")
    assert str(error.value).startswith("operation: '_' is no part of a formula")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("operation", POLYNOMIALS)
def test_inputs_whose_answer_depends_on_the_order(operation: str) -> None:
    answer = POLYNOMIALS[operation]
    n = sum((answer(x, y) - answer(y, x)) % P != 0 for x in range(P) for y in range(P))
    assert build(BinaryOperation(p=P, operation=operation)).n_ordered == n
    assert (n == 0) == (operation in SYMMETRIC)
