"""Training steps a second: ours against the plain three-position network, on one recipe, alternating in one process.

    python benchmarks/train_step.py [--recipe nanda2023] [--rounds 7] [--seconds 2]

Both train the same network on the same split from the same weights: full batch, cross-entropy over float64 logits,
AdamW with decay on everything. "Plain" is what the paper's code does in today's PyTorch: embeddings, all three
positions, masked attention, MLP and unembedding, loss at the last position, torch.optim.AdamW. Before timing, both
take the same float64 steps and must agree.
Prints one JSON object: steps/s (median over rounds, and range), the speed-up of each round, and its median and range.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import Tensor

from grokscope.recipes.base import recipe
from grokscope.runs.config import RunConfig
from grokscope.training.pack import Pack

CHECK_STEPS = 12


class Plain(torch.nn.Module):
    """The network as one would write it: every position, one einsum a weight."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.weights = torch.nn.ParameterDict(
            {name: torch.nn.Parameter(tensor.clone()) for name, tensor in weights.items()}
        )
        self.register_buffer("mask", torch.ones(3, 3).tril().bool())

    def forward(self, tokens: Tensor) -> Tensor:
        w = self.weights
        x = torch.nn.functional.embedding(tokens, w["W_E"]) + w["W_pos"]
        q, k, v = (torch.einsum("npd,hde->nhpe", x, w[name]) for name in ("W_Q", "W_K", "W_V"))
        scores = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).masked_fill(~self.mask, -1e10)
        x = x + torch.einsum("nhpe,hed->npd", scores.softmax(-1) @ v, w["W_O"])
        x = x + torch.relu(x @ w["W_in"] + w["b_in"]) @ w["W_out"] + w["b_out"]
        return (x @ w["W_U"])[:, -1]


def plain_step(config: RunConfig) -> tuple[Callable[[], float], Plain]:
    """One step of the plain network; and the network."""
    pack = Pack([config], device=torch.device("cpu"))
    task, train = pack.tasks[0], pack.train_masks[0]
    model = Plain({name: tensor[0] for name, tensor in pack.tensors.items()})
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=config.learning_rate,
        betas=config.betas,
        eps=config.eps,
        weight_decay=config.weight_decay,
    )
    warmup = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(step / config.warmup_steps, 1))
    tokens, labels = task.tokens[train], task.labels[train]

    def step() -> float:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(tokens).double(), labels)
        loss.backward()
        optimizer.step()
        warmup.step()
        return loss.item()

    return step, model


def check(config: RunConfig) -> float:
    """Largest difference of any weight after some float64 steps of both."""
    config = config.replace(dtype="float64")
    pack = Pack([config], device=torch.device("cpu"))
    step, model = plain_step(config)
    for _ in range(CHECK_STEPS):
        pack.advance()
        step()
    return max(float((pack.tensors[name][0] - tensor.detach()).abs().max()) for name, tensor in model.weights.items())


def rate(step: Callable[[], Any], seconds: float) -> float:
    """Steps a second over at least this long."""
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds or count < 3:
        step()
        count += 1
    return count / elapsed


def spread(values: list[float]) -> dict[str, float]:
    return {"median": median(values), "min": min(values), "max": max(values)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="nanda2023")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0)
    args = parser.parse_args()
    config = recipe(args.recipe)
    difference = check(config)
    if difference > 1e-9:
        raise SystemExit(
            f"the two networks differ by {difference:.1e} after {CHECK_STEPS} float64 steps; expected below 1e-9"
        )
    ours, plain = Pack([config], device=torch.device("cpu")).advance, plain_step(config)[0]
    for warm in (ours, plain):
        rate(warm, 0.5)
    rounds = [(rate(ours, args.seconds), rate(plain, args.seconds)) for _ in range(args.rounds)]
    print(
        json.dumps(
            {
                "recipe": args.recipe,
                "threads": torch.get_num_threads(),
                "torch": torch.__version__,
                "largest_difference_float64": difference,
                "ours_steps_per_second": spread([one for one, _ in rounds]),
                "plain_steps_per_second": spread([other for _, other in rounds]),
                "speedup": spread([one / other for one, other in rounds]),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
