"""The live page: how soon it answers about 10^6 numbers and 500 runs, its memory, and what it costs a training.

The server is a process of its own, asked as a browser asks it. The training and the same training beside a page that
follows it take turns in this process.
"""

import json
import multiprocessing
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import numpy as np

from grokscope.benchmarks.base import durations, summary, table, timed
from grokscope.benchmarks.store import CURVES, build
from grokscope.recipes.base import recipe
from grokscope.runs.config import pack_id
from grokscope.runs.store.journal import Measured
from grokscope.runs.writer import open_writer
from grokscope.serve.watching import EVERY

NUMBERS, RUNS, PIXELS = 1_000_000, 500, 1_200
# Asked for: seconds until an answer, seconds until a new point is told, share of a training's time.
BARS = {"run": 1.0, "zoom": 1.0, "list": 1.0, "overlay": 1.0, "point": 2.0, "training": 0.03}
DRAWN = urlencode([("measure", f"behaviour.{name}") for name in CURVES])
STEPS, PACE = 600, 2.0  # of a training; a page asks how the run stands so often [s]


def serve(*, rounds: int = 5, seconds: float = 0.0) -> dict[str, Any]:  # noqa: ARG001  a turn is one answer
    """Seconds of the answers that a page waits for, and its cost for a training, with their bars; and the server's
    memory, which is to stay below 300 MiB."""
    rows: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder:
        whole, many, training = (Path(folder) / name for name in ("whole", "many", "training"))
        run = _long(whole)
        with _server(whole) as server:
            taken = durations(
                {"run": lambda: timed(_run, server.ask, run), "zoom": lambda: timed(_zoom, server.ask, run)},
                rounds=rounds,
            )
            rows += [_row(f"{name} of {NUMBERS:,} numbers", name, times) for name, times in taken.items()]
            mib = server.memory()
        build(many, RUNS // 10, 10)
        with _server(many) as server:
            runs = [row["run"] for row in json.loads(server.ask("data/runs"))["runs"]]
            curves = f"data/curves?{urlencode([('run', run) for run in runs] + [('pixels', PIXELS)])}"
            taken = durations(
                {
                    "list": lambda: timed(server.ask, "data/runs"),
                    "overlay": lambda: timed(server.ask, curves),
                },
                rounds=rounds,
            )
            rows += [_row(f"{name} of {len(runs)} runs", name, times) for name, times in taken.items()]
        rows.append(_row("a new point is told", "point", [_point(Path(folder) / f"p{turn}") for turn in range(rounds)]))
        rows.append(_training(training, rounds))
    return table(rows, server_mib=mib)


def _row(name: str, bar: str, times: list[float]) -> dict[str, Any]:
    return summary({"seconds": times}) | {"name": name, "bar": BARS[bar]}


def _long(store: Path) -> str:
    """A run of 10^6 numbers in 20 series, eight of them the curves of its page."""
    configs = [recipe("quickstart", max_steps=NUMBERS)]
    names = [*(f"behaviour.{name}" for name in CURVES), *(f"weights.stub_{number}" for number in range(16))]
    steps, rng = np.arange(NUMBERS // len(names)), np.random.default_rng(0)
    with open_writer(store / pack_id(configs), configs, resume=False) as writer:
        writer.describe(None)
        for chunk in np.array_split(steps, 20):
            rows: list[Measured] = [
                {"run": writer.ids[0], "step": int(step) * 10, "measure": name, "view": "", "value": float(value)}
                for name in names
                for step, value in zip(chunk, rng.uniform(0, 1, len(chunk)), strict=True)
            ]
            writer.record(rows)
            writer.seal()
        writer.status("running", int(steps[-1]) * 10, max_steps=NUMBERS)
        return writer.ids[0]


def _run(ask: Callable[[str], bytes], run: str) -> None:
    """What the page of a run asks for before it is drawn."""
    page = ask(f"runs/{run}").decode()
    for address in re.findall(r'(?:href|src)="\.\./(static/[^"]+)"', page):
        ask(address)
    ask(f"runs/{run}/series?{DRAWN}&pixels={PIXELS}&scale=log")
    ask(f"runs/{run}/measures")


def _zoom(ask: Callable[[str], bytes], run: str) -> None:
    ask(f"runs/{run}/series?{DRAWN}&pixels={PIXELS}&from=200000&to=210000")


@dataclass(frozen=True)
class _Server:
    address: str
    pid: int

    def ask(self, path: str) -> bytes:
        return urlopen(self.address + path, timeout=60).read()

    def memory(self) -> float:
        """The most that it had in memory so far [MiB]; NaN where the system does not tell."""
        try:
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        except OSError:
            found = None
        return int(found[1]) / 1024 if found else float("nan")


@contextmanager
def _server(store: Path) -> Iterator[_Server]:
    """A server of a store."""
    command = [sys.executable, "-m", "grokscope", "serve", "--port", "0", "--json", "--store", str(store)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield _Server(json.loads(process.stdout.readline())["address"], process.pid)
    finally:
        process.terminate()
        process.communicate()


def _point(store: Path) -> float:
    """Seconds from the writing of a row to the page that has it."""
    configs = [recipe("quickstart")]
    with open_writer(store / pack_id(configs), configs, resume=False) as writer:
        writer.describe(None)
        writer.record([_value(writer.ids[0], 0)])
        writer.status("running", 0)
        with _server(store) as server, _page(server) as page:
            page.ready.wait(30)
            begun = time.perf_counter()
            writer.record([_value(writer.ids[0], 1)])
            page.seen.wait(30)
            return time.perf_counter() - begun


def _value(run: str, step: int) -> Measured:
    return {"run": run, "step": step, "measure": "behaviour.test_loss", "view": "", "value": 1.0}


@dataclass(frozen=True)
class _Page:
    """What the page of the newest run does while it trains: it hears what is new, asks for it, and how the run stands.
    open: it is there; ready: it knows the run; seen: something new came; end: it is closed."""

    server: _Server
    open: Event
    ready: Event
    seen: Event
    end: Event

    def follow(self) -> None:
        self.open.set()
        while not (runs := json.loads(self.server.ask("data/runs"))["runs"]):
            if self.end.wait(EVERY):
                return
        run, asked = runs[0]["run"], 0.0
        cursor = json.loads(self.server.ask(f"runs/{run}/series?{DRAWN}"))["cursor"]
        self.ready.set()
        while not self.end.wait(EVERY):  # as often as the stream tells at most
            told = json.loads(self.server.ask(f"runs/{run}/new?cursor={cursor}"))
            cursor = told["cursor"]
            if told["series"]:
                self.seen.set()
            if told["series"] and time.monotonic() - asked > PACE:
                asked = time.monotonic()
                self.server.ask(f"runs/{run}/state")


@contextmanager
def _page(server: _Server) -> Iterator[_Page]:
    """A page that is open, in a process of its own as a browser is."""
    context = multiprocessing.get_context("spawn")
    page = _Page(server, *(context.Event() for _ in range(4)))
    process = context.Process(target=page.follow, daemon=True)
    process.start()
    page.open.wait(60)
    try:
        yield page
    finally:
        page.end.set()
        process.join()


def _training(store: Path, rounds: int) -> dict[str, Any]:
    """The share of a training's time that a page beside it costs. The training is the quickstart's, on one thread."""
    from grokscope.studies.experiment import train

    seeds = iter(range(10_000))

    def trained(*, followed: bool) -> float:
        seed = next(seeds)
        config, place = recipe("quickstart", seed=seed, max_steps=STEPS), store / str(seed)
        place.mkdir(parents=True)

        def act() -> None:
            train(config, store=place, device="cpu", progress=False)

        if not followed:
            return timed(act)
        with _server(place) as server, _page(server):
            return timed(act)

    taken = durations(
        {"seconds_without": lambda: trained(followed=False), "seconds": lambda: trained(followed=True)},
        rounds=rounds,
        warm=True,
    )
    share = [a / b - 1 for a, b in zip(taken["seconds"], taken["seconds_without"], strict=True)]
    return summary(taken | {"share": share}) | {"name": "a training beside a page", "bar": BARS["training"]}
