"""The laws of the delay: what they read of a run, and what their arms do."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.predictions.families import Family
from grokscope.predictions.subject import Subject
from grokscope.runs.config import RunConfig
from grokscope.runs.store.rows import Rows
from grokscope.statistics.transitions import Phases
from grokscope.theories.delay_laws.arms import CLAMPED, HIGH, free
from grokscope.theories.delay_laws.delay_laws import delay_laws
from grokscope.theories.delay_laws.readings import CAME, CLAMPED_AT, DELAY, LOG_RATIO, TWICE, W_C, WAITED
from grokscope.training.pack import Pack

STEPS = np.arange(0, 1001, 50)
CONFIG = RunConfig(learning_rate=2e-3, weight_decay=0.5)


class Told:
    """A run that memorises at 100 and generalises at 600, or never; its norm is 40 exp(-step / 1000)."""

    id, config = "told", CONFIG

    def __init__(self, generalised: int | None = 600) -> None:
        self.generalised = generalised

    def phases(self, split: str = "test", **thresholds: float) -> Phases:
        about: dict[str, Any] = dict.fromkeys(("onset_at", "t_10", "t_50", "t_90"))
        came = self.generalised
        if came is not None and thresholds.get("test_threshold") == 0.9:
            came -= 100
        delay = None if came is None else came - 100
        return Phases(memorized_at=100, generalized_at=came, delay=delay, grokked=False, last_at=1000, **about)

    def rows(self, measure: str) -> Rows:
        views = {"weights.norm": [""], "weights.norm_by_tensor": ["tensor=W_E", "tensor=W_in", "tensor=b_in"]}[measure]
        size = {"": 1.0, "tensor=W_E": 0.6, "tensor=W_in": 0.8, "tensor=b_in": 5.0}
        steps = np.repeat(STEPS, len(views))
        named = np.tile(np.array(views, object), len(STEPS))
        values = 40 * np.exp(-steps / 1000) * np.array([size[view] for view in named])
        return Rows(steps=steps, values=values, runs=named, measures=named, views=named)


def subject(generalised: int | None = 600) -> Subject:
    return Subject(run=Told(generalised))  # type: ignore[arg-type]


def test_delay_and_norms_are_those_of_the_run() -> None:
    known = subject()
    assert (known.value(DELAY), known.value(WAITED), known.value(CAME)) == (500, 500, 1)
    assert known.value(LOG_RATIO) == pytest.approx(2 * 0.5, rel=1e-12)  # ln of e^-.1 over e^-.6, squared
    assert known.value(TWICE) == pytest.approx(2e-3)
    assert known.value(W_C) == pytest.approx(40 * math.exp(-0.5), rel=1e-12)  # at .9, 100 steps before; matrices alone


def test_a_run_that_never_generalised_has_its_bound_and_no_ratio() -> None:
    known = subject(None)
    assert (known.value(WAITED), known.value(CAME)) == (900, 0)
    for reading in (DELAY, LOG_RATIO, W_C):
        assert isinstance(known.value(reading), Missing)


def test_free_runs_are_not_clamped() -> None:
    assert isinstance(subject().value(CLAMPED_AT), Missing)


@pytest.mark.parametrize("scale", ["tiny", "laptop", "paper"])
def test_clamped_arms_differ_from_the_free_one_in_the_clamp_alone(scale: str) -> None:
    families = {family.id: family for family in delay_laws.arms if isinstance(family, Family)}
    for name, (_, norms, starts) in CLAMPED.items():
        (loose,) = families[free(name)].arms(scale, 1)  # type: ignore[arg-type]
        place = ("tiny", "laptop", "paper").index(scale)
        for arm in families[name].arms(scale, 1):  # type: ignore[arg-type]
            assert arm[0].norm_clamp == pytest.approx(float(arm.value or 0) * norms[place], abs=1e-6)
            assert arm[0].replace(norm_clamp=None, norm_clamp_start=0) == loose[0]
            assert arm[0].norm_clamp_start == starts[place]


def test_without_biases_and_with_relu_putting_the_logits_back_leaves_only_the_angle_of_a_step() -> None:
    """Logits are a product of three matrices: rho times the weights are rho^3 times the logits. With these put back and
    a rate rho times as large every step is rho times that of rho = 1, so that the norm itself does nothing."""
    form = {"model": "embedding_mlp", "tied": True, "d_embed": 8, "d_mlp": 12, "activation": "relu"}
    one = RunConfig(
        p=7, train_fraction=0.6, dtype="float64", weight_decay=0.0, eps=1e-30, norm_clamp=4.0, warmup_steps=0, **form
    )
    more = {"init_scale": HIGH, "norm_clamp": 4.0 * HIGH, "output_scale": HIGH**-3}
    high = one.replace(learning_rate=one.learning_rate * HIGH, **more)
    pack = Pack([one, high], device=torch.device("cpu"))
    for _ in range(40):
        pack.advance()
    for tensor in pack.tensors.values():
        # Adam makes whole steps of gradients that are all rounding: 2e-8 is seen, a wrong power of rho gives 1e-2.
        torch.testing.assert_close(tensor[1], HIGH * tensor[0], atol=1e-6, rtol=1e-6)
