"""A run that takes a night says so: from its operations before it starts, and from its first steps."""

import json
from typing import Any

import pytest
import torch

from grokscope.cli.base import main
from grokscope.recipes.base import recipe
from grokscope.runs.config import RunConfig
from grokscope.studies import cost
from grokscope.studies.cost import LONG, TIMED, Cost, Watch, evaluations, forecast, span
from grokscope.training.loop import Progress
from grokscope.training.schedule import is_evaluated
from tests.conftest import TINY

CPU, GPU = torch.device("cpu"), torch.device("cuda")
ENDLESS = RunConfig(p=11, max_steps=1_000_000)


def at(step: int, *, a_step: float, an_evaluation: float, **other: Any) -> Progress:
    """The progress at a step, if steps and evaluations take these times and the first step a minute more."""
    done = evaluations(step, ENDLESS.evaluate_every) - 1  # shown before the time of its own evaluation is counted
    return Progress(
        **{"step": step, "max_steps": ENDLESS.max_steps, "steps_per_second": 1.0, "curves": [], "phases": []}
        | {"train_seconds": 60 * (step > 0) + step * a_step, "measure_seconds": done * an_evaluation, "ended": False}
        | other
    )


@pytest.mark.parametrize(("a_step", "an_evaluation"), [(0.1, 0.0), (0.1, 0.3), (0.02, 5.0)])
def test_the_first_steps_tell_the_time_of_all(a_step: float, an_evaluation: float) -> None:
    watch, times = Watch(ENDLESS, CPU), {"a_step": a_step, "an_evaluation": an_evaluation}
    said = [watch.seen(at(step, **times)) for step in range(200) if is_evaluated(step, ENDLESS.evaluate_every)]
    (line,) = filter(None, said)  # once
    n_evaluations = sum(is_evaluated(step, 25) for step in range(1_000_001))
    hours = (1_000_000 * a_step + n_evaluations * an_evaluation) / 3600
    told = line.split("about ")[1].split(" on")[0]
    assert told == span(hours * 3600).removeprefix("about ")
    assert "--set max_steps=" in line
    assert "--device cuda" in line


def test_a_short_run_says_nothing() -> None:
    watch = Watch(ENDLESS, CPU)
    assert [watch.seen(at(step, a_step=0.01, an_evaluation=0.01)) for step in range(400)] == [None] * 400


def test_nothing_is_said_before_enough_is_timed_or_at_the_end() -> None:
    watch = Watch(ENDLESS, CPU)
    few = round(TIMED / 10 / 0.1)
    assert [watch.seen(at(step, a_step=0.1, an_evaluation=0.0)) for step in range(few)] == [None] * few
    assert watch.seen(at(900, a_step=0.1, an_evaluation=0.0, ended=True)) is None


def test_the_advised_number_of_steps_takes_as_long_as_it_says() -> None:
    watch = Watch(ENDLESS, GPU)
    watch.seen(at(1, a_step=0.5, an_evaluation=0.0))
    line = watch.seen(at(30, a_step=0.5, an_evaluation=0.0)) or ""
    steps = int(line.split("max_steps=")[1])
    assert steps * 0.5 == pytest.approx(LONG, rel=0.05)
    assert "cuda" not in line  # it is there already


def test_a_slow_step_is_said_before_the_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    large = recipe("quickstart", p=997, d_model=4096)
    tried: list[int] = []

    def seconds(configs: list[RunConfig], device: torch.device) -> float:
        tried.append(configs[0].n_train or 0)
        return 2 + 1e-3 * tried[-1]

    monkeypatch.setattr(cost, "_tried", seconds)
    line = forecast([large], CPU) or ""
    n_train = 0.4 * 997**2
    assert sum(tried) < n_train / 50
    assert f"at {1 / (2 + 1e-3 * n_train):.2g} steps a second" in line
    assert span((2 + 1e-3 * n_train) * 20_000) in line
    assert forecast([large.replace(max_steps=10)], CPU) is None


def test_a_quick_step_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "_tried", None)
    assert forecast([recipe("quickstart", max_steps=10**9)], CPU) is None


@pytest.mark.parametrize("batch_size", [None, 64])
def test_the_tried_steps_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch, batch_size: int | None) -> None:
    monkeypatch.setattr(cost, "SLOW", 0.0)
    monkeypatch.setattr(cost, "LONG", 0.0)
    before = torch.random.get_rng_state()
    assert "before it starts" in (forecast([recipe("quickstart", p=31, d_model=16, batch_size=batch_size)], CPU) or "")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_parts_of_a_cost() -> None:
    made = Cost(start=100.0, step=2.0, evaluation=3.0, checkpoint=100.0, rows=0.0)
    assert made.training(10, 25) == 10 * 2 + 11 * 3  # each of the first steps is evaluated


@pytest.mark.parametrize(
    ("seconds", "said"), [(40 * 3600, "about 40 hours"), (12 * 86400, "about 12 days"), (1e8, "about 3 years")]
)
def test_long_times_in_words(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_the_line_is_on_stderr_and_json_stays_clean(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, store: Any
) -> None:
    monkeypatch.setattr(cost, "LONG", 0.0)
    monkeypatch.setattr(cost, "TIMED", 0.0)
    settings = [part for field, value in TINY.items() for part in ("--set", f"{field}={value}")]
    assert main(["run", "--out", str(store), "--json", "--no-report", *settings]) == 0
    out, err = capsys.readouterr()
    json.loads(out)
    assert len([line for line in err.splitlines() if line.startswith("note: up to about")]) == 1
