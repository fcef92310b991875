"""Work on a GPU that is recorded once and then started as a whole: a CUDA graph.

A step of a small network is some hundred kernels of a few microseconds. Python takes longer to start a kernel than the
GPU to run it. A graph starts all of them at once, in the same order on the same memory.
"""

from collections.abc import Callable
from typing import final

import torch
from torch import Tensor

# The number of a step, from 0; on a GPU a tensor there, which a recorded step reads at each replay.
Step = int | Tensor
# Calls before the recording: in these, libraries choose their kernels and take their memory.
BEFORE = 3


@final
class Captured:
    """Calls work() the first few times, then replays its graph.

    The work must read and write tensors that stay in place, read no value from the GPU, and do the same at each call.
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
