"""Runs to report on: one measured, and curves made up to a stage of one's choice."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.report.run.readings import Readings, from_numbers, read
from grokscope.runs.run import Run
from grokscope.studies.experiment import train

STEPS = np.arange(0, 4001, 25)


@pytest.fixture(scope="session")
def measured_run(tiny_config: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with all its measures, that has not grokked; tests must not write into it."""
    run = train(tiny_config(), store=tmp_path_factory.mktemp("measured"), progress=False)
    measure_checkpoints(run)
    return run


@pytest.fixture(scope="session")
def random_run(tiny_config: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The control whose labels are random, measured."""
    run = train(tiny_config(random_labels=True), store=tmp_path_factory.mktemp("random"), progress=False)
    measure_checkpoints(run)
    return run


@pytest.fixture(scope="session")
def tiny_config() -> Callable[..., Any]:
    from grokscope.recipes.base import recipe

    def config(**fields: Any) -> Any:
        small = {"p": 11, "train_fraction": 0.5, "d_model": 16, "n_heads": 2, "d_mlp": 32, "max_steps": 60}
        return recipe("quickstart", **(small | {"checkpoint_every": 20} | fields))

    return config


@pytest.fixture
def staged(measured_run: Run) -> Callable[..., Readings]:
    """`staged_of` the measured run."""
    return partial(staged_of, measured_run)


def staged_of(run: Run, *, memorised: int | None, generalised: int | None, fresh: bool = True) -> Readings:
    """Readings with accuracies that rise at chosen steps (None: never) and losses to match, all else as measured."""

    def rise(at: int | None) -> Any:
        return np.zeros(len(STEPS)) if at is None else (at <= STEPS).astype(float)

    train_accuracy, test_accuracy = rise(memorised), rise(generalised)
    bump = np.exp(-(((STEPS - 1500) / 400) ** 2))  # the largest test loss is at step 1500
    curves = {
        "train_accuracy": train_accuracy,
        "test_accuracy": test_accuracy,
        "train_loss": 4.0 - 3.9 * train_accuracy,
        "test_loss": 4.0 - 3.9 * test_accuracy + bump,
    }
    if fresh:
        curves |= {"fresh_accuracy": test_accuracy, "fresh_loss": curves["test_loss"]}
    measured = {key: found for key, found in read(run).numbers.items() if not key[0].startswith("behaviour.")}
    made = {(f"behaviour.{name}", ""): (STEPS, values) for name, values in curves.items()}
    return from_numbers(run, measured | made)
