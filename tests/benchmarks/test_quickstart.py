"""The benchmark of the command to its report: a real process, in which a tiny network is trained."""

import pytest

from grokscope.benchmarks.quickstart import quickstart
from grokscope.errors import GrokscopeError

TINY = ("p=11", "train_fraction=0.5", "d_model=16", "n_heads=2", "d_mlp=24", "max_steps=20")


def test_the_parts_of_a_run_lie_within_the_whole() -> None:
    row = quickstart(run=("quickstart", *(word for field in TINY for word in ("--set", field))))["rows"][0]
    assert 0 < row["train_seconds"] + row["measure_seconds"] + row["after_training_seconds"] < row["seconds"]


def test_a_run_that_fails_is_an_error() -> None:
    with pytest.raises(GrokscopeError, match=r"quickstarr ended with 2: .*Known: quickstart, .* others"):
        quickstart(run=("quickstarr",))
