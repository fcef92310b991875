"""A process of one peer. It answers a line of JSON to each line that it reads: `turn SECONDS`, `memory`.

Started as `worker.main(PEER, FILE)`; with "grok" it trains until the network has grokked, and ends. Needs what the peer
needs.
"""

import json
import sys
import time
from importlib import import_module
from typing import Any

from grokscope.benchmarks.parts.memory import peak_mib
from grokscope.benchmarks.peers.problem import Problem, read

CHECKED = 8  # first steps, of which the losses are told
HERE = "grokscope.benchmarks.peers"


def main(peer: str, path: str, act: str = "turns") -> None:
    """peer: `module.function`, which builds it from the problem."""
    module, _, function = peer.partition(".")
    problem, built = read(path), import_module(f"{HERE}.{module}")
    if act == "grok":
        steps = built.grok(problem) if hasattr(built, "grok") else grok(getattr(built, function)(problem), problem)
        say({"steps": steps, "memory": peak_mib()})
        return
    loop = getattr(built, function)(problem)
    say({"losses": [first(loop) for _ in range(CHECKED)]})
    for line in sys.stdin:
        word, _, seconds = line.partition(" ")
        say({"rate": rate(loop, float(seconds))} if word == "turn" else {"memory": peak_mib()})


def first(loop: Any) -> float:
    """The loss before a step, which is made."""
    loss = loop.loss() if hasattr(loop, "loss") else None
    stepped = loop.step()
    return stepped if loss is None else loss


def rate(loop: Any, seconds: float) -> float:
    """Steps a second, over at least so many seconds and three steps."""
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds or count < 3:
        loop.step()
        count += 1
    return count / elapsed


def grok(loop: Any, problem: Problem) -> int:
    """Trains by the problem's stop rule; the number of steps, 0 where it did not grok."""
    held = 0
    for step in range(problem.most):
        if step % problem.every == 0:
            held = held + 1 if loop.accuracy() >= problem.level else 0
            if held == problem.times:
                return step
        loop.step()
    return 0


def say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)
