"""A transform of a pack: changes its flat gradients before the optimizer's step, or its flat parameters after it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from jaxtyping import Float
from torch import Tensor

from grokscope.registry import Options
from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step
from grokscope.training.flat import Flat


class TransformOptions(Options):
    """The fields of a transform. They are fields of each config; at their defaults the transform is off.

    came_later: a config is written without these fields if all have their defaults, so that runs older than the
    transform keep their ids. Only the transforms of the first stores set it to False.
    """

    came_later: ClassVar[bool] = True

    @property
    @abstractmethod
    def is_on(self) -> bool:
        """Whether the transform changes anything."""

    @property
    def stops_decay(self) -> bool:
        """Whether weight decay shrinks fewer weights than without it."""
        return False

    def rate_factor(self, config: RunConfig) -> float:  # noqa: ARG002
        """The factor on the learning rate."""
        return 1

    def remarks(self, config: RunConfig) -> list[str]:  # noqa: ARG002
        """Plain sentences about settings that are allowed but have less effect than they seem to have."""
        return []


class Transform(ABC):
    """Works in place, on each replica separately.

    when: "before" the optimizer's step (changes the gradients) or "after" it (changes the parameters). place: the
    lowest place acts first; among equal places, the first name. state: name -> (replica, ...) tensor. A resumed run
    needs it; it is zeroed when a replica ends, and the transform must not change weights with gradient and state 0.
    reads_accuracy: it reads `Flat.accuracies`, which are 0 for a replica that ended.
    """

    options: ClassVar[type[TransformOptions]]
    when: ClassVar[Literal["before", "after"]]
    place: ClassVar[int] = 0
    reads_accuracy: ClassVar[bool] = False
    state: dict[str, Tensor]

    @classmethod
    @abstractmethod
    def build(cls, configs: Sequence[RunConfig], flat: Flat) -> Self:
        """The transform of a pack in which it is on for at least one replica."""

    @abstractmethod
    def apply(
        self, params: Float[Tensor, "replica parameter"], gradients: Float[Tensor, "replica parameter"], *, step: Step
    ) -> None:
        """Applies it at a step, counted from 0."""
