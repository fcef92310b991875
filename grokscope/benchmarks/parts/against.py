"""The comparison of a benchmark's answer with a saved one: a ratio for each figure, with an interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grokscope.benchmarks.parts.circumstances import differences, of_answer
from grokscope.benchmarks.parts.figures import Figure, figures
from grokscope.errors import GrokscopeError
from grokscope.registry import shortened
from grokscope.runs.outside import parsed, read_file


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """A figure over the saved one. interval: from its least over the saved largest to its largest over the saved least,
    None where either has no spread above 0."""

    before: float
    ratio: float
    interval: tuple[float, float] | None


class Saved:
    """A saved answer of `grokscope bench --json`."""

    def __init__(self, path: Path, answer: Mapping[str, Any]) -> None:
        self.path, self.answer = path, answer
        self.figures = {figure.key: figure for figure in figures(answer)}

    def require_alike(self, **asked: str | None) -> None:
        """ValueError where it records another benchmark or recipe than is asked for."""
        for name, value in asked.items():
            known = self.answer.get(name)
            if isinstance(known, str) and value is not None and known != value:
                raise ValueError(f"{self.path} is of {name} {shortened(known)}, not of {value}: nothing to compare")

    def ratio(self, figure: Figure) -> Ratio | None:
        """None where the saved answer lacks the figure, or is 0 or below there."""
        old = self.figures.get(figure.key)
        if old is None or old.value <= 0:
            return None
        interval = None
        if figure.spread and old.spread and old.spread[0] > 0:
            interval = figure.spread[0] / old.spread[1], figure.spread[1] / old.spread[0]
        return Ratio(before=old.value, ratio=figure.value / old.value, interval=interval)

    def remarks(self, about: Mapping[str, Any], now: list[Figure]) -> list[str]:
        """Where machine, threads or versions differ, and figures that only one of the two has."""
        keys = {figure.key for figure in now}
        remarks = [f"differs: {sentence}" for sentence in differences(of_answer(self.answer), about)]
        if alone := [key for key in self.figures if key not in keys]:
            remarks.append(f"{len(alone)} figures of {self.path} are not measured here")
        if new := [key for key in keys if key not in self.figures]:
            remarks.append(f"{len(new)} figures here are not in {self.path}")
        return remarks


def saved(path: Path) -> Saved:
    """A saved answer. GrokscopeError of one line for a file that is none."""
    advice = "make one: grokscope bench NAME --json > FILE"
    try:
        answer = parsed(read_file(path, checked="json"))
    except OSError as error:
        raise GrokscopeError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise GrokscopeError(f"{path} is no answer of a benchmark ({str(error)[:120]}); {advice}") from error
    if not isinstance(answer, Mapping):
        raise GrokscopeError(f"{path} is no answer of a benchmark (JSON, but no object); {advice}")
    old = Saved(path, answer)
    if not old.figures or not answer.keys() & {"spread", "rows", "rates"}:
        raise GrokscopeError(f"{path} is no answer of a benchmark (it holds no figures); {advice}")
    return old
