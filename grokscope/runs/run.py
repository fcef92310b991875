"""A run in the store: its config, series, events, phases and snapshots."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.errors import StoreError
from grokscope.models.parts.linearised import Linearised
from grokscope.registry import unknown
from grokscope.runs import own_data, plugged
from grokscope.runs.config import RunConfig
from grokscope.runs.frames import data_frame
from grokscope.runs.outcomes import CURVES, NO_CURVE, current_status, outcomes, phases_of_curves, summary
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.split import unpacked
from grokscope.runs.store import checkpoints
from grokscope.runs.store.catalogue import OnDamage
from grokscope.runs.store.documents import is_name, read_pack, unreadable
from grokscope.runs.store.events import finished_at, read_events
from grokscope.runs.store.rows import Rows, read_rows
from grokscope.runs.store.series import read_series
from grokscope.runs.store.tables import descriptions
from grokscope.runs.store.uncollected import uncollected
from grokscope.statistics.series import Curve
from grokscope.statistics.transitions import Phases

if TYPE_CHECKING:
    from pandas import DataFrame  # pyright: ignore[reportMissingImports]

_CHUNK = 4096  # packs that are opened at a time


class Run:
    """One replica of a pack in the store; it may be read while its writer writes.

    id: the pack's id, with a number in a pack of several. folder: the pack's folder. about: its pack.json, if it has
    been read already. later: validate the config when it is asked for; StoreError then. unknown: the fields of the
    config that nobody knows, of weights from elsewhere; the config has defaults in their place, `fields` has None.
    figure, figures: a Plotly figure by its name, and all that there are; the public face gives them to every run, as
        figures lie in a layer above.
    """

    figure: Callable[..., Any]
    figures: Callable[..., dict[str, Any]]

    def __init__(
        self, folder: Path, replica: int = 0, about: dict[str, Any] | None = None, *, later: bool = False
    ) -> None:
        self.folder, self.replica = folder, replica
        about = about or read_pack(folder)
        if not 0 <= replica < len(about["runs"]):
            raise StoreError(f"{folder} holds replicas 0 to {len(about['runs']) - 1}, asked for {replica}")
        self._entry = about["runs"][replica]
        self.id: str = self._entry["run"]
        self._about = about
        self.has_config: bool = self._entry["config"] is not None  # that of curves from elsewhere is not known
        try:
            self._elsewhere = about.get("imported") or about.get("watched") or {}  # where it was trained
            self.unknown = frozenset(self._elsewhere.get("unknown", ()))
        except (AttributeError, TypeError) as error:
            raise unreadable(folder / "pack.json", str(error)) from error
        if self.has_config and not later:
            self._config  # noqa: B018  reads it

    @cached_property
    def about(self) -> dict[str, Any]:
        """The pack.json, without its runs."""
        return {key: value for key, value in self._about.items() if key != "runs"}

    @cached_property
    def _config(self) -> RunConfig:
        try:
            fields = {name: value for name, value in self._entry["config"].items() if name not in self.unknown}
            fields |= self._elsewhere.get("stand_ins", {})
            config = plugged.config_of(fields, self.about.get("plugins", ()))
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise unreadable(self.folder / "pack.json", str(error)) from error
        own_data.offer(self.folder, config)
        return config

    def __repr__(self) -> str:
        task = self.config.task if self.has_config else "curves"
        return f"Run({self.id}, {task}, step {self.steps}, {self.status.get('state', 'unknown')})"

    @property
    def config(self) -> RunConfig:
        """Everything that decides the run; StoreError if it is not known."""
        if not self.has_config:
            file = self.about.get("imported", {}).get("file", "elsewhere")
            raise StoreError(f"run {self.id} holds curves from {file}: no weights, and what was trained is not known")
        if isinstance(self._config, plugged.Incomplete) and not self.absent:  # its plugins were loaded since
            for name in ("_config", "task", "_model", "train_mask", "_seen"):
                vars(self).pop(name, None)
        return self._config

    @property
    def absent(self) -> list[str]:
        """Of each component that this process does not know a sentence, with the plugin that has it."""
        return plugged.absent(self._config, self.about.get("plugins", ())) if self.has_config else []

    @property
    def fields(self) -> dict[str, Any] | None:
        """The config in plain JSON types, with None for unknown fields; None if no field is known."""
        return self.config.plain | dict.fromkeys(self.unknown) if self.has_config else None

    def field(self, name: str) -> Any:
        """A field of the config, quick also of runs that are not validated yet. ValueError for another name."""
        kept = self._entry["config"] if self.has_config and not self.unknown else {}
        if isinstance(value := kept.get(name, ()), int | float | str | None):
            return value
        fields = self.config.model_dump()
        if name not in fields:
            raise ValueError(f"run {self.id} has no field {name!r} in its config")
        return fields[name]

    @property
    def status(self) -> dict[str, Any]:
        """state (running, stopped, failed, done), step, heartbeat, train_seconds, measure_seconds.

        As last written; but a run that was killed is stopped, not running.
        """
        return current_status(self.folder, finished_at(self.folder))

    @property
    def steps(self) -> int:
        """Steps trained so far."""
        return int(self.status.get("step", 0))

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of the run, in order: memorized, onset, generalized, non-finite, resumed, finished."""
        return [event for event in read_events(self.folder) if event["run"] == self.id]

    @property
    def checkpoints(self) -> list[int]:
        """The steps with stored weights, ascending."""
        return checkpoints.steps(self.folder)

    def rows(self, measure: str | None = None) -> Rows:
        """All measured numbers of this run, or those of one measure."""
        return read_rows(self.folder, run=self.id, measure=measure)

    def series(self, name: str, view: str | None = None) -> Curve:
        """Steps and values of a measure; `test/accuracy` is short for `behaviour.test_accuracy`.

        view: such as "split=train" or "head=0"; needed if the measure has several.
        """
        measure = f"behaviour.{name.replace('/', '_')}" if "/" in name and "." not in name else name
        rows = self.rows(measure)
        views = sorted(set(rows.views))
        if not views:
            known = set(self.rows().measures)
            raise ValueError(unknown("series", name, known) if known else f"run {self.id} has no series yet")
        if view is None and len(views) > 1:
            raise ValueError(f"{measure} has several views; choose one with view=: {', '.join(views)}")
        if view is not None and view not in views:
            raise ValueError(unknown(f"view of {measure}", view, views))
        chosen = rows.views == (views[0] if view is None else view)
        return rows.steps[chosen], rows.values[chosen]

    def frame(self) -> "DataFrame":
        """All its numbers as a pandas frame: a row a step, a column a measure, with its view where it has several, such
        as "attention.entropy[head=0]"; NaN where a measure was not taken. GrokscopeError where there is no pandas."""
        rows = self.rows()
        pairs = list(zip(rows.measures.tolist(), rows.views.tolist(), strict=True))
        several = {name for name, count in Counter(name for name, _ in set(pairs)).items() if count > 1}
        columns = [f"{name}[{view}]" if name in several else name for name, view in pairs]
        known = {"step": rows.steps, "column": columns, "value": rows.values}
        return data_frame(known).pivot_table(index="step", columns="column", values="value", aggfunc="last")

    def phases(self, split: str = "test", **thresholds: Any) -> Phases:
        """memorized_at, onset_at, generalized_at, delay, grokked; thresholds as in statistics.transitions.phases.

        split: the held-out inputs that generalisation is judged on, "test" (all) or "fresh".
        """
        return phases_of([self], split, **thresholds)[0]

    def snapshot(self, step: int | None = None) -> Snapshot:
        """The network at a checkpoint; by default the last one."""
        trained, imported = plugged.as_trained(self.config), self._elsewhere  # of curves: StoreError
        if step is None:
            if not self.checkpoints:
                raise StoreError(f"run {self.id} has no checkpoint yet")
            step = self.checkpoints[-1]
        if imported and ("unknown" not in imported or "learning_rate" in self.unknown):
            trained["learning_rate"] = None
        # The start of weights from elsewhere is known only if their steps are, and step 0 is among them.
        task, model, mask = self._seen
        no_start = imported and (imported.get("step") is None or self.checkpoints[0] > 0)
        model, params, outputs = model.of_checkpoint(checkpoints.load(self.folder, step, replica=self.replica))
        return Snapshot(
            task=task,
            model=model,
            params=params,
            outputs=outputs,
            train_mask=mask,
            step=step,
            initial=None if no_start else lambda: self._first,
            # The last snapshot is its own `final`, so measures share what they compute of it.
            final=None if step == self.checkpoints[-1] else lambda: self._last,
            earlier=lambda: (self.snapshot(one) for one in self.checkpoints if one < step),
            **trained,
        )

    @cached_property
    def task(self) -> Any:
        """The task with its inputs and its truth."""
        return self.config.build_task()

    @cached_property
    def _model(self) -> Any:
        model = self.config.build_model(self.task)
        if not self.config.linearised:
            return model
        first = checkpoints.load(self.folder, 0, replica=self.replica)
        return Linearised(model, {name: tensor.unsqueeze(0) for name, tensor in first.items()})

    @cached_property
    def train_mask(self) -> Any:
        """The training inputs, as a mask."""
        packed = self._elsewhere.get("train_mask")
        return self.config.train_mask(self.task) if packed is None else unpacked(packed, self.task.n_inputs)

    @cached_property
    def _seen(self) -> list[Any]:
        """The task, the network and the training inputs."""
        return [plugged.or_absent(of) for of in (lambda: self.task, lambda: self._model, lambda: self.train_mask)]

    @cached_property
    def _first(self) -> Snapshot:
        return self.snapshot(0)

    @cached_property
    def _last(self) -> Snapshot:
        return self.snapshot()

    def summary(self) -> dict[str, Any]:
        """The run in plain JSON types: phases, speed and final values."""
        outcome = outcomes(self.folder, [self._entry])[self.id]
        return summary(self.folder, self.about, self.id, self.status, outcome)


