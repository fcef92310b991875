"""The live page as an application: its routes put together, and what every answer has in common."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from grokscope.errors import GrokscopeError
from grokscope.serve import frame
from grokscope.serve.data import curves, labels, listed, new, series, stream
from grokscope.serve.guard import Guard
from grokscope.serve.index import Index
from grokscope.serve.making import Making
from grokscope.serve.pages import compare, run, runs, studies, verdicts
from grokscope.serve.served import Served
from grokscope.serve.watching import Watching

LOCAL = ("localhost", "127.0.0.1", "::1")
ROOMS = (frame, runs, run, compare, studies, verdicts, listed, series, curves, new, stream, labels)


def application(store: Path, *, hosts: Collection[str] = LOCAL, token: str = "", every: bool = False) -> Starlette:
    """The live page of a store. hosts, token, every: of `guard.Guard`."""
    store = store.absolute()
    all_of_it = Served(store=store, index=Index(store), watching=Watching(store), making=Making(store))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        warm = asyncio.create_task(run_in_threadpool(_warmed, all_of_it))
        yield
        await warm
        all_of_it.making.close()

    app = Starlette(
        routes=[route for room in ROOMS for route in room.routes],
        middleware=[Middleware(Guard, hosts=hosts, token=token, every=every)],
        exception_handlers={HTTPException: _told, GrokscopeError: _told, ValueError: _told},
        lifespan=lifespan,
    )
    app.state.served = all_of_it
    return app


def _warmed(here: Served) -> None:
    """Reads what the first page will ask for, so that it does not wait."""
    frame.version()
    with suppress(GrokscopeError):  # the page says it
        here.index.rows()


def _told(request: Request, error: Exception) -> Response:
    """One clear line: on a page for a reader, alone for a script."""
    if isinstance(error, HTTPException):
        status, line = error.status_code, error.detail
    else:
        status, line = (400 if isinstance(error, ValueError) else 409), str(error)
    line = " ".join(line.split())
    if "text/html" in request.headers.get("accept", "") and request.method == "GET":
        depth = request.url.path.strip("/").count("/") + request.url.path.endswith("/") * (request.url.path != "/")
        return frame.page(request, "error", title=str(status), depth=depth, status=status, line=line)
    return PlainTextResponse(line + "\n", status)
