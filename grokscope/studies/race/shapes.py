"""Sizes of tensors from their shapes, for the operations that a method adds to a step."""

import math
from collections.abc import Iterator, Mapping


def weights(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """P, the number of weights."""
    return sum(math.prod(shape) for shape in shapes.values())


def clipped(shapes: Mapping[str, tuple[int, ...]]) -> float:
    """Operations of a clip of rows: norms and factors of all of them."""
    return 3.0 * weights(shapes)


def matrices(shapes: Mapping[str, tuple[int, ...]]) -> Iterator[tuple[int, int]]:
    """Shorter and longer side of every matrix; those of heads and layers one by one."""
    for shape in shapes.values():
        if len(shape) > 1:
            m, n = sorted(shape[-2:])
            for _ in range(math.prod(shape[:-2])):
                yield m, n
