"""Runs the live page on one port of this machine until it is interrupted."""

import ipaddress
import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.errors import GrokscopeError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from uvicorn import Server

EVERYWHERE = ("0.0.0.0", "::", "")  # all addresses of this machine
LINE = 65_536  # bytes of a request's head: 500 ids of runs have about 12,000
PATIENCE = 20.0  # how long the other end may take to send, or to take, what is next [s]
LAST = 1  # how long an open stream may hold up the end [s]


def serve(
    store: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8642,
    allow_hosts: Sequence[str] = (),
    ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Serves a store until Ctrl-C. host: an address to bind; beyond this machine a token is needed. port: 0 takes a
    free one. ready: is told the address to open. GrokscopeError where the port is taken, or the extra is missing."""
    try:
        import uvicorn  # noqa: F401  of the same extra

        from grokscope.serve.app import LOCAL, application
    except ImportError as error:
        raise GrokscopeError(
            f"the live page needs the extra `live`: pip install 'grokscope[live]' ({error})"
        ) from error
    local = is_local(host)
    token = "" if local else secrets.token_urlsafe(24)
    names = {*LOCAL, host.lower(), *map(str.lower, allow_hosts)}
    if not local:
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    app = application(store, hosts=names, token=token, every=not local)
    with _bound(host, port) as listening:
        shown = socket.gethostname() if host in EVERYWHERE else f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{listening.getsockname()[1]}/"
        ready(address + f"?token={token}" * bool(token))
        with suppress(KeyboardInterrupt):  # the way to end it
            server_of(app).run(sockets=[listening])


def server_of(app: "Starlette") -> "Server":
    """A server of the live page, which ends its streams when it is asked to end."""
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Patient(H11Protocol):
        """Ends a connection whose request does not come; uvicorn itself would keep it."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._wait()

        def _wait(self) -> None:
            if self.timeout_keep_alive_task is None and (self.cycle is None or self.cycle.response_complete):
                self.timeout_keep_alive_task = self.loop.call_later(PATIENCE, self.timeout_keep_alive_handler)

    class Ending(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            app.state.served.watching.close()
            await super().shutdown(sockets)

    return Ending(
        uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, http=Patient, ws="none", loop="asyncio",
            h11_max_incomplete_event_size=LINE, timeout_graceful_shutdown=LAST,
        )
    )  # fmt: skip


def is_local(host: str) -> bool:
    """Whether an address is of this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bound(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=256)
    except (OSError, OverflowError) as error:
        raise GrokscopeError(
            f"cannot listen at {host}, port {port}: {getattr(error, 'strerror', None) or error}; --port gives another"
        ) from error
    # Linux ends what is not taken in time, also where the other machine is gone.
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1_000 * PATIENCE))
    return listening
