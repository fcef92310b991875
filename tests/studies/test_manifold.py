"""The study of the manifold: every instrument at the stages of a run, beside the nulls."""

import numpy as np

from grokscope.measures.base import evaluate
from grokscope.predictions.series import planes
from grokscope.predictions.subject import Subject
from grokscope.runs.run import Run
from grokscope.studies.manifold import INSTRUMENTS, readings, tabulated


def test_readings_name_the_stages_and_the_null(tiny_run: Run) -> None:
    some = {name: INSTRUMENTS[name] for name in ("swap distance", "embedding: equivariance R2")}
    found = readings(Subject(run=tiny_run), some)
    assert set(found) >= {"untrained", "after", "permuted"}
    assert set(found["permuted"]) == {"embedding: equivariance R2"}
    assert found["after"]["swap distance"] != found["untrained"]["swap distance"]
    assert tabulated([found, found])[0][:2] == ("instrument", "untrained")


def test_planes_are_those_of_the_key_frequencies(tiny_run: Run) -> None:
    last = tiny_run.checkpoints[-1]
    keys = evaluate("circuits.key_frequencies", tiny_run.snapshot(last))
    found = planes(Subject(run=tiny_run), "embed/tokens", last)
    assert isinstance(found, dict)
    assert list(found) == [str(k) for k in np.asarray(keys)]
    k, (b1, _) = next(iter(found.items()))
    plane = tiny_run.snapshot(last).view("embed", f"frequency={k}")
    assert b1 == evaluate("manifold.betti", tiny_run.snapshot(last), view=f"embed/frequency={k}")[1]  # pyright: ignore
    assert plane.shape == (11, 2)
