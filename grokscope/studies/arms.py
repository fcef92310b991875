"""The studies by name: their arms at each scale, and what is measured on their checkpoints."""

from typing import Literal

from grokscope.registry import component, unknown
from grokscope.runs.config import RunConfig
from grokscope.studies import goldilocks, stability

Scale = Literal["tiny", "laptop", "paper"]


def names() -> tuple[str, ...]:
    """All studies."""
    return (*sorted(goldilocks.PLANS), "softmax_collapse")


def arms(name: str, scale: Scale = "laptop") -> dict[str, list[RunConfig]]:
    """Name of an arm -> its runs. Raises ValueError for a study or a scale that there is not."""
    if name in goldilocks.PLANS:
        return goldilocks.arms(goldilocks.plan(name, scale))  # pyright: ignore[reportArgumentType]
    if name != "softmax_collapse":
        raise ValueError(unknown("study", name, names()))
    fields = {"tiny": {"p": 7, "max_steps": 20}, "laptop": {"p": 53}, "paper": {}}
    if scale not in fields:
        raise ValueError(unknown("scale", scale, fields))
    return stability.arms(component("recipes", "prieto_collapse")().replace(**fields[scale]))


def measured(name: str) -> tuple[str, ...] | None:  # noqa: ARG001  these read what is measured while training
    """Ids measured on every checkpoint of a study's runs; None: none beside what is measured while training."""
    return None