def phases_of(runs: Sequence[Run], split: str = "test", **thresholds: Any) -> list[Phases]:
    """`Run.phases` of many runs, with one reading of all their packs: a second for 1,000 runs, not half a minute."""
    return [phases_of_curves(curves, thresholds) for curves in curves_of(runs, split)]


def curves_of(runs: Sequence[Run], split: str = "test") -> list[dict[str, Curve]]:
    """The curves of each run that its phases are dated by, with one reading of all their packs."""
    measures = {curve: f"behaviour.{curve.replace('test', split)}" for curve in CURVES}
    series = read_series(sorted({run.folder for run in runs}, key=os.fspath), list(measures.values()))
    return [{curve: series.get((run.id, measure), NO_CURVE) for curve, measure in measures.items()} for run in runs]


def is_run(name: str, store: Path) -> bool:
    """Whether the store has a pack that a run of this name can be in; nothing is opened."""
    pack, _, replica = name.rpartition("-")
    folders = [name, pack] if pack and replica.isdigit() else [name]
    return any(is_name(folder) and (store / folder / "pack.json").is_file() for folder in folders)


def load(path: str | Path) -> Run:
    """The run at `store/id`: a pack of one by the pack's id, a replica of a larger pack as `id-number`."""
    path = Path(path)
    if path.is_dir():
        about = read_pack(path)
        if len(about["runs"]) > 1:
            raise ValueError(
                f"{path} is a pack of {len(about['runs'])} runs; name one of them: "
                f"{about['runs'][0]['run']} to {about['runs'][-1]['run']}"
            )
        return Run(path)
    pack, _, replica = path.name.rpartition("-")
    if pack and replica.isdigit() and (path.parent / pack).is_dir():
        return Run(path.parent / pack, int(replica))
    if not path.parent.is_dir():
        raise StoreError(f"no store at {path.parent}")
    raise StoreError(unknown("run", path.name, [run.id for run in runs(path.parent)]))


