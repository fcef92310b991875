"""Where a watch sends its numbers besides the store."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Sink = Callable[[int, Mapping[str, float]], object]


class Sinks:
    """Functions f(step, {name: value}). One that fails is warned of once and left out from then on."""

    def __init__(self, specs: Sink | Sequence[Sink], run_id: str, config: Mapping[str, Any], folder: Path) -> None:
        self._sinks = list(specs) if isinstance(specs, Sequence) else [specs]
        self.run_id, self.config, self.folder = run_id, config, folder

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        for sink in list(self._sinks):
            try:
                sink(step, dict(values))
            except Exception as error:  # of the user's function: the training goes on
                self._sinks.remove(sink)
                warnings.warn(f"a sink failed and gets no more numbers: {error}", stacklevel=2)

    def close(self) -> None:
        self._sinks.clear()
