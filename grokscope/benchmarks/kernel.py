"""Seconds and memory of the empirical tangent kernel, and what it costs by Jacobians.

The network is the quickstart's at initialisation: one layer, p = 59, d_model 128, 4 heads, d_mlp 512, 59 outputs.

The first rows are the kernel traced over outputs on 512 samples, each time in a process of its own: seconds, seconds of
all threads, and memory, by how much the largest resident memory grew. The plain way multiplies 59 Jacobians of 512 by
212,000 numbers: 6.6e12 operations. It is timed on few samples, output by output, in turns with ours; first both must
agree. So must one piece and the blocks that a fraction of the memory allows.
"""

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import torch
from torch import Tensor
from torch.func import vjp, vmap

from grokscope.benchmarks.base import durations, summary, table, timed
from grokscope.benchmarks.parts.memory import peak_mib
from grokscope.errors import GrokscopeError
from grokscope.numerics.kernels import MEMORY, ntk
from grokscope.recipes.base import recipe

N_SAMPLES, BAR = 512, 20.0
FEW = 48  # samples on which the plain way is timed
SMALL = 2**25  # bytes that a few samples' kernel does not fit in one piece
Network = tuple[Callable[[dict[str, Tensor], Tensor], Tensor], dict[str, Tensor], Tensor]


def kernel(*, rounds: int = 3, seconds: float = 0.5, n_samples: int = N_SAMPLES, few: int = FEW) -> dict[str, Any]:  # noqa: ARG001  a turn is one kernel
    """Seconds of the kernel (median over the rounds, and spread), its memory, and its ratio to the plain way.

    n_samples: of the timed kernel. few: samples of the comparisons.
    """
    rows = [_alone(dtype, n_samples, rounds) for dtype in ("float32", "float64")]
    return table([*rows, _plain(few, rounds), _blocks(few, rounds)], torch=torch.__version__)


def network(dtype: str, n_samples: int) -> Network:
    """The quickstart's function, its weights at initialisation, and inputs drawn at random."""
    config = recipe("quickstart")
    task = config.build_task()
    model = config.build_model(task)
    params = model.init(torch.Generator().manual_seed(0))
    chosen = torch.randperm(task.n_inputs, generator=torch.Generator().manual_seed(0))[:n_samples]

    def function(params: dict[str, Tensor], x: Tensor) -> Tensor:
        packed = {name: tensor.unsqueeze(0) for name, tensor in params.items()}
        return model.outputs(packed, x.unsqueeze(0))[0, :, : task.n_outputs]

    return function, {name: tensor.to(getattr(torch, dtype)) for name, tensor in params.items()}, task.inputs[chosen]


def by_jacobians(function: Callable[..., Tensor], params: dict[str, Tensor], x: Tensor) -> Tensor:
    """The traced kernel, output by output from the samples' gradients."""
    n_outputs = function(params, x[:1]).shape[1]
    total = torch.zeros(len(x), len(x), dtype=torch.float64)

    def gradients(sample: Tensor, pull: Tensor) -> dict[str, Tensor]:
        return vjp(lambda w: function(w, sample.unsqueeze(0))[0], params)[1](pull)[0]

    for pull in torch.eye(n_outputs, dtype=next(iter(params.values())).dtype):
        for gradient in vmap(gradients, in_dims=(0, None))(x, pull).values():
            flat = gradient.flatten(1)
            total += flat @ flat.T
    return total


def _alone(dtype: str, n_samples: int, rounds: int) -> dict[str, Any]:
    """Each round in a process of its own, because a process may keep memory that it no longer needs."""
    numbers = []
    for _ in range(rounds):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            numbers.append(alone.submit(_measured, dtype, n_samples, torch.get_num_threads()).result())
    seconds, cpu, peak = (list(column) for column in zip(*numbers, strict=True))
    row = {"name": f"NTK, trace, {n_samples} samples, {dtype}", "bar": BAR, "memory_mib": MEMORY / 2**20}
    return row | summary({"seconds": seconds, "cpu_seconds": cpu, "peak_mib": peak})


def _measured(dtype: str, n_samples: int, threads: int) -> tuple[float, float, float]:
    """Seconds, seconds of all threads, and the growth of the largest resident memory [MiB]."""
    torch.set_num_threads(threads)
    function, params, x = network(dtype, n_samples)
    before, start, cpu = peak_mib(), time.perf_counter(), time.process_time()
    ntk(function, params, x)
    return time.perf_counter() - start, time.process_time() - cpu, peak_mib() - before


def _plain(few: int, rounds: int) -> dict[str, Any]:
    """ratio_to_jacobians: our seconds over theirs, below 1 ours is faster."""
    given = network("float32", few)
    ways = {"seconds": lambda: ntk(*given), "jacobian_seconds": lambda: by_jacobians(*given)}
    return _compared(f"NTK by factors and by Jacobians, {few} samples", ways, "ratio_to_jacobians", 1e-4, rounds)


def _blocks(few: int, rounds: int) -> dict[str, Any]:
    """ratio_to_one_piece: seconds of blocks over those of one piece."""
    given = network("float64", few)
    ways = {"seconds": lambda: ntk(*given, memory=SMALL), "one_piece_seconds": lambda: ntk(*given)}
    name = f"NTK in {SMALL // 2**20} MiB and in one piece, {few} samples"
    return _compared(name, ways, "ratio_to_one_piece", 1e-9, rounds)


def _compared(
    name: str, ways: dict[str, Callable[[], Tensor]], ratio: str, tolerance: float, rounds: int
) -> dict[str, Any]:
    """Two ways to one matrix, in turns; GrokscopeError where their results differ by more than the tolerance."""
    ours, theirs = (way() for way in ways.values())
    difference = float((ours - theirs).abs().max() / theirs.abs().max())
    if not difference < tolerance:
        raise GrokscopeError(f"{name}: the kernels differ by {difference:.1e}; expected below {tolerance:.0e}")
    taken = durations({way: lambda call=call: timed(call) for way, call in ways.items()}, rounds=rounds)
    taken[ratio] = [first / second for first, second in zip(*taken.values(), strict=True)]
    return {"name": name, "bar": None, "largest_difference": difference} | summary(taken)
