"""A measure: a function of a snapshot with its unit, source, cost and needs. It may answer `Missing`."""

import inspect
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from grokscope.errors import Missing, MissingPlugin, require_finite
from grokscope.registry import component, names, unknown
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.snapshots import Snapshots

Cost = Literal["cheap", "heavy", "final", "asked"]
Value = float | NDArray[Any] | Mapping[str, float]
Answer = TypeVar("Answer", bound="Value | Missing | Sequence[Any]")


def _cyclic(snapshot: Snapshot) -> bool:
    return (snapshot.task.truth.group or "").startswith("cyclic")


def _embedding(snapshot: Snapshot) -> bool:
    return snapshot.task.n_symbols > 0 and "embed" in snapshot.activations


def _mlp(snapshot: Snapshot) -> bool:
    """Neurons that write to the logits by weights alone: no LayerNorm lies in between."""
    writes = "W_out" in snapshot.params and "mlp_post" in snapshot.activations
    return writes and not any(name.startswith("ln") for name in snapshot.params)


def _answers(snapshot: Snapshot) -> bool:
    return snapshot.task.n_classes > 0 or snapshot.task.tolerance is not None


# What a measure can need: a test whether the snapshot has it, and the reason of `Missing` if it has not.
NEEDS: dict[str, tuple[Callable[[Snapshot], bool], str]] = {
    "cyclic": (_cyclic, "the task's answers do not form a cyclic group"),
    "classes": (lambda snapshot: snapshot.task.n_classes > 0, "the task is a regression: it has no classes"),
    "answers": (_answers, "the task is a regression without a tolerance: no answer is right or wrong"),
    "pattern": (lambda snapshot: "pattern" in snapshot.activations, "the network has no attention pattern"),
    "embedding": (_embedding, "the network has no embedding of symbols"),
    "mlp": (_mlp, "the network has no neurons that write to the logits without a LayerNorm in between"),
    "descent": (
        lambda snapshot: snapshot.plain_descent and snapshot.loss_name == "mse",
        "only gradient descent on squared error, without momentum, decay or warm-up, has a closed form when linearised",
    ),
    "before": (lambda snapshot: snapshot.before is not None, "the weights before the last step are not known"),
    "earlier": (lambda snapshot: snapshot.earlier is not None, "the checkpoints before this one are not known"),
    "initial": (lambda snapshot: snapshot.initial is not None, "the weights at step 0 are not known"),
}
# What reasons speak of that the truth of a task would say; and what is said before them where nobody has told it.
OF_THE_TRUTH = ("group", "residues")
UNTOLD = 'the truth of this task is not given (truth = "cyclic(97)" or the like); without it'


