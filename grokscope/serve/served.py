"""What all pages share: the store, its index, who listens, and pages that take long to make."""

from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request

from grokscope.registry import shortened
from grokscope.serve.index import Found, Index
from grokscope.serve.making import Making
from grokscope.serve.watching import Watching


@dataclass(frozen=True, kw_only=True)
class Served:
    """One store that is served."""

    store: Path
    index: Index
    watching: Watching
    making: Making


def served(request: Request) -> Served:
    """What the request's server serves."""
    return request.app.state.served


def found(request: Request, run: str | None = None) -> Found:
    """The run that a request names, by its path or as `run`. 404 where the store has none."""
    name = request.path_params["run"] if run is None else run
    one = served(request).index.find(name)
    if one is None:
        raise HTTPException(404, f"this store has no run {shortened(name)}")
    return one
