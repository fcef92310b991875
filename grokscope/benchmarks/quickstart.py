"""Seconds from the command to the report: `grokscope run quickstart`, as a newcomer types it, in a process of its own.

after_training_seconds: from the last step to the end, which is the measures of the checkpoints and the report.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any

from grokscope.benchmarks.base import summary, table
from grokscope.errors import GrokscopeError

SAID = "measuring checkpoints"  # the command's line on stderr when training has ended


def quickstart(*, rounds: int = 1, seconds: float = 0.0, run: tuple[str, ...] = ("quickstart",)) -> dict[str, Any]:  # noqa: ARG001  a turn is one run
    """Seconds of the whole, of its training, and of what comes after. run: the arguments of the command `run`."""
    taken = [command(*run) for _ in range(rounds)]
    values = {name: [each[name] for each in taken] for name in taken[0]}
    return table([summary(values) | {"name": "command to report", "bar": None}])


def command(*arguments: str) -> dict[str, float]:
    """One run of the command: its seconds in all, of training and after it."""
    with TemporaryDirectory() as store:
        words = [sys.executable, "-m", "grokscope", "run", *arguments, "--out", store, "--json"]
        start = time.perf_counter()
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            trained, said = _until(process.stderr, SAID, time.perf_counter)
            answer = process.communicate()[0]
        end = time.perf_counter()
        if process.returncode or trained is None:
            raise GrokscopeError(f"grokscope run {' '.join(arguments)} ended with {process.returncode}: {said[-300:]}")
    summed = json.loads(answer)
    parts = {name: summed[name] for name in ("train_seconds", "measure_seconds")}
    return {"seconds": end - start, **parts, "after_training_seconds": end - trained}


def _until(lines: Any, word: str, clock: Callable[[], float]) -> tuple[float | None, str]:
    """When the first line with a word comes, None if none does, and the lines before it."""
    said = ""
    for line in lines:
        said += line
        if word in line:
            return clock(), said
    return None, said
