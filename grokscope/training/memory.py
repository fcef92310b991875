"""How many replicas of a pack fit into a machine, before anything is built."""

import math
import os
from collections.abc import Sequence

import torch

from grokscope.models.base import GROUP
from grokscope.runs.config import RunConfig

# Share of a machine's memory that a pack may plan with; the rest is the system's, the user's, and our error.
SHARE = 0.5
# Arrays as large as the parameters: themselves, gradients as they come and in their buffer, two moments and a scratch
# buffer of the optimizer, initial weights, and the copy that is written to disk.
COPIES = 8
# Arrays as large as all outputs: at an evaluation, their double, the softmax, and what a measure makes of them.
EVALUATED = 6
# On a GPU all samples are in work at once: arrays as large as a layer's activations (with their gradients), and as the
# outputs in float64 (softmax and its gradient).
LAYERS, SOFTMAX = 8, 6
# Bytes an input costs besides: its operands and where they lie in the tables.
PER_INPUT = 400

CPU = torch.device("cpu")


def replica_bytes(config: RunConfig, device: torch.device = CPU) -> int:
    """About what one more replica takes at most, on the device [bytes]."""
    return sum(_parts(config, device).values())


def n_parameters(config: RunConfig) -> int:
    """Of one replica."""
    return sum(math.prod(shape) for shape in config.build_model(config.task_size()).shapes.values())


def require_fits(config: RunConfig, device: torch.device = CPU) -> None:
    """ValueError, before anything is built, where a single replica would take more memory than the machine has."""
    parts, there = _parts(config, device), machine_bytes(device)
    if (needs := sum(parts.values())) <= there:
        return
    largest = max(parts, key=parts.__getitem__)
    raise ValueError(
        f"one run takes about {needs / 1e9:.3g} GB of memory, the machine has {there / 1e9:.3g} GB; most of it is for "
        f"{largest}: make it smaller"
    )


def _parts(config: RunConfig, device: torch.device) -> dict[str, int]:
    """What the memory of one replica is for -> bytes."""
    task = config.task_size()
    model = config.build_model(task)
    width = 8 if config.dtype == "float64" else 4
    weights = sum(math.prod(shape) for shape in model.shapes.values())
    per_input = PER_INPUT + task.n_operands * 8
    samples = 0
    if device.type == "cuda":
        samples = task.n_inputs * (LAYERS * width * model.sample_size + SOFTMAX * 8 * task.n_outputs)
    return {
        f"its {weights:,} parameters (of {config.model})": width * COPIES * weights,
        f"outputs on all {task.n_inputs:,} inputs": width * EVALUATED * task.n_inputs * task.n_outputs + samples,
        f"the inputs (of {config.task})": task.n_inputs * per_input + task.work,
        f"batches of batch_size = {config.batch_size:,}" if config.batch_size else "batches": (config.batch_size or 0)
        * per_input,
    }


def shared_bytes(config: RunConfig) -> int:
    """About what a pack takes beside its replicas: activations of those in work, and Python with torch [bytes]."""
    return 8 * GROUP * (8 if config.dtype == "float64" else 4) + (400 << 20)


def machine_bytes(device: torch.device) -> int:
    """Memory of the device, used or not: plans must not depend on what else is running [bytes]."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def in_packs(configs: Sequence[RunConfig], device: torch.device) -> list[list[RunConfig]]:
    """The configs as one pack, or as several of nearly equal size where one would not fit."""
    if len(configs) == 1:
        return [list(configs)]
    free = SHARE * machine_bytes(device) - shared_bytes(configs[0])
    most = max(1, int(free // replica_bytes(configs[0], device)))
    n_packs = -(-len(configs) // most)
    size = -(-len(configs) // n_packs)
    return [list(configs[start : start + size]) for start in range(0, len(configs), size)]
