"""Where a pack is trained, and how a GPU multiplies there."""

import os
from collections.abc import Callable
from functools import wraps

import torch

from grokscope.errors import GrokscopeError


def chosen_device(name: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`."""
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be auto, cpu or cuda, got {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise GrokscopeError("device cuda was asked for, but torch sees no GPU; use --device cpu or auto")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def visible_gpus() -> list[str]:
    """The names of the GPUs that this process sees, as CUDA_VISIBLE_DEVICES has them."""
    count, named = torch.cuda.device_count(), os.environ.get("CUDA_VISIBLE_DEVICES")
    return [str(number) for number in range(count)] if named is None else named.split(",")[:count]


def require_for(tf32: bool, device: torch.device) -> None:
    """GrokscopeError for TF32 where there is none: the run's config would say what was not done."""
    if tf32 and device.type != "cuda":
        raise GrokscopeError("tf32 is for products on a GPU, and this run is trained on the cpu; leave out tf32")


def with_products(work: Callable[[], None], *, tf32: bool) -> Callable[[], None]:
    """work(), whose float32 products on a GPU round their factors to TF32, or else do not, whatever is set outside."""

    @wraps(work)
    def done() -> None:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        try:
            work()
        finally:
            torch.set_float32_matmul_precision(before)

    return done
