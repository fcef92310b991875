"""The residual of a run's answers against one made by hand; only the past, and only training labels."""

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import measures
from grokscope.measures.predictors.hankel_residual import QUANTILES
from grokscope.numerics.hankel import residual
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot

MEASURE: Any = measures()["predictors.hankel_residual"]


def series(run: Run, until: int, rows: torch.Tensor) -> np.ndarray:
    made = []
    for step in run.checkpoints[:until]:
        snap = run.snapshot(step).precise
        logs = snap.logits.log_softmax(-1)[torch.arange(len(snap.task.labels)), snap.task.labels][rows]
        made.append(np.quantile(logs.detach().numpy(), QUANTILES))
    return np.array(made)


def test_of_a_run(tiny_run: Run) -> None:
    n = len(tiny_run.checkpoints)
    snap = tiny_run.snapshot()
    rows = snap.train_mask.nonzero().flatten()  # fewer than a hundred: all of them
    assert n >= 4
    assert len(rows) <= 100
    about = {"delays": 1, "rank": 1}
    found = MEASURE(snap, window=3, **about)
    assert found == pytest.approx(residual(series(tiny_run, n, rows)[-3:], **about), rel=1e-9)
    assert found != pytest.approx(MEASURE(snap, window=4, **about), rel=1e-3)
    middle = tiny_run.snapshot(tiny_run.checkpoints[-2])  # it knows nothing of the last one
    wanted = residual(series(tiny_run, n - 1, rows)[-3:], **about)
    assert MEASURE(middle, window=3, **about) == pytest.approx(wanted, rel=1e-9)


def test_too_few_checkpoints_have_no_answer(tiny_run: Run) -> None:
    for step in tiny_run.checkpoints[:3]:
        assert isinstance(MEASURE(tiny_run.snapshot(step)), Missing)
    assert not isinstance(MEASURE(tiny_run.snapshot(tiny_run.checkpoints[3])), Missing)


def test_no_held_out_label_is_read(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    labels = torch.where(snap.train_mask, snap.task.labels, (snap.task.labels + 1) % snap.task.n_classes)
    task = dataclasses.replace(snap.task, labels=labels)
    earlier = list(itertools.chain(snap.earlier() if snap.earlier else ()))

    def changed(one: Snapshot) -> Snapshot:
        return one.replace(task=task)

    other = changed(snap).replace(earlier=lambda: iter([changed(one) for one in earlier]))
    assert MEASURE(other, delays=1, rank=1) == MEASURE(snap, delays=1, rank=1) > 0
