"""The headline is right whatever the run did."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.measures.base import measures
from grokscope.report.run.headline import headline
from grokscope.report.run.origin import command, python
from grokscope.report.run.readings import Readings, from_numbers, read
from grokscope.report.words import LANGUAGES
from grokscope.runs.export import export_run
from grokscope.runs.foreign.importing import import_weights
from grokscope.runs.run import Run

Staged = Callable[..., Readings]


def test_grokked(staged: Staged) -> None:
    lead, *rest = headline(staged(memorised=100, generalised=3000), "en")
    assert "At step 100 the network knew its training data by heart" in lead
    assert "95% right only at step 3,000, 2,900 steps later" in lead
    assert any(
        "at step 1,500" in sentence and "100%" in sentence and "0% of the fresh" in sentence for sentence in rest
    )


def test_memorised_only(staged: Staged) -> None:
    lead, *rest = headline(staged(memorised=100, generalised=None), "en")
    assert "by step 100, but has not generalised by step 4,000" in lead
    assert "fresh inputs it answers 0%" in lead
    assert not any("In between" in sentence for sentence in rest)


def test_not_memorised(staged: Staged) -> None:
    lead = headline(staged(memorised=None, generalised=None), "en")[0]
    assert "By step 4,000 the network has not memorised" in lead


def test_a_short_delay_is_not_called_grokking(staged: Staged) -> None:
    lead, *rest = headline(staged(memorised=1000, generalised=2000), "en")
    assert "1,000 steps later" in lead
    assert "too little delay to be called grokking" in lead
    assert not any("In between" in sentence for sentence in rest)


@pytest.mark.parametrize("generalised", [100, 1000])
def test_generalised_no_later_than_memorised(staged: Staged, generalised: int) -> None:
    assert "there was no grokking" in headline(staged(memorised=1000, generalised=generalised), "en")[0]


def test_generalised_without_memorising(staged: Staged) -> None:
    lead = headline(staged(memorised=None, generalised=1000), "en")[0]
    assert "generalised by step 1,000 without ever" in lead


def test_without_fresh_inputs_it_speaks_of_test_inputs(staged: Staged) -> None:
    lead = headline(staged(memorised=100, generalised=None, fresh=False), "en")[0]
    assert "test inputs it answers 0%" in lead
    assert "fresh" not in lead


def test_random_labels_are_a_control(random_run: Run) -> None:
    assert any("random" in sentence and "9.1%" in sentence for sentence in headline(read(random_run), "en"))


def test_nothing_evaluated(measured_run: Run) -> None:
    assert headline(from_numbers(measured_run, {}), "en")[0] == "Nothing has been evaluated in this run yet."


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("memorised", [None, 100, 1000])
@pytest.mark.parametrize("generalised", [None, 100, 2000, 3000])
def test_every_case_has_its_words(staged: Staged, lang: str, memorised: int | None, generalised: int | None) -> None:
    sentences = headline(staged(memorised=memorised, generalised=generalised), lang)  # pyright: ignore[reportArgumentType]
    assert all(sentence and "{" not in sentence for sentence in sentences)


def test_imported_weights_are_said_to_be_imported(measured_run: Run, tmp_path: Path) -> None:
    weights = export_run(measured_run, "safetensors", tmp_path / "theirs.safetensors")
    fields = measured_run.config.options("model").model_dump() | {"p": measured_run.config.build_task().n_symbols}
    run = import_weights(weights, "safetensors", store=tmp_path / "store", step=7, **fields)
    measure_checkpoints(run, only=[name for name in measures() if name.startswith("behaviour.")])
    readings = read(run)
    assert headline(readings, "en")[0].startswith("These weights were imported from theirs.safetensors; they answer")
    again = shlex.split(command(readings))
    assert again[:9] == [
        "grokscope", "import", "theirs.safetensors", "--as", "safetensors", "--task", "modular_addition", "--step", "7",
    ]  # fmt: skip
    assert "--device" not in again
    assert "import_weights('theirs.safetensors', 'safetensors', step=7, task='modular_addition'" in python(readings)
