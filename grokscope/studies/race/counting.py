"""What a step of a method costs in operations: of the network, and of what the method adds.

    6 P B  +  the method's own      (forward 2 P B, backward 4 P B; P weights, B inputs of a batch)

AdamW's own 10 P are the same for all and left out, as are evaluations. The count treats a table of symbols as a matrix
that is multiplied, as is usual: an upper bound for small networks.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

Shapes = Mapping[str, tuple[int, ...]]


def weights(shapes: Shapes) -> int:
    """P, the number of weights."""
    return sum(math.prod(shape) for shape in shapes.values())


def matrices(shapes: Shapes) -> Iterator[tuple[int, int]]:
    """Shorter and longer side of every matrix; those of heads and layers one by one."""
    for shape in shapes.values():
        if len(shape) > 1:
            m, n = sorted(shape[-2:])
            for _ in range(math.prod(shape[:-2])):
                yield m, n


def network(shapes: Shapes, batch: int) -> float:
    """6 P B."""
    return 6.0 * weights(shapes) * batch


def of_steps(steps: Sequence[float], each: float) -> list[float]:
    """Operations until each of these steps."""
    return [step * each for step in steps]
