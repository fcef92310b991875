"""Which cell of a method is judged: by the mean time to arrive, censored at the budget, over the tuning seeds."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import mean, median

from grokscope.errors import Missing
from grokscope.studies.race.base import Changes, Method, Setting, written
from grokscope.studies.race.entries import Goal
from grokscope.studies.race.results import Result


def score(rows: Sequence[Result]) -> tuple[float, float]:
    """Restricted mean time [steps]; then, for cells in which nothing arrives, 1 less the mean last accuracy."""
    return mean(row.time for row in rows), 1 - mean(row.final or 0.0 for row in rows)


def steady(rows: Sequence[Result]) -> bool:
    """Whether every run arrived, and none was below the level again."""
    return all(row.t_gen is not None and not row.below for row in rows)


def chosen(methods: Mapping[str, Method], setting: Setting, rows: Sequence[Result]) -> dict[tuple[str, Goal], Changes]:
    """The cell of each method that is soonest, and the soonest steady one where that is another. A method whose tuning
    is not complete is left out; the first of equal cells wins."""
    found: dict[tuple[str, Goal], Changes] = {}
    for name, method in methods.items():
        if method.fixed:
            found[name, "fast"] = {}
            continue
        cells = method.cells(setting)
        of = by_cell([row for row in rows if row.method == name])
        if any(len(of.get(written(cell), ())) < len(setting.tuning_seeds) for cell in cells):
            continue
        ranked = sorted(cells, key=lambda cell: score(of[written(cell)]))
        found[name, "fast"] = ranked[0]
        calm = next((cell for cell in ranked if steady(of[written(cell)])), None)
        if calm is not None and calm != ranked[0]:
            found[name, "steady"] = calm
    return found


def by_cell(rows: Sequence[Result]) -> dict[str, list[Result]]:
    """Rows of one method by their cell."""
    cells: dict[str, list[Result]] = defaultdict(list)
    for row in rows:
        cells[row.cell].append(row)
    return cells


def over_grid(rows: Sequence[Result]) -> float | Missing:
    """The median over the grid of the mean times: how lucky must one be? rows: of one method's tuning."""
    cells = by_cell(rows)
    return median(score(each)[0] for each in cells.values()) if cells else Missing("not tuned")


def edges(method: Method, setting: Setting, cell: Changes) -> list[str]:
    """The fields in which a cell lies at an end of the grid: a better one may lie beyond it. No decay is no end."""
    found = []
    for name, values, factor in (
        ("learning_rate", setting.rates, method.rates),
        ("weight_decay", setting.decays, method.decays),
    ):
        ends = [end * factor for end in (min(values), max(values)) if end > 0]
        if factor and any(math.isclose(cell.get(name, math.nan), end) for end in ends):
            found.append(name)
    return found
