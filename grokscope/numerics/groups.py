"""Finite groups by name: their elements, multiplication tables and inverses.

    name                            also        order   elements
    cyclic(59)                      C59, Z59    n       (k,), k = 0..n-1
    Z7xZ8                           C7xC8       m n     (i, j), any number of cyclic factors
    multiplicative(97)                          p - 1   (x,), x = 1..p-1 modulo a prime p, under multiplication
    dihedral(5)                     D5          2 n     (k, s) = r^k f^s: n rotations r, then n reflections
    symmetric(5)                    S5          n!      permutations of 0..n-1, lexicographic
    alternating(5)                  A5          n!/2    the even ones of them

The product x y of permutations is c[i] = y[x[i]], x applied first, as in Power et al. 2022 (arXiv:2201.02177, released
code). "cyclic(7)xcyclic(8)" is understood, but spelt Z7xZ8: only groups whose elements are residues in order have names
that begin with "cyclic".
"""

import functools
import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

# The table holds order^2 products and a task all order^2 pairs with `order` logits each: 4 GB in float32 at 1,000.
LARGEST_ORDER = 1000
FAMILIES = {
    **dict.fromkeys(("cyclic", "c", "z"), "cyclic"),
    **dict.fromkeys(("dihedral", "d"), "dihedral"),
    **dict.fromkeys(("symmetric", "s"), "symmetric"),
    **dict.fromkeys(("alternating", "a"), "alternating"),
    "multiplicative": "multiplicative",
}
# Below these the group is trivial, or another one under this name (D1 = Z2, D2 = Z2xZ2, A2 = 1).
SMALLEST = {"cyclic": 1, "dihedral": 3, "symmetric": 2, "alternating": 3, "multiplicative": 2}


@dataclass(frozen=True, kw_only=True, eq=False)
class Group:
    """A finite group; its elements are known by their index 0..order-1.

    name: the canonical spelling. family, parameters: its parts, such as "dihedral" and (5,); a direct product of
        cyclic groups is the family "product" with the orders of its factors.
    elements: each as a readable tuple (see the table above).
    table: index of the product, table[x, y] = x y.
    """

    name: str
    family: str
    parameters: tuple[int, ...]
    elements: tuple[tuple[int, ...], ...]
    table: Int[Tensor, "g h"]

    @property
    def order(self) -> int:
        return len(self.elements)

    @functools.cached_property
    def identity(self) -> int:
        """Index of e, for which e x = x."""
        return int((self.table == torch.arange(self.order)).all(dim=1).nonzero().item())

    @functools.cached_property
    def inverse(self) -> Int[Tensor, " g"]:
        """Index of x^-1 for each x."""
        return (self.table == self.identity).int().argmax(dim=1)

    @property
    def is_commutative(self) -> bool:
        return torch.equal(self.table, self.table.T)


def group(name: str) -> Group:
    """The group of that name.

    ValueError for an unknown name, for a group of more than 1,000 elements and for a parameter out of range.
    """
    return _build(*parse(name))


@functools.lru_cache(maxsize=16)
def _build(family: str, parameters: tuple[int, ...]) -> Group:
    match family:
        case "dihedral":
            elements, table = _dihedral(parameters[0])
        case "symmetric" | "alternating":
            elements, table = _permutations(parameters[0], even=family == "alternating")
        case "multiplicative":
            x = torch.arange(1, parameters[0])
            elements, table = [(value,) for value in x.tolist()], x[:, None] * x[None, :] % parameters[0] - 1
        case _:
            elements, table = _residues(parameters)
    return Group(
        name=spelling(family, parameters),
        family=family,
        parameters=parameters,
        elements=tuple(elements),
        table=table,
    )


