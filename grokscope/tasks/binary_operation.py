"""Power's binary operations modulo p, (x, y) -> x o y mod p, and any polynomial in x and y.

Source: Power et al. 2022, arXiv:2201.02177, appendix A.1.1 and released code (x*y is in the code and in figure 2).

Inputs are all p^2 pairs in lexicographic order. x/y is x times the inverse of y and exists for y != 0 only: its
p (p - 1) inputs are in the published order, by quotient c, then y, with x = c y mod p. "x/y_or_x-y" divides for odd y
and subtracts for even y, also for 0. Every other operation is a formula (`numerics.formula`); a and b may stand for x
and y, and "a + b" is x+y.

Truth. x+y and x-y: the answers form the cyclic group Z_p, on a circle. x*y and x/y, p prime: the answers other than 0
form the multiplicative group, on a circle; class y is the group's element y. (The discrete logarithm is an isomorphism
to Z_(p-1); the order of the labels does not show it.) 0 is no element of the group: the space is a circle and a point.
The other operations have no group, nor has x*y modulo a composite p.
"""

import math
from typing import Annotated, Literal, get_args

import torch
from jaxtyping import Int
from pydantic import AfterValidator, Field, model_validator
from torch import Tensor

from grokscope.numerics.formula import formula
from grokscope.numerics.groups import is_prime
from grokscope.registry import Options, called
from grokscope.tasks._pairs import all_pairs, commutative_truth, truth_with_zero
from grokscope.tasks.base import Task, TaskFamily, Truth

Published = Literal[
    "x+y",
    "x-y",
    "x*y",
    "x/y",
    "x/y_or_x-y",
    "x^2+y^2",
    "x^2+xy+y^2",
    "x^2+xy+y^2+x",
    "x^3+xy",
    "x^3+xy^2+y",
]
PUBLISHED: tuple[str, ...] = get_args(Published)
WORDS = {"subtraction": "x-y", "multiplication": "x*y", "division": "x/y"}  # addition: the task modular_addition


def _spelt(operation: str) -> str:
    """A published operation as it is, a formula in its one spelling."""
    if (published := WORDS.get(operation, operation).replace(" ", "")) in PUBLISHED:
        return published
    try:
        return formula(operation).text
    except ValueError as error:
        raise ValueError(f"{error}; or one of {', '.join(map(repr, PUBLISHED))}") from None


class BinaryOperation(Options):
    # All p^2 pairs and their p logits are held at once: 4 GB in float32 at p = 1,000.
    p: int = Field(97, ge=2, le=1000, description="modulus; a prime for division [1]")
    operation: Annotated[str, AfterValidator(_spelt)] = Field(
        "x+y",
        description='modulo p: x+y, x*y, x/y or another published one, or a polynomial such as "a*a + a*b + 3"',
    )

    @model_validator(mode="after")
    def _check_division(self) -> "BinaryOperation":
        for y in _divisors(self):
            if math.gcd(y, self.p) > 1:
                raise ValueError(
                    f"operation {self.operation!r} is undefined for p = {self.p}, where {y} has no inverse; "
                    f"use a prime p, such as {next(filter(is_prime, range(self.p, 1, -1)))}"
                )
        return self


def build(options: BinaryOperation) -> Task:
    p, operation = options.p, options.operation
    truth = _truth(operation, p)
    if operation == "x/y":
        quotient, y = torch.cartesian_prod(torch.arange(p), torch.arange(1, p)).unbind(1)
        inputs = torch.stack([quotient * y % p, y], dim=1)
        orbits = torch.arange(len(inputs))
        return Task(inputs=inputs, labels=quotient, orbits=orbits, n_symbols=p, n_classes=p, truth=truth)
    x, y = torch.arange(p)[:, None], torch.arange(p)[None, :]
    if operation == "x/y_or_x-y":
        return all_pairs(torch.where(y % 2 == 1, x * _inverses(options), x - y) % p, truth=truth)
    return all_pairs(formula(operation).modulo(p, x, y), truth=truth)


def _divisors(options: BinaryOperation) -> range:
    """The y by which the operation divides."""
    return {"x/y": range(1, options.p), "x/y_or_x-y": range(1, options.p, 2)}.get(options.operation, range(0))


def _inverses(options: BinaryOperation) -> Int[Tensor, " y"]:
    """y^-1 mod p of each y by which the operation divides; 0 for the others."""
    inverses = torch.zeros(options.p, dtype=torch.int64)
    for y in _divisors(options):
        inverses[y] = pow(y, -1, options.p)
    return inverses


def _truth(operation: str, p: int) -> Truth:
    if operation in {"x+y", "x-y"}:
        return commutative_truth(f"cyclic({p})", (p,))
    return truth_with_zero(p) if operation in {"x*y", "x/y"} and is_prime(p) else Truth()


also_called = (
    {name: {"operation": operation} for operation in WORDS for name in (operation, f"modular_{operation}")}
    | called("mod_mul", "modular_mult", "product", "modular_product", operation="multiplication")
    | called("mod_sub", "modular_sub", "modular_difference", operation="subtraction")
    | called("mod_div", "modular_div", "modular_quotient", operation="division")
    | called("modular_polynomial", "modular_quadratic", "polynomial_mod_p", operation="x^2+xy+y^2")
    | called("modular_arithmetic", "modular_operation", "binary_op", "algorithmic", "formula")
)
binary_operation = TaskFamily(options=BinaryOperation, build=build, also_called=also_called)
