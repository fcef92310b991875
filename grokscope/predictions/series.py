"""When the series of a run change: numbers of one run, for predictions of order."""

import numpy as np

from grokscope.errors import Missing
from grokscope.predictions.readings import Number, Series
from grokscope.predictions.subject import Subject
from grokscope.statistics.contrasts import LowHighMid, half_change, low_high_mid
from grokscope.statistics.transitions import Phases

# A level is the median of so many checkpoints, or of so many evaluations, which are more (`contrasts.WINDOW`).
WINDOW, OFTEN = 3, 5
NO_WINDOW = Missing("the run has no such window: it has not generalised")
COLLAPSED = 0.5  # share of samples from which a softmax counts as collapsed: Prieto et al. 2025, figure 2


def label(measure: str, view: str = "") -> str:
    """A stored series as readings declare it: the measure with its view."""
    return f"{measure}[{view}]" if view else measure


def series(subject: Subject, measure: str, view: str = "") -> tuple[np.ndarray, np.ndarray]:
    """A stored series from memorisation on."""
    rows = subject.rows(measure)
    start = subject.phases.memorized_at or 0
    chosen = (rows.views == view) & (rows.steps >= start)
    return rows.steps[chosen], rows.values[chosen]


def half_way(subject: Subject, measure: str, view: str = "", window: int = WINDOW) -> int | Missing:
    """The step at which a stored measure has made half of its change since memorisation."""
    steps, values = series(subject, measure, view)
    if not len(steps):
        return Missing(f"the run has stored nothing of {measure}{f' [{view}]' if view else ''}")
    return half_change(steps, values, window=window)


def halves(measure: str, view: str = "", window: int = WINDOW, *, kept: bool = False) -> Series:
    """`half_way` as a reading. kept: every checkpoint must have the measure."""
    name = label(measure, view)

    def of(subject: Subject) -> Number:
        return half_way(subject, measure, view, window)

    return Series(f"half of the change of {name}", of, (name,), (measure,) if kept else ())


def changes_within(
    subject: Subject, measure: str, view: str, inside: tuple[int, int] | Missing | None, window: int = WINDOW
) -> Number:
    """1 if a measure makes half of its change since memorisation within a window of steps, else 0.

    A series that could have changed and did not counts 0. Missing without the window, and with too few evaluations to
    tell.
    """
    if not isinstance(inside, tuple):
        return NO_WINDOW if inside is None else inside
    half = half_way(subject, measure, view, window)
    if isinstance(half, Missing):
        return 0.0 if len(series(subject, measure, view)[0]) >= 3 * window else half
    return float(where(half, inside) == "in")


def share_inside(subject: Subject, measure: str, view: str, window: tuple[float, float] | Missing | None) -> Number:
    """The share of a stored measure's change since memorisation that lies within a window of steps.

    (v(start of the window) - v(end)) / (v(t_mem) - v(last step)), v between checkpoints on the logarithm of the step.
    `Missing` where the whole change is not beyond the series' own fluctuation.
    """
    steps, values = series(subject, measure, view)
    if not isinstance(window, tuple):
        return NO_WINDOW if window is None else window
    if isinstance(change := half_way(subject, measure, view), Missing):
        return change
    first, last = np.median(values[:WINDOW]), np.median(values[-WINDOW:])
    at = np.interp(np.log(np.maximum(window, 1)), np.log(np.maximum(steps, 1)), values)
    return float((at[0] - at[1]) / (first - last))


def at_edges(
    subject: Subject, measure: str, view: str, window: tuple[float, float] | Missing | None
) -> tuple[float, float] | Missing:
    """The values of a stored measure at the start and at the end of a window, between checkpoints on ln step.

    `Missing` without the window, where the series does not reach its end, and with too few checkpoints.
    """
    if not isinstance(window, tuple):
        return NO_WINDOW if window is None else window
    steps, values = series(subject, measure, view)
    if len(values) < WINDOW or steps[-1] < window[1]:
        return Missing(f"{len(values)} checkpoints of {measure} since memorisation; the window ends at {window[1]}")
    start, end = np.interp(np.log(np.maximum(window, 1)), np.log(np.maximum(steps, 1)), values)
    return float(start), float(end)


