"""The main figures, in a few minutes: the training step of both networks, packs of small ones, measuring.

Each is a row of the benchmark that is named in its label, which has more figures and longer turns.
"""

from typing import Any

import torch

from grokscope.benchmarks.measuring import measuring
from grokscope.benchmarks.pack import compared
from grokscope.benchmarks.train_step import train_step

STEPS = ("quickstart", "nanda2023")
SIZES = ((23, 32, 32), (59, 32, 32))
FROM_STEP = ("speedup", "executed_share_of_larger_ceiling", "steps_per_second")


def main(*, rounds: int = 5, seconds: float = 1.0) -> dict[str, Any]:
    """Medians over the rounds, with their spread."""
    rows = [_step(recipe, rounds=rounds, seconds=seconds) for recipe in STEPS]
    rows += [_pack(*size, rounds=rounds, seconds=seconds) for size in SIZES]
    rows += measuring(rounds=rounds, seconds=seconds)["rows"]
    return {"threads": torch.get_num_threads(), "rows": rows}


def _step(recipe: str, **turns: Any) -> dict[str, Any]:
    answer = train_step(recipe=recipe, **turns)
    spread = {name: answer["spread"][name] for name in FROM_STEP}
    taken = {name: answer[name] for name in FROM_STEP}
    return {"name": f"train_step, {recipe}", "at_least": answer["at_least"], "spread": spread} | taken


def _pack(p: int, d_model: int, replicas: int, **turns: Any) -> dict[str, Any]:
    return {"name": "pack"} | compared(p, d_model, replicas, **turns)
