"""The network and its training as one would write them in PyTorch: alone, compiled, and as a pack by torch.func.

Needs torch and numpy alone: it also runs where grokscope's other libraries are missing.
"""

import math
import shutil
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from grokscope.benchmarks.peers.problem import Problem

HIDDEN = -1e10  # the published code's score of a key that is not seen


def outputs(w: Any, tokens: Tensor) -> Tensor:
    """Every position, one einsum a weight: outputs (pair, output) at the last."""
    mask = torch.ones(tokens.shape[1], tokens.shape[1]).tril().bool()
    x = torch.nn.functional.embedding(tokens, w["W_E"]) + w["W_pos"]
    q, k, v = (torch.einsum("npd,hde->nhpe", x, w[name]) for name in ("W_Q", "W_K", "W_V"))
    scores = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).masked_fill(~mask, HIDDEN)
    x = x + torch.einsum("nhpe,hed->npd", scores.softmax(-1) @ v, w["W_O"])
    x = x + torch.relu(x @ w["W_in"] + w["b_in"]) @ w["W_out"] + w["b_out"]
    return (x @ w["W_U"])[:, -1]


class Plain(torch.nn.Module):
    """`outputs` as a module."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.weights = torch.nn.ParameterDict(
            {name: torch.nn.Parameter(tensor.clone()) for name, tensor in weights.items()}
        )

    def forward(self, tokens: Tensor) -> Tensor:
        return outputs(self.weights, tokens)


class Descent:
    """AdamW with a linear warm-up. step(loss): one step down a loss. after(): moves by gradients that are there."""

    def __init__(
        self, parameters: Any, *, rate: float, betas: tuple[float, float], eps: float, decay: float, warmup: int
    ) -> None:
        self._optimizer = torch.optim.AdamW(parameters, lr=rate, betas=betas, eps=eps, weight_decay=decay)
        self._warmup = torch.optim.lr_scheduler.LambdaLR(self._optimizer, lambda step: min(step / warmup, 1))

    def step(self, loss: Callable[[], Tensor]) -> float:
        self._optimizer.zero_grad()
        value = loss()
        value.backward()
        self.after()
        return value.item()

    def after(self) -> None:
        self._optimizer.step()
        self._warmup.step()

    @classmethod
    def of(cls, problem: Problem, parameters: Any) -> "Descent":
        return cls(
            parameters,
            rate=problem.rate,
            betas=problem.betas,
            eps=problem.eps,
            decay=problem.decay,
            warmup=problem.warmup,
        )


class Loop:
    """Full-batch training of one network. forward: tokens -> outputs, of the network with these parameters."""

    def __init__(self, problem: Problem, forward: Callable[[Tensor], Tensor], parameters: Any) -> None:
        self._forward = forward
        self._descent = Descent.of(problem, parameters)
        self._classes = problem.n_classes
        train = torch.from_numpy(problem.train[0])
        tokens, labels = torch.from_numpy(problem.tokens), torch.from_numpy(problem.labels)
        self._train, self._test = (tokens[train], labels[train]), (tokens[~train], labels[~train])

    def step(self) -> float:
        tokens, labels = self._train
        return self._descent.step(lambda: torch.nn.functional.cross_entropy(self._forward(tokens).double(), labels))

    @torch.no_grad()
    def accuracy(self) -> float:
        """Share of test inputs that are answered right."""
        tokens, labels = self._test
        return float((self._forward(tokens)[:, : self._classes].argmax(-1) == labels).double().mean())


class Vmapped:
    """All replicas as one function of stacked weights: torch.func.vmap over one network's gradient."""

    def __init__(self, problem: Problem) -> None:
        self._weights = {name: torch.from_numpy(tensor).clone() for name, tensor in problem.weights.items()}
        self._descent = Descent.of(problem, list(self._weights.values()))
        tokens, labels = torch.from_numpy(problem.tokens), torch.from_numpy(problem.labels)
        rows = [torch.from_numpy(mask).nonzero().flatten() for mask in problem.train]
        self._tokens, self._labels = (torch.stack([table[row] for row in rows]) for table in (tokens, labels))
        one = torch.func.grad_and_value(lambda w, x, y: torch.nn.functional.cross_entropy(outputs(w, x).double(), y))
        self._gradients = torch.func.vmap(one)

    def step(self) -> float:
        """The loss of the first replica."""
        gradients, losses = self._gradients(self._weights, self._tokens, self._labels)
        for name, weight in self._weights.items():
            weight.grad = gradients[name]
        self._descent.after()
        return float(losses[0])


def plain(problem: Problem) -> Loop:
    model = Plain({name: torch.from_numpy(tensor[0]) for name, tensor in problem.weights.items()})
    return Loop(problem, model, model.parameters())


def compiled(problem: Problem) -> Loop:
    if not any(map(shutil.which, ("c++", "g++", "clang++"))):
        raise SystemExit("no compiler (c++, g++ or clang++)")
    model = Plain({name: torch.from_numpy(tensor[0]) for name, tensor in problem.weights.items()})
    return Loop(problem, torch.compile(model), model.parameters())


def vmapped(problem: Problem) -> Vmapped:
    return Vmapped(problem)
