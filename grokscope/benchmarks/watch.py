"""What a watch costs: wall time within its budget, memory on a large network, and beside hooks written by hand.

- budget: a plain loop (modular addition, p = 31, an MLP) with and without a watch of 5 % of its wall time, in turns;
  share is the time that was added, over that of the loop alone. Within 20 % of the budget is the aim.
- memory: a network of 100 million weights, three sites, 2,000 points: by how much the largest resident memory grows
  beyond that of a training step, in a process of its own.
- hooks: the activations of three sites of all pairs at p = 59 by `gs.watch`, and by PyTorch's hooks written by hand,
  or, with TransformerLens installed, by its `run_with_cache`, on the same network; they must be equal to 1e-6.
"""

import importlib.util
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from grokscope.benchmarks.base import durations, summary, table, timed
from grokscope.benchmarks.parts.memory import peak_mib
from grokscope.errors import GrokscopeError
from grokscope.watch.guard import untouched
from grokscope.watch.network import Network
from grokscope.watch.watch import Watch

BUDGET = 0.05
EQUAL = 1e-6


def watch(*, rounds: int = 3, seconds: float = 10.0, large: bool = True) -> dict[str, Any]:
    """seconds: of a loop. large: whether the memory of the large network is measured too."""
    rows = [_budget(rounds, seconds), *([_memory()] if large else []), _hooks(rounds)]
    return table(rows, torch=torch.__version__)


class Adder(nn.Module):
    """Modular addition by an embedding and two layers."""

    def __init__(self, p: int, width: int = 64) -> None:
        super().__init__()
        self.embed = nn.Embedding(p, width)
        self.net = nn.Sequential(nn.Linear(2 * width, 4 * width), nn.ReLU(), nn.Linear(4 * width, p))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(self.embed(x).flatten(1))


def _budget(rounds: int, seconds: float) -> dict[str, Any]:
    x = torch.cartesian_prod(torch.arange(31), torch.arange(31))
    y, train = x.sum(1) % 31, torch.rand(len(x), generator=torch.Generator().manual_seed(0)) < 0.5

    def loop(steps: int, each: Callable[[Adder], Callable[[int], object]]) -> float:
        torch.manual_seed(0)
        network = Adder(31)
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1.0)
        begun = time.perf_counter()
        step_done = each(network)
        for step in range(1, steps + 1):
            loss = nn.functional.cross_entropy(network(x[train]), y[train])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step_done(step)
        return time.perf_counter() - begun

    def watched(steps: int, store: str) -> float:
        made: list[Watch] = []

        def attach(network: Adder) -> Callable[[int], object]:
            made.append(Watch(network, x, y, train=train, truth="cyclic(31)", store=store, budget=BUDGET, every=10))
            return made[0].step

        taken = loop(steps, attach)
        made[0].close(measure=False)
        return taken

    with TemporaryDirectory() as store:
        steps = max(100, round(500 * seconds / loop(500, lambda _: lambda _: None)))
        taken = durations(
            {
                "plain_seconds": lambda: loop(steps, lambda _: lambda _: None),
                "seconds": lambda: watched(steps, store),
            },
            rounds=rounds,
        )
    taken["share"] = [with_it / alone - 1 for alone, with_it in zip(*taken.values(), strict=True)]
    return {"name": f"a watch of {BUDGET:.0%} of the wall time, {steps} steps", "bar": 1.2 * BUDGET} | summary(taken)


class Large(nn.Module):
    """100 million weights: ten blocks of attention and MLP."""

    def __init__(self, width: int = 768, symbols: int = 20_000, layers: int = 12, classes: int = 1000) -> None:
        super().__init__()
        self.embed = nn.Embedding(symbols, width)
        layer = nn.TransformerEncoderLayer(width, 12, 4 * width, batch_first=True, dropout=0.0)
        self.blocks = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.embed(x))[:, -1])


