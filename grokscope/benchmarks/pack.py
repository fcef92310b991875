"""Packs of small networks against the same runs one after another: total steps a second.

The quickstart's task and network at p = 23 and 59, 32 and 128 wide (four times as many neurons), in packs of 8, 32 and
128 seeds. A pack steps all its replicas at once. One after another, each run has the machine to itself; its rate is
that of a pack of one.
"""

from typing import Any

import torch

from grokscope.benchmarks.base import in_turns, summary
from grokscope.recipes.base import recipe
from grokscope.training.pack import Pack

SIZES = ((23, 32), (23, 128), (59, 32), (59, 128))
REPLICAS = (8, 32, 128)
AIMS = {(59, 32, 32): 4.0}  # asked for: the ratio at this p, width and number of replicas


def pack(*, rounds: int = 5, seconds: float = 1.0) -> dict[str, Any]:
    """For each size and number of replicas: steps a second of both, and their ratio."""
    rows = [compared(*size, n, rounds=rounds, seconds=seconds) for size in SIZES for n in REPLICAS]
    small = [row["speedup"] for row in rows if row["d_model"] == min(d_model for _, d_model in SIZES)]
    return {"threads": torch.get_num_threads(), "least_speedup_small": min(small), "rows": rows}


def compared(p: int, d_model: int, n_replicas: int, *, rounds: int, seconds: float) -> dict[str, Any]:
    """The row of one size and number of replicas."""
    config = recipe("quickstart", p=p, d_model=d_model, d_mlp=4 * d_model)
    single = Pack([config], device=torch.device("cpu"))
    several = Pack([config.replace(seed=seed) for seed in range(n_replicas)], device=torch.device("cpu"))
    rates = in_turns({"single": single.advance, "several": several.advance}, rounds=rounds, seconds=seconds)
    total = [n_replicas * steps for steps in rates["several"]]
    ratios = [ours / alone for ours, alone in zip(total, rates["single"], strict=True)]
    numbers = {"alone_steps_per_second": rates["single"], "pack_steps_per_second": total, "speedup": ratios}
    aim = AIMS.get((p, d_model, n_replicas))
    about = {"p": p, "d_model": d_model, "replicas": n_replicas, "at_least": {"speedup": aim} if aim else {}}
    return about | summary(numbers)
