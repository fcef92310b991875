"""Polynomials in two residues from a text, such as "a*a + a*b + 3". The text is read by this grammar, and never run:

    sum     = product (("+" | "-") product)*
    product = factor ("*" factor)*
    factor  = "-" factor | power
    power   = atom (("^" | "**") integer)?
    atom    = integer | letter | "(" sum ")"

Letters: a or x, the first operand; b or y, the second; p, the modulus; xy is x*y, as in publications. A power of a
power is refused, and so are long texts, numbers and exponents: what is left is a few hundred operations, all exact.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from jaxtyping import Int
from torch import Tensor

LONGEST, DEEPEST = 200, 20  # characters; brackets and minus signs within each other
LARGEST_NUMBER, LARGEST_EXPONENT = 10**6, 20
SPELT = {"a": ["x"], "b": ["y"], "xy": ["x", "*", "y"], "**": ["^"]}
WHAT = "a formula has + - * ^ ( ), whole numbers, the operands a and b (or x and y), and p"
_TOKEN = re.compile(r" *([0-9]+|\*\*|[-+*^()]|xy|[abpxy])")
# An integer, a letter, or a sign with what it is between.
Tree: TypeAlias = int | str | tuple[Any, ...]


@dataclass(frozen=True)
class Formula:
    """A polynomial. text: without blanks, in x, y and p, powers as ^; two texts may mean one polynomial."""

    text: str
    tree: Tree

    def modulo(self, p: int, x: Int[Tensor, "*x"], y: Int[Tensor, "*y"]) -> Int[Tensor, "*pair"]:
        """Its residues modulo p at residues that are broadcast against each other. Every operation is exact: it is
        reduced at once, and p^2 fits into 64 bits."""
        zero = torch.zeros_like(x + y)
        return zero + _value(self.tree, {"x": x, "y": y, "p": 0}, p)


def formula(text: str) -> Formula:
    """The polynomial of a text. ValueError, of one line, for any other text."""
    if len(text) > LONGEST:
        raise ValueError(f"a formula has at most {LONGEST} characters, got {len(text):,}")
    reader = _Reader(_tokens(text))
    tree = reader.sum(0)
    if reader.next is not None:
        raise ValueError(f"{reader.next!r} stands where a sign was expected: {WHAT}")
    if not {"x", "y"} & set(reader.tokens):
        raise ValueError("a formula has a or b in it")
    return Formula("".join(reader.tokens), tree)


def _tokens(text: str) -> list[str]:
    """Numbers, letters and signs, each in its one spelling."""
    tokens, place = [], 0
    text = text.rstrip(" ")
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"{text[place:].lstrip(' ')[0]!a} is no part of a formula: {WHAT}")
        token, place = match[1], match.end()
        if token.isdigit() and int(token) > LARGEST_NUMBER:
            raise ValueError(f"the numbers of a formula are at most {LARGEST_NUMBER:,}")
        tokens += [str(int(token))] if token.isdigit() else SPELT.get(token, [token])
    return tokens


class _Reader:
    """Goes through the tokens; each method reads what the grammar calls so. depth: brackets and minus signs around."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.place = 0

    @property
    def next(self) -> str | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def take(self) -> str | None:
        token = self.next
        self.place += 1
        return token

    def sum(self, depth: int) -> Tree:
        tree = self.product(depth)
        while self.next in ("+", "-"):
            tree = (self.take(), tree, self.product(depth))
        return tree

    def product(self, depth: int) -> Tree:
        tree = self.factor(depth)
        while self.next == "*":
            self.take()
            tree = ("*", tree, self.factor(depth))
        return tree

    def factor(self, depth: int) -> Tree:
        if depth > DEEPEST:
            raise ValueError(f"a formula has at most {DEEPEST} brackets and minus signs within each other")
        if self.next != "-":
            return self.power(depth)
        self.take()
        return ("-", 0, self.factor(depth + 1))

    def power(self, depth: int) -> Tree:
        base = self.atom(depth)
        if self.next != "^":
            return base
        self.take()
        exponent = self.take() or "nothing"
        if not exponent.isdigit() or int(exponent) > LARGEST_EXPONENT:
            raise ValueError(f"an exponent is a whole number from 0 to {LARGEST_EXPONENT}, got {exponent}")
        if self.next == "^" or _has_power(base):
            raise ValueError("a power of a power is refused: write the product of both exponents")
        return ("^", base, int(exponent))

    def atom(self, depth: int) -> Tree:
        token = self.take()
        if token == "(":
            tree = self.sum(depth + 1)
            if self.take() != ")":
                raise ValueError("a bracket of the formula is not closed")
            return tree
        if token is None or not token.isalnum():
            raise ValueError(f"{token or 'the end'} stands where a number, a letter or a bracket was expected: {WHAT}")
        return int(token) if token.isdigit() else token


def _has_power(tree: Tree) -> bool:
    return isinstance(tree, tuple) and (tree[0] == "^" or any(map(_has_power, tree[1:])))


def _value(tree: Tree, letters: Mapping[str, Any], p: int) -> Any:
    if isinstance(tree, int):
        return tree % p
    if isinstance(tree, str):
        return letters[tree]
    sign, one, other = tree
    left = _value(one, letters, p)
    if sign == "^":
        power = 1
        for _ in range(other):
            power = power * left % p
        return power
    right = _value(other, letters, p)
    return (left + right if sign == "+" else left - right if sign == "-" else left * right) % p
