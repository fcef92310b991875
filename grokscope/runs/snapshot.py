"""A snapshot: task, model and parameters of one replica at one step. What follows from them is computed at its first
use."""

import functools
import math
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grokscope.errors import Missing
from grokscope.models.base import Activations, Model
from grokscope.registry import Options, component, unknown
from grokscope.runs import views
from grokscope.tasks.base import Task

T = TypeVar("T")
BY_FREQUENCY = ("frequency", "cluster")
AT_ONCE = 1 << 21  # outputs whose losses are computed together: of a vocabulary they would take hundreds of MB
POINTS = ("all", "train", "test", "fresh", "twin", "orbits", "train_orbits", "class_means", "tokens")


class Snapshot:
    """One network at one step, with everything that measures need.

    task, labels, train_mask: the inputs in the task's order, their labels, and which inputs are trained on. After a
        `replace` of these (the truth of another run, labels in another order), `initial` and `final` have them too.
    params: TransformerLens's names to tensors, without a replica axis.
    loss, loss_options: the training loss, for `sample_losses`.
    learning_rate: after warm-up, before factors on single tensors; None if it is not known.
    plain_descent: whether each step is the rate times the gradient of the training loss, and nothing else.
    output_scale, centred: the trained function is output_scale * f, or, centred, output_scale * (f - f_0).
    outputs: all outputs as trained, if they are known already.
    before: the weights before the last step; known during the training, not from checkpoints.
    initial, final: functions that give the snapshots of the same run at step 0 and at its last checkpoint, or None
        (weights from elsewhere).
    earlier: gives the snapshots of the same run at its checkpoints before this one, in order; None without a run.

    A snapshot does not change, so what is computed from it stays true. `replace` gives another.
    """

    task: Task
    model: Model
    params: dict[str, Tensor]
    train_mask: Bool[Tensor, " pair"]
    step: int
    learning_rate: float | None
    plain_descent: bool
    output_scale: float
    centred: bool
    before: Mapping[str, Tensor] | None
    earlier: "Callable[[], Iterator[Snapshot]] | None"
    _made: dict[str, Any]  # the keywords of __init__
    _answers: dict[Hashable, Any]

    def __init__(
        self,
        *,
        task: Task,
        model: Model,
        params: Mapping[str, Tensor],
        train_mask: Bool[Tensor, " pair"],
        step: int = 0,
        loss: str = "cross_entropy",
        loss_options: Mapping[str, Any] = MappingProxyType({}),
        learning_rate: float | None = None,
        plain_descent: bool = False,
        output_scale: float = 1.0,
        centred: bool = False,
        outputs: Float[Tensor, "pair output"] | None = None,
        before: Mapping[str, Tensor] | None = None,
        initial: "Callable[[], Snapshot] | None" = None,
        final: "Callable[[], Snapshot] | None" = None,
        earlier: "Callable[[], Iterator[Snapshot]] | None" = None,
    ) -> None:
        made = {**locals(), "params": dict(params), "loss_options": dict(loss_options)}
        del made["self"]
        fields = {name: made[name] for name in Snapshot.__annotations__ if name in made}
        vars(self).update(fields, _made=made, _answers={})

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a snapshot does not change: snapshot.replace({name}=...) gives another")

    def __repr__(self) -> str:
        size = sum(tensor.numel() for tensor in self.params.values())
        return f"Snapshot(step={self.step}, inputs={self.task.n_inputs}, parameters={size})"

    def remembered(self, question: Hashable, answer: Callable[[], T]) -> T:
        """The answer to a question of several measures, computed once."""
        if question not in self._answers:
            self._answers[question] = answer()
        return self._answers[question]

    @property
    def labels(self) -> Int[Tensor, " pair"] | Float[Tensor, "pair output"]:
        return self.task.labels

    @cached_property
    def activations(self) -> Mapping[str, Tensor]:
        """The activations by site; each is computed when it is asked for."""
        return Activations({**self.model.sites, "logits": lambda _: self.logits}, self.params, self.task.inputs)

    @cached_property
    def is_finite(self) -> bool:
        """Whether every weight is a finite number."""
        return all(bool(tensor.isfinite().all()) for tensor in self.params.values())

    @cached_property
    def outputs(self) -> Float[Tensor, "pair output"]:
        """All outputs as trained; there may be a column for "=" beyond the task's."""
        if self._made["outputs"] is not None:
            return self._made["outputs"]
        outputs = self._own_outputs
        if self.centred and self.initial is not None:
            outputs = outputs - self.initial._own_outputs
        return outputs * self.output_scale

    @cached_property
    def _own_outputs(self) -> Float[Tensor, "pair output"]:
        """The outputs of the network, neither scaled nor centred."""
        packed = {name: tensor.unsqueeze(0) for name, tensor in self.params.items()}
        return self.model.program(self.task.inputs.unsqueeze(0)).outputs(packed).squeeze(0)

    @cached_property
    def logits(self) -> Float[Tensor, "pair class"]:
        """The outputs of the task's classes; as published, the analysis drops the "=" column that training keeps.

        With templates for the classes: minus the squared distance to each template. In a regression: the outputs.
        """
        outputs = self.outputs[:, : self.task.n_outputs]
        if self.task.templates is None:
            return outputs
        return -(torch.cdist(outputs, self.task.templates.to(outputs.dtype)) ** 2)

    @cached_property
    def sample_losses(self) -> Float[Tensor, " pair"]:
        """The loss of each input over the task's outputs, in float64 [nats for cross-entropy]."""
        loss, outputs, targets = self.loss, self.outputs[:, : self.task.n_outputs], self.task.targets
        losses, n_together = torch.empty(len(outputs), dtype=torch.float64), max(1, AT_ONCE // outputs.shape[1])
        with torch.no_grad():
            for start in range(0, len(outputs), n_together):
                rows = slice(start, start + n_together)
                losses[rows] = loss(outputs[rows], targets[rows], reduction="none")
        return losses

    @cached_property
    def correct(self) -> Bool[Tensor, " pair"]:
        """Whether the largest logit is that of the label; in a regression, whether the mean squared error is below the
        task's tolerance. A NaN is never correct."""
        if not self.task.n_classes:
            error = (self.logits.double() - self.labels).square().mean(-1)
            return error < (-math.inf if self.task.tolerance is None else self.task.tolerance)
        return right_answers(self.logits, self.labels)

    @cached_property
    def masks(self) -> dict[str, Bool[Tensor, " pair"]]:
        """The inputs of each split: all, train, test, twin, fresh.

        twin: test inputs with a trained member in their symmetry orbit (for a commutative task: (b, a) was trained).
        fresh: the other test inputs.
        """
        train = self.train_mask
        seen = torch.zeros(int(self.task.orbits.max()) + 1, dtype=torch.bool)
        seen[self.task.orbits[train]] = True
        twin = ~train & seen[self.task.orbits]
        return {"all": torch.ones_like(train), "train": train, "test": ~train, "twin": twin, "fresh": ~train & ~twin}

    def rows(self, split: str) -> Bool[Tensor, " pair"] | Missing:
        """The inputs of a split (all, train, test, fresh or twin); `Missing` if it has none."""
        if split not in self.masks:
            raise ValueError(unknown("split", split, self.masks))
        mask = self.masks[split]
        return mask if mask.any() else views.no_inputs(split)

    def mean(self, values: Float[Tensor, " pair"], split: str) -> float | Missing:
        """The mean of a quantity over the inputs of a split; `Missing` if it has none."""
        rows = self.rows(split)
        return rows if isinstance(rows, Missing) else values[rows].double().mean().item()

    @property
    def initial(self) -> "Snapshot | None":
        """The same run at step 0, with the task of this snapshot; None if it is not known."""
        return None if self._first is None else self._alike(self._first)

    @property
    def final(self) -> "Snapshot":
        """The same run at its last checkpoint, with the task of this snapshot; weights from elsewhere are their own."""
        return self if self._last is None else self._alike(self._last)

    @cached_property
    def _first(self) -> "Snapshot | None":
        return self._made["initial"] and self._made["initial"]()

    @cached_property
    def _last(self) -> "Snapshot | None":
        return self._made["final"] and self._made["final"]()

    def _alike(self, other: "Snapshot") -> "Snapshot":
        """Another step of the run with the task and the split of this one; made once for all steps that share them."""
        mask = self.train_mask
        if other.task is self.task and (other.train_mask is mask or torch.equal(other.train_mask, mask)):
            return other
        against = (self.task, self.train_mask.numpy().tobytes())
        return other.remembered(against, lambda: other.replace(task=self.task, train_mask=self.train_mask))

    @cached_property
    def structural(self) -> "Snapshot":
        """The snapshot whose labels are the elements of its task's structure, for measures of clouds; itself where the
        task has none."""
        if self.task.structure is None:
            return self
        seen = self.replace(task=self.task.structural)
        vars(seen)["logits"] = self.logits  # as many as the network has, not one an element
        return seen

    def function(self, rows: Bool[Tensor, " pair"] | Int[Tensor, " row"]) -> Callable[[Mapping[str, Tensor]], Tensor]:
        """All outputs on some inputs (a mask, or their indices) as a differentiable function of the weights, scaled and
        centred as trained."""
        inputs = self.task.inputs[rows].unsqueeze(0)

        def outputs(params: Mapping[str, Tensor]) -> Tensor:
            return self.model.outputs({name: tensor.unsqueeze(0) for name, tensor in params.items()}, inputs)[0]

        if not (self.centred and self.initial is not None):
            return lambda params: self.output_scale * outputs(params)
        first = outputs(self.initial.params).detach()
        return lambda params: self.output_scale * (outputs(params) - first.to(next(iter(params.values())).dtype))

    @property
    def loss(self) -> Callable[..., Tensor]:
        """The training loss: (outputs, targets, reduction=...) -> loss [nats for cross-entropy]."""
        return functools.partial(component("losses", self.loss_name), **self._made["loss_options"])

    @property
    def loss_name(self) -> str:
        """The id of the training loss."""
        return self._made["loss"]

    @property
    def loss_options(self) -> Options:
        """All options of the training loss, such as softmax_dtype."""
        return component("losses", self.loss_name).options(**self._made["loss_options"])

    @cached_property
    def precise(self) -> "Snapshot":
        """The same network with weights in float64, for what rounding would decide."""
        return self.replace(params={name: t.double() for name, t in self.params.items()}, outputs=None, before=None)

    def with_params(self, params: Mapping[str, Tensor]) -> "Snapshot":
        """The same network with other weights; `initial` and `final` stay."""
        return self.replace(params=params, outputs=None, before=None, final=lambda: self.final)

    def mapped(self, change: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]) -> "Snapshot":
        """The same run with other weights (symbols in another order): `change` acts on these, and on those of every
        other step."""
        first, last, earlier = self.initial, self._last, self.earlier
        return self.replace(
            params=change(self.params),
            outputs=None,
            before=None,
            initial=None if first is None else lambda: first.mapped(change),
            final=None if last is None else lambda: self.final.mapped(change),
            earlier=None if earlier is None else lambda: (one.mapped(change) for one in earlier()),
        )

    def replace(self, **changed: Any) -> "Snapshot":
        """The same snapshot with some of the keywords that made it changed."""
        return Snapshot(**(self._made | changed))

    def view(
        self, site: str, points: str = "all", *, share: float | None = None, landmarks: int | None = None, seed: int = 0
    ) -> Float[Tensor, "point channel"]:
        """A cloud of points: the activations of a site on a set of inputs, channels flattened.

        points: all, train, test, fresh, twin; orbits (the mean over each input-symmetry orbit); train_orbits (the
        mean over its members that are trained on); class_means (the mean
        over the inputs of each label); tokens (the rows of a table of symbols, such as `embed`); frequency=k (the
        class means, or the tokens, in the cross-validated plane of frequency k); cluster=k (the orbits, in the neurons
        whose dominant frequency is k).
        share: a share of the points, drawn at random. landmarks: the number of points, chosen by maxmin from a point
        drawn at random.

        ValueError for an unknown name, and for what this task or network does not have.
        """
        cloud = self.cloud(site, points, share=share, landmarks=landmarks, seed=seed)
        if isinstance(cloud, Missing):
            raise ValueError(cloud.reason)
        return cloud

    def cloud(
        self, site: str, points: str, *, share: float | None = None, landmarks: int | None = None, seed: int = 0
    ) -> Float[Tensor, "point channel"] | Missing:
        """The cloud of `view`; `Missing` for what this task or network does not have, and others have."""
        kind, _, value = points.partition("=")
        if points not in POINTS and (kind not in BY_FREQUENCY or not value):
            raise ValueError(unknown("set of points", points, [*POINTS, *(f"{kind}=k" for kind in BY_FREQUENCY)]))
        if site not in self.activations:
            return Missing(unknown("site", site, self.activations))
        cloud = self.activations[site].flatten(1)
        table = len(cloud) != self.task.n_inputs
        if table != (points == "tokens") and not (table and kind == "frequency"):
            raise ValueError(
                f"site {site!r} has {len(cloud)} rows, the task {self.task.n_inputs} inputs: "
                f"points='tokens' is for tables of symbols, the others for activations on inputs"
            )
        if not table and kind in ("class_means", "frequency"):
            if not self.task.n_classes:
                return Missing(f"points={points!r} is for tasks with classes; this one is a regression")
            cloud = views.means(cloud, self.labels)
        elif kind == "cluster":
            chosen = views.cluster(cloud, self.task, value)
            cloud = chosen if isinstance(chosen, Missing) else views.means(chosen, self.task.orbits)
        elif not table:
            cloud = views.chosen_points(cloud, points, self.masks, self.task.orbits)
        if kind == "frequency" and not isinstance(cloud, Missing):
            cloud = views.frequency_plane(cloud, self.task, value)
        return cloud if isinstance(cloud, Missing) else views.thinned(cloud, share, landmarks, seed)


def right_answers(logits: Float[Tensor, "*batch class"], labels: Int[Tensor, "*batch"]) -> Bool[Tensor, "*batch"]:
    """Whether the largest logit is the label's; a NaN or an infinite one is never correct."""
    value, index = logits.max(dim=-1)
    return (index == labels) & value.isfinite()
