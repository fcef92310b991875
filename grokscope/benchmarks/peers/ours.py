"""grokscope itself, as a peer among others."""

from tempfile import TemporaryDirectory

import torch

from grokscope.benchmarks.peers.problem import Problem
from grokscope.recipes.base import recipe
from grokscope.training.pack import Pack


class Ours:
    """A pack of as many replicas as the problem has, or of the first alone."""

    def __init__(self, problem: Problem, *, pack: bool) -> None:
        base, n_replicas = recipe(problem.recipe, **problem.changes), len(problem.train) if pack else 1
        configs = [base.replace(seed=base.seed + replica) for replica in range(n_replicas)]
        self._pack = Pack(configs, device=torch.device("cpu"))
        train = torch.from_numpy(problem.train[0])
        self._train, self._labels = train, torch.from_numpy(problem.labels)[train]
        self.step = self._pack.advance

    def loss(self) -> float:
        """The loss of the first replica at the present weights."""
        outputs = self._pack.outputs()[0, self._train].double()
        return torch.nn.functional.cross_entropy(outputs, self._labels).item()


def alone(problem: Problem) -> Ours:
    return Ours(problem, pack=False)


def pack(problem: Problem) -> Ours:
    return Ours(problem, pack=True)


def grok(problem: Problem) -> int:
    """What `grokscope run` does: it trains, measures and reports. The number of steps, 0 without grokking."""
    from grokscope.report.run.page import write_report
    from grokscope.studies.experiment import train

    with TemporaryDirectory() as store:
        run = train(recipe(problem.recipe, **problem.changes), store=store, device="cpu", progress=False, measure=True)
        write_report(run)
        return run.steps if run.phases().grokked else 0
