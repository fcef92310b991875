"""All explanations."""

from grokscope.predictions.base import Theory
from grokscope.registry import component, names


def theories() -> dict[str, Theory]:
    """Every theory by id."""
    return {name: component("theories", name) for name in names("theories")}
