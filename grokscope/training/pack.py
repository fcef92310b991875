"""A pack: N replicas of the same shapes trained as one stacked model.

All parameters are rows of one flat (replica, parameter) buffer; the tensors the model sees are views of it. What
differs between replicas is listed in PER_REPLICA; everything else decides shapes or the schedule and must be equal.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from grokscope.models.base import Workspace
from grokscope.registry import component
from grokscope.runs.config import RunConfig, interface

PER_REPLICA = {"seed", "random_labels", "learning_rate", "weight_decay", "betas", "eps"}
# Tensors start at multiples of 16 elements, 64 bytes in float32: matrix products then see the same alignment in every
# process, which their bitwise repeatability needs.
ALIGNMENT = 16


class Pack:
    """The replicas' weights, optimizer state and training inputs; `advance` makes one step of all of them.

    step: steps made so far. tensors: name -> (replica, ...) parameters. alive: replicas whose loss is still finite.
    train_masks: (replica, pair) inputs trained on.
    """

    def __init__(self, configs: Sequence[RunConfig], *, device: torch.device) -> None:
        require_packable(configs)
        self.configs = list(configs)
        self.device = device
        self.step = 0
        self.tasks = [config.build_task() for config in configs]
        self.train_masks = torch.stack(
            [task.split(config.train_fraction, config.seed) for task, config in zip(self.tasks, configs, strict=True)]
        )
        self.model = configs[0].build_model()
        self._workspace, self._evaluation_workspace = Workspace(), Workspace()
        self._loss = component("losses", configs[0].loss)
        self._build_parameters(getattr(torch, configs[0].dtype))
        self._optimizer = component("training.optimizers", configs[0].optimizer)(configs, self._params)
        self._rates = torch.tensor([[config.learning_rate] for config in configs], dtype=torch.float64, device=device)
        self.alive: Bool[Tensor, " replica"] = torch.ones(len(configs), dtype=torch.bool)
        pairs = list(zip(self.tasks, self.train_masks, strict=True))
        self._operands = torch.stack([task.operands[mask] for task, mask in pairs]).to(device)
        self._labels = torch.stack([task.labels[mask] for task, mask in pairs]).to(device)

    @property
    def n_replicas(self) -> int:
        return len(self.configs)

    def advance(self) -> Bool[Tensor, " replica"]:
        """One step; True for the replicas whose loss has just become non-finite. Their weights stay as they were."""
        outputs = self.model.outputs(self._leaves, self._operands, self._workspace)
        losses = self._loss(outputs, self._labels, reduction="none").mean(-1)
        gradients = torch.autograd.grad(losses.sum(), list(self._leaves.values()))
        for view, gradient in zip(self._gradient_views, gradients, strict=True):
            view.copy_(gradient)
        ended = self.alive & ~losses.detach().isfinite().cpu()
        if ended.any():
            self._end(ended)
        if not self.alive.all():
            self._gradients[~self.alive] = 0
        warmup = self.configs[0].warmup_steps
        factor = min(self.step / warmup, 1.0) if warmup else 1.0
        self._optimizer.update(self._params, self._gradients, step=self.step, rates=self._rates * factor)
        self.step += 1
        return ended

    @torch.no_grad()
    def outputs(self) -> Float[Tensor, "replica pair output"]:
        """Outputs on all inputs of the task, at the present weights."""
        operands = self.tasks[0].operands.to(self.device).expand(self.n_replicas, -1, -1)
        return self.model.outputs(self._leaves, operands, self._evaluation_workspace).cpu()

    def state(self) -> dict[str, Tensor]:
        """Everything a resumed pack needs beside its configs. Full-batch training draws no random numbers."""
        state = {"params": self._params, "alive": self.alive} | self._optimizer.state
        return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}

    def restore(self, step: int, state: dict[str, Tensor]) -> None:
        """Puts back what `state` gave at that step, bit for bit."""
        self.step = step
        self._params.copy_(state["params"])
        for name, tensor in self._optimizer.state.items():
            tensor.copy_(state[name])
        ended = ~state["alive"]
        if ended.any():
            self._end(ended)

    def _build_parameters(self, dtype: torch.dtype) -> None:
        options, task = self.configs[0].options("model"), interface(self.tasks[0])
        shapes = self.model.shapes(options, task)
        offsets, size = {}, 0
        for name, shape in shapes.items():
            offsets[name] = size
            size += -(-torch.Size(shape).numel() // ALIGNMENT) * ALIGNMENT
        self._params = torch.zeros(self.n_replicas, size, dtype=dtype, device=self.device)
        self._gradients = torch.zeros_like(self._params)

        def views(flat: Tensor) -> dict[str, Tensor]:
            return {
                name: flat[:, offsets[name] : offsets[name] + torch.Size(shape).numel()].view(-1, *shape)
                for name, shape in shapes.items()
            }

        self.tensors = views(self._params)
        self._gradient_views = list(views(self._gradients).values())
        for replica, config in enumerate(self.configs):
            initial = self.model.init(options, task, torch.Generator().manual_seed(config.seed))
            for name, tensor in initial.items():
                self.tensors[name][replica] = tensor
        self._leaves = {name: tensor.detach().requires_grad_() for name, tensor in self.tensors.items()}

    def _end(self, ended: Bool[Tensor, " replica"]) -> None:
        """Freezes replicas: rate 0 moves nothing, and moments of 0 keep what is not finite from spreading there."""
        self.alive &= ~ended
        self._rates[ended] = 0
        for tensor in self._optimizer.state.values():
            tensor[ended] = 0


def require_packable(configs: Sequence[RunConfig]) -> None:
    """ValueError unless the configs may train as one pack."""
    if not configs:
        raise ValueError("a pack needs at least one config, got none")
    first = configs[0].model_dump()
    for config in configs[1:]:
        for field, value in config.model_dump().items():
            if field not in PER_REPLICA and first.get(field) != value:
                raise ValueError(
                    f"the replicas of a pack differ in {field} ({first.get(field)!r} and {value!r}); "
                    f"only {', '.join(sorted(PER_REPLICA))} may differ: train the others as a pack of their own"
                )
