"""What checksums cost: in a query over 10^6 numbers, and in a quickstart run.

query: the store of `bench store`, asked with and without checking, in turns; each turn as in a new process, which has
checked nothing yet. run: the quickstart, with the seconds in which sums are taken counted in it; two runs differ by
more than that from each other.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import torch

from grokscope.benchmarks.base import summary
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
    return {"threads": torch.get_num_threads(), "rows": rows}


def _query(name: str, ask: Callable[[], Any], rounds: int) -> dict[str, Any]:
    taken: dict[str, list[float]] = {"seconds": [], "seconds_without": []}
    for turn in range(rounds + 1):  # the first warms the disk's cache, and is not counted
        for key, unchecked in (("seconds", False), ("seconds_without", True)):
            checksum.forget()
            with ExitStack() as stack:
                if unchecked:
                    stack.enter_context(patch.object(checksum, "checked", lambda _: True))
                    stack.enter_context(patch.object(jsonl, "check", lambda *_: None))
                started = time.perf_counter()
                ask()
            if turn:
                taken[key].append(time.perf_counter() - started)
    share = [a / b - 1 for a, b in zip(taken["seconds"], taken["seconds_without"], strict=True)]
    row = summary(taken | {"share": share}) | {"name": name, "bar": BARS["query"]}
    return row | {"within_bar": row["share"] < row["bar"]}


def _run(place: Path) -> dict[str, Any]:
    from grokscope.studies.experiment import train

    with _timed() as spent:
        started = time.perf_counter()
        train(recipe("quickstart", max_steps=STEPS), store=place, device="cpu", progress=False)
        whole = time.perf_counter() - started
    row = summary({"seconds": [whole], "share": [sum(spent) / whole]}) | {"name": "quickstart run", "bar": BARS["run"]}
    return row | {"within_bar": row["share"] < row["bar"]}


@contextmanager
def _timed() -> Iterator[list[float]]:
    """The seconds of each call that takes a sum, while it writes or reads."""
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
