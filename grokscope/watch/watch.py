"""`gs.watch`: grokscope's measures on a network and a training that it does not run."""

import contextlib
import math
import operator
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import torch
from threadpoolctl import ThreadpoolController
from torch import nn

from grokscope.errors import StoreError
from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.store.events import NON_FINITE, STAGES
from grokscope.statistics.transitions import Phases
from grokscope.tasks.table import named_truth
from grokscope.training.loop import History
from grokscope.watch.guard import untouched
from grokscope.watch.live import names_of, snapshot_of
from grokscope.watch.measuring import Measuring, numbers_of
from grokscope.watch.network import Network
from grokscope.watch.points import at, points, task_of
from grokscope.watch.schedule import Budget, Schedule
from grokscope.watch.sinks.base import Sinks
from grokscope.watch.stored import MOST_DISK, Stored, config_of

KEPT_AT_START = 1 << 28  # bytes of weights that are kept from the start, for measures that compare with them
STABLE = 20  # looks in a row at STOP_ACCURACY that end a training
STOP_ACCURACY = 0.99
TRIED = 8  # points of the call that a capture is checked against


class Watch:
    """Looks at a network while it is trained, and keeps what it sees as a run in the store.

    model: any `torch.nn.Module`. inputs, labels, train: the points that it is asked about (`watch.points.points`):
        tensors, a loader or named splits. Nothing else is needed.
    sites: {name: module}, wildcards in a list, (module, function) to say what to keep of its output, or
        `watch.attention.Attention`. A weight may be a site: {"embed": "embed.weight"} is a table of symbols. The names
        that grokscope has (embed, resid_mid, mlp_post, pattern, ...) let the figures find them. None: the parts of the
        network.
    measures: ids, beside the losses and accuracies; what the network cannot answer is said at the start (`cannot`).
        None: all cheap ones at each look, and at `close` all others of the kept checkpoints.
    every: steps between looks, or "log". budget: share of the wall time that looking may take; None: no limit.
    truth: what the task is ("cyclic(97)", "circle", ...), for measures of circuits and topology; or what each point
        stands for, a whole number a point (the weekday of a text), where that is not its label: clouds of activations
        are compared with that; or both, ("cyclic(7)", weekdays).
    rename: {our name of a weight: the network's}, such as {"W_E": "embed.weight", "W_out": "net.2.weight.T"}; ".T": the
        transpose, as `nn.Linear` has it the other way round.
    loss: id of the training loss; None: cross_entropy of classes, mse of numbers. forward(model, inputs) -> outputs:
        how the network is called. config: what is known of the training (learning_rate, weight_decay, seed, ...).
    most: points of each split that are looked at. batch: points of a forward pass; None: few enough for
        their activations to be small. start: the step now.
    sinks: where numbers go besides the store: "tensorboard", "wandb", "mlflow", or f(step, {name: value}); at the end
        the figures too. sinks_every: at most one point a name in so many steps, or in so much time (a timedelta).

    The training is never changed, and after the start never stopped: what goes wrong is warned of once.

    ValueError, before anything is written, for points, sites and measures that do not fit the network.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Any,
        labels: Any = None,
        *,
        sites: Any = None,
        measures: Sequence[str] | None = None,
        every: int | Literal["log"] = "log",
        store: str | Path = "runs",
        train: Any = None,
        truth: Any = "unknown",
        rename: Mapping[str, str] | None = None,
        loss: str | None = None,
        forward: Callable[[nn.Module, Any], Any] | None = None,
        config: Mapping[str, Any] | None = None,
        budget: float | None = None,
        most: int = 20_000,
        batch: int | None = None,
        start: int = 0,
        sinks: Any = (),
        sinks_every: int | timedelta | None = None,
    ) -> None:
        self._network = Network(model, sites, forward)
        self._pools = ThreadpoolController()
        self._names = names_of(self._network, rename or {})
        self._schedule, self._budget, self._batch = Schedule(every), Budget(budget), batch or 1
        self._measuring = Measuring(measures, self._budget)
        with self._looking():
            name, elements = named_truth(truth)
            given = points(inputs, labels, train, elements, most=most)
            n_outputs = self._first_call(given.inputs, batch, classes=not given.labels.is_floating_point())
            self.task, given = task_of(given, n_outputs, name)
        self._inputs, self.notes = given.inputs, given.notes
        self._mask = torch.ones(len(given), dtype=torch.bool) if self.task.train is None else self.task.train
        self._loss = loss or ("cross_entropy" if self.task.n_classes else "mse")
        self._history, self._stable = History(), 0
        self._initial: Snapshot | None = None
        self._step = self._latest = start  # of the last look, and of the last call
        self._closed, self._failed, self._warned = False, False, set[str]()
        snapshot = self._see(start)
        self._measuring.fit(snapshot, keeps_start=self._keeps_start)
        self._stored = self._open(Path(store), snapshot, config or {})
        about = (self._stored.run, self.run.fields or {}, self._stored.folder)
        self._sinks = Sinks(sinks, *about, min_interval=sinks_every)
        self._take(snapshot, {})
        self._schedule.looked(start, None)
        self._budget.spend_all()
        if measures is not None and self.cannot:
            said = "; ".join(f"{name}: {reason}" for name, reason in self.cannot.items())
            self._warn(f"no answer at step {start}: {said}")

    @property
    def run(self) -> Run:
        """The run in the store, as it is now."""
        return Run(self._stored.folder, about=self._stored.about_pack)

    @property
    def phases(self) -> Phases:
        """The phases found so far."""
        return self._history.phases()

    @property
    def cannot(self) -> dict[str, str]:
        """Of each measure without an answer the reason."""
        return self._measuring.cannot

    @property
    def skipped(self) -> dict[str, int]:
        """How often the budget left out a measure, or a whole look ("look")."""
        return dict(self._budget.skipped)

    @property
    def should_stop(self) -> bool:
        """Whether the training has nothing left to show: it has generalised and stayed so, or it is lost (a number that
        is not finite, or accuracy on held-out points that it had and has no more)."""
        return self._stored.lost or self._stable >= STABLE or self.phases.lost_at is not None

    def __repr__(self) -> str:
        return f"Watch({self._network.name}, run {self._stored.run}, step {self._step})"

    def snapshot(self) -> Snapshot:
        """The network as it stands, for any measure; it holds until the next step of the training."""
        return self._see(self._latest)

    def step(self, step: int, loss: Any = None, **logged: Any) -> None:
        """To be called after each step of the training, or after some. loss, logged: numbers to keep, such as the
        training's own loss or its learning rate, under "logged.NAME"; they are read when a look is due."""
        if self._closed:
            if not self._failed:
                self._warn(f"{self!r} is closed: what comes after that is not looked at")
            return
        with self._harmless():
            self._latest = max(self._latest, operator.index(step))
            if self._schedule.is_due(self._latest) and self._latest > self._step:
                with self._budget.spending():
                    self._look(numbers_of({"loss": loss, **logged}, self._warn))

    def close(self, *, measure: bool | None = None, ended: bool = True) -> Run:
        """Ends the watch with a last look, and returns its run. measure: whether the heavy measures of all checkpoints
        are taken now; None: if no measures were asked for. ended: whether the training did; else the run has failed. A
        second call changes nothing."""
        if not self._closed:
            self._closed = True
            with self._harmless():
                if self._latest > self._step:
                    self._take(self._see(self._latest), {}, last=True)
                self._stored.finish(self._step, seconds=self._budget.seconds, ended=ended)
            with self._harmless():
                self._stored.release()
            if left_out := self._stored.left_out:
                self._warn(f"checkpoints fill {MOST_DISK >> 30} GiB: those of steps {_listed(left_out)} are left out")
            if never := self._measuring.never:
                self._warn(
                    f"there was no time for {', '.join(never)}: a larger budget, or grokscope measure RUN --only ID"
                )
            with self._harmless():
                if measure if measure is not None else ended and self._measuring.asked is None:
                    self._measuring.found_no_answer(measure_checkpoints(self.run))
                self._send_figures()
        self._sinks.close()
        return self.run

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close(ended=kind is None)

    def _first_call(self, inputs: Any, batch: int | None, *, classes: bool) -> int:
        """The number of outputs. A call that is listened to is checked against a plain one."""
        some = at(inputs, slice(0, TRIED))
        try:
            with torch.no_grad():
                width = self._network.outputs(some).shape[1]
            self._network.against_zero = width == 1 and classes
            self._network.check(some)
            self._batch = batch or self._network.batch(some, n_points=TRIED)
        except (RuntimeError, TypeError, KeyError, IndexError, AttributeError) as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            hint = "forward= says how it is called"
            raise ValueError(f"the network cannot be called on the points: {said}; {hint}") from error
        return width + self._network.against_zero

    def _open(self, store: Path, snapshot: Snapshot, config: Mapping[str, Any]) -> Stored:
        known, lacking = config_of(snapshot, self._network.name, config)
        device = str(self._network.device)
        about = {"file": self._network.name, "format": "watch", "start": self._step, "notes": self.notes}
        return Stored(store, known, lacking, self._mask, {**about, "sites": self._network.places, "device": device})

    def _see(self, step: int) -> Snapshot:
        with self._looking():
            seen = self._network.look(self._inputs, self.task.n_inputs, self._batch)
        first = self._initial
        return snapshot_of(
            self._network,
            self.task,
            self._inputs,
            step=step,
            train_mask=self._mask,
            names=self._names,
            seen=seen,
            loss=self._loss,
            initial=None if first is None else lambda: first,
        )

    def _look(self, logged: Mapping[str, float]) -> None:
        accuracy = None
        if self._budget.allows("look"):
            begun, measured = time.perf_counter(), self._measuring.seconds
            self._take(self._see(self._latest), logged)
            accuracy = self._history.values["test_accuracy"]
            self._budget.took("look", time.perf_counter() - begun - (self._measuring.seconds - measured))
        self._schedule.looked(self._latest, accuracy)

    def _take(self, snapshot: Snapshot, logged: Mapping[str, float], *, last: bool = False) -> None:
        """Measures and keeps one look."""
        if snapshot.step == 0 and self._keeps_start:
            first = snapshot.replace(params={name: t.clone() for name, t in snapshot.params.items()})
            self._initial, snapshot = first, snapshot.replace(initial=lambda: first)
        with self._looking():
            values = self._measuring.take(snapshot) | {(f"logged.{name}", ""): v for name, v in logged.items()}
        self._step = snapshot.step
        self._stored.numbers(self._step, values)
        if not (all(map(math.isfinite, logged.values())) and snapshot.is_finite):
            self._stored.event(self._step, NON_FINITE)
        self._note({name.removeprefix("behaviour."): value for (name, _), value in values.items()})
        if self._schedule.wants_checkpoint(self._step) or last:
            self._stored.checkpoint(self._step, snapshot)
        self._stored.status(self._step, seconds=self._budget.seconds)
        self._sinks.scalars(self._step, {f"{name}[{view}]" if view else name: v for (name, view), v in values.items()})

    def _send_figures(self) -> None:
        """Figures go to the sinks. They lie in a layer above: the public face has given them to every run."""
        if self._sinks:
            for name, figure in sys.modules["grokscope"].Run(self._stored.folder).figures().items():
                self._sinks.figure(name, figure)

    def _note(self, curves: dict[str, float]) -> None:
        """Follows the phases."""
        self._history.add(self._step, curves)
        phases = self._history.phases()
        for name, field in STAGES.items():
            if (step := getattr(phases, field)) is not None:
                self._stored.event(step, name)
        self._stable = self._stable + 1 if curves.get("test_accuracy", 0.0) >= STOP_ACCURACY else 0

    @property
    def _keeps_start(self) -> bool:
        return sum(t.nbytes for t in self._network.params.values()) <= KEPT_AT_START

    @contextlib.contextmanager
    def _looking(self) -> Iterator[None]:
        threads = torch.get_num_threads()
        try:
            # Threads of BLAS go on turning for a while after a product, beside those of the training.
            with self._pools.limit(limits=1, user_api="blas"), untouched(self._network.module):
                yield
        finally:
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)

    @contextlib.contextmanager
    def _harmless(self) -> Iterator[None]:
        """What goes wrong is said once, and the training goes on; after an error of the store nothing more is kept."""
        try:
            yield
        except Exception as error:
            if isinstance(error, StoreError | OSError):
                self._closed = self._failed = True
                with contextlib.suppress(StoreError, OSError):
                    self._stored.release()  # others may have the run's folder, and the doctor look at it
            self._warn(f"grokscope.watch: {type(error).__name__}: {error}; the training goes on")

    def _warn(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            warnings.warn(text, stacklevel=4)


def _listed(steps: Sequence[int]) -> str:
    """The first steps of many, and how many more there are."""
    more = f" and {len(steps) - 3} more" if len(steps) > 3 else ""
    return ", ".join(f"{step:,}" for step in steps[:3]) + more