def drop_inside(subject: Subject, measure: str, view: str, window: tuple[float, float] | Missing | None) -> Number:
    """The share of a stored measure's drop since memorisation that lies within a window of steps, from 0 to 1.

        (v(start of the window) - v(end)) / (v(t_mem) - v(last step)),   0 where it does not drop

    A drop must be beyond the series' own fluctuation.
    """
    edges = at_edges(subject, measure, view, window)
    if isinstance(edges, Missing):
        return edges
    steps, values = series(subject, measure, view)
    drop = float(np.median(values[:WINDOW]) - np.median(values[-WINDOW:]))
    if drop <= 0 or isinstance(half_change(steps, values, window=WINDOW), Missing):
        return 0.0
    return min(max((edges[0] - edges[1]) / drop, 0.0), 1.0)


def risen_by(
    steps: np.ndarray, values: np.ndarray, start: float, until: float, *, window: int = OFTEN
) -> float | Missing:
    """The share, from 0 to 1, of a series' rise that is made before a time: of the rise from its lowest level before
    `start` to its level at `until`. 0 where it does not rise beyond its fluctuation."""
    before, after = np.flatnonzero(steps <= start), np.flatnonzero(steps >= until)
    if len(before) < 2 * window or len(after) < window:
        return Missing(f"{len(before)} evaluations before step {start:g}, {len(after)} from {until:g} on")
    levels = np.array([np.median(values[max(i - window // 2, 0) : i + window // 2 + 1]) for i in range(len(values))])
    lowest = before[int(levels[before].argmin())]
    rise = levels[after[0]] - levels[lowest]
    stretch = slice(lowest, after[0] + window)
    if rise <= 0 or isinstance(half_change(steps[stretch], values[stretch], window=window), Missing):
        return 0.0
    return float(np.clip((levels[before[-1]] - levels[lowest]) / rise, 0, 1))


def where(step: int | Missing, window: tuple[int, int] | Missing | None) -> str | Missing:
    """Whether a step lies before, in or after a window."""
    if isinstance(step, Missing):
        return step
    if not isinstance(window, tuple):
        return NO_WINDOW if window is None else window
    return "before" if step < window[0] else "after" if step > window[1] else "in"


def entropies(subject: Subject) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Normalised attention entropy of each head and of their mean against the step."""
    rows = subject.rows("attention.entropy")
    views = sorted(set(rows.views))
    heads = {view: (rows.steps[rows.views == view], rows.values[rows.views == view]) for view in views}
    mean = {"mean": (heads[views[0]][0], np.mean([values for _, values in heads.values()], axis=0))} if heads else {}
    return heads | mean


def low_high_mids(subject: Subject, *, literal: bool, phases: Phases | None = None) -> dict[str, LowHighMid | Missing]:
    """The contrasts of each head's entropy and of their mean; literal: any difference of single evaluations counts.
    phases: by default the run's own."""
    phases = phases or subject.phases
    return {
        name: low_high_mid(
            steps,
            values,
            memorized_at=phases.memorized_at,
            generalized_at=phases.generalized_at,
            window=1 if literal else OFTEN,
        )
        for name, (steps, values) in entropies(subject).items()
    }


def collapsed_at(subject: Subject) -> Number:
    """First step at which half of the samples have collapsed in the dtype of the run's softmax."""
    rows = subject.rows("stability.collapse_rate")
    here = (rows.views == f"dtype={subject.config.softmax_dtype}") & (rows.values > COLLAPSED)
    return float(rows.steps[here].min()) if here.any() else Missing("the softmax does not collapse")


COLLAPSED_AT = Series("step of collapse", collapsed_at, ("stability.collapse_rate",))
