"""⊥Grad around any optimizer of torch (Prieto et al. 2025, arXiv:2501.04697, definition 7)."""

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor

from grokscope.training.transforms.orthogonal import project


@final
class OrthogonalGradient(torch.optim.Optimizer):
    """Removes from every gradient its part along the weights before the wrapped optimizer gets it.

        g_perp = g - (theta.g / theta.theta) theta

    per_tensor: each tensor is a theta of its own (the released code) or all tensors of all groups are one (the paper).
    rescale: g_perp gets the norm of g (the released code) or keeps its own (the paper). The formula and its corner
    cases are those of `grokscope.training.transforms.orthogonal.project`.

    Parameter groups, state, defaults and state dicts are always those of the wrapped optimizer: there is no copy that
    could differ. (The released wrapper copies the groups, and its AdamW runs at default betas and eps.) Learning rate
    schedulers take either object. Hooks on state dicts receive the wrapped optimizer.

    After `step`, `grad` holds the projected gradient that the optimizer got, as in the released code. Parameters
    without gradient are skipped. A closure's gradients are projected at each evaluation by the wrapped optimizer, so
    LBFGS can be wrapped. (The released code projects before the closure, which then overwrites the projection.)
    """

    optimizer: torch.optim.Optimizer
    per_tensor: bool
    rescale: bool

    def __init__(self, optimizer: torch.optim.Optimizer, per_tensor: bool = True, rescale: bool = True) -> None:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise ValueError(
                f"OrthogonalGradient wraps an optimizer of torch, got {type(optimizer).__name__}; "
                "make one first: OrthogonalGradient(torch.optim.AdamW(model.parameters()))"
            )
        # Optimizer.__init__ would make its own groups and state; this adds the hooks only.
        self.__setstate__({"optimizer": optimizer, "per_tensor": per_tensor, "rescale": rescale})

    def __getstate__(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer, "per_tensor": self.per_tensor, "rescale": self.rescale}

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # pyright: ignore
        return self.optimizer.param_groups

    @property
    def state(self) -> Any:  # pyright: ignore
        return self.optimizer.state

    @property
    def defaults(self) -> dict[str, Any]:  # pyright: ignore
        return self.optimizer.defaults

    def state_dict(self) -> dict[str, Any]:
        return self.optimizer.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state_dict)

    def register_state_dict_pre_hook(self, *args: Any, **kwargs: Any) -> Any:
        return self.optimizer.register_state_dict_pre_hook(*args, **kwargs)

    def register_state_dict_post_hook(self, *args: Any, **kwargs: Any) -> Any:
        return self.optimizer.register_state_dict_post_hook(*args, **kwargs)

    def register_load_state_dict_pre_hook(self, *args: Any, **kwargs: Any) -> Any:
        return self.optimizer.register_load_state_dict_pre_hook(*args, **kwargs)

    def register_load_state_dict_post_hook(self, *args: Any, **kwargs: Any) -> Any:
        return self.optimizer.register_load_state_dict_post_hook(*args, **kwargs)

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.optimizer.zero_grad(set_to_none)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        self.optimizer.add_param_group(param_group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # pyright: ignore
        """Projects the gradients and steps the wrapped optimizer. Returns the closure's loss, if any."""
        if closure is None:
            self._project()
            return self.optimizer.step()

        def projected() -> Any:
            with torch.enable_grad():
                loss = closure()
            self._project()
            return loss

        return self.optimizer.step(projected)

    @torch.no_grad()
    def _project(self) -> None:
        params = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        for p in params:
            _require_plain(p)
        if not params:
            return
        weights, gradients = [p.reshape(1, -1) for p in params], [p.grad.reshape(1, -1) for p in params]
        if self.per_tensor:
            changed = [project([w], [g], rescale=self.rescale)[0] for w, g in zip(weights, gradients, strict=True)]
        else:
            changed = project(weights, gradients, rescale=self.rescale)
        for p, gradient in zip(params, changed, strict=True):
            p.grad.copy_(gradient.view_as(p.grad))


def _require_plain(p: Tensor) -> None:
    assert p.grad is not None
    if p.grad.layout != torch.strided or p.is_complex():
        kind = "complex" if p.is_complex() else "sparse"
        raise ValueError(
            f"OrthogonalGradient projects dense real gradients, got a {kind} one of shape {tuple(p.shape)}; "
            "make it dense (nn.Embedding: sparse=False) or leave its parameter to an optimizer of its own"
        )
