"""All explanations, and the families of arms that they ask for."""

from grokscope.predictions.base import Theory
from grokscope.predictions.families import AnyFamily
from grokscope.registry import component, names


def theories() -> dict[str, Theory]:
    """Every theory by id."""
    return {name: component("theories", name) for name in names("theories")}


def families() -> list[AnyFamily]:
    """The families of all theories; one that several have is there once."""
    return list({family.id: family for theory in theories().values() for family in theory.arms}.values())
