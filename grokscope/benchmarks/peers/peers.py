"""The same networks, weights and splits trained by others, each in a process of its own; turns are taken by all.

Plain PyTorch, torch.compile, TransformerLens, JAX; and packs of several seeds, by torch.func.vmap and jax.vmap. None is
needed: one that is not installed, here or in the environment that --python names, is left out with a remark.

Before timing, the losses of the first steps must be ours. Steps a second count those of all replicas. seconds_to_grok
is from the start of the process until the network has grokked by our stop rule (test accuracy at least .99 at ten
evaluations in a row): once each, of the quickstart alone. Ours does what `grokscope run` does, with all measures and
the report; the others train and read the test accuracy. The seed is the one of 0 to 9 that groks first
(docs/results/quickstart.md).
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from grokscope.benchmarks.base import durations, summary
from grokscope.benchmarks.peers.problem import Problem
from grokscope.errors import GrokscopeError
from grokscope.recipes.base import recipe as config_of
from grokscope.training.pack import Pack

REPLICAS = 8
# Name -> what builds it, and its replicas. The first part of a name is that of --python.
PEERS = {
    "ours": ("ours.alone", 1),
    "plain": ("plain.plain", 1),
    "compile": ("plain.compiled", 1),
    "transformer_lens": ("lens.lens", 1),
    "jax": ("jaxed.alone", 1),
    f"ours, pack of {REPLICAS}": ("ours.pack", REPLICAS),
    f"vmap, pack of {REPLICAS}": ("plain.vmapped", REPLICAS),
    f"jax, pack of {REPLICAS}": ("jaxed.pack", REPLICAS),
}
BOTH = ("quickstart", "nanda2023")
QUICK = ("quickstart",)  # recipes that grok within minutes by every peer, and whose packs fit into memory by all
CHANGES: dict[str, Any] = {"seed": 7}
PATIENCE = 300.0  # seconds for that
ROOT = Path(__file__).parents[3]
# The other environment's own libraries come first; grokscope's sources last.
START = (
    f"import sys; sys.path.append({str(ROOT)!r})\n"
    "from grokscope.benchmarks.peers.worker import main\n"
    "main(*sys.argv[1:])"
)


def peers(
    *,
    recipe: str | None = None,
    rounds: int = 5,
    seconds: float = 1.5,
    python: Sequence[str] = (),
    patience: float = PATIENCE,
) -> dict[str, Any]:
    """Rows of every peer for a recipe, by default quickstart and nanda2023. python: PEER=PATH of other environments."""
    there = dict(_path(text) for text in python)
    rows: list[dict[str, Any]] = []
    remarks: list[str] = []
    for name in BOTH if recipe is None else (recipe,):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "problem.npz"
            problem(name).save(path)
            side = _Side(recipe=name, path=path, there=there, remarks=remarks)
            for peer, row in side.turns(rounds, seconds).items():
                rows.append(row | (side.grokked(peer, patience) if name in QUICK else {}))
    return {"threads": torch.get_num_threads(), "rows": rows, "remarks": remarks}


def problem(recipe: str) -> Problem:
    """The problem of a recipe, with the weights and splits of REPLICAS seeds."""
    config = config_of(recipe, **CHANGES)
    pack = Pack([config.replace(seed=config.seed + replica) for replica in range(REPLICAS)], device=torch.device("cpu"))
    task = pack.tasks[0]
    return Problem(
        recipe=recipe,
        changes=CHANGES,
        weights={name: tensor.numpy().copy() for name, tensor in pack.tensors.items()},
        tokens=task.tokens.numpy(),
        labels=task.labels.numpy(),
        train=pack.train_masks.numpy(),
        n_classes=task.n_outputs,
        rate=config.learning_rate,
        betas=config.betas,
        eps=config.eps,
        decay=config.weight_decay,
        warmup=config.warmup_steps,
        every=config.evaluate_every,
        level=config.stop_accuracy,
        times=config.stop_after,
        most=config.max_steps,
    )


def _path(text: str) -> tuple[str, str]:
    peer, equals, path = text.partition("=")
    known = sorted({name.partition(",")[0] for name in PEERS})
    if not equals or peer not in known or not Path(path).is_file():
        raise ValueError(f"--python takes PEER=PATH of a Python, with a peer of {', '.join(known)}; got {text!r}")
    return peer, path


@dataclass(frozen=True, kw_only=True)
class _Side:
    """One recipe, side by side. path: of its problem. there: the Python of a peer, where it is another one. remarks: it
    gets a sentence for each peer that is left out."""

    recipe: str
    path: Path
    there: Mapping[str, str]
    remarks: list[str]

    def words(self, peer: str) -> list[str]:
        """The command of a peer's process."""
        python = self.there.get(peer.partition(",")[0], sys.executable)
        return [python, "-c", START, PEERS[peer][0], str(self.path)]

    def turns(self, rounds: int, seconds: float) -> dict[str, dict[str, Any]]:
        """The rows of all peers that are there: rates, in turns, and memory."""
        with ExitStack() as stack:
            running: dict[str, _Worker] = {}
            for peer, (_, replicas) in PEERS.items():
                if replicas > 1 and self.recipe not in QUICK:
                    continue
                try:
                    running[peer] = stack.enter_context(_running(self.words(peer)))
                except GrokscopeError as error:
                    self.remarks.append(f"{self.recipe}: {peer} is left out: {error}")
            _require_alike({peer: worker.losses for peer, worker in running.items()})
            turn = f"turn {seconds}"
            calls = {peer: lambda worker=worker: worker.ask(turn)["rate"] for peer, worker in running.items()}
            rates = durations(calls, rounds=rounds, warm=True)
            memory = {peer: worker.ask("memory")["memory"] for peer, worker in running.items()}
        return {peer: self._row(peer, rates) | {"peak_mib": memory[peer]} for peer in rates}

    def _row(self, peer: str, rates: Mapping[str, list[float]]) -> dict[str, Any]:
        replicas = PEERS[peer][1]
        ours = rates[next(name for name, (_, number) in PEERS.items() if number == replicas)]
        values = {
            "steps_per_second": [replicas * rate for rate in rates[peer]],
            "ours_is_faster": [mine / theirs for mine, theirs in zip(ours, rates[peer], strict=True)],
        }
        return {"name": f"{self.recipe}: {peer}"} | summary(values)

    def grokked(self, peer: str, patience: float) -> dict[str, float]:
        """Seconds until the network has grokked, its steps and memory; nothing for packs, or where it does not."""
        if PEERS[peer][1] > 1:
            return {}
        started = time.perf_counter()
        asked = [*self.words(peer), "grok"]
        try:
            done = subprocess.run(asked, capture_output=True, text=True, timeout=patience, check=True)
        except subprocess.TimeoutExpired:
            self.remarks.append(f"{peer} has not grokked within {patience:.0f} s")
            return {}
        except subprocess.CalledProcessError as error:
            self.remarks.append(f"{peer} has not grokked: {error.stderr.strip()[-200:]}")
            return {}
        seconds, answer = time.perf_counter() - started, json.loads(done.stdout.splitlines()[-1])
        if not answer["steps"]:
            self.remarks.append(f"{peer} has not grokked in as many steps as it was given")
            return {}
        return {"seconds_to_grok": seconds, "steps_to_grok": answer["steps"], "grokking_peak_mib": answer["memory"]}


def _require_alike(losses: Mapping[str, list[float]]) -> None:
    """GrokscopeError unless all have our losses in their first steps; float32 rounds them by about 1e-6."""
    for peer, told in losses.items():
        worst = max(abs(a / b - 1) for a, b in zip(told, losses["ours"], strict=True))
        if not worst < 1e-4:
            raise GrokscopeError(f"the first losses of {peer} differ from ours by {worst:.1e}: not the same network")


class _Worker:
    """A running peer. losses: of its first steps."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.losses: list[float] = self._answer()["losses"]

    def ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            if line.startswith("{"):
                return json.loads(line)
        self._process.wait()
        raise GrokscopeError("its process has ended")


@contextmanager
def _running(words: Sequence[str]) -> Iterator[_Worker]:
    with TemporaryDirectory() as folder, (Path(folder) / "stderr").open("w+") as said:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True)
        with process:
            try:
                yield _Worker(process)
            except GrokscopeError as error:
                said.seek(0)
                lines = said.read().strip().splitlines() or [str(error)]
                raise GrokscopeError(lines[-1][:200]) from error
            finally:
                process.kill()
