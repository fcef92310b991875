"""Where a pack is trained."""

import torch

from grokscope.errors import GrokscopeError


def chosen_device(name: str) -> torch.device:
    """The device for `auto`, `cpu` or `cuda`."""
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be auto, cpu or cuda, got {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise GrokscopeError("device cuda was asked for, but torch sees no GPU; use --device cpu or auto")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
