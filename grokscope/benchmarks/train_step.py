"""Training steps a second: ours against the plain three-position network, and against the arithmetic ceiling.

Both train the same network on the same split from the same weights: full batch, cross-entropy over float64 logits,
AdamW with decay on everything. "Plain" does as the paper's code does, in today's PyTorch: embeddings, all three
positions, masked attention, MLP and unembedding, loss at the last position, torch.optim.AdamW. Before timing, both take
the same float64 steps and must agree.

share_of_ceiling compares with a large float32 matrix product in the same run. flops_per_step counts the matrix products
of the reduced form, two operations a multiply-add, backward twice forward, with n samples, vocabulary V:

    n (d_model d_mlp + d_mlp V + d_model V)                                    z W_O W_in, phi W_out W_U, z W_O W_U
    + (2 p + 1) d_model^2 + d_model^2 (d_mlp + V) + d_mlp d_model V            values, products of weights

The engine needs fewer, because it replaces the first product by sums of 2 n_heads + 1 table rows a sample.
executed_flops_per_step counts its operations, and executed_share_of_ceiling is the share by that count.

There are two ceilings: the product by torch's own operator, and by the engine's, oneDNN, which is twice as fast on some
processors. What the units can do is the larger; executed_share_of_larger_ceiling is the share of it.
"""

from collections.abc import Callable
from statistics import median
from typing import Any

import torch

from grokscope.benchmarks.base import in_turns, matrix_products, summary
from grokscope.benchmarks.peers.plain import Descent, Plain
from grokscope.errors import GrokscopeError
from grokscope.recipes.base import recipe as config_of
from grokscope.runs.config import RunConfig
from grokscope.training.pack import Pack

CHECK_STEPS = 12
# Asked for, by recipe: of the speed-up, and of the executed share of the larger ceiling.
AIMS = {"nanda2023": (9.0, 0.55), "quickstart": (10.0, 0.45)}


def plain_step(config: RunConfig) -> tuple[Callable[[], float], Plain]:
    """A function that makes one step of the plain network, and the network."""
    pack = Pack([config], device=torch.device("cpu"))
    task, train = pack.tasks[0], pack.train_masks[0]
    model = Plain({name: tensor[0] for name, tensor in pack.tensors.items()})
    descent = Descent(
        model.parameters(),
        rate=config.learning_rate,
        betas=config.betas,
        eps=config.eps,
        decay=config.weight_decay,
        warmup=config.warmup_steps,
    )
    tokens, labels = task.tokens[train], task.labels[train]
    return lambda: descent.step(lambda: torch.nn.functional.cross_entropy(model(tokens).double(), labels)), model


def check(config: RunConfig) -> float:
    """The largest difference of a weight after CHECK_STEPS float64 steps of both."""
    config = config.replace(dtype="float64")
    pack = Pack([config], device=torch.device("cpu"))
    step, model = plain_step(config)
    for _ in range(CHECK_STEPS):
        pack.advance()
        step()
    return max(float((pack.tensors[name][0] - tensor.detach()).abs().max()) for name, tensor in model.weights.items())


def reduced_flops(config: RunConfig) -> float:
    """Operations of a step in the reduced form, those of matrix products alone."""
    n, p, d, m, V, _ = _sizes(config)
    return 6.0 * (n * (d * m + m * V + d * V) + (2 * p + 1) * d * d + d * d * (m + V) + m * d * V)


def executed_flops(config: RunConfig) -> float:
    """Operations of a step as it is computed."""
    n, p, d, m, V, n_heads = _sizes(config)
    samples = n * ((2 * n_heads + 1) * (m + V) + m * V)
    return 6.0 * (samples + (2 * p + 1) * d * d + (d * d + 2 * p * d) * (m + V) + m * d * V)


def _sizes(config: RunConfig) -> tuple[int, int, int, int, int, int]:
    task = config.build_task()
    n, p = int(config.train_mask(task).sum()), task.n_symbols
    shapes = config.build_model(task).shapes
    (n_heads, d_model, _), (d_mlp, _), V = shapes["W_Q"], shapes["W_out"], shapes["W_U"][1]
    return n, p, d_model, d_mlp, V, n_heads


def train_step(*, recipe: str = "nanda2023", rounds: int = 7, seconds: float = 2.0) -> dict[str, Any]:
    """Medians over the rounds, and their spread; in each round ours, plain and the products have their turn."""
    config = config_of(recipe)
    difference = check(config)
    if difference > 1e-9:
        raise GrokscopeError(
            f"the two networks differ by {difference:.1e} after {CHECK_STEPS} float64 steps; expected below 1e-9"
        )
    by, flops = matrix_products()
    ours, plain = Pack([config], device=torch.device("cpu")).advance, plain_step(config)[0]
    rates = in_turns({"ours": ours, "plain": plain} | by, rounds=rounds, seconds=seconds)
    steps, executed = rates["ours"], executed_flops(config)
    ceiling, onednn = ([products * flops for products in rates[name]] for name in by)
    larger = max(ceiling, onednn, key=median)
    values = {
        "speedup": [mine / theirs for mine, theirs in zip(steps, rates["plain"], strict=True)],
        "share_of_ceiling": _shares(steps, ceiling, reduced_flops(config)),
        "executed_share_of_ceiling": _shares(steps, ceiling, executed),
        "executed_share_of_onednn_ceiling": _shares(steps, onednn, executed),
        "executed_share_of_larger_ceiling": _shares(steps, larger, executed),
        "steps_per_second": steps,
        "plain_steps_per_second": rates["plain"],
        "ceiling_gflops": [most / 1e9 for most in ceiling],
        "onednn_ceiling_gflops": [most / 1e9 for most in onednn],
    }
    aims = zip(("speedup", "executed_share_of_larger_ceiling"), AIMS.get(recipe, ()), strict=False)
    return {
        "recipe": recipe,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "largest_difference_float64": difference,
        "flops_per_step": reduced_flops(config),
        "executed_flops_per_step": executed,
        "at_least": dict(aims),
    } | summary(values)


def _shares(steps: list[float], ceiling: list[float], flops: float) -> list[float]:
    return [rate * flops / most for rate, most in zip(steps, ceiling, strict=True)]
