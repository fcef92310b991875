"""Polynomials from a text, against Python's own whole numbers; every other text is one line."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.numerics.formula import formula

# (text, function of two whole numbers): sums, products and powers of the operands, of numbers and of each other.
leaves = st.sampled_from([("a", lambda a, b: a), ("b", lambda a, b: b), ("x", lambda a, b: a), ("y", lambda a, b: b)])
numbers = st.integers(0, 1000).map(lambda n: (str(n), lambda a, b: n))


def grown(smaller: st.SearchStrategy) -> st.SearchStrategy:
    pairs = st.tuples(smaller, smaller)
    return st.one_of(
        pairs.map(lambda p: (f"({p[0][0]} + {p[1][0]})", lambda a, b: p[0][1](a, b) + p[1][1](a, b))),
        pairs.map(lambda p: (f"({p[0][0]}-{p[1][0]})", lambda a, b: p[0][1](a, b) - p[1][1](a, b))),
        pairs.map(lambda p: (f"{p[0][0]} *({p[1][0]})", lambda a, b: p[0][1](a, b) * p[1][1](a, b))),
        smaller.map(lambda one: (f"(-{one[0]})", lambda a, b: -one[1](a, b))),
        st.tuples(leaves, st.integers(0, 20)).map(
            lambda p: (f"{p[0][0]}**{p[1]}", lambda a, b: p[0][1](a, b) ** p[1])  # small numbers, in Python's integers
        ),
    )


@given(st.recursive(leaves | numbers, grown, max_leaves=8), st.sampled_from([2, 7, 12, 997]), st.data())
def test_it_is_what_exact_integers_say(made: tuple, p: int, data: st.DataObject) -> None:
    text, exact = made
    text, exact = f"{text} + a", lambda a, b, exact=exact: exact(a, b) + a
    if len(text) > 200:
        return
    a, b = data.draw(st.integers(0, p - 1)), data.draw(st.integers(0, p - 1))
    found = formula(text)
    residues = found.modulo(p, torch.tensor([[a]]), torch.tensor([[b]]))
    assert residues.dtype == torch.int64
    assert residues.item() == exact(a, b) % p
    assert formula(found.text).text == found.text
    assert torch.equal(formula(found.text).modulo(p, torch.tensor([a]), torch.tensor([b])), residues[0])


@pytest.mark.parametrize(
    ("text", "at_3_and_5"),
    [
        ("-a^2", -9),  # the power first, as in Python
        ("a - b - 1", -3),  # from the left
        ("a*b^2", 75),
        ("x^3 + xy^2 + y", 27 + 75 + 5),
        ("2*(a+b)*a", 48),
        ("a*-b", -15),
        ("p*a + b", 5),
        ("(a-b)^0 + b - b + a", 4),
        ("007*b", 35),
    ],
)
def test_signs_bind_as_usual(text: str, at_3_and_5: int) -> None:
    assert formula(text).modulo(1009, torch.tensor(3), torch.tensor(5)).item() == at_3_and_5 % 1009


HOSTILE = [
    "__import__('os').system('true')", "a.real", "abs(a)", "a(b)", "f", "ab", "2a", "a b", "x1", "lambda: a",
    "a if b else 1", "a**b", "a**b**2", "a^2^3", "(a^2)^3", "((a*b)^2 + 1)^2", "a**-1", "a^21", "a^2.5",
    "9**9**9 + a", "a^99999999999", "9" * 60 + "*a", "1000001*a", "1e5*a", "0xff*a", "a*" * 120 + "a",
    "(" * 60 + "a" + ")" * 60, "-" * 60 + "a", "(" * 199, "ａ+b", "a × b", "a²", "a\u200b+b", "a\n+b", "a\0",
    "a;b", "a/b", "a%b", "a//b", "a@b", "a|b", "a,b", "[a]", "{a}", "a=b", "", " ", "3", "p", "a+", "*a", "+a",
    "(a", "a)", "()", "a**", "a^", "a^b", "^",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:30])
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError) as error:
        formula(text)
    said = str(error.value)
    assert said
    assert "\n" not in said
    assert said.isascii()
    assert len(said) < 250
