"""`grokscope serve`: the runs and studies of a store in a browser, as they are now."""

from pathlib import Path
from typing import Annotated

import tyro

from grokscope.cli._options import Json, Store
from grokscope.cli.base import emit, require_store

GROUP = "Look"


def serve(
    *,
    port: Annotated[int, tyro.conf.arg(metavar="PORT")] = 8642,
    host: Annotated[str, tyro.conf.arg(metavar="ADDRESS")] = "127.0.0.1",
    allow_host: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...")] = (),
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """The live page: runs while they train, side by side, studies and verdicts, in a browser; Ctrl-C ends it.

    For instance: grokscope serve --store runs

    It needs the extra `live`, and no network. From another machine: ssh -L 8642:localhost:8642 HOST, then open
    http://localhost:8642.

    Args:
        port: of the page; 0 takes a free one.
        host: the address to listen at; any but this machine's own asks for a token, which the printed address holds.
        allow_host: names by which a proxy calls this server.
    """
    from grokscope.serve.server import serve as run

    if not 0 <= port <= 65535:
        raise ValueError(f"--port must be from 0 to 65535, got {port}")
    require_store(store)

    def ready(address: str) -> None:
        if json:
            emit({"address": address, "store": str(store)})
        else:
            print(f"{store} is at {address} (Ctrl-C ends this)", flush=True)

    run(store, host=host, port=port, allow_hosts=allow_host, ready=ready)
