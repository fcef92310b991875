"""Group-sequential looks: how much of the level each look at growing numbers of seeds may use.

The level used up to a look at n of N seeds is a (n / N)^2: the first looks, which decide only what is beyond doubt,
cost little, and the last one has nearly all of it. A look tests what is still open at its own increment,

    a_i = a (n_i^2 - n_(i-1)^2) / N^2,   sum_i a_i = a

so that the probability of any false decision is at most a however the looks depend on each other (Bonferroni). Nominal
levels from the joint law of the looks would be a little larger; they hold for normal means alone.

Source: the form of the spending function, Kim & DeMets 1987, Biometrika 74, 149 (rho = 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class Looks:
    """Looks at the seeds first, first + 1, ...; sizes: how many seeds each look has, ascending.

    ValueError for sizes that do not grow, such as a look that is taken twice.
    """

    sizes: tuple[int, ...]
    first: int = 0
    level: float = LEVEL

    def __post_init__(self) -> None:
        if not self.sizes or self.sizes[0] < 1 or any(b <= a for a, b in pairwise(self.sizes)):
            raise ValueError(f"looks must be at growing numbers of seeds, got {list(self.sizes)}")
        if not 0 < self.level < 1:
            raise ValueError(f"the level must lie between 0 and 1, got {self.level}")

    @property
    def levels(self) -> tuple[float, ...]:
        """The level that each look may use."""
        used = [self.level * (n / self.sizes[-1]) ** 2 for n in (0, *self.sizes)]
        return tuple(b - a for a, b in pairwise(used))

    def seeds(self, size: int) -> range:
        """The seeds of a look."""
        return range(self.first, self.first + size)

    def taken(self, seeds: Sequence[int]) -> tuple[int, ...]:
        """The looks that can be taken where these seeds were run: none of them ends beyond the last one."""
        reached = max(seeds, default=self.first - 1) - self.first + 1
        return tuple(size for size in self.sizes if size <= reached)


# The looks of the confirmatory protocol.
PROTOCOL = (10, 20, 40, 80)
