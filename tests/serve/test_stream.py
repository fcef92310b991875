"""Events over a real connection: soon, small, to many at once; and nothing is left of those who have gone."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from grokscope.runs.keeping import tag
from grokscope.runs.writer import open_writer
from tests.serve.conftest import config, rows, served, write


def heard(lines: Iterator[str], seconds: float) -> list[str] | None:
    """The next event "changed"; None where the stream is silent for so long."""
    end = time.monotonic() + seconds
    for line in lines:
        if line.startswith("data: ") and line != "data: []":
            return json.loads(line.removeprefix("data: "))
        if time.monotonic() > end:
            return None
    return None


def test_a_point_is_told_to_those_who_follow_its_pack(tmp_path: Path) -> None:
    configs = [config(seed=1), config(seed=2)]
    run, twin = write(tmp_path, configs, until=400, done=False)
    (other,) = write(tmp_path, [config(seed=3)], until=400)
    query = {"run": [run, other]}
    with served(tmp_path) as (address, _), httpx.stream("GET", f"{address}stream", params=query, timeout=8) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines) == "retry: 2000"
        with open_writer(tmp_path / run[:12], configs, resume=True) as writer:
            for step in (440, 480):
                time.sleep(0.5)
                writer.record(rows(twin, [step]))
                assert heard(lines, 5) == [run]  # the pack has something new; the twin is not followed


def test_the_list_is_told_of_new_runs_and_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grokscope.serve.watching.LISTED", 1)
    (run,) = write(tmp_path, [config(seed=1)], until=400)
    with served(tmp_path) as (address, _), httpx.stream("GET", f"{address}stream", timeout=8) as answer:
        lines = answer.iter_lines()
        next(lines)
        tag(tmp_path, run, ["paper"])
        assert heard(lines, 6) == [""]
        write(tmp_path, [config(seed=2)], until=400)
        assert heard(lines, 6) == [""]


def test_two_hundred_streams_are_served_and_cleared_away(tmp_path: Path) -> None:
    configs = [config(seed=1)]
    (run,) = write(tmp_path, configs, until=400, done=False)
    with served(tmp_path) as (address, app):
        watching, place = app.state.served.watching, urlsplit(address)
        open_ones = []
        for _ in range(200):
            one = socket.create_connection((place.hostname, place.port), timeout=10)
            one.sendall(f"GET /stream?run={run} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            open_ones.append(one)
        assert until(lambda: len(watching.listeners) == 200)
        with open_writer(tmp_path / run, configs, resume=True) as writer:
            writer.record(rows(run, [440]))
        got = [received(one, b'["' + run.encode()) for one in open_ones]
        assert all(got), f"{sum(got)} of 200"
        # Pages go on while all are open.
        assert httpx.get(address + "data/runs").status_code == 200
        for one in open_ones:
            one.close()
        with open_writer(tmp_path / run, configs, resume=True) as writer:  # writing to those that have gone shows it
            writer.record(rows(run, [480]))
        assert until(lambda: not watching.listeners)
        assert until(watching._task.done)
        assert (watching._followed, watching._seen) == ({}, {})


def test_there_is_an_end_to_streams(tmp_path: Path) -> None:
    write(tmp_path, [config(seed=1)], until=400)
    with served(tmp_path) as (address, app), httpx.Client(base_url=address, timeout=5) as client:
        app.state.served.watching.most = 1
        with client.stream("GET", "stream") as first:
            lines = first.iter_lines()  # a stream is closed with the last reader of its lines
            next(lines)
            assert client.get("stream").status_code == 503
        assert until(lambda: client.get("data/runs").status_code == 200 and not app.state.served.watching.listeners)


def test_who_does_not_listen_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader whose window is full, for longer than patience lasts."""
    monkeypatch.setattr("grokscope.serve.data.stream.PATIENCE", 0.3)
    monkeypatch.setattr("grokscope.serve.data.stream.ALIVE", 0.0)  # as fast as it can
    monkeypatch.setattr("grokscope.serve.data.stream.SILENCE", ": " + "x" * 100_000 + "\n\n")
    write(tmp_path, [config(seed=1)], until=400)
    with served(tmp_path) as (address, app):
        place = urlsplit(address)
        deaf = socket.create_connection((place.hostname, place.port), timeout=10)
        deaf.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        watching = app.state.served.watching
        assert until(lambda: watching.listeners)
        assert until(lambda: not watching.listeners)
        deaf.close()


@pytest.mark.parametrize(
    ("query", "status"), [("run=nothing", 404), ("run=" + "&run=".join(map(str, range(501))), 400)]
)
def test_a_stream_of_what_is_not_there(tmp_path: Path, query: str, status: int) -> None:
    with served(tmp_path) as (address, _):
        assert httpx.get(f"{address}stream?{query}").status_code == status


def until(holds: Callable[[], Any], seconds: float = 10) -> bool:
    """Waits until something holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        threading.Event().wait(0.05)
    return False


def received(connection: socket.socket, words: bytes) -> bool:
    data = b""
    while words not in data:
        try:
            part = connection.recv(4096)
        except TimeoutError:
            return False
        if not part:
            return False
        data += part
    return True


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "GET /data/ru",
        "GET /data/runs HTTP/1.1\r\nHost: localhost\r\n\r\nGET /data/ru",
        "POST /data/label HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 9\r\n\r\n{",
    ],
)
def test_a_request_that_does_not_come_is_not_waited_for(tmp_path: Path, monkeypatch: Any, sent: str) -> None:
    monkeypatch.setattr("grokscope.serve.server.PATIENCE", 0.5)
    monkeypatch.setattr("grokscope.serve.asking.PATIENCE", 0.5)
    write(tmp_path, [config(seed=1)], until=400)
    with served(tmp_path) as (address, _):
        place, said = urlsplit(address), b""
        with socket.create_connection((place.hostname, place.port), timeout=8) as one:
            one.sendall(sent.encode())
            while part := one.recv(65_536):
                said += part
            assert (b"408" in said) == sent.startswith("POST")