@dataclass(frozen=True, kw_only=True)
class Measure(Generic[Answer]):
    """A quantity: snapshot (and options) -> a number, a small array, numbers by name, or `Missing`.

    unit: of its values. source: the publication that defines it. cost: "cheap" measures run while training, "heavy"
    ones on all checkpoints, "final" ones on the last, "asked" ones on none; by name all run on all checkpoints
    (`grokscope measure RUN --only id`). needs: keys of NEEDS; where one does not hold, the answer is `Missing`. axis:
    what an array or mapping runs over. variants: the options under which a run stores the measure, one view each.
    packed: the function takes `Snapshots`, networks side by side, and returns a list, one answer each; else it takes
    one `Snapshot`.
    """

    id: str
    unit: str
    source: str
    cost: Cost
    needs: tuple[str, ...]
    axis: str
    variants: tuple[Mapping[str, Any], ...]
    packed: bool
    function: Callable[..., Answer]

    @cached_property
    def options(self) -> Mapping[str, tuple[Any, ...]]:
        """Option -> its possible values, where its annotation is a `Literal`; else ()."""
        parameters = list(inspect.signature(self.function).parameters.values())[1:]
        kinds = {parameter.name: parameter.annotation for parameter in parameters}
        return {name: get_args(kind) if get_origin(kind) is Literal else () for name, kind in kinds.items()}

    def __call__(self, snapshot: Snapshot, **options: Any) -> Answer | Missing:
        """The answer. ValueError for an unknown option, and for a value that the option does not have."""
        answer: Any = self.each(Snapshots([snapshot]), **options)[0]
        return answer

    def each(self, snapshots: Snapshots, **options: Any) -> list[Value | Missing]:
        """The answer of each network."""
        for option, value in options.items():
            if option not in self.options:
                raise ValueError(f"{self.id}: {unknown('option', option, self.options)}")
            if (choices := self.options[option]) and value not in choices:
                raise ValueError(f"{self.id}: {unknown(f'{option} =', value, choices)}")
        require_finite(**{name: value for name, value in options.items() if isinstance(value, float)})
        whole = [i for i, finite in enumerate(snapshots.is_finite) if finite]
        answers = iter(self._of_finite(snapshots.take(whole), options) if whole else ())
        return [
            next(answers) if finite else Missing(f"the weights at step {snapshots[i].step} are not finite")
            for i, finite in enumerate(snapshots.is_finite)
        ]

    def _of_finite(self, snapshots: Snapshots, options: Mapping[str, Any]) -> list[Value | Missing]:
        """The answers of networks whose weights are finite."""
        try:
            answers = self._answers(snapshots, options)
        except MissingPlugin as error:
            return [Missing(str(error))] * len(snapshots)
        return [self._said(answer, snapshots, i) for i, answer in enumerate(answers)]

    def _answers(self, snapshots: Snapshots, options: Mapping[str, Any]) -> list[Value | Missing]:
        if len(snapshots) and self.seen(snapshots.first) is not snapshots.first:
            snapshots = Snapshots([self.seen(one) for one in snapshots])
        for need in self.needs:
            holds, reason = NEEDS[need]
            if not holds(snapshots.first):
                return [Missing(reason)] * len(snapshots)
        function: Callable[..., Any] = self.function
        if self.packed:
            return function(snapshots, **options)
        return [function(snapshot, **options) for snapshot in snapshots]

    def _said(self, answer: Value | Missing, snapshots: Snapshots, place: int) -> Value | Missing:
        """The answer, if it is finite; a missing one says where the truth of the task is what it lacks."""
        if isinstance(answer, Missing):
            of_the_truth = any(word in answer.reason for word in OF_THE_TRUTH) and UNTOLD not in answer.reason
            untold = of_the_truth and not snapshots.first.task.truth.known
            return Missing(f"{UNTOLD} {answer.reason}") if untold else answer
        if _is_finite(answer):
            return answer
        return Missing(f"{self.id} is not finite at step {snapshots[place].step}")

    def seen(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot that the function gets: a measure of clouds compares with the structure of the task."""
        return snapshot.structural if "view" in self.options else snapshot

    def rows(self, snapshot: Snapshot, **shared: Any) -> Iterator[tuple[str, float | Missing]]:
        """(view, value) for every variant and element. The view names both: `split=train`, `head=0`."""
        for _, view, value in self.each_row(Snapshots([snapshot]), **shared):
            yield view, value

    def each_row(self, snapshots: Snapshots, **shared: Any) -> Iterator[tuple[int, str, float | Missing]]:
        """The same of several networks, with the place of each."""
        options = {name: value for name, value in shared.items() if name in self.options}
        for variant in self.variants:
            label = _label(variant)
            for i, answer in enumerate(self.each(snapshots, **options, **variant)):
                for part, number in _elements(answer, self.axis):
                    yield i, f"{label},{part}" if label and part else label or part, number

    def without(self, views: Collection[str]) -> "Measure[Answer]":
        """The same measure without the variants that have one of these views: a run has stored them."""

        def stored(variant: Mapping[str, Any]) -> bool:
            elements = ",".join(filter(None, (_label(variant), f"{self.axis}=")))
            return _label(variant) in views or (bool(self.axis) and any(view.startswith(elements) for view in views))

        return replace(self, variants=tuple(variant for variant in self.variants if not stored(variant)))

    @property
    def definition(self) -> str:
        """The docstring of the quantity."""
        return inspect.cleandoc(self.function.__doc__ or "")


def measure(
    *,
    unit: str,
    source: str,
    cost: Cost = "cheap",
    needs: tuple[str, ...] = (),
    axis: str = "",
    variants: tuple[Mapping[str, Any], ...] = ({},),
    packed: bool = False,
) -> Callable[[Callable[..., Answer]], Measure[Answer]]:
    """Makes a measure of a function. The id is the family (its folder; without one, its file) and its name."""

    def wrap(function: Callable[..., Answer]) -> Measure[Answer]:
        family = function.__module__.split(".")[-2:][0]
        return Measure(
            id=f"{family}.{function.__name__}",
            unit=unit,
            source=source,
            cost=cost,
            needs=needs,
            axis=axis,
            variants=variants,
            packed=packed,
            function=function,
        )

    return wrap


def measures() -> dict[str, Measure]:
    """Every measure by id."""
    return {name: component("measures", name) for name in names("measures")}


def evaluate(name: str, snapshot: Snapshot, **options: Any) -> Value | Missing:
    """One measure on one snapshot."""
    return component("measures", name)(snapshot, **options)


def _label(variant: Mapping[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in variant.items())


def _elements(value: Value | Missing, axis: str) -> Iterator[tuple[str, float | Missing]]:
    if isinstance(value, Mapping):
        yield from ((f"{axis}={key}", float(number)) for key, number in value.items())
    elif isinstance(value, np.ndarray):
        yield from ((f"{axis}={index}", float(number)) for index, number in enumerate(value))
    else:
        yield "", value if isinstance(value, Missing) else float(value)


def _is_finite(value: Value) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    numbers = list(value.values()) if isinstance(value, Mapping) else value
    return bool(np.isfinite(np.asarray(numbers, dtype=np.float64)).all())