def load_pack(folder: Path) -> list[Run]:
    """All replicas of the pack in a folder."""
    about = read_pack(folder)
    return [Run(folder, replica, about) for replica in range(len(about["runs"]))]


def runs(store: str | Path, *, on_damage: OnDamage = lambda _: None) -> Iterator[Run]:
    """All runs of a store, oldest first. A pack that cannot be read is left out, and reported to on_damage.

    Of finished packs that have the same fields, with values of the same types, the first is validated; the others are
    when their config is asked for.
    """
    validated: set[Any] = set()
    listed = descriptions(Path(store))
    while chunk := list(islice(listed, _CHUNK)):
        pack: list[Run] = []
        with uncollected():
            for folder, about in chunk:
                try:
                    pack += _pack_of(folder, about or read_pack(folder), validated)
                except StoreError as error:
                    on_damage(error)
        yield from pack


def _pack_of(folder: Path, about: dict[str, Any], validated: set[Any]) -> list[Run]:
    kinds = [None if "imported" in about else _kind(run["config"]) for run in about["runs"]]
    pack = [Run(folder, replica, about, later=kind in validated) for replica, kind in enumerate(kinds)]
    validated.update(kind for kind in kinds if kind is not None)
    return pack


def _kind(config: Mapping[str, Any] | None) -> Any:
    """What decides whether a config is valid, but for the ranges of its numbers; None where there is no config."""
    if config is None:
        return None
    return (*config, *[value if isinstance(value, str) else type(value) for value in config.values()])