def _memory() -> dict[str, Any]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        millions, took, added = alone.submit(_grown, torch.get_num_threads()).result()
    name = f"a watch of {millions:.0f} million weights, 3 sites, 2,000 points: MiB added"
    return {"name": name, "bar": 500.0, "share": added} | summary({"seconds": [took], "added_mib": [added]})


def _grown(threads: int) -> tuple[float, float, float]:
    """Millions of weights, seconds of two looks, and the growth of the largest resident memory [MiB]."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    network = Large()
    x, y = torch.randint(20_000, (2000, 16)), torch.randint(1000, (2000,))
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x[:16]), y[:16]).backward()
        optimizer.step()

    step()
    before, begun = peak_mib(), time.perf_counter()
    sites = {f"resid_post.{layer}": f"blocks.layers.{layer}" for layer in (2, 5, 10)}
    chosen = ["behaviour.train_loss", "behaviour.test_accuracy", "weights.norm", "manifold.linear_dimension"]
    with TemporaryDirectory() as store:
        made = Watch(network, x, y, train=torch.arange(2000) < 1000, sites=sites, measures=chosen, store=store, every=1)
        step()
        made.step(1)
        made.close()
    took = time.perf_counter() - begun
    return sum(p.numel() for p in network.parameters()) / 1e6, took, peak_mib() - before


def _hooks(rounds: int) -> dict[str, Any]:
    """ratio_to_hooks: our seconds over theirs, below 1 ours is faster."""
    x = torch.cartesian_prod(torch.arange(59), torch.arange(59))
    network, places, by_hand, name = _lens() if importlib.util.find_spec("transformer_lens") else _plain()
    ours = Network(network, places)

    def look() -> dict[str, Tensor]:
        with untouched(network):
            return ours.look(x, len(x), ours.batch(x[:8], 8))[0]

    found, known = look(), by_hand(x)
    worst = max(float((found[site] - known[site]).abs().max() / known[site].abs().max()) for site in places)
    if not worst <= EQUAL:
        raise GrokscopeError(f"the activations differ from those of {name} by {worst:.1e} of the largest")
    taken = durations(
        {"seconds": lambda: timed(look), "hooks_seconds": lambda: timed(by_hand, x)}, rounds=rounds, warm=True
    )
    taken["ratio_to_hooks"] = [first / second for first, second in zip(*taken.values(), strict=True)]
    return {"name": f"a look at 3 sites, and {name}", "bar": None, "largest_difference": worst} | summary(taken)


Hooked = tuple[nn.Module, dict[str, str], Callable[[Tensor], dict[str, Tensor]], str]


def _plain() -> Hooked:
    network = Adder(59)
    places = {"first": "net.0", "post": "net.1", "last": "net.2"}

    def by_hand(x: Tensor) -> dict[str, Tensor]:
        kept: dict[str, Tensor] = {}
        modules = dict(network.named_modules())

        def keeps(site: str) -> Callable[[nn.Module, Any, Tensor], None]:
            return lambda _, __, output: kept.update({site: output.detach().clone()})

        handles = [modules[place].register_forward_hook(keeps(site)) for site, place in places.items()]
        with torch.no_grad():
            network(x)
        for handle in handles:
            handle.remove()
        return kept

    return network, places, by_hand, "PyTorch's hooks by hand"


def _lens() -> Hooked:
    from transformer_lens import HookedTransformer, HookedTransformerConfig  # pyright: ignore[reportMissingImports]

    config = HookedTransformerConfig(
        n_layers=1, n_heads=4, d_model=128, d_head=32, d_mlp=512, n_ctx=2, d_vocab=59, d_vocab_out=59, act_fn="relu",
        normalization_type=None, device="cpu",
    )  # fmt: skip
    network: Any = HookedTransformer(config)
    places = {f"resid_{at}": f"blocks.0.hook_resid_{at}" for at in ("pre", "mid", "post")}

    def by_hand(x: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            _, cache = network.run_with_cache(x, names_filter=list(places.values()))
        return {site: cache[place][:, -1] for site, place in places.items()}

    return network, places, by_hand, "TransformerLens's run_with_cache"