def parse(name: str) -> tuple[str, tuple[int, ...]]:
    """The family and the parameters of a group's name; nothing is built. ValueError as `group`."""
    parts = []
    for part in re.split(r"\s*[x×]\s*", name.strip()):
        match = re.fullmatch(r"([a-z]+)(?:\((\d+)\)|(\d+))", part.lower())
        if not match or match[1] not in FAMILIES:
            raise ValueError(
                f"unknown group {name!r}; known are cyclic(59), Z7xZ8, multiplicative(97), dihedral(5), symmetric(5), "
                "alternating(5), and C59, D5, S5, A5 for short"
            )
        parts.append((FAMILIES[match[1]], int(match[2] or match[3])))
    if len(parts) > 1 and {family for family, _ in parts} != {"cyclic"}:
        raise ValueError(f"group {name!r}: only cyclic groups can be factors of a direct product, such as Z7xZ8")
    for family, parameter in parts:
        if parameter < SMALLEST[family]:
            raise ValueError(f"group {name!r}: {family}(n) needs n of at least {SMALLEST[family]}")
    family = parts[0][0] if len(parts) == 1 else "product"
    parameters = tuple(parameter for _, parameter in parts)
    _check_order(name, family, parameters)
    if family == "multiplicative" and not is_prime(parameters[0]):
        raise ValueError(f"group {name!r}: the residues 1..p-1 form a group under multiplication for prime p only")
    return family, parameters


def spelling(family: str, parameters: Sequence[int]) -> str:
    """The canonical name of a group."""
    return f"{family}({parameters[0]})" if family != "product" else "x".join(f"Z{n}" for n in parameters)


def is_prime(n: int) -> bool:
    return n > 1 and all(n % divisor for divisor in range(2, math.isqrt(n) + 1))


def discrete_logarithms(p: int) -> Int[Tensor, " g"]:
    """For x = 1..p-1 the exponent l in 0..p-2 with root^l = x (mod p), root the smallest primitive root of the prime p.

    x -> l is an isomorphism of multiplicative(p) and cyclic(p - 1).
    """
    for root in range(1, p):
        powers = [pow(root, exponent, p) for exponent in range(p - 1)]
        if len(set(powers)) == p - 1:
            logarithms = torch.empty(p - 1, dtype=torch.int64)
            logarithms[torch.tensor(powers) - 1] = torch.arange(p - 1)
            return logarithms
    raise ValueError(f"p must be a prime, got {p}")


def _check_order(name: str, family: str, parameters: tuple[int, ...]) -> None:
    n = min(parameters[0], 2 * LARGEST_ORDER)  # n! of a larger n would take time and is too large, too
    orders = {
        "dihedral": 2 * n,
        "symmetric": math.factorial(n),
        "alternating": math.factorial(n) // 2,
        "multiplicative": n - 1,
    }
    if orders.get(family, math.prod(parameters)) > LARGEST_ORDER:
        raise ValueError(
            f"group {name!r} has more than {LARGEST_ORDER:,} elements; all pairs are held, so take a smaller one"
        )


def _residues(orders: tuple[int, ...]) -> tuple[list[tuple[int, ...]], Int[Tensor, "g h"]]:
    elements = list(itertools.product(*map(range, orders)))
    coordinates = torch.tensor(elements)
    table = torch.zeros(len(elements), len(elements), dtype=torch.int64)
    for axis, n in enumerate(orders):
        x = coordinates[:, axis]
        table = table * n + (x[:, None] + x[None, :]) % n
    return elements, table


def _dihedral(n: int) -> tuple[list[tuple[int, ...]], Int[Tensor, "g h"]]:
    """(r^a f^s)(r^b f^t) = r^(a + (-1)^s b) f^(s+t), because f r = r^-1 f."""
    elements = [(k, s) for s in range(2) for k in range(n)]
    k, s = torch.tensor(elements).unbind(1)
    rotation = (k[:, None] + (1 - 2 * s[:, None]) * k[None, :]) % n
    return elements, (s[:, None] + s[None, :]) % 2 * n + rotation


def _permutations(n: int, *, even: bool) -> tuple[list[tuple[int, ...]], Int[Tensor, "g h"]]:
    elements = [x for x in itertools.permutations(range(n)) if not even or parity(x) == 1]
    x = torch.tensor(elements)
    weights = n ** torch.arange(n - 1, -1, -1)
    # As numbers in base n, permutations in lexicographic order ascend: a product is found by bisection.
    codes = (x * weights).sum(dim=1)
    products = (x[:, x] * weights).sum(dim=-1).T
    return elements, torch.searchsorted(codes, products.contiguous())


def parity(permutation: Sequence[int]) -> int:
    """+1 for an even permutation, -1 for an odd one: (-1)^(number of inversions)."""
    return (-1) ** sum(a > b for a, b in itertools.combinations(permutation, 2))
