"""Weights & Biases: a run of the project grokscope, also offline (WANDB_MODE=offline), or a run of the user's.

A run of the user's has steps of its own, which W&B takes in rising order only. So ours never move them: our values, as
grokscope/NAME, go into the row that the user's loop is filling, with the step in the column grokscope/step, which they
are drawn over. While the user's loop logs nothing, rows wait, at the latest until `close`.
"""

import os
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from grokscope.watch.sinks.base import Service, Sink, Watched, html_of, needed, package_of

PREFIX = "grokscope/"
STEP = f"{PREFIX}step"


class Own:
    """A run of our own: W&B's steps are those of the training."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        # A leading _ is W&B's own.
        self._run.log({re.sub("^_", "", name): value for name, value in values.items()}, step=step)

    def figure(self, name: str, figure: Any) -> None:
        self._run.log({f"figures/{name}": _page(figure)})

    def close(self) -> None:
        self._run.finish()


class Joined:
    """A run that the user's loop logs into."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self._filled: int | None = None  # W&B's step of the row that has values of ours
        self._waiting: list[dict[str, Any]] = []
        run.define_metric(f"{PREFIX}*", step_metric=STEP)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        row = {STEP: step} | {f"{PREFIX}{name}": value for name, value in values.items()}
        if (now := self._run.step) == self._filled:
            self._waiting.append(row)
        else:
            self._run.log(row, commit=False)
            self._filled = now

    def figure(self, name: str, figure: Any) -> None:
        self._run.log({f"{PREFIX}figures/{name}": _page(figure)}, commit=False)

    def close(self) -> None:
        if self._waiting and self._run.step == self._filled:
            self._run.log({}, commit=True)  # else the first of them would take the place of the row that is there
        for row in self._waiting:
            self._run.log(row)


def _opened(watched: Watched) -> Sink:
    module = needed("wandb", "grokscope[wandb]")
    if module.run is not None:
        return Joined(module.run)
    watched.folder.mkdir(parents=True, exist_ok=True)
    run = module.init(
        project=os.environ.get("WANDB_PROJECT", "grokscope"),
        id=re.sub(r"[^a-zA-Z0-9_-]", "-", watched.run_id),
        name=watched.run_id,
        config=dict(watched.config),
        dir=str(watched.folder),
        resume="allow",  # a watch that goes on
        settings=module.Settings(console="off"),  # what the training prints is not ours to send
    )
    return Own(run)


def _around(given: Any, watched: Watched) -> Sink | None:
    if package_of(given) != "wandb":
        return None
    if isinstance(given, ModuleType):
        return _opened(watched)
    return Joined(given) if callable(getattr(given, "log", None)) else None


def _page(figure: Any) -> Any:
    return needed("wandb", "grokscope[wandb]").Html(html_of(figure), inject=False)


wandb = Service(opened=_opened, around=_around)
