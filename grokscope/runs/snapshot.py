"""A snapshot: task, model and parameters at one step of one replica; what follows from them is computed when first
asked for."""

import functools
import math
import warnings
from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grokscope.errors import Missing
from grokscope.models.base import Activations, Model
from grokscope.registry import Options, component, unknown
from grokscope.runs import views, weights
from grokscope.runs.config import interface
from grokscope.runs.split import split_mask
from grokscope.tasks.base import Task

T = TypeVar("T")
BY_FREQUENCY = ("frequency", "cluster")
POINTS = ("all", "train", "test", "fresh", "twin", "orbits", "class_means", "tokens")


class Snapshot:
    """One network at one step, with everything measures ask of it.

    task, labels, train_mask: the inputs in the task's order, the labels trained on, and which inputs are trained on.
        With others (`replace`: the truth of another run, labels in another order), `initial` and `final` are held
        against the same.
    params: TransformerLens's names to tensors, without a replica axis.
    loss, loss_options: what the network is trained on, for `sample_losses`.
    learning_rate: of the training after warm-up, before factors on single tensors; None where it is not known.
    plain_descent: whether each step is the rate times the gradient of the training loss, and nothing else.
    output_scale, centred: the trained function is output_scale * f, or, centred, output_scale * (f - f_0).
    before: the weights before the last step; known while a run is trained, not from its checkpoints.
    initial, final: functions that give the snapshots of the same run at step 0 and at its last checkpoint, or None
        (weights from elsewhere).

    A snapshot does not change: what was asked of it stays true. `replace` gives another.
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
    activations: Mapping[str, Tensor]
    _loss: str
    _loss_options: Mapping[str, Any]
    _given_outputs: Float[Tensor, "pair output"] | None
    _initial: "Callable[[], Snapshot] | None"
    _final: "Callable[[], Snapshot] | None"
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
    ) -> None:
        vars(self).update(
            task=task,
            model=model,
            params=dict(params),
            train_mask=train_mask,
            step=step,
            learning_rate=learning_rate,
            plain_descent=plain_descent,
            output_scale=output_scale,
            centred=centred,
            before=before,
            _loss=loss,
            _loss_options=dict(loss_options),
            _given_outputs=outputs,
            _initial=initial,
            _final=final,
            _answers={},
        )
        sites = {**model.sites, "logits": lambda _: self.logits}
        vars(self)["activations"] = Activations(sites, self.params, task.inputs)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a snapshot does not change: snapshot.replace({name}=...) gives another")

    def __repr__(self) -> str:
        size = sum(tensor.numel() for tensor in self.params.values())
        return f"Snapshot(step={self.step}, inputs={self.task.n_inputs}, parameters={size})"

    def remembered(self, question: Hashable, answer: Callable[[], T]) -> T:
        """The answer to a question that several measures ask of this snapshot, computed once."""
        if question not in self._answers:
            self._answers[question] = answer()
        return self._answers[question]

    @property
    def labels(self) -> Int[Tensor, " pair"] | Float[Tensor, "pair output"]:
        return self.task.labels

    @cached_property
    def is_finite(self) -> bool:
        """Whether every weight is a finite number."""
        return all(bool(tensor.isfinite().all()) for tensor in self.params.values())

    @cached_property
    def outputs(self) -> Float[Tensor, "pair output"]:
        """All outputs, as trained: beyond the task's there may be a column for "="."""
        if self._given_outputs is not None:
            return self._given_outputs
        outputs = self._own_outputs
        if self.centred and self.initial is not None:
            outputs = outputs - self.initial._own_outputs
        return outputs * self.output_scale

    @cached_property
    def _own_outputs(self) -> Float[Tensor, "pair output"]:
        """Outputs of the network itself, neither scaled nor centred."""
        packed = {name: tensor.unsqueeze(0) for name, tensor in self.params.items()}
        return self.model.program(self.task.inputs.unsqueeze(0)).outputs(packed).squeeze(0)

    @cached_property
    def logits(self) -> Float[Tensor, "pair class"]:
        """The outputs of the task's classes. As published, analysis drops the "=" column that training keeps.

        Where classes are learned as templates: minus the squared distance to each. In a regression: the outputs.
        """
        outputs = self.outputs[:, : self.task.n_outputs]
        if self.task.templates is None:
            return outputs
        return -(torch.cdist(outputs, self.task.templates.to(outputs.dtype)) ** 2)

    @cached_property
    def sample_losses(self) -> Float[Tensor, " pair"]:
        """The loss of every input over the task's outputs, in float64 [nats for cross-entropy]."""
        with torch.no_grad():
            return self.loss(self.outputs[:, : self.task.n_outputs], self.task.targets, reduction="none")

    @cached_property
    def correct(self) -> Bool[Tensor, " pair"]:
        """Whether the largest logit is the label's; in a regression, whether the mean squared error is within the
        task's tolerance. A NaN is never correct."""
        if not self.task.n_classes:
            error = (self.logits.double() - self.labels).square().mean(-1)
            return error < (-math.inf if self.task.tolerance is None else self.task.tolerance)
        value, index = self.logits.max(dim=-1)
        return (index == self.labels) & value.isfinite()

    @cached_property
    def masks(self) -> dict[str, Bool[Tensor, " pair"]]:
        """Inputs by what training has seen of them.

        twin: test inputs with a member of their symmetry orbit in the training set (for a commutative task: (b, a) was
        trained); fresh: test inputs with none.
        """
        train = self.train_mask
        seen = torch.zeros(int(self.task.orbits.max()) + 1, dtype=torch.bool)
        seen[self.task.orbits[train]] = True
        twin = ~train & seen[self.task.orbits]
        return {"all": torch.ones_like(train), "train": train, "test": ~train, "twin": twin, "fresh": ~train & ~twin}

    def rows(self, split: str) -> Bool[Tensor, " pair"] | Missing:
        """Which inputs are in all, train, test, fresh or twin; `Missing` where there are none."""
        if split not in self.masks:
            raise ValueError(unknown("split", split, self.masks))
        mask = self.masks[split]
        return mask if mask.any() else Missing(f"the task has no {split} inputs here")

    def mean(self, values: Float[Tensor, " pair"], split: str) -> float | Missing:
        """The mean of a quantity over the inputs of a split; `Missing` where there are none."""
        rows = self.rows(split)
        return rows if isinstance(rows, Missing) else values[rows].double().mean().item()

    @property
    def initial(self) -> "Snapshot | None":
        """The same run at step 0, where it is known, held against this snapshot's task."""
        return None if self._first is None else self._alike(self._first)

    @property
    def final(self) -> "Snapshot":
        """The same run at its last checkpoint, held against this snapshot's task; weights from elsewhere are their own
        last checkpoint."""
        return self if self._last is None else self._alike(self._last)

    @cached_property
    def _first(self) -> "Snapshot | None":
        return self._initial() if self._initial else None

    @cached_property
    def _last(self) -> "Snapshot | None":
        return self._final() if self._final else None

    def _alike(self, other: "Snapshot") -> "Snapshot":
        """Another step of the run, with the task and the split of this one; made once for all steps that share them."""
        if other.task is self.task and torch.equal(other.train_mask, self.train_mask):
            return other
        against = (self.task, self.train_mask.numpy().tobytes())
        return other.remembered(against, lambda: other.replace(task=self.task, train_mask=self.train_mask))

    def function(self, rows: Bool[Tensor, " pair"]) -> Callable[[Mapping[str, Tensor]], Tensor]:
        """All outputs on some of the inputs as a function of the weights, scaled and centred as trained: to be
        differentiated."""
        inputs = self.task.inputs[rows].unsqueeze(0)

        def outputs(params: Mapping[str, Tensor]) -> Tensor:
            return self.model.outputs({name: tensor.unsqueeze(0) for name, tensor in params.items()}, inputs)[0]

        if not (self.centred and self.initial is not None):
            return lambda params: self.output_scale * outputs(params)
        first = outputs(self.initial.params).detach()
        return lambda params: self.output_scale * (outputs(params) - first.to(next(iter(params.values())).dtype))

    @property
    def loss(self) -> Callable[..., Tensor]:
        """(outputs, targets, reduction=...) -> the loss that the network is trained on [nats for cross-entropy]."""
        return functools.partial(component("losses", self._loss), **self._loss_options)

    @property
    def loss_name(self) -> str:
        """The id of that loss."""
        return self._loss

    @property
    def loss_options(self) -> Options:
        """All options of the loss that the network is trained on, such as softmax_dtype, where it has them."""
        return component("losses", self._loss).options(**self._loss_options)

    def with_params(self, params: Mapping[str, Tensor]) -> "Snapshot":
        """The same network with other weights; what it was at step 0, and at the end, is left as it is."""
        return self.replace(params=params, outputs=None, before=None, final=lambda: self.final)

    def mapped(self, change: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]) -> "Snapshot":
        """The same run with other weights at every step: `change` of these, of those at step 0 and of those at the end
        (symbols in another order)."""
        first, last = self.initial, self._last
        return self.replace(
            params=change(self.params),
            outputs=None,
            before=None,
            initial=None if first is None else lambda: first.mapped(change),
            final=None if last is None else lambda: self.final.mapped(change),
        )

    def replace(self, **changed: Any) -> "Snapshot":
        """The same snapshot with some of the keywords that made it changed."""
        fields: dict[str, Any] = {
            "task": self.task,
            "model": self.model,
            "params": self.params,
            "train_mask": self.train_mask,
            "step": self.step,
            "loss": self._loss,
            "loss_options": self._loss_options,
            "learning_rate": self.learning_rate,
            "plain_descent": self.plain_descent,
            "output_scale": self.output_scale,
            "centred": self.centred,
            "outputs": self._given_outputs,
            "before": self.before,
            "initial": self._initial,
            "final": self._final,
        }
        return Snapshot(**(fields | changed))

    def view(
        self, site: str, points: str = "all", *, share: float | None = None, landmarks: int | None = None, seed: int = 0
    ) -> Float[Tensor, "point channel"]:
        """A cloud of points: a site's activations on a set of inputs, channels flattened.

        points: all, train, test, fresh, twin; orbits (the mean over each input-symmetry orbit); class_means (the mean
        over the inputs of each label); tokens (the rows of a table of symbols, such as `embed`); frequency=k (the
        class means, or the tokens, in the cross-validated plane of frequency k); cluster=k (the orbits, in the neurons
        whose dominant frequency is k).
        share: of the points, drawn at random. landmarks: so many of them, by maxmin from a point drawn at random.

        ValueError for what the task or the network does not have, too.
        """
        found = self.cloud(site, points, share=share, landmarks=landmarks, seed=seed)
        if isinstance(found, Missing):
            raise ValueError(found.reason)
        return found

    def cloud(
        self, site: str, points: str, *, share: float | None = None, landmarks: int | None = None, seed: int = 0
    ) -> Float[Tensor, "point channel"] | Missing:
        """The cloud of `view`; `Missing` where this task or network has none by a name that others have."""
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
        elif kind in ("orbits", "cluster"):
            chosen = views.cluster(cloud, self.task, value) if kind == "cluster" else cloud
            cloud = chosen if isinstance(chosen, Missing) else views.means(chosen, self.task.orbits)
        elif not table:
            cloud = cloud[self.masks[points]]
        if kind == "frequency" and not isinstance(cloud, Missing):
            cloud = views.frequency_plane(cloud, self.task, value)
        return cloud if isinstance(cloud, Missing) else views.thinned(cloud, share, landmarks, seed)


