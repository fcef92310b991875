"""A crowd before the live page while a run trains: all have every number, the run is as undisturbed, and the server
stays small. Readers who go without a word, send half a request, or read nothing, leave nothing behind."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from grokscope.runs.config import pack_id
from grokscope.runs.store.windows import read_windows
from grokscope.runs.writer import open_writer
from grokscope.serve.server import PATIENCE
from grokscope.studies.experiment import train
from tests.conftest import alone, tiny
from tests.drills._crowd import Crowd, Points, Server, get, serving, vanished
from tests.drills.test_kills import ROOT, TRAINER
from tests.drills.test_truncated_journals import same
from tests.serve.conftest import begin, config, rows, write
from tests.serve.test_stream import until

MOST_MIB = 300  # as `grokscope bench serve` asks; without a crowd it is about 90
THREADS = 64  # 40 answer at a time; the others are of Python and DuckDB


def truth(folder: Path, run: str, measures: list[str]) -> Points:
    curves = read_windows(folder, run, measures)
    return {key: dict(zip(steps.tolist(), values.tolist(), strict=True)) for key, (steps, values) in curves.items()}


async def crowded(
    crowd: Crowd, run: str, *, end: int, measures: list[str], streams: int, requests: int
) -> list[Points]:
    """What each stream's page has in the end, beside visitors who look around until so many requests are answered."""
    around = ("", "data/runs", f"runs/{run}", f"runs/{run}/state", f"runs/{run}/measures", "studies")
    around += (f"runs/{run}/series?measure=behaviour.test_loss&pixels=300", f"data/curves?run={run}&fields=1")

    async def visitor(place: int) -> None:
        while crowd.answers.total() < requests:
            await crowd.ask(around[place % len(around)])
            place += 1

    following = [crowd.follow(run, measures, end) for _ in range(streams)]
    async with asyncio.timeout(900):
        return (await asyncio.gather(*following, *map(visitor, range(12))))[:streams]


def small(server: Server) -> str:
    """What a server had at most; it is within its bounds."""
    mib, threads = server.told("VmHWM") / 1024, server.told("Threads")
    assert mib < MOST_MIB
    assert threads <= THREADS
    return f"{mib:.0f} MiB at most, {threads} threads"


def test_thirty_streams_miss_no_row(tmp_path: Path) -> None:
    configs, end = [config(seed=1)], 4_000
    run = pack_id(configs)
    with open_writer(tmp_path / run, configs, resume=False) as writer, serving(tmp_path) as server:
        begin(writer, 400)
        writer.status("running", 400)

        def goes_on() -> None:
            for step in range(440, end + 1, 40):
                writer.record(rows(run, [step]))
                if step in (1_200, 2_400):  # the journal is another one from here on
                    writer.seal()
                time.sleep(0.03)

        training, crowd = threading.Thread(target=goes_on), Crowd(server=server)
        training.start()
        measures = ["behaviour.test_loss", "attention.entropy"]
        heard = alone(crowded(crowd, run, end=end, measures=measures, streams=30, requests=300))
        training.join()
        assert set(crowd.answers) == {200}
        written = truth(tmp_path / run, run, measures)
        assert written.keys() == {(one["measure"], one["view"]) for one in rows(run, [0])} & written.keys()
        assert {key: len(of) for key, of in written.items()} == dict.fromkeys(written, 101)
        assert all(points == written for points in heard)
        small(server)


@pytest.mark.slow
def test_two_hundred_streams_beside_a_training(tmp_path: Path) -> None:
    config = tiny(max_steps=1_500, stop_after=10_000)
    whole = train(config, store=tmp_path / "undisturbed", progress=False)
    run, measures = whole.id, ["behaviour.test_loss", "behaviour.test_accuracy", "weights.norm"]
    store = tmp_path / "store"
    store.mkdir()
    command = [sys.executable, "-c", TRAINER, str(store), config.model_dump_json()]
    with serving(store) as server, subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as training:
        crowd, began = Crowd(server=server), time.monotonic()
        assert until(lambda: run in alone(crowd.ask("data/runs")).decode(), 120)
        heard = alone(crowded(crowd, run, end=1_500, measures=measures, streams=200, requests=10_000))
        assert training.wait(60) == 0
        assert set(crowd.answers) == {200}
        written = truth(store / run, run, measures)
        assert written == truth(whole.folder, run, measures)
        assert all(points == written for points in heard)
        print(dict(crowd.answers), f"in {time.monotonic() - began:.0f} s;", small(server))
    assert same(store / run, whole)


def kinds(run: str) -> dict[str, str]:
    """What readers send who then read nothing."""
    head = "POST /data/label HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 9\r\n\r\n"
    return {
        "a stream": get(f"stream?run={run}"),
        "megabytes": get(SCRIPT),
        "many answers": get("data/runs") * 20,
        "half a head": "GET /data/ru",
        "half a body": head + "{",
        "nothing": "",
    }


# The whole of plotly.js, 4.8 MB, is in the report of a run with a figure of a plugin. What the kernel takes in for a
# reader who reads nothing is more than any file of the live page itself, so that those show nothing.
LARGE = """
from importlib.resources import files
from grokscope.serve import frame
whole = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
frame.assets()["plotly.min.js"] = (whole, b"", "text/javascript")
"""
SCRIPT = "static/here/plotly.min.js"


def test_readers_who_do_not_read_hold_little(tmp_path: Path) -> None:
    misbehaved(tmp_path, 40, seconds=0.5)


@pytest.mark.slow
def test_two_hundred_of_each_kind_hold_little_and_are_dropped(tmp_path: Path) -> None:
    misbehaved(tmp_path, 200, seconds=2 * PATIENCE)


def misbehaved(store: Path, count: int, *, seconds: float) -> None:
    """So many of each kind stay for so long; then those who left are forgotten, and while they stay others are served.
    After twice the patience only the streams are there, whose reader could still read all of it."""
    (run,) = write(store, [config(seed=1)], until=400)
    with serving(store, LARGE) as server, ExitStack() as closed:
        crowd = Crowd(server=server)
        alone(crowd.ask(f"runs/{run}"))  # what the first page takes is no reader's
        assert len(alone(crowd.ask(SCRIPT))) > 4_000_000
        before, files, there = server.told("VmRSS"), server.open_files(), []
        for kind, sent in kinds(run).items():
            there += [closed.enter_context(server.connected(sent)) for _ in range(count)]
            alone(crowd.ask("data/runs"))
            print(f"{kind}: {small(server)}")
        time.sleep(seconds)
        alone(crowd.ask("data/runs"))
        assert set(crowd.answers) == {200}
        if seconds > PATIENCE:
            assert until(lambda: server.open_files() <= files + count), server.open_files()
        held = (server.told("VmHWM") - before) * 1024 / count
        assert held < 600_000, held  # bytes of one of each kind, where the largest answer has 4.8 MB
        for number, one in enumerate(there):
            (vanished if number % 2 else socket.socket.close)(one)
        assert until(lambda: server.open_files() <= files), server.open_files()
        print(f"{held / 1000:.0f} kB for one of each kind; {small(server)}")
