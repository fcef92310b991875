"""What tests of figures ask of effects and of what is drawn."""

from typing import Any

from grokscope.errors import Missing
from grokscope.statistics.intervals import Effect

FEW = Missing("2 seeds; an interval needs 5")


def effect(value: float, low: float | Missing = FEW, high: float | Missing = FEW) -> Effect:
    return Effect(value=value, low=low, high=high, n=5)


def trace(figure: Any, name: str) -> Any:
    (found,) = [each for each in figure.data if each.name == name]
    return found


def shades(figure: Any) -> list[tuple[float, float]]:
    return [(shape.x0, shape.x1) for shape in figure.layout.shapes]