def snapshot(
    params: Mapping[str, Any],
    *,
    task: str = "modular_addition",
    model: str = "transformer",
    train_fraction: float | None = None,
    seed: int = 0,
    train_mask: Any = None,
    rename: Mapping[str, str] | None = None,
    layout: weights.Layout = "auto",
    **fields: Any,
) -> Snapshot:
    """A snapshot from weights made elsewhere, under TransformerLens's names (with or without `blocks.0.attn.` and
    wrappers such as `module.` before them), or under others with `rename`, {our name: the name in params}.

    fields: options of the task (p) and of the model; what is not given of the model is read off the shapes.
    train_fraction, seed: the published split that the weights were trained on; or train_mask, one bool an input, the
    indices of the inputs in the task's order, or the inputs themselves. Without a split every input counts as trained
    on, and measures of the test set are `Missing`.
    layout: axes of the matrices, as `runs.weights` says.

    Warns where the weights look as if a LayerNorm had been folded into them: layer_norm="pre" of a decoder is then to
    be given, or "none".
    """
    family, architecture = component("tasks", task), component("models", model)
    of_task = {name: fields.pop(name) for name in list(fields) if name in family.options.model_fields}
    built: Task = family.build(family.options(**of_task))
    named = weights.in_our_axes(weights.cleaned(params, rename), layout)
    tensors = weights.stacked(weights.by_layer(named), model)
    tensors, chosen, _ = weights.completed(tensors, model, interface(built), fields)
    made = weights.fitted(architecture, tensors, interface(built), chosen)
    if model in weights.TRANSFORMERS and "layer_norm" not in fields and weights.suspects_layer_norm(tensors):
        warnings.warn(weights.NO_LAYER_NORM, stacklevel=2)
    mask = torch.ones(built.n_inputs, dtype=torch.bool)
    if train_mask is not None:
        mask = split_mask(train_mask, built.inputs)
    elif train_fraction is not None:
        mask = built.split(train_fraction, seed)
    return Snapshot(task=built, model=made, params=tensors, train_mask=mask)
