"""An optimizer of a pack, on flat (replica, parameter) tensors or on views of them; hyper-parameters are columns of
replicas."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

import torch
from jaxtyping import Float, Float64
from pydantic import AfterValidator
from torch import Tensor

from grokscope.registry import Options
from grokscope.runs.config import RunConfig
from grokscope.training.captured import Step
from grokscope.training.flat import Flat


def _checked(betas: tuple[float, float]) -> tuple[float, float]:
    if not all(0 <= beta < 1 for beta in betas):
        raise ValueError("both must lie in [0, 1)")
    return betas


# Shares of two running averages that one step keeps.
Betas = Annotated[tuple[float, float], AfterValidator(_checked)]


class OptimizerOptions(Options):
    """Hyper-parameters of an optimizer, beside learning rate and weight decay."""

    @property
    def is_plain(self) -> bool:
        """Whether a step is only the rate times the gradient."""
        return False

    @property
    def decay_sets_the_time(self) -> bool:
        """Whether networks that generalise do so within some 1 / (rate x weight decay) steps: plans count on it."""
        return False


class Optimizer(ABC):
    """Updates flat parameters in place; the gradients are read only.

    options: its own hyper-parameters, beside learning rate and weight decay. state: name -> (replica, parameter)
    tensor; a resumed run needs it, and it is zeroed when a replica ends. also_called: as of a `TaskFamily`.
    """

    options: ClassVar[type[OptimizerOptions]]
    also_called: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    state: dict[str, Tensor]

    @abstractmethod
    def __init__(self, configs: Sequence[RunConfig], params: Float[Tensor, "replica parameter"]) -> None:
        """State for these parameters; the fields of `options` are read from each replica's config."""

    @classmethod
    def build(cls, configs: Sequence[RunConfig], flat: Flat) -> Self:
        """The optimizer of a pack. One that goes by names and shapes of tensors takes them from `flat` here."""
        return cls(configs, flat.params)

    @abstractmethod
    def update(
        self,
        params: Float[Tensor, "replica parameter"],
        gradients: Float[Tensor, "replica parameter"],
        *,
        step: Step,
        rates: Float64[Tensor, "replica 1"],
        decay: Float64[Tensor, "replica 1"],
    ) -> None:
        """One step (counted from 0) at the given learning rates and weight decays.

        A replica that has ended has rate, decay, gradient and state 0: its finite weights must not change, and other
        replicas must not take up its non-finite values.
        """


def column(configs: Sequence[RunConfig], value: Callable[[Any], float], like: Tensor) -> Float64[Tensor, "replica 1"]:
    """One hyper-parameter of all replicas, float64: products such as 1 - rate * decay are rounded once, at the end.

    value takes a config, typed Any: RunConfig does not declare the fields of an optimizer's options.
    """
    return torch.tensor([[value(config)] for config in configs], dtype=torch.float64, device=like.device)
