"""Trackio, and whatever else takes log(values, step=...) and finish() as W&B does: a new run, or one of the user's.

Figures are not sent: trackio draws its own.
"""

from collections.abc import Mapping
from typing import Any

from grokscope.watch.sinks.base import Service, Sink, Watched, needed, package_of


class Trackio:
    """A run with W&B's call shape, in which steps may come in any order."""

    def __init__(self, run: Any, *, mine: bool) -> None:
        self._run, self._mine = run, mine

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def figure(self, name: str, figure: Any) -> None:
        pass

    def close(self) -> None:
        if self._mine:
            self._run.finish()


def _opened(watched: Watched) -> Sink:
    module = needed("trackio", "trackio")
    run = module.init(project="grokscope", name=watched.run_id, config=dict(watched.config), embed=False)
    return Trackio(run, mine=True)


def _around(given: Any, _watched: Watched) -> Sink | None:
    if isinstance(given, type) or package_of(given) == "wandb":
        return None
    has_shape = all(callable(getattr(given, name, None)) for name in ("log", "finish"))
    return Trackio(given, mine=False) if has_shape else None


trackio = Service(opened=_opened, around=_around)
