"""The readings of a run for its report. They are read once, so that all figures show one instant of a running run."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from grokscope.errors import Missing
from grokscope.measures.analyses.groups import product
from grokscope.measures.analyses.views import cloud_of, table_of
from grokscope.measures.base import evaluate
from grokscope.runs.outcomes import CURVES
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.store import checkpoints
from grokscope.statistics.series import align
from grokscope.statistics.transitions import LOSS_THRESHOLD, Phases, phases

Points = Float[np.ndarray, "point channel"]
Series = tuple[NDArray[np.int64], NDArray[np.float64]]
# Positions of a slider: more are no easier to read, and the file grows with each.
MOST_FRAMES = 60
# Points of a cloud: more hide each other, and the file grows with points times frames.
MOST_POINTS = 400
VIEWS = ("resid_mid/orbits", "resid_mid/class_means", "embed/tokens")


@dataclass(frozen=True, kw_only=True)
class Readings:
    """A run's numbers at one instant.

    numbers: (measure, view) to steps and values, one value a step. phases: on all test inputs, as in the project's
    definitions. fresh_phases: on fresh inputs alone, which symmetry does not solve; None without fresh inputs.
    """

    run: Run
    numbers: Mapping[tuple[str, str], Series]
    phases: Phases
    fresh_phases: Phases | None

    def series(self, measure: str, view: str = "") -> Series | Missing:
        """Steps and values of one view of a measure; `Missing` with a key of `grokscope.report.words`."""
        return self.numbers.get((measure, view)) or Missing(self.absence)

    def views(self, measure: str) -> list[str]:
        """The views of a measure; numbers in them ascend: head=2 before head=10."""
        views = [view for name, view in self.numbers if name == measure]
        return sorted(views, key=lambda view: (len(view.rpartition("=")[2]) if view[-1:].isdigit() else 0, view))

    def last(self, measure: str, view: str = "") -> tuple[int, float] | None:
        """The last step of a series and its value."""
        series = self.series(measure, view)
        return None if isinstance(series, Missing) else (int(series[0][-1]), float(series[1][-1]))

    def at(self, step: int, measure: str, view: str = "") -> float | None:
        """The value at the last evaluation up to a step."""
        series = self.series(measure, view)
        if isinstance(series, Missing) or series[0][0] > step:
            return None
        return float(series[1][np.searchsorted(series[0], step, side="right") - 1])

    @property
    def transition(self) -> tuple[int, int] | None:
        """The transition [t_10, t_90] as shaded: on fresh inputs where there are any, else on all test inputs."""
        return (self.fresh_phases or self.phases).transition

    @cached_property
    def windows(self) -> dict[str, tuple[int, int]]:
        """The phases that this run has, in steps."""
        windows = {
            "memorized": self.phases.memorized,
            "transition": self.transition,
            "after": self.phases.after,
            "lost": self.phases.lost,
        }
        return {name: window for name, window in windows.items() if window is not None and window[1] > window[0]}

    @cached_property
    def last_step(self) -> int:
        """The last step with any number; 0 before the first evaluation."""
        return max((int(steps[-1]) for steps, _ in self.numbers.values()), default=0)

    @cached_property
    def checkpoints(self) -> list[int]:
        return self.run.checkpoints

    @cached_property
    def final(self) -> Snapshot | None:
        """The network at the last checkpoint, with its cached activations; None where no checkpoint is kept."""
        return self.run.snapshot(self.checkpoints[-1]) if self.checkpoints else None

    def snapshot(self, step: int) -> Snapshot:
        """The network at a checkpoint; the last one is always the same object."""
        return self.final if self.final and step == self.final.step else self.run.snapshot(step)

    @cached_property
    def cyclic(self) -> bool:
        """Whether the answers form a cyclic group; only then are there frequencies."""
        return self.run.has_config and (self.group or "").startswith("cyclic")

    @property
    def no_waves(self) -> Missing | None:
        """The reason for no frequencies; None where there are some."""
        if self.cyclic:
            return None
        return self.without_truth("missing.not_cyclic")

    def without_truth(self, otherwise: str) -> Missing:
        """The reason for a figure that needs a group: none can be there, nobody has told it, or there is none."""
        if self.run.config.random_labels:
            return Missing("missing.random_labels")
        return Missing(otherwise if self.run.task.truth.known else "missing.untold")

    @cached_property
    def no_circuit(self) -> Missing | None:
        """The reason for no circuit of waves; None if the run may have one."""
        if self.no_waves is not None:
            return self.no_waves
        if self.final is None:
            return Missing("missing.no_checkpoint")
        if not self.final.is_finite:
            return Missing("missing.not_finite")
        return Missing("missing.not_all_pairs") if isinstance(product(self.final), Missing) else None

    @property
    def group(self) -> str | None:
        """The group behind the answers, by name."""
        return self.run.config.build_task().truth.group

    @property
    def has_answers(self) -> bool:
        """Whether an answer of this task can be right or wrong."""
        if not self.run.has_config:
            return any(measure.endswith("_accuracy") for measure, _ in self.numbers)
        task = self.run.config.build_task()
        return task.n_classes > 0 or task.tolerance is not None

    @property
    def loss_axis(self) -> str:
        """The name of the run's loss, as a key of `words`."""
        if not self.run.has_config:
            return "axis.loss_unknown"
        return "axis.squared_error" if self.run.config.loss == "mse" else "axis.loss"

    @property
    def absence(self) -> str:
        """The reason of a missing number, as a key of `words`."""
        if not self.numbers:
            return "missing.no_evaluation"
        return "missing.no_checkpoint" if not self.checkpoints else "missing.not_measured"

    @cached_property
    def key_frequencies(self) -> list[int] | Missing:
        """The key frequencies of the last checkpoint, ascending."""
        if not self.run.has_config:
            return Missing("missing.curves")
        if self.no_waves is not None:
            return self.no_waves
        if not self.checkpoints:
            return Missing("missing.no_checkpoint")
        keys = evaluate("circuits.key_frequencies", self.snapshot(self.checkpoints[-1]))
        keys = [] if isinstance(keys, Missing) else [int(k) for k in np.asarray(keys)]
        return keys or Missing("missing.no_key_frequency")

    @cached_property
    def embeddings(self) -> dict[int, Float[np.ndarray, "residue d_model"]]:
        """W_E without the row of "=", (residue, d_model), at up to MOST_FRAMES checkpoints, the last included."""
        n_symbols = self.run.config.build_task().n_symbols
        tables = {}
        for step in spread(self.checkpoints, MOST_FRAMES):
            params = checkpoints.load(self.run.folder, step, replica=self.run.replica)
            if "W_E" in params:
                tables[step] = params["W_E"][:n_symbols].double().numpy()
        return tables

    @cached_property
    def clouds(self) -> dict[int, Mapping[str, Points]]:
        """By checkpoint (at most MOST_FRAMES, the last included) the points of each view of VIEWS that the network has.

        resid_mid/orbits has at most MOST_POINTS, the same at every checkpoint; tables of a group are those of
        `measures.analyses.views.table_of`. A network that is no longer finite has no points.
        """
        clouds = {}
        for step in spread(self.checkpoints, MOST_FRAMES):
            snapshot = self.snapshot(step)
            if not snapshot.is_finite:
                continue
            views = {view: _points(snapshot, view) for view in VIEWS}
            if isinstance(orbits := views["resid_mid/orbits"], np.ndarray):
                views["resid_mid/orbits"] = orbits[self.orbits]
            clouds[step] = {view: rows for view, rows in views.items() if rows is not None}
        return clouds

    @cached_property
    def orbits(self) -> Int[np.ndarray, " orbit"]:
        """The orbits shown as points: a fixed random choice where there are more than MOST_POINTS."""
        n = int(self.run.config.build_task().orbits.max()) + 1
        chosen = np.random.default_rng(0).choice(n, size=min(n, MOST_POINTS), replace=False)
        return np.sort(chosen)

    @cached_property
    def n_train(self) -> int:
        """The number of inputs trained on."""
        return int(self.run.train_mask.sum())


