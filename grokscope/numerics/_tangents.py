"""The gradients of a network's outputs by its weights, sample by sample, small enough to be held.

A weight W of shape (in, out) that activations a meet in products a W has, for one sample and output c, the gradient

    G_c = sum_s a_s b_sc^T = Q^T B_c,      Q (rank, in) with orthonormal rows, B_c = Q G_c (rank, out)

where s runs over the k positions at which the sample meets W: Q does not depend on the output, and its rank is at most
k, 1 in a fully connected layer. The inner product of two gradients is then

    <G_c, G'_d> = sum_st (Q Q'^T)_st (B_c B'_d^T)_st

with rank^2 (in + out) multiplications instead of in times out (the structured derivatives of Novak et al. 2022, "Fast
finite width neural tangent kernel", arXiv:2206.08720, section 3.3). They read a and b off the program. We find Q in the
numbers, so any function that torch.func maps will do: by the randomised range finder of Halko, Martinsson & Tropp 2011,
arXiv:0909.4061, algorithm 4.1, from the gradient of one random combination of the outputs, checked on a second one. A
weight used the other way round (W a, as in torch.nn.Linear) is transposed. A weight whose gradients have no such
factors, such as a bias or a convolution, keeps them whole.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import vjp, vmap

Function = Callable[[dict[str, Tensor], Tensor], Tensor]
# The residual that a factor may leave of the second combination's gradient, relative to it, in units of the dtype's
# rounding: sums over some thousand terms leave a few.
ROUNDING = 64
# Copies of a gradient alive while it is formed: itself, that of a transposed product, activations, products.
COPIES = 4
# The largest rank that is tried: products of pairs grow with its square.
MOST = 8
SEED = 0  # of the random combinations: another one changes a kernel by rounding


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How the gradients by one weight are held. rank None: as they are, with in = 1 and out all the weight's numbers.

    groups: matrices that the weight is a stack of, such as heads. transposed: Q belongs to the last axis.
    """

    groups: int
    into: int
    out: int
    rank: int | None = None
    transposed: bool = False

    @property
    def lefts(self) -> int:
        """Numbers of Q."""
        return self.groups * self.rank * self.into if self.rank else 0

    @property
    def rights(self) -> int:
        """Numbers of B of one output."""
        return self.groups * (self.rank or 1) * self.out

    def multiplications(self, n_products: int) -> int:
        """For one pair of samples; n_products: of their B, C or C^2 of C outputs."""
        rank = self.rank or 1
        return self.groups * rank**2 * (n_products * self.out + (self.into if self.rank else 0))

    def matrices(self, gradient: Tensor, n_axes: int = 0) -> Float[Tensor, "*batch group in out"]:
        """Gradients by a weight as matrices; n_axes: the batch's, before those of the weight."""
        sizes = (self.groups, self.out, self.into) if self.transposed else (self.groups, self.into, self.out)
        matrices = gradient.reshape(*gradient.shape[:n_axes], *sizes)
        return matrices.mT if self.transposed else matrices


@dataclass(frozen=True, kw_only=True)
class Factor:
    """The gradients by one weight: Q, None where they are taken as they are, and B."""

    left: Float[Tensor, "sample group rank in"] | None
    right: Float[Tensor, "sample group rank output out"]


