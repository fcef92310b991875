"""Server-sent events: the names of runs that have something new. The page then asks for what it shows.

So an event has a few bytes, however much was written; a stream holds no more than the names it follows, and a reader
that does not take them is dropped.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from grokscope.serve.asking import texts
from grokscope.serve.served import found, served
from grokscope.serve.server import PATIENCE
from grokscope.serve.watching import LIST, Full

ALIVE = 15.0  # a line that says nothing, at least so often [s]: else nobody notices that the reader has gone
SILENCE = ": alive\n\n"


class Events(StreamingResponse):
    """Ends when the reader has gone, or does not take an event in time; then nothing of it is left."""

    def __init__(self, events: AsyncGenerator[str, None]) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def in_time(message: Message) -> None:
            async with asyncio.timeout(PATIENCE):
                await send(message)

        async with aclosing(self._events):
            with suppress(TimeoutError, ClientDisconnect):
                await super().__call__(scope, receive, in_time)


async def stream(request: Request) -> Response:
    """Events "changed" with the ids of runs; "" stands for the list."""
    runs = texts(request, "run")
    packs: dict[str, list[str]] = {}
    for one in await run_in_threadpool(lambda: [found(request, run) for run in runs]):
        packs.setdefault(one.folder.name, []).append(one.id)
    watching = served(request).watching
    if len(watching.listeners) >= watching.most:
        raise HTTPException(503, f"{watching.most} pages follow this store already; close one")

    async def events() -> AsyncGenerator[str, None]:
        try:
            async with watching.listening(packs or [LIST]) as listener:
                yield "retry: 2000\n\nevent: ready\ndata: []\n\n"
                while not listener.ended:
                    changed = await listener.changes(ALIVE)
                    names = [run for pack in changed for run in packs.get(pack, [LIST])]
                    yield f"event: changed\ndata: {json.dumps(names)}\n\n" if changed else SILENCE
        except Full:
            return

    return Events(events())


routes = [Route("/stream", stream)]