def thresholds() -> dict[str, Any]:
    """The default thresholds of `phases` for memorised, generalised and grokked."""
    parameters = inspect.signature(phases).parameters.values()
    own = {parameter.name: parameter.default for parameter in parameters if isinstance(parameter.default, int | float)}
    return {"loss_threshold": LOSS_THRESHOLD} | own


def spread(steps: list[int], most: int) -> list[int]:
    """At most `most` of the steps, evenly over their places, the first and the last among them."""
    chosen = np.unique(np.linspace(0, len(steps) - 1, min(most, len(steps))).round().astype(int))
    return [steps[index] for index in chosen]


def _points(snapshot: Snapshot, view: str) -> Points | None:
    """A view in float64, as a table where the task has a group. None where there is no such view, or it overflows."""
    table = table_of(snapshot, view)
    cloud = cloud_of(snapshot, view) if isinstance(table, Missing) else table[0]
    return None if isinstance(cloud, Missing) else cloud.detach().double().numpy()


def read(run: Run) -> Readings:
    """A run's numbers as they are now."""
    rows = run.rows()
    collected: dict[tuple[str, str], dict[int, float]] = {}
    for measure, view, step, value in zip(
        rows.measures, rows.views, rows.steps.tolist(), rows.values.tolist(), strict=True
    ):
        collected.setdefault((measure, view), {})[step] = value
    numbers = {key: (np.array(list(by)), np.array(list(by.values()))) for key, by in collected.items()}
    return from_numbers(run, numbers)


def from_numbers(run: Run, numbers: Mapping[tuple[str, str], Series]) -> Readings:
    """Readings of given numbers, steps ascending; the phases follow from them."""
    return Readings(
        run=run,
        numbers=numbers,
        phases=_phases(numbers, "test", of_losses=not run.has_config) or _no_phases(),
        fresh_phases=_phases(numbers, "fresh"),
    )


def _phases(numbers: Mapping[tuple[str, str], Series], split: str, *, of_losses: bool = False) -> Phases | None:
    curves = {name: numbers.get((f"behaviour.{name.replace('test', split)}", "")) for name in CURVES}
    given = {name: series for name, series in curves.items() if series is not None}
    if not given or ("test_accuracy" not in given and not of_losses):
        return None
    steps, aligned = align(given)
    known: dict[str, Any] = dict(aligned)
    return phases(steps, **known)


def _no_phases() -> Phases:
    return phases([0], test_accuracy=[np.nan])