class Tangents:
    """Forms the gradients of a function, and holds them as factors.

    function: (parameters, inputs) -> (n, outputs) or (n,), each row from its own input, in operations that torch.func
    maps. params: those of floating point are the weights; they have one dtype.
    """

    def __init__(self, function: Function, params: Mapping[str, Tensor], inputs: Float[Tensor, "sample ..."]) -> None:
        self.function = function
        self.weights = {name: tensor.detach() for name, tensor in params.items() if tensor.is_floating_point()}
        self.fixed = {name: tensor for name, tensor in params.items() if not tensor.is_floating_point()}
        dtypes = {tensor.dtype for tensor in params.values() if tensor.is_floating_point() or tensor.is_complex()}
        if len(dtypes) != 1 or any(dtype.is_complex for dtype in dtypes):
            given = ", ".join(sorted(map(str, dtypes))) or "none of floating point"
            raise ValueError(f"params must be of one floating dtype, got {given}")
        (self.dtype,) = dtypes
        if not len(inputs):
            raise ValueError("a kernel needs at least one input, got none")
        with torch.no_grad():
            first = function({**self.weights, **self.fixed}, inputs[:1])
        if first.shape[:1] != (1,) or first.ndim > 2:
            raise ValueError(f"function must give (n, outputs) or (n,) of n inputs; of 1 it gave {tuple(first.shape)}")
        self.n_outputs = first.numel()
        self.shapes = {name: Shape(groups=1, into=1, out=tensor.numel()) for name, tensor in self.weights.items()}

    @property
    def size(self) -> int:
        """The number of weights."""
        return sum(tensor.numel() for tensor in self.weights.values())

    @property
    def width(self) -> int:
        """Bytes of a number."""
        return self.dtype.itemsize

    def bytes_held(self, n_outputs: int) -> int:
        """Of one sample's gradients of so many outputs, as they are held."""
        return self.width * sum(shape.lefts + n_outputs * shape.rights for shape in self.shapes.values())

    @property
    def bytes_formed(self) -> int:
        """While the gradient of one sample and output is formed."""
        return COPIES * self.width * self.size

    def fit(self, inputs: Tensor, n_products: int, work: int) -> None:
        """Finds the `shapes` of the gradients on these inputs.

        n_products: as in `Shape.multiplications`; factors that take more multiplications than whole gradients are not
        used. work: bytes to form gradients in.
        """
        candidates = {name: _candidates(tensor.shape, n_products) for name, tensor in self.weights.items()}
        probes = self._probes(2)
        # Two samples are enough to see that a weight has no factors.
        chunks = [inputs[:2], *inputs[2:].split(max(1, work // (2 * self.bytes_formed)))]
        for chunk in filter(len, chunks):
            for name, gradients in self._formed(chunk, probes, {}).items():
                candidates[name] = [
                    fitted
                    for shape in candidates[name]
                    if (fitted := _fitted(shape, shape.matrices(gradients, 2), self._combinations(shape)))
                ]
        for name, shapes in candidates.items():
            whole = Shape(groups=1, into=1, out=self.weights[name].numel())
            # `whole` comes first: of two that cost the same it is taken.
            self.shapes[name] = min([whole, *shapes], key=lambda shape: shape.multiplications(n_products))

    def block(self, inputs: Tensor, outputs: slice, work: int) -> dict[str, Factor]:
        """The gradients of some outputs on some samples."""
        pulls = torch.eye(self.n_outputs, dtype=self.dtype)[outputs]
        factors = self._empty(len(inputs), len(pulls))
        lefts = {name: factor.left for name, factor in factors.items() if factor.left is not None}
        together = max(1, work // self.bytes_formed)
        for rows in blocks(len(inputs), together):
            for name, left in self._lefts(inputs[rows]).items():
                lefts[name][rows] = left
        n_pulls = min(len(pulls), together)
        for rows in blocks(len(inputs), max(1, together // n_pulls)):
            own = {name: left[rows] for name, left in lefts.items()}
            for some in blocks(len(pulls), n_pulls):
                for name, right in self._formed(inputs[rows], pulls[some], own).items():
                    shape = self.shapes[name]
                    parts = right.reshape(*right.shape[:2], shape.groups, shape.rank or 1, shape.out)
                    factors[name].right[rows, :, :, some] = parts.permute(0, 2, 3, 1, 4)
        return factors

    def _empty(self, n_samples: int, n_outputs: int) -> dict[str, Factor]:
        def numbers(*sizes: int) -> Tensor:
            return torch.empty(n_samples, *sizes, dtype=self.dtype)

        return {
            name: Factor(
                left=numbers(shape.groups, shape.rank, shape.into) if shape.rank else None,
                right=numbers(shape.groups, shape.rank or 1, n_outputs, shape.out),
            )
            for name, shape in self.shapes.items()
        }

    def _lefts(self, inputs: Tensor) -> dict[str, Float[Tensor, "sample group rank in"]]:
        """Q on these samples, for the weights that have one."""
        held = {name: shape for name, shape in self.shapes.items() if shape.rank}
        formed = self._formed(inputs, self._probes(2)[:1], {}) if held else {}
        return {
            name: _range(shape.matrices(formed[name], 2)[:, 0], self._combinations(shape)[:, : shape.rank]).mT
            for name, shape in held.items()
        }

    def _formed(
        self, inputs: Tensor, pulls: Float[Tensor, "pull output"], lefts: dict[str, Tensor]
    ) -> dict[str, Float[Tensor, "sample pull ..."]]:
        """d <pull, f> / dW of every sample and pull, multiplied from the left by Q where one is given."""

        def one(x: Tensor, own: dict[str, Tensor]) -> dict[str, Tensor]:
            back = vjp(lambda w: self.function({**w, **self.fixed}, x.unsqueeze(0)).reshape(-1), self.weights)[1]

            def pulled(pull: Tensor) -> dict[str, Tensor]:
                gradients = back(pull)[0]
                for name, left in own.items():
                    gradients[name] = left @ self.shapes[name].matrices(gradients[name])
                return gradients

            return vmap(pulled)(pulls)

        return vmap(one)(inputs, lefts)

    def _probes(self, n: int) -> Float[Tensor, "pull output"]:
        """Random combinations of the outputs, always the same."""
        generator = torch.Generator().manual_seed(SEED)
        return torch.randn(n, self.n_outputs, generator=generator, dtype=torch.float64).to(self.dtype)

    def _combinations(self, shape: Shape) -> Float[Tensor, "in column"]:
        """Random combinations of a gradient's rows, always the same."""
        generator = torch.Generator().manual_seed(SEED)
        return torch.randn(MOST, shape.into, generator=generator, dtype=torch.float64).to(self.dtype).T


def _candidates(shape: torch.Size, n_products: int) -> list[Shape]:
    """The ways to see a weight as matrices, to begin with at rank 1."""
    if len(shape) < 2:
        return []
    *groups, rows, columns = shape
    both = [
        Shape(groups=prod(groups), into=rows, out=columns, rank=1),
        Shape(groups=prod(groups), into=columns, out=rows, rank=1, transposed=True),
    ]
    return [factored for factored in both if factored.multiplications(n_products) < n_products * prod(shape)]


def _fitted(
    shape: Shape, probes: Float[Tensor, "sample two group in out"], combinations: Float[Tensor, "in column"]
) -> Shape | None:
    """The shape with the least rank, from its own up, that is enough on these samples; None where none is.

    Q, found for the first probe's gradients, must leave nothing of the second's.
    """
    assert shape.rank is not None
    first, second = probes.unbind(1)
    least = ROUNDING * torch.finfo(first.dtype).eps * torch.linalg.matrix_norm(second)
    for rank in range(shape.rank, min(shape.into, shape.out, MOST) + 1):
        q = _range(first, combinations[:, :rank])
        rest = torch.linalg.matrix_norm(second - q @ (q.mT @ second))
        if bool((rest <= least).all()):
            return replace(shape, rank=rank)
    return None


def _range(
    matrices: Float[Tensor, "*batch in out"], combinations: Float[Tensor, "in rank"]
) -> Float[Tensor, "*batch in rank"]:
    """Orthonormal columns that span the matrices' columns, if their rank is no larger than that of the combinations.

    By way of the rows: random combinations of the columns themselves may nearly cancel.
    """
    return torch.linalg.qr(matrices @ torch.linalg.qr(matrices.mT @ combinations).Q).Q


def blocks(n: int, size: int) -> Iterator[slice]:
    """Slices of n in steps of `size`; the last may be shorter."""
    return (slice(start, min(start + size, n)) for start in range(0, n, size))
