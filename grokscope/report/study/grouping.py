"""Runs in groups by what differs between them, with the curves and the times of each group."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grokscope.report.figures.compared import Band, Compared, Group
from grokscope.report.figures.parts.cells import axis_label
from grokscope.report.run.readings import spread
from grokscope.runs.run import Run
from grokscope.runs.store.series import read_series
from grokscope.statistics import survival
from grokscope.statistics.series import Curve
from grokscope.statistics.transitions import Phases

FEWEST = 5  # runs from which a band is the middle half of them; of fewer it is all of them
MOST_STEPS = 500  # of a drawn curve, on either scale of its axis
LONGEST = 48  # characters of a group's name; beyond it the group has a letter
REPEATS = ("seed",)  # fields that make another run of the same setting


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Runs that differ by their seed alone. values: of the fields that differ between settings."""

    name: str
    runs: tuple[Run, ...]
    values: Mapping[str, Any]


def settings(runs: Sequence[Run]) -> list[Setting]:
    """The runs in groups, in the order of their first run. A run of imported curves, of which no setting is known, is a
    group of its own; so is every run where all of them are repeats of one setting and there are only a few."""
    fields = differing(runs)
    found: dict[str, list[Run]] = {}
    for run in runs:
        own = {name: (run.fields or {}).get(name) for name in fields} if run.has_config else {"run": run.id}
        found.setdefault(json.dumps(own, sort_keys=True, default=str), []).append(run)
    if len(found) == 1 and 1 < len(runs) < FEWEST:
        return [_repeat(run) for run in runs]
    groups = []
    for place, chosen in enumerate(found.values()):
        values = {name: (chosen[0].fields or {}).get(name) for name in fields}
        name = ", ".join(f"{field} = {axis_label(value)}" for field, value in values.items()) or chosen[0].id
        name = name if chosen[0].has_config else chosen[0].id
        groups.append(Setting(name=name if len(name) <= LONGEST else letter(place), runs=tuple(chosen), values=values))
    return groups


def _repeat(run: Run) -> Setting:
    seed = (run.fields or {}).get("seed")
    return Setting(name=f"seed = {seed}", runs=(run,), values={"seed": seed})


def letter(place: int) -> str:
    """A, B, ... Z, A1, ..."""
    round_, index = divmod(place, 26)
    return chr(ord("A") + index) + (str(round_) if round_ else "")


def differing(runs: Sequence[Run]) -> list[str]:
    """The fields of which the configs that have them know several values, repeats left out."""
    known: dict[str, set[str]] = {}
    for run in (run for run in runs if run.has_config):
        for name, value in (run.fields or {}).items():
            if name not in (*REPEATS, *run.unknown):
                known.setdefault(name, set()).add(json.dumps(value, sort_keys=True, default=str))
    return [name for name, values in known.items() if len(values) > 1]


def compare(groups: Sequence[Setting]) -> Compared | None:
    """The curves of the groups; None where no run has any."""
    runs = [run for group in groups for run in group.runs]
    splits = ("train", "test", "fresh")
    names = [f"behaviour.{split}_{quantity}" for split in splits for quantity in ("accuracy", "loss")]
    series = read_series(sorted({run.folder for run in runs}), names)

    def all_have(name: str) -> bool:
        return all(len(series.get((run.id, f"behaviour.{name}"), ((), ()))[0]) > 1 for run in runs)

    quantity = next(
        (name for name in ("accuracy", "loss") if all_have(f"train_{name}") and all_have(f"test_{name}")), ""
    )
    if not quantity:
        return None
    inputs = "fresh" if all_have(f"fresh_{quantity}") else "test"
    made = []
    for group in groups:
        bands = {
            split: together([series[run.id, f"behaviour.{split}_{quantity}"] for run in group.runs])
            for split in ("train", inputs)
        }
        made.append(Group(name=group.name, n=len(group.runs), train=bands["train"], test=bands[inputs]))
    return Compared(groups=made, quantity=quantity, inputs=inputs)


def together(curves: Sequence[Curve]) -> Band:
    """The median of several curves with a band. At a step a curve has its value of the last evaluation; one that has
    ended keeps its last. The band is the middle half of the curves; of fewer than FEWEST it holds all of them."""
    at = np.unique(np.concatenate([np.asarray(steps) for steps, _ in curves]))
    at = at[_few(at)]
    values = np.stack([_at(steps, values, at) for steps, values in curves])
    known = np.isfinite(values).any(0)
    ends = (0.25, 0.75) if len(curves) >= FEWEST else (0.0, 1.0)
    low, median, high = (np.full(len(at), np.nan) for _ in range(3))
    low[known], median[known], high[known] = np.nanquantile(values[:, known], [ends[0], 0.5, ends[1]], axis=0)
    return Band(steps=at.astype(np.int64), median=median, low=low, high=high)


def _few(at: NDArray[np.int64]) -> list[int]:
    """Places of at most 2 * MOST_STEPS steps, evenly spread on a linear and on a logarithmic axis."""
    if len(at) <= MOST_STEPS:
        return list(range(len(at)))
    even = set(spread(list(range(len(at))), MOST_STEPS))
    wanted = np.geomspace(max(at[0], 1), at[-1], MOST_STEPS)
    return sorted(even | set(np.searchsorted(at, wanted).clip(max=len(at) - 1).tolist()))


def _at(steps: NDArray[np.int64], values: NDArray[np.float64], at: NDArray[np.int64]) -> NDArray[np.float64]:
    place = np.searchsorted(steps, at, side="right") - 1
    return np.where(place >= 0, np.asarray(values, dtype=float)[place.clip(min=0)], np.nan)


def t_gen_curve(phases: Sequence[Phases]) -> survival.Curve | None:
    """Share of runs not yet generalised by step; a run that never did is censored at its last evaluation. A run that
    goes on from weights that generalise has done so at step 0, which is drawn at 1: the axis is logarithmic. Runs
    without an evaluation after step 0 are left out; None where no run is left."""
    known = [(of_run.generalized_at, of_run.last_at or 0) for of_run in phases]
    known = [(reached, end) for reached, end in known if reached is not None or end > 0]
    if not known:
        return None
    times = [max(1, end if reached is None else reached) for reached, end in known]
    return survival.kaplan_meier(times, [reached is not None for reached, _ in known])
