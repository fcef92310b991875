"""Checkpoints that are measured in a process beside the training."""

import io
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.runs.run import Run, load_pack
from grokscope.runs.store import checkpoints
from grokscope.studies import beside as beside_
from grokscope.studies.beside import Beside, beside, measured
from grokscope.studies.experiment import train
from grokscope.studies.worker import Worker
from tests.conftest import tiny

# Heavy measures that look at the run's last checkpoint.
OF_THE_LAST = {"circuits.excluded_loss", "circuits.restricted_loss", "manifold.frequency_plane"}
LONGEST = 120.0  # seconds to wait for a process


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def helper(trained: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Beside]:
    monkeypatch.setattr(beside_, "PATIENCE", 0.0)
    made = Beside(trained.folder)
    yield made
    made.end()


@pytest.fixture
def trained(store: Path) -> Run:
    return train(tiny(), store=store, progress=False)


def numbers(run: Run) -> list[tuple[Any, ...]]:
    rows = run.rows()
    return [*zip(rows.steps.tolist(), rows.measures, rows.views, rows.values.tolist(), strict=True)]


def until(holds: Any) -> None:
    deadline = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_is_measured_beside_is_bit_for_bit_what_is_measured_afterwards(trained: Run, helper: Beside) -> None:
    copy = trained.folder.parent / "copy"
    shutil.copytree(trained.folder, copy)
    [alone] = load_pack(copy)
    reasons = measure_checkpoints(alone)
    helper.look()
    until(lambda: sum(future.done() for future in helper._taken.values()) >= 2)
    first = helper._taken[trained.id, 0].result()
    assert first[0]
    assert measure_checkpoints(trained, elsewhere=helper.begun) == reasons
    assert numbers(trained) == numbers(alone)


def test_measures_that_look_at_the_last_checkpoint_are_left_out(trained: Run) -> None:
    asked = sorted({"manifold.swap_distance"} | OF_THE_LAST)
    question = {"folder": str(trained.folder), "measures": asked, "plugins": (), "replica": 0}
    for step in (trained.checkpoints[0], trained.checkpoints[-1]):
        answer = measured({**question, "step": step})
        assert {row["measure"] for row in answer["rows"]} | answer["missing"].keys() == {"manifold.swap_distance"}


def test_a_process_that_dies_costs_no_number(trained: Run, helper: Beside) -> None:
    copy = trained.folder.parent / "copy"
    shutil.copytree(trained.folder, copy)
    helper.look()
    until(lambda: helper._taken)
    assert helper._worker is not None
    helper._worker.kill()
    [alone] = load_pack(copy)
    assert measure_checkpoints(trained, elsewhere=helper.begun) == measure_checkpoints(alone)
    assert numbers(trained) == numbers(alone)


def test_a_checkpoint_is_taken_by_one_of_the_two(trained: Run, helper: Beside) -> None:
    mine = [step for step in trained.checkpoints if helper.begun(trained.id, step) is None]
    assert mine == trained.checkpoints
    helper.look()
    until(helper._looks.empty)  # it has looked, and found nothing
    assert all(not future.done() for future in helper._taken.values())
    assert all(helper.begun(trained.id, step) is not None for step in mine)


@pytest.mark.usefixtures("two_threads")
def test_training_and_measuring_in_one_call(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside_, "PATIENCE", 0.0)
    run = train(tiny(), store=store, progress=False, measure=True)
    known = numbers(run)
    assert len(known) == len({row[:3] for row in known})
    assert {"manifold.swap_distance", "circuits.neuron_frequencies"} <= set(run.rows().measures)
    longer = train(tiny(max_steps=run.steps + 20), store=store, progress=False, measure=True, extend=True)
    again = numbers(longer)
    assert len(again) == len({row[:3] for row in again})
    assert longer.checkpoints[-1] in run.rows("manifold.swap_distance").steps


def test_on_one_thread_nothing_stands_beside(trained: Run) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with beside(trained.folder) as helper:
            assert helper is None
    finally:
        torch.set_num_threads(before)


def test_a_short_training_starts_no_process(trained: Run) -> None:
    helper = Beside(trained.folder)
    helper.look()
    assert helper._worker is None
    helper.end()


def test_weights_from_a_file_of_their_own_and_from_one_for_all_lie_alike(trained: Run) -> None:
    """A product of matrices rounds by where they lie within a line of the cache."""
    sealed = trained.snapshot(0).params
    checkpoints.unseal(trained.folder)
    (trained.folder / checkpoints.bundle.NAME).unlink()
    alone = load_pack(trained.folder)[0].snapshot(0).params
    for name, tensor in alone.items():
        assert np.array_equal(tensor.numpy(), sealed[name].numpy())
        assert tensor.data_ptr() % 64 == sealed[name].data_ptr() % 64 == 0


def test_a_worker_answers_line_by_line_and_its_end_is_no_answer() -> None:
    worker = Worker("tests.studies.test_beside:doubled", {})
    assert worker.ask({"number": 4}) == {"number": 8}
    assert worker.ask({"number": -1}) == {"number": -2}
    worker.kill()
    assert worker.ask({"number": 1}) is None
    assert worker.end() < 0


def test_a_worker_that_dies_within_its_answer_has_none() -> None:
    worker = Worker("tests.studies.test_beside:doubled", {})
    assert worker._process.stdout is not None
    worker._process.stdout.close()
    worker._process.stdout = io.StringIO('{"numb')
    assert worker.ask({"number": 4}) is None
    worker.end()


def doubled(question: dict[str, int]) -> dict[str, int]:
    print("what a function prints is no answer")
    return {"number": 2 * question["number"]}


def test_nobody_waits_for_a_process_that_cannot_go_on(
    trained: Run, helper: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise OSError("the store is gone")

    monkeypatch.setattr(Worker, "ask", gone)
    helper.look()
    until(lambda: helper._taken)
    future = helper.begun(trained.id, trained.checkpoints[0])
    assert future is not None
    assert future.result(LONGEST) == ([], {})
