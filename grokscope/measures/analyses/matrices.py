"""Weight tensors as matrices."""

from collections.abc import Iterator

from torch import Tensor

from grokscope.runs.snapshot import Snapshot

BY_HEAD = ("W_Q", "W_K", "W_V", "W_O")


def matrices(snapshot: Snapshot) -> Iterator[tuple[str, Tensor]]:
    """Each weight as a matrix, layer by layer; several heads are one matrix between the stream and all of them."""
    for name, tensor in snapshot.params.items():
        if not name.startswith("W_"):
            continue
        layered = tensor.ndim > (3 if name in BY_HEAD else 2)
        for layer, weight in enumerate(tensor.double() if layered else tensor.double()[None]):
            yield f"{name}.{layer}" if layered else name, _matrix(name, weight)


def _matrix(name: str, weight: Tensor) -> Tensor:
    if name not in BY_HEAD:
        return weight
    return (weight if name == "W_O" else weight.transpose(1, 2)).flatten(0, 1)
