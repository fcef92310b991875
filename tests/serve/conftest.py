"""Stores to serve, made without training; a client without a network; and a server on a port of this machine."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from grokscope.recipes.base import recipe
from grokscope.runs.config import RunConfig, pack_id
from grokscope.runs.store.journal import Measured
from grokscope.runs.writer import Writer, open_writer
from grokscope.serve.app import application
from grokscope.serve.server import server_of

SPLITS, AT = ("train", "test"), {"train": 120, "test": 2_000}


def config(**fields: Any) -> RunConfig:
    return recipe("quickstart", **({"max_steps": 4_000} | fields))


def rows(run: str, steps: Any, *, of: str = "") -> list[Measured]:
    """A run that memorises at step 120 and generalises at step 2,000, with a weight norm in two views."""
    made: list[Measured] = []
    for step in steps:
        for split in SPLITS:
            high = float(step >= AT[split])
            values = {f"behaviour.{split}_accuracy": high, f"behaviour.{split}_loss": 4.0 - 3.99 * high + 1e-4 * step}
            for measure, value in values.items():
                made.append({"run": run, "step": step, "measure": measure, "view": "", "value": value})
        for head in (0, 1):
            value = 1.0 + head + step / 4_000
            made.append(
                {"run": run, "step": step, "measure": "attention.entropy", "view": f"head={head}", "value": value}
            )
    return made


def write(store: Path, configs: list[RunConfig], *, until: int = 4_000, done: bool = True) -> list[str]:
    """A pack as a training writes it; the ids of its runs."""
    with open_writer(store / pack_id(configs), configs, resume=False) as writer:
        begin(writer, until)
        writer.status("done" if done else "running", until, max_steps=4_000, train_seconds=9.0, measure_seconds=1.0)
        if done:
            writer.finish(until)
        return writer.ids


def begin(writer: Writer, until: int) -> None:
    """Description, numbers and events up to a step."""
    writer.describe(None)
    for replica, run in enumerate(writer.ids):
        writer.record(rows(run, range(0, until + 1, 40)))
        for name, step in (("memorized", 120), ("generalized", 2_000)):
            if step <= until:
                writer.event(replica, step, name)


@pytest.fixture(scope="session")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two packs, one of two runs; tests must not write into it."""
    store = tmp_path_factory.mktemp("still")
    write(store, [config(seed=1, weight_decay=0.5), config(seed=2, weight_decay=2.0)])
    write(store, [config(seed=0)])
    return store


@pytest.fixture
def client(still: Path) -> Iterator[TestClient]:
    with opened(still) as made:
        yield made


@contextmanager
def opened(store: Path, **how: Any) -> Iterator[TestClient]:
    """A client of a store; an error of the server is an answer, as for a browser."""
    app = application(store, hosts=("testserver",), **how)
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as made:
        yield made


SAME = {"sec-fetch-site": "same-origin"}


@contextmanager
def served(store: Path, **how: Any) -> Iterator[tuple[str, Any]]:
    """A server on a free port: its address, and the application."""
    app = application(store, **how)
    server = server_of(app)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
        assert thread.is_alive()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/", app
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def get(client: TestClient) -> Callable[..., Any]:
    """The JSON at an address."""

    def ask(path: str, **query: Any) -> Any:
        answer = client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))

    return ask


def long_curve(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise with one spike up and one down."""
    values = np.random.default_rng(0).normal(0, 0.01, n)
    values[n // 3], values[2 * n // 3] = 9.0, -9.0
    return np.arange(n) * 5, values
