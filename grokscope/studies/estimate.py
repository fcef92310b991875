"""The cost of a plan before it starts: seconds, from a few real steps, and bytes of disk."""

import math
import shutil
import subprocess
import sys
import time
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from heapq import heappop, heappush
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.runs.config import RunConfig
from grokscope.studies.cost import Cost, evaluations
from grokscope.studies.experiment import train
from grokscope.studies.packing import work_of
from grokscope.studies.plan import Kind, Plan, Planned
from grokscope.training.memory import n_parameters
from grokscope.training.schedule import most_checkpoints

# Steps of the two trials of a shape; their difference is the time of eight steps with evaluations.
SHORT, LONG = 2, 10
# At most so many shapes are tried, spread over their amounts of work; the others are scaled from the nearest.
TRIED = 8
# Bytes a stored number takes in a sealed segment: 4 to 7 measured on runs of 60 to 40,000 steps (docs/scale.md).
BYTES_A_ROW = 7
# Starting a local Ray [s].
RAY_SECONDS = 6.0


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The cost of the packs that are not done.

    soonest, most: seconds on the clock if every run ends as soon as it may, and if none ends before max_steps. seconds:
    their geometric mean, which has the least largest factor of error. machine_seconds: of all workers, by the same
    rule. bytes: of disk, at most. free: of disk. each: seconds and bytes of each pack, in the order of the plan's todo.
    """

    seconds: float
    soonest: float
    most: float
    machine_seconds: float
    bytes: int
    free: int
    each: "tuple[array[float], array[int]]"


def estimate(plan: Plan, *, slots: int, threads: int, engine: str = "local") -> Estimate:
    """Tries a few steps of each shape, for seconds, in a temporary folder, and adds up the cost of the packs.

    The time of a step is measured. Nobody knows when a run will have generalised, so the answer is a range
    (`packing.soonest_end`) and its middle.
    """
    todo = plan.todo
    kinds = {pack.kind: pack for pack in todo}
    costs = _costs(kinds, threads, plan.device)
    bytes_of = {kind: pack_bytes(pack, costs[kind].rows) for kind, pack in kinds.items()}

    @cache
    def seconds(kind: Kind, steps: int) -> float:
        return pack_seconds(kinds[kind], steps, costs[kind])

    soonest = array("d", (seconds(pack.kind, pack.soonest) for pack in todo))
    most = array("d", (seconds(pack.kind, pack.most) for pack in todo))
    middle = array("d", (math.sqrt(low * high) for low, high in zip(soonest, most, strict=True)))
    sizes = array("q", (bytes_of[pack.kind] for pack in todo))
    start = (_start_seconds() if todo else 0.0) + (RAY_SECONDS if engine == "ray" and todo else 0.0)
    low, high = (start + makespan(seconds, slots) for seconds in (soonest, most))
    return Estimate(
        seconds=math.sqrt(low * high),
        soonest=low,
        most=high,
        machine_seconds=sum(middle),
        bytes=sum(sizes),
        free=free_bytes(plan.study.store),
        each=(middle, sizes),
    )


def pack_seconds(pack: Planned, steps: int, cost: Cost) -> float:
    """The seconds of a pack that trains for so many steps."""
    kept = most_checkpoints(pack.configs[0].replace(max_steps=steps)) if cost.checkpoint else 0
    return cost.start + cost.training(steps, pack.configs[0].evaluate_every) + kept * cost.checkpoint


def pack_bytes(pack: Planned, rows: float) -> int:
    """The disk of a pack, at most: checkpoints, the resume point, and rows at each evaluation."""
    config = pack.configs[0]
    weights = n_parameters(config)
    width = 8 if config.dtype == "float64" else 4
    kept = (most_checkpoints(config) if pack.kept == "all" else 2) + 3
    return round(
        len(pack.configs) * weights * width * kept
        + rows * BYTES_A_ROW * evaluations(pack.most, config.evaluate_every)
    )  # fmt: skip


def makespan(seconds: Sequence[float], slots: int) -> float:
    """Seconds until the last job ends, where each free slot takes the next one."""
    ends = [0.0] * max(1, min(slots, len(seconds)))
    for of_job in seconds:
        heappush(ends, heappop(ends) + of_job)
    return max(ends)


def free_bytes(store: Path) -> int:
    """Free bytes of the disk of the store, which may not be there yet."""
    place = next(path for path in (store, *store.absolute().parents) if path.exists())
    return shutil.disk_usage(place).free


def _costs(kinds: Mapping[Kind, Planned], threads: int, device: str) -> dict[Kind, Cost]:
    """The costs of packs: measured for some kinds, in proportion to their work for the others."""
    work = {kind: work_of(pack.configs[0]) * len(pack.configs) for kind, pack in kinds.items()}
    chosen = _chosen(sorted(kinds, key=work.__getitem__))
    if chosen:  # the first trial of a process also imports modules, and is not counted
        trial(kinds[chosen[0]].configs[:1], threads, (), device)
    tried = {kind: trial(kinds[kind].configs, threads, kinds[kind].measures, device) for kind in chosen}

    def cost(kind: Kind) -> Cost:
        def near(kinds: Iterable[Kind]) -> Kind:
            return min(kinds, key=lambda other: abs(math.log(work[other] / work[kind])))

        alike, measured = near(tried), near(other for other in tried if other[2] == kind[2])
        runs = kind[1] / alike[1]
        return Cost(
            start=tried[alike].start,
            step=tried[alike].step * work[kind] / work[alike],
            evaluation=tried[alike].evaluation * runs,
            checkpoint=tried[measured].checkpoint * kind[1] / measured[1],
            rows=tried[alike].rows * runs,
        )

    return {kind: cost(kind) for kind in kinds}


def _chosen(kinds: Sequence[Kind]) -> list[Kind]:
    """The kinds that are tried, of all in the order of their work; each list of measures is among them, because
    measuring can take longer than training."""
    spread = {round(place * (len(kinds) - 1) / max(1, TRIED - 1)) for place in range(TRIED)}
    chosen = list(kinds) if len(kinds) <= TRIED else [kinds[place] for place in sorted(spread)]
    known = {kind[2] for kind in chosen}
    return [*chosen, *{kind[2]: kind for kind in kinds if kind[2] not in known}.values()]


def trial(configs: Sequence[RunConfig], threads: int, measures: Sequence[str], device: str = "cpu") -> Cost:
    """The cost of a pack from a few real steps; nothing is kept."""
    with TemporaryDirectory() as folder, _threads(threads):
        timed: list[dict[str, Any]] = []
        for steps in (SHORT, LONG):
            began = time.perf_counter()
            short = [config.replace(max_steps=steps, stop_after=LONG + 1) for config in configs]
            runs = train(short, store=Path(folder) / str(steps), device=device, progress=False)
            timed.append(dict(runs[0].status) | {"wall": time.perf_counter() - began})
        first, second = timed
        steps = LONG - SHORT
        step = max((second["train_seconds"] - first["train_seconds"]) / steps, 0.0)
        evaluation = max((second["measure_seconds"] - first["measure_seconds"]) / steps, 0.0)
        began, checkpoint = time.perf_counter(), 0.0
        if measures:
            measure_checkpoints(runs[0], only=measures)
            checkpoint = (time.perf_counter() - began) * len(configs) / len(runs[0].checkpoints)
        return Cost(
            start=max(0.0, second["wall"] - LONG * (step + evaluation)),
            step=step,
            evaluation=evaluation,
            checkpoint=checkpoint,
            rows=sum(len(run.rows()) for run in runs) / (LONG + 1),
        )


@contextmanager
def _threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _start_seconds() -> float:
    """Seconds until a worker has imported its modules."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import grokscope.studies.measuring as m; m.measures()"], check=True)
    return time.perf_counter() - began
