"""The cost of checksums: in a query over 10^6 numbers, and in a quickstart run.

query: the store of `bench store`, asked with and without checking, in turns; each turn as in a new process, which has
checked nothing yet. run: the quickstart, in which the seconds of checksums are counted; a run with and one without them
differ by more than that for other reasons.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from grokscope.benchmarks.base import durations, summary, table, timed
from grokscope.benchmarks.store import RUNS, build, readings
from grokscope.recipes.base import recipe
from grokscope.runs.store import checksum, documents, jsonl

BARS = {"query": 0.10, "run": 0.01}  # asked for: shares of the time without checksums, and of a run
STEPS = 1_000  # of the quickstart: four resume points, the checkpoints of its first stretch, and one seal


def integrity(*, rounds: int = 5, seconds: float = 0.0) -> dict[str, Any]:  # noqa: ARG001  a turn is one query
    """Shares of the time that checksums take, with their bars."""
    rows = []
    with TemporaryDirectory() as folder:
        for replicas in (1, 40):
            place = Path(folder) / str(replicas)
            build(place, RUNS // replicas, replicas)
            rows.append(_query(f"query, packs of {replicas}", readings(place)["query"], rounds))
        rows.append(_run(Path(folder) / "run"))
    return table(rows)


def _query(name: str, ask: Callable[[], Any], rounds: int) -> dict[str, Any]:
    def checking() -> float:
        checksum.forget()
        return timed(ask)

    def unchecked() -> float:
        with patch.object(checksum, "checked", lambda _: True), patch.object(jsonl, "check", lambda *_: None):
            return checking()

    # The first round warms the disk's cache.
    taken = durations({"seconds": checking, "seconds_without": unchecked}, rounds=rounds, warm=True)
    share = [a / b - 1 for a, b in zip(*taken.values(), strict=True)]
    return summary(taken | {"share": share}) | {"name": name, "bar": BARS["query"]}


def _run(place: Path) -> dict[str, Any]:
    from grokscope.studies.experiment import train

    config = recipe("quickstart", max_steps=STEPS)
    with _timed() as spent:
        whole = timed(lambda: train(config, store=place, device="cpu", progress=False))
    return summary({"seconds": [whole], "share": [sum(spent) / whole]}) | {"name": "quickstart run", "bar": BARS["run"]}


@contextmanager
def _timed() -> Iterator[list[float]]:
    """The seconds of each call that takes a checksum in writing or reading."""
    spent: list[float] = []

    def counted(act: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any) -> Any:
            started = time.perf_counter()
            try:
                return act(*given)
            finally:
                spent.append(time.perf_counter() - started)

        return timed

    from grokscope.runs.store import checkpoints, segments

    places = (
        (checkpoints, "stamped"), (documents, "stamped"), (documents, "intact"), (segments, "stamp"),
        (segments, "require"), (checkpoints, "checked"), (jsonl, "summed"), (jsonl, "check"),
    )  # fmt: skip
    with ExitStack() as stack:
        for module, name in places:
            stack.enter_context(patch.object(module, name, counted(getattr(module, name))))
        yield spent
