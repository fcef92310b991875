"""A pack: N replicas of the same shapes trained as one stacked model.

All parameters are rows of one flat (replica, parameter) buffer; the tensors of the model are views of it. Replicas may
differ in the fields marked by `registry.per_replica`. All other fields decide shapes or the schedule and must be equal.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from grokscope.models.parts.linearised import Linearised
from grokscope.models.parts.program import Program
from grokscope.numerics.side_by_side import one_thread_each
from grokscope.registry import component
from grokscope.runs.config import RunConfig
from grokscope.runs.snapshot import right_answers
from grokscope.training.batches import Data
from grokscope.training.captured import Captured
from grokscope.training.device import require_for, with_products
from grokscope.training.flat import Flat
from grokscope.training.initial import initial
from grokscope.training.memory import keep_freed_memory
from grokscope.training.optimizers.base import column
from grokscope.training.transforms.base import Transform

# Tensors start at multiples of 16 elements, 64 bytes in float32: matrix products are bitwise repeatable only if every
# process has the same alignment.
ALIGNMENT = 16


class Pack:
    """The replicas' weights, optimizer state and training inputs; `advance` makes one step of all replicas.

    step: steps made so far. tensors: name -> (replica, ...) parameters. alive: replicas whose loss is still finite.
    train_masks: (replica, pair) inputs trained on. before: the parameters before the last step, None if not kept.
    """

    def __init__(self, configs: Sequence[RunConfig], *, device: torch.device) -> None:
        require_packable(configs)
        require_for(configs[0].tf32, device)
        self.configs = list(configs)
        self.device = device
        self.step = 0
        self.tasks = [config.build_task() for config in configs]
        pairs = list(zip(configs, self.tasks, strict=True))
        self.train_masks = torch.stack([config.train_mask(task) for config, task in pairs])
        self.models = [config.build_model(task) for config, task in pairs]
        self.model = self.models[0]
        self._rule, self._loss_options = component("losses", configs[0].loss).function, configs[0].options("loss")
        self._build_parameters(getattr(torch, configs[0].dtype))
        if configs[0].linearised:
            self._linearise()
        self._optimizer = component("training.optimizers", configs[0].optimizer).build(configs, self._flat)
        self._transforms = self._build_transforms()
        self._build_rates()
        self.alive: Bool[Tensor, " replica"] = torch.ones(len(configs), dtype=torch.bool)
        about = {"device": device, "dtype": self._params.dtype}
        read = any(transform.reads_accuracy for transform in self._transforms)
        self._data = Data(configs, self.tasks, self.train_masks, with_labels=read, **about)
        self._scale = None
        if any(config.output_scale != 1 for config in configs):
            self._scale = column(configs, lambda config: config.output_scale, self._params).to(self._params)[..., None]
        self._everything: Program | None = None
        self.before: dict[str, Tensor] | None = None
        # A loss that does not fit the task raises its error here.
        self._rule(torch.zeros(1, self.tasks[0].n_outputs), self.tasks[0].targets[:1], self._loss_options, False)
        self._prepare()
        self._losses = torch.zeros(self.n_replicas, dtype=torch.float64, device=device)
        self._differentiated, self._updated = self._differentiate, self._update
        self._clock: Tensor | None = None
        if device.type == "cuda":
            self._build_graphs()
        else:
            keep_freed_memory()

    @property
    def n_replicas(self) -> int:
        return len(self.configs)

    @one_thread_each()
    def advance(self, keep: bool = False) -> Bool[Tensor, " replica"]:
        """One step; True for the replicas whose loss has just become non-finite. Their weights do not change.

        keep: keep the weights before the step, for measures of the step.
        """
        self.before = {name: tensor.clone() for name, tensor in self.tensors.items()} if keep else None
        if self._data.batched:
            self._data.draw(self.step)
            self._prepare()
        self._differentiated()
        ended = self.alive & ~self._losses.isfinite().cpu()
        if ended.any():
            self._end(ended)
        if not self.alive.all():
            self._gradients[~self.alive] = 0
            self._flat.accuracies[~self.alive] = 0
        self._updated()
        self.step += 1
        return ended

    @one_thread_each()
    @torch.no_grad()
    def outputs(self) -> Float[Tensor, "replica pair output"]:
        """Outputs on all inputs of the task at the present weights, scaled and centred as in training."""
        if self._everything is None:
            self._everything = self.model.program(self._data.everything())
            self._first_outputs = self._everything.outputs(self._initial) if self.configs[0].centred else None
        outputs = self._everything.outputs(self.tensors)
        if self._first_outputs is not None:
            outputs = outputs - self._first_outputs
        return (outputs if self._scale is None else outputs * self._scale).cpu()

    def state(self) -> dict[str, Tensor]:
        """All that a resumed pack needs beside its configs. Batches follow from the seed and the step."""
        state = {"params": self._params, "alive": self.alive} | self._state
        return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}

    def restore(self, step: int, state: dict[str, Tensor]) -> None:
        """Restores the `state` of a step, bit for bit."""
        self.step = step
        if self._clock is not None:
            self._clock.fill_(step)
        self._params.copy_(state["params"])
        for name, tensor in self._state.items():
            tensor.copy_(state[name])
        ended = ~state["alive"]
        if ended.any():
            self._end(ended)

    def _build_parameters(self, dtype: torch.dtype) -> None:
        shapes = self.model.shapes
        sizes = {name: torch.Size(shape).numel() for name, shape in shapes.items()}
        columns: dict[str, slice] = {}
        end = 0
        for name, size in sizes.items():
            columns[name] = slice(end, end + size)
            end += -(-size // ALIGNMENT) * ALIGNMENT
        self._params = torch.zeros(self.n_replicas, end, dtype=dtype, device=self.device)
        self._gradients = torch.zeros_like(self._params)
        accuracies = torch.zeros(self.n_replicas, dtype=torch.float64, device=self.device)
        self._flat = Flat(self._params, columns, shapes, accuracies)

        self.tensors, self._gradient_views = self._flat.views(self._params), self._flat.views(self._gradients)
        for replica, (config, model) in enumerate(zip(self.configs, self.models, strict=True)):
            for name, tensor in initial(config, model).items():
                self.tensors[name][replica] = tensor
        centred = self.configs[0].centred
        self._initial = {name: tensor.clone() for name, tensor in self.tensors.items()} if centred else {}

    def _build_transforms(self) -> list[Transform]:
        """The transforms that are on for any replica, in the order in which they act."""
        on = {name for config in self.configs for name, options in config.transforms.items() if options.is_on}
        kinds = [component("training.transforms", name) for name in sorted(on)]
        return [kind.build(self.configs, self._flat) for kind in sorted(kinds, key=lambda kind: kind.place)]

    def _linearise(self) -> None:
        """Replaces the network by its expansion around the present weights; those of single replicas are on the CPU."""
        first = {name: tensor.clone() for name, tensor in self.tensors.items()}
        self.model = Linearised(self.model, first)
        self.models = [
            Linearised(model, {name: tensor[replica : replica + 1].cpu() for name, tensor in first.items()})
            for replica, model in enumerate(self.models)
        ]

    def _build_graphs(self) -> None:
        """On a GPU the step's number is a tensor, which recorded work reads; full batches are recorded as graphs."""
        # The thread that differentiates must know the GPU before its first matrix product there.
        torch.ones((), device=self.device, requires_grad=True).exp().backward()
        self._clock = torch.zeros((), dtype=torch.int64, device=self.device)
        self._differentiated = with_products(self._differentiate, tf32=self.configs[0].tf32)
        if not self._data.batched:
            self._differentiated, self._updated = Captured(self._differentiated), Captured(self._update)

    def _factors(self, field: str) -> Tensor | float:
        """Factors on a rate by parameter: a row, or 1 where no tensor has a factor."""
        factors = getattr(self.configs[0], field)
        if not factors:
            return 1.0
        row = torch.ones(1, self._params.shape[1], dtype=torch.float64, device=self.device)
        for name, factor in factors.items():
            row[:, self._flat.tensor(name, field)] = factor
        return row

    def _build_rates(self) -> None:
        def of(value: Callable[[RunConfig], float]) -> Tensor:
            return column(self.configs, value, self._params)

        self._rate_factors, self._decay_factors = self._factors("tensor_rates"), self._factors("tensor_decays")
        self._rate = of(lambda config: config.rate)
        self._warmup = of(lambda config: config.warmup_steps)
        self._decay = of(lambda config: config.weight_decay)
        self._decay_start = of(lambda config: config.weight_decay_start)
        self._decay_stop = of(lambda config: torch.inf if (stop := config.weight_decay_stop) is None else stop)

    def _differentiate(self) -> None:
        """Writes the replicas' losses and gradients at the present weights into their buffers."""
        sample_losses, _ = self._program.gradients(self.tensors, self._loss, self._gradient_views)
        self._losses.copy_((sample_losses * self._data.weights).sum(-1))
        if self._right is not None:
            counted = self._data.weights > 0
            self._flat.accuracies.copy_((self._right & counted).sum(-1).double() / counted.sum(-1))

    def _update(self) -> None:
        """The optimizer's step, with the transforms of the gradients before it and of the weights after it."""
        step = self.step if self._clock is None else self._clock
        for transform in self._transforms:
            if transform.when == "before":
                transform.apply(self._params, self._gradients, step=step)
        warming = (self._warmup > 0) & (self._warmup > step)
        rates = torch.where(warming, self._rate * step / self._warmup, self._rate)
        decays = (self._decay_start <= step) & (self._decay_stop > step)
        decay = torch.where(decays, self._decay, 0.0)
        rates, decay = rates * self._rate_factors, decay * self._decay_factors
        self._optimizer.update(self._params, self._gradients, step=step, rates=rates, decay=decay)
        for transform in self._transforms:
            if transform.when == "after":
                transform.apply(self._params, self._gradients, step=step)
        if self._clock is not None:
            self._clock += 1

    def _prepare(self) -> None:
        """The program of the present training inputs, and the outputs subtracted from its own."""
        self._program = self.model.program(self._data.inputs)
        self._first = self._program.outputs(self._initial) if self._initial else None
        labels = self._data.labels
        self._right = None if labels is None else torch.zeros_like(labels, dtype=torch.bool)

    def _loss(self, outputs: Tensor, replicas: slice, rows: slice) -> tuple[Tensor, Tensor]:
        """Losses of samples, and the gradient of their weighted mean with respect to the network's own outputs."""
        if self._first is not None:
            outputs = outputs - self._first[replicas, rows]
        scale = None if self._scale is None else self._scale[replicas]
        if scale is not None:
            outputs = outputs * scale
        if self._right is not None and self._data.labels is not None:
            classes = outputs[..., : self.tasks[0].n_classes]
            self._right[replicas, rows] = right_answers(classes, self._data.labels[replicas, rows])
        losses, gradient = self._rule(outputs, self._data.targets[replicas, rows], self._loss_options, True)
        if gradient.dtype != torch.float64:  # a narrow softmax has rounded; the samples' weights must not round again
            gradient = gradient.to(outputs.dtype)
        gradient = gradient.mul_(self._data.weights[replicas, rows][..., None])
        return losses, gradient if scale is None else gradient * scale

    @property
    def _state(self) -> dict[str, Tensor]:
        """The state of the optimizer and of the transforms."""
        states = (part.state for part in (self._optimizer, *self._transforms))
        return {name: tensor for state in states for name, tensor in state.items()}

    def _end(self, ended: Bool[Tensor, " replica"]) -> None:
        """Freezes replicas: rate 0 moves nothing, and moments of 0 keep non-finite values out."""
        self.alive &= ~ended
        self._rate[ended] = 0
        self._decay[ended] = 0
        for tensor in self._state.values():
            tensor[ended] = 0


def require_packable(configs: Sequence[RunConfig]) -> None:
    """ValueError unless the configs may train as one pack."""
    if not configs:
        raise ValueError("a pack needs at least one config, got none")
    first, allowed = dict(configs[0]), configs[0].may_differ
    for config in configs[1:]:
        for field, value in config:
            if field not in allowed and first.get(field) != value:
                raise ValueError(
                    f"the replicas of a pack differ in {field} ({first.get(field)!r} and {value!r}); "
                    f"only {', '.join(sorted(allowed))} may differ: train the others as a pack of their own"
                )
