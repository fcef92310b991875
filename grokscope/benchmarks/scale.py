"""A study of very many packs, none of them trained: seconds of planning, bookkeeping and queries.

Stub packs go the way of real ones: a plan over an empty store, an engine that is handed each pack (and writes the files
of a trained one), the plan again when all are done, that of a larger study, and queries. `grokscope bench scale` does
it with 10,000 packs; docs/scale.md has 100,000, by `scale(packs=100_000)`, and the plan alone of 10^6, by `planning`.
"""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from grokscope.benchmarks.parts.memory import peak_mib
from grokscope.benchmarks.store import readings, stub
from grokscope.recipes.base import recipe
from grokscope.runs.config import RunConfig
from grokscope.runs.store.query import query
from grokscope.studies.conduct import conduct
from grokscope.studies.executors.base import Job, Outcome
from grokscope.studies.grid import grid
from grokscope.studies.plan import plan

EVALUATED, SERIES = 5, 8  # numbers of a stub: 40
AXES = {"weight_decay": [0.1 * k for k in range(1, 11)], "learning_rate": [1e-4 * k for k in range(1, 11)]}
ALONE = {"d_model": 512, "d_mlp": 2048}  # so wide that no two runs share a pack


def scale(*, packs: int = 10_000, rounds: int = 1, seconds: float = 0.0, place: Path | None = None) -> dict[str, Any]:  # noqa: ARG001  one round of minutes
    """Seconds of each stage, files and bytes. packs: rounded down to hundreds. place: a new folder, or none."""
    with TemporaryDirectory() as folder:
        return _stages(place or Path(folder) / "store", packs // 100)


def planning(runs: int = 100_000, **fields: Any) -> dict[str, float]:
    """Memory beyond that of the process before, and seconds of the processor, of a plan over an empty store; for
    a process of its own. fields: of the network; by default each run has a pack of its own, which takes most."""
    base = recipe("quickstart", max_steps=20_000, **(fields or ALONE))
    with TemporaryDirectory() as folder:
        plan("first", grid(base, AXES), folder, mixed=True, axes=AXES)  # imports
        before, worked = peak_mib(), time.process_time()
        made = plan("many", grid(base, AXES, runs // 100), folder, mixed=True, axes=AXES)
        spent = round(time.process_time() - worked, 2)
    return {"packs": len(made.packs), "memory [MiB]": round(peak_mib() - before, 1), "[s of processor]": spent}


class Stubs:
    """An engine that writes a stub where another would train."""

    def __init__(self, *, slots: int, threads: int, **_: object) -> None:
        self.slots, self.threads = slots, threads

    def __enter__(self) -> "Stubs":
        return self

    def __exit__(self, *_: object) -> None: ...

    def submit(self, job: Job) -> "Future[Outcome]":
        configs = [RunConfig(**fields) for fields in job.configs]
        stub(Path(job.store), configs, evaluated=EVALUATED, series=SERIES)
        done: Future[Outcome] = Future()
        done.set_result(Outcome(pack=job.pack, state="done"))
        return done


def _stages(place: Path, seeds: int) -> dict[str, Any]:
    numbers: dict[str, Any] = {"spread": {}}

    def timed(name: str, act: Callable[[], Any]) -> Any:
        started, worked = time.perf_counter(), time.process_time()
        answer = act()
        numbers[f"{name} [s]"] = round(time.perf_counter() - started, 2)
        numbers[f"{name} [s of processor]"] = round(time.process_time() - worked, 2)
        return answer

    base, axes = recipe("quickstart", max_steps=20_000, **ALONE), AXES
    arms = timed("configs", lambda: grid(base, axes, seeds))
    first = timed("plan, empty store", lambda: plan("stubs", arms, place, axes=axes))
    timed("hand out and write stubs", lambda: conduct(first, engine=Stubs, say=lambda _: None))
    numbers["packs"] = len(first.packs)
    timed("plan again, all done", lambda: plan("stubs", arms, place, axes=axes))
    more = grid(base, axes, seeds + 1)  # another study, of which the store has nearly all
    again = timed("plan of one more seed", lambda: plan("stubs", more, place, axes=axes))
    numbers["packs left by set difference"] = len(again.todo)
    files = [path for path in place.rglob("*") if path.is_file()]
    numbers |= {"files": len(files), "bytes": sum(path.stat().st_size for path in files)}
    numbers["bytes of plan.json"] = (first.study.folder / "plan.json").stat().st_size
    timed("count(*) from runs", lambda: query(place, "select count(*) from runs"))
    for name, act in readings(place).items():
        timed(name, act)
    timed("removing it", lambda: shutil.rmtree(place))
    return numbers
