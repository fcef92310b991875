"""Scorecards by hand: rows whose numbers a test gives, judged as those of a theory."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from grokscope.errors import Missing
from grokscope.predictions.arms import Arm, Arms
from grokscope.predictions.base import Means, Prediction, Theory
from grokscope.predictions.cards import Scorecard
from grokscope.predictions.verdict import judged
from grokscope.statistics.looks import Looks
from grokscope.statistics.regions import above, below


def row(values: Any, number: int, **fields: Any) -> Prediction:
    text: Any = {"en": "the claim <b>", "zh": "这条主张"}
    measured: Any = {"en": "what was measured", "zh": "测量的量"}
    sample = values if isinstance(values, Missing | Means) else means(values)
    about = {"supports": above(0.5), "refutes": below(0), "arms": ("base",), "readings": (), "id": f"row.{number}"}
    return Prediction(claim=text, measured=measured, statistic=lambda _: sample, **(about | fields))  # pyright: ignore


def means(values: Any) -> Means:
    return Means({(seed,): float(value) for seed, value in enumerate(values)})


def scored(
    predictions: Sequence[Prediction], seeds: int, looks: Looks | None = None, *, beside: int | None = None
) -> Scorecard:
    """The scorecard of rows that read an arm of so many seeds. beside: seeds of the control; by default as many."""
    title: Any = {"en": "Made up", "zh": "虚构"}
    sizes = {"base": seeds, "random_labels": seeds if beside is None else beside}
    arms: Any = Arms([Arm(family=name, name=name, runs=_runs(n)) for name, n in sizes.items()])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Prediction, "answers", lambda _, given: given)
        theory = Theory(id="manifold", title=title, source="here", predictions=tuple(predictions))
        claims, rows = judged(theory, arms, looks)
    taken = looks.sizes if looks else ()
    return Scorecard(claims=tuple(claims), rows=tuple(rows), runs=sizes, looks=taken)


def _runs(n: int) -> Any:
    return tuple(SimpleNamespace(config=SimpleNamespace(seed=seed)) for seed in range(n))
