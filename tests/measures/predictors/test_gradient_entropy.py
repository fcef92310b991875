"""AGE and AWE of a network against the definition, entry by entry."""

import math
from typing import Any

import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.analyses.gradients import gradient
from grokscope.measures.base import measures
from grokscope.runs.run import Run


def test_of_a_network(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    found: Any = measures()["predictors.gradient_entropy"](snap)
    slopes = gradient(snap)
    assert not isinstance(slopes, Missing)
    for name, even, tensors in (("age", "gradient", slopes), ("awe", "weights", snap.params)):
        sizes = [abs(value) for tensor in tensors.values() for value in tensor.double().flatten().tolist()]
        literal = -sum(size * math.log(size) for size in sizes if size)
        total = sum(sizes)
        share = -sum(size / total * math.log(size / total) for size in sizes if size) / math.log(len(sizes))
        assert found[name] == pytest.approx(literal, rel=1e-9)
        assert found[even] == pytest.approx(share, rel=1e-9)
        assert 0 < found[even] < 1


def test_without_a_split_there_is_no_gradient(tiny_run: Run) -> None:
    snap = tiny_run.snapshot().replace(train_mask=torch.zeros_like(tiny_run.snapshot().train_mask))
    assert isinstance(measures()["predictors.gradient_entropy"](snap), Missing)
