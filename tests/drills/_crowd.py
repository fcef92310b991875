"""A crowd before a live page: a server in a process of its own, pages that follow a run, and readers who misbehave."""

import asyncio
import json
import os
import re
import socket
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Points = dict[tuple[str, str], dict[int, float]]  # measure and view -> step -> value
LONGEST = 60.0  # an answer may take so long beside the whole crowd, on a shared machine [s]
SILENT = 90.0  # a stream that says nothing of a run for so long has told all that it will tell [s]


@dataclass(frozen=True)
class Server:
    """`grokscope serve`. Numbers are those that the kernel tells of its process."""

    port: int
    pid: int

    def told(self, name: str) -> int:
        """A line of its status: VmHWM, the most memory that it ever had, and VmRSS [kB]; Threads."""
        found = re.search(rf"{name}:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        assert found is not None
        return int(found[1])

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def connected(self, sent: str) -> socket.socket:
        """A connection on which something was sent. Its reader reads nothing."""
        one = socket.create_connection(("127.0.0.1", self.port), timeout=LONGEST)
        one.sendall(sent.encode())
        return one


@contextmanager
def serving(store: Path, before: str = "") -> Iterator[Server]:
    """before: what its process does first, in Python."""
    program = f"import sys\n{before}\nfrom grokscope.cli.base import main\nsys.exit(main())"
    command = [sys.executable, "-c", program, "serve", "--port", "0", "--json", "--store", str(store)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        yield Server(int(address.rstrip("/").rpartition(":")[2]), process.pid)
    finally:
        process.terminate()
        said = process.communicate()[1]
    assert said == "", said  # no traceback, no warning


def get(path: str, more: str = "") -> str:
    return f"GET /{path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n"


def vanished(connection: socket.socket) -> None:
    """Goes without a farewell: the other end is told of a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@dataclass(kw_only=True)
class Crowd:
    """Asks, so many at a time as a few browsers do. answers: how many of each status."""

    server: Server
    answers: Counter[int] = field(default_factory=Counter)
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(24))

    async def ask(self, path: str) -> bytes:
        """The body of an answer."""
        async with self._turn, asyncio.timeout(LONGEST), self._asked(path) as reader:
            data = await reader.read()
            head, _, body = data.partition(b"\r\n\r\n")
        self.answers[int(head.split()[1])] += 1
        return body

    @asynccontextmanager
    async def _asked(self, path: str, how: str = "Connection: close\r\n") -> AsyncIterator[asyncio.StreamReader]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        try:
            writer.write(get(path, how).encode())
            yield reader
        finally:
            writer.close()

    async def json(self, path: str) -> Any:
        return json.loads(await self.ask(path))

    @asynccontextmanager
    async def stream(self, run: str) -> AsyncIterator[AsyncIterator[str]]:
        """The events of a run: the data of each."""
        async with self._asked(f"stream?run={run}", "") as reader:
            head = await reader.readuntil(b"\r\n\r\n")
            self.answers[int(head.split()[1])] += 1

            async def events() -> AsyncIterator[str]:
                async for line in reader:
                    if line.startswith(b"data: "):
                        yield line.decode().removeprefix("data: ").strip()

            yield events()

    async def follow(self, run: str, measures: list[str], end: int) -> Points:
        """What a page has of a run that asks only when it is told to, once it has everything up to step `end`."""
        points: Points = {}
        drawn = "&".join(f"measure={measure}" for measure in measures)
        async with self.stream(run) as events:
            cursor = ""
            while not points or any(end not in of for of in points.values()):
                try:
                    data = await asyncio.wait_for(anext(events), SILENT)  # the first says that it is ready
                except (TimeoutError, StopAsyncIteration) as silence:
                    had = {key: f"{len(of)} numbers up to step {max(of)}" for key, of in points.items()}
                    raise AssertionError(f"nothing more comes of a run that goes on to step {end}: {had}") from silence
                assert data == "[]" or run in data
                told = await self.json(f"runs/{run}/new?cursor={cursor}") if cursor else {"again": True}
                if told["again"]:
                    told = await self.json(f"runs/{run}/series?{drawn}&pixels=4000")
                    points = {}
                cursor = told["cursor"]
                for one in told["series"]:
                    if one["measure"] in measures:
                        points.setdefault((one["measure"], one["view"]), {}).update(
                            zip(one["x"], one["y"], strict=True)
                        )
        return points
