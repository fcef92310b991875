"""TensorBoard: event files in <folder>/tensorboard, or a SummaryWriter (of torch, or tensorboardX) of the user's.

TensorBoard draws no Plotly figures and shows no HTML: a figure is a page beside the event files, in figures/, and its
path is a text of the run.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grokscope.watch.sinks.base import Service, Sink, Watched, html_of, needed

FLUSH_SECONDS = 5  # numbers are seen as they come; torch's own default is two minutes


class TensorBoard:
    """Scalars under their names as tags."""

    def __init__(self, writer: Any, *, mine: bool) -> None:
        self._writer, self._mine = writer, mine

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def figure(self, name: str, figure: Any) -> None:
        folder = Path(self._writer.log_dir) / "figures"
        folder.mkdir(parents=True, exist_ok=True)
        page = folder / f"{re.sub(r'[^a-zA-Z0-9_.-]', '_', name)}.html"
        page.write_text(html_of(figure), encoding="utf-8")
        self._writer.add_text(f"figures/{name}", f"`{page}`")

    def close(self) -> None:
        if self._mine:
            self._writer.close()
        else:
            self._writer.flush()


def _opened(watched: Watched) -> Sink:
    needed("tensorboard", "grokscope[tensorboard]")
    writers = needed("torch.utils.tensorboard", "grokscope[tensorboard]")
    writer = writers.SummaryWriter(log_dir=str(watched.folder / "tensorboard"), flush_secs=FLUSH_SECONDS)
    writer.add_text("config", f"```json\n{json.dumps(dict(watched.config), indent=1, default=str)}\n```")
    return TensorBoard(writer, mine=True)


def _around(given: Any, _watched: Watched) -> Sink | None:
    is_writer = not isinstance(given, type) and callable(getattr(given, "add_scalar", None))
    return TensorBoard(given, mine=False) if is_writer else None


tensorboard = Service(opened=_opened, around=_around)
