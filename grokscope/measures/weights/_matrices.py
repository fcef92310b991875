"""Weight tensors as matrices."""

from collections.abc import Iterator

from torch import Tensor

from grokscope.runs.snapshot import Snapshot


def matrices(snapshot: Snapshot) -> Iterator[tuple[str, Tensor]]:
    """Each tensor of two axes, and each with a head axis as the matrix between the stream and all heads; no biases."""
    for name, tensor in snapshot.params.items():
        if tensor.ndim == 2:
            yield name, tensor.double()
        elif tensor.ndim == 3:
            by_head = tensor.double() if name == "W_O" else tensor.double().transpose(1, 2)
            yield name, by_head.flatten(0, 1)
