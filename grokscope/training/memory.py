"""How many replicas of a pack fit into the memory of a machine, before anything is built."""

import math
import os
from collections.abc import Sequence

import torch

from grokscope.models.parts.program import GROUP
from grokscope.runs.config import RunConfig

# Share of a machine's memory for a pack; the rest is for the system, the user and the error of the estimate.
SHARE = 0.5
# Arrays as large as the parameters: the parameters, gradients from autograd and in their buffer, two moments and a
# scratch buffer of the optimizer, initial weights, and the copy written to disk.
COPIES = 8
# Arrays as large as all outputs: at an evaluation the outputs, a float64 copy, the softmax, and arrays of the measures.
EVALUATED = 6
# On a GPU all samples are computed at once: arrays as large as a layer's activations (with their gradients), and arrays
# as large as the outputs in float64 (softmax and its gradient).
LAYERS, SOFTMAX = 8, 6
# Bytes of an array that the steps need and let go: glibc keeps freed memory of twice the largest array freed so far. At
# most 32 MB counts.
LARGE = 24 << 20
# Memory of a machine that does not say how much it has: that of a small laptop.
UNKNOWN = 8 << 30
# Further bytes per input: its operands and their places in the tables.
PER_INPUT = 400

CPU = torch.device("cpu")


def keep_freed_memory() -> None:
    """Has the process keep the arrays that a step frees: fresh memory pages cost up to a fifth of a step.

    The array is freed untouched, so it takes no memory. Where memory is not glibc's, nothing happens.
    """
    torch.empty(LARGE, dtype=torch.uint8)


def replica_bytes(config: RunConfig, device: torch.device = CPU) -> int:
    """An upper estimate of the device memory of one more replica [bytes]."""
    return sum(_parts(config, device).values())


def n_parameters(config: RunConfig) -> int:
    """The number of parameters of one replica."""
    return sum(math.prod(shape) for shape in config.build_model(config.task_size()).shapes.values())


def require_fits(config: RunConfig, device: torch.device = CPU) -> None:
    """ValueError, before anything is built, if a single replica needs more memory than the machine has."""
    parts, there = _parts(config, device), machine_bytes(device)
    if (needs := sum(parts.values())) <= there:
        return
    largest = max(parts, key=parts.__getitem__)
    ways = dict(zip(parts, ("d_model, d_mlp or n_layers", *["p or n_samples"] * 2, "batch_size"), strict=True))
    raise ValueError(
        f"one run takes about {needs / 1e9:.3g} GB of memory, the machine has {there / 1e9:.3g} GB; most of it is for "
        f"{largest}: make it smaller by --set of a smaller {ways[largest]}"
    )


def _parts(config: RunConfig, device: torch.device) -> dict[str, int]:
    """The memory of one replica by its use [bytes]."""
    task = config.task_size()
    model = config.build_model(task)
    width = 8 if config.dtype == "float64" else 4
    weights = sum(math.prod(shape) for shape in model.shapes.values())
    per_input = PER_INPUT + task.n_operands * 8
    batch_size, samples = config.batch_size or 0, 0
    if device.type == "cuda":
        samples = task.n_inputs * (LAYERS * width * model.sample_size + SOFTMAX * 8 * task.n_outputs)
    return {
        f"its {weights:,} parameters (of {config.model})": width * COPIES * weights,
        f"outputs on all {task.n_inputs:,} inputs": width * EVALUATED * task.n_inputs * task.n_outputs + samples,
        f"the inputs (of {config.task})": task.n_inputs * per_input + task.work,
        f"batches of batch_size = {batch_size:,}": batch_size * per_input,
    }


def shared_bytes(config: RunConfig) -> int:
    """An estimate of a pack's memory beside its replicas: activations, and Python with torch [bytes]."""
    return 8 * GROUP * (8 if config.dtype == "float64" else 4) + (400 << 20)


def machine_bytes(device: torch.device) -> int:
    """Memory of the device, used or free: plans must not depend on other programs [bytes]."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    if not hasattr(os, "sysconf"):  # Windows
        return UNKNOWN
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def in_packs(configs: Sequence[RunConfig], device: torch.device) -> list[list[RunConfig]]:
    """The configs as one pack, or as several packs of nearly equal size if one does not fit."""
    if len(configs) == 1:
        return [list(configs)]
    free = SHARE * machine_bytes(device) - shared_bytes(configs[0])
    most = max(1, int(free // replica_bytes(configs[0], device)))
    n_packs = -(-len(configs) // most)
    size = -(-len(configs) // n_packs)
    return [list(configs[start : start + size]) for start in range(0, len(configs), size)]
