"""A transform of a pack: changes its flat gradients before the optimizer's step, or its flat parameters after it."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor

from grokscope.training.captured import Step


class Transform(ABC):
    """Works in place, and on each replica by itself.

    when: "before" the optimizer's step (changes the gradients) or "after" it (changes the parameters). state: name ->
    (replica, ...) tensor; what a resumed run needs, and what is zeroed when a replica ends: with a gradient and state
    of 0 the transform must leave its weights as they are.
    """

    when: ClassVar[Literal["before", "after"]]
    state: dict[str, Tensor]

    @abstractmethod
    def apply(
        self, params: Float[Tensor, "replica parameter"], gradients: Float[Tensor, "replica parameter"], *, step: Step
    ) -> None:
        """Applies it at a step, counted from 0."""
