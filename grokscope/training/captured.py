"""Work on a GPU that is recorded once and then started as one thing: a CUDA graph.

A step of a small network is some hundred kernels of a few microseconds. Python takes longer to start each than the GPU
to run it; a graph starts them all at once, in the same order on the same memory.
"""

from collections.abc import Callable
from typing import final

import torch
from torch import Tensor

# The number of a step, from 0; on a GPU a tensor that lies there, so that a recorded step reads it anew each time.
Step = int | Tensor
# Calls made as written before one is recorded: libraries choose their kernels and take their memory in these.
BEFORE = 3


@final
class Captured:
    """Calls work() the first times, replays the graph of it afterwards.

    The work reads and writes tensors that stay where they are, asks the GPU for no value, and does the same each time.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        if self._calls < BEFORE:
            self._calls += 1
            self._work()
            return
        if self._graph is None:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):  # records, without running it
                self._work()
        self._graph.replay()


def is_first(step: Step) -> bool:
    """Whether this is step 0, which is never recorded."""
    recording = isinstance(step, Tensor) and step.is_cuda and torch.cuda.is_current_stream_capturing()
    return not recording and bool(step == 0)
