"""What training costs in time: of a plan (`estimate`), and of a run that has begun, said while it can still be stopped.

A run that would take a night says so: before it starts where a single step is slow, by steps on few of its inputs, and
after its first steps, whose time is measured.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch

from grokscope.runs.config import RunConfig
from grokscope.studies.packing import work_of
from grokscope.training.loop import Progress
from grokscope.training.pack import Pack
from grokscope.training.schedule import PER_DOUBLING

LONG = 4 * 3600.0  # a run that takes longer says so: nobody waits for it [s]
# The first steps are timed for so long before anything is said, from the second evaluation on: the first step imports,
# allocates and, on a GPU, captures [s].
TIMED = 2.0
# Operations of a step: 6 a weight and an input (forward 2, backward 4). A step of fewer than SLOW takes seconds at
# most, and the first steps of the run itself tell its time soon.
OPERATIONS, SLOW = 6, 1e12
# The shares of the training inputs on which the steps of a slower run are tried before it starts.
SHARES = (1 / 256, 1 / 64)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of one pack: before its first step, of a step, of an evaluation, and of measuring one checkpoint of all
    its runs. rows: numbers stored at an evaluation."""

    start: float
    step: float
    evaluation: float
    checkpoint: float
    rows: float

    def training(self, steps: int, every: int) -> float:
        """Seconds of so many steps, with evaluations at most `every` steps apart."""
        return steps * self.step + evaluations(steps, every) * self.evaluation


@cache
def evaluations(steps: int, every: int) -> int:
    """How often a run of so many steps is evaluated."""
    times, start, spacing = 0, 0, 1
    while start <= steps:  # a doubling at a time: in each the multiples of its spacing
        end, apart = PER_DOUBLING * 2 * spacing, min(spacing, every)
        times += (min(steps, end - 1)) // apart - (start - 1) // apart
        start, spacing = end, 2 * spacing
    return times


def forecast(configs: Sequence[RunConfig], device: torch.device) -> str | None:
    """A sentence before the first step, if the steps of a pack are slow and take longer than LONG together: a step is
    tried on two small shares of the training inputs, and is linear in their number."""
    config = configs[0]
    if OPERATIONS * work_of(config) * len(configs) < SLOW:
        return None
    size = "n_train" if config.batch_size is None else "batch_size"
    most = config.batch_size or config.n_train or round(config.train_fraction * config.task_size().n_inputs)
    few, more = (max(least, round(most * share)) for least, share in zip((2, 4), SHARES, strict=True))
    low, high = (_tried([one.replace(**{size: n}) for one in configs], device) for n in (few, more))
    step = max(high, high + (high - low) * (most - more) / (more - few))
    seconds = step * config.max_steps
    return f"before it starts, {_advice(seconds, 1 / step, config, device)}" if seconds > LONG else None


def _tried(configs: Sequence[RunConfig], device: torch.device) -> float:
    """Seconds of the second step of a pack; nothing is kept."""
    pack = Pack(configs, device=device)
    pack.advance(keep=True)
    began = time.perf_counter()
    pack.advance(keep=True)
    pack.alive.any().item()  # on a GPU: until it is done
    return time.perf_counter() - began


class Watch:
    """The time of a run from its first steps: `seen` gives the sentence once, if it takes longer than LONG."""

    def __init__(self, config: RunConfig, device: torch.device) -> None:
        self._config, self._device = config, device
        self._first: Progress | None = None
        self._said = False

    def seen(self, progress: Progress) -> str | None:
        if self._said or progress.ended:
            return None
        if self._first is None or self._first.step == 0:
            self._first = progress
            return None
        first, every = self._first, self._config.evaluate_every
        training, measuring = (
            progress.train_seconds - first.train_seconds,
            progress.measure_seconds - first.measure_seconds,
        )
        if training + measuring < TIMED:
            return None
        self._said = True
        timed = evaluations(progress.step, every) - evaluations(first.step, every)
        cost = Cost(
            start=0.0,
            step=training / (progress.step - first.step),
            evaluation=measuring / max(timed, 1),
            checkpoint=0.0,
            rows=0.0,
        )
        most = self._config.max_steps
        seconds = cost.training(most, every) - cost.training(progress.step, every)
        return (
            _advice(seconds, (most - progress.step) / seconds, self._config, self._device) if seconds > LONG else None
        )


def _advice(seconds: float, rate: float, config: RunConfig, device: torch.device) -> str:
    """The time of a run that does not generalise before max_steps, and the ways out."""
    fits = round(rate * LONG)
    shorter = f"--set max_steps={round(fits, 2 - len(str(fits)))}" if fits >= 10 else "a smaller p or network"
    elsewhere = "" if device.type == "cuda" else ", or --device cuda"
    return (
        f"up to {span(seconds)} on this machine, at {rate:.2g} steps a second until max_steps = {config.max_steps:,}; "
        f"to be done in {LONG / 3600:g} hours: {shorter}{elsewhere}"
    )


def span(seconds: float) -> str:
    """A long time in words: about 40 hours, about 12 days, about 3 years."""
    for unit, length in (("years", 365.25 * 86400), ("days", 86400.0)):
        if seconds > 3 * length:
            return f"about {seconds / length:,.0f} {unit}"
    return f"about {seconds / 3600:.0f} hours"
