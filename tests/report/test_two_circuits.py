"""The two-circuit figure draws the numbers of its trajectory."""

from typing import Any

import pytest

from grokscope.numerics.two_circuits import TwoCircuits, fixed_point, simulate
from grokscope.report.two_circuits import caption, two_circuits
from grokscope.report.words import LANGUAGES, say


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_draws_losses_and_logits_from_step_1_on(lang: Any) -> None:
    found = simulate(TwoCircuits())
    figure: Any = two_circuits(found, lang)
    drawn = {trace.name: trace for trace in figure.data}
    columns = {
        ("split.train", "y"): found.train_loss,
        ("split.test", "y"): found.test_loss,
        ("two_circuits.G", "y2"): found.w_G,
        ("two_circuits.M", "y2"): found.w_M,
    }
    for (key, axis), values in columns.items():
        trace = drawn[say(key, lang)]
        assert trace.yaxis == axis
        assert list(trace.x) == found.steps[1:].tolist()
        assert list(trace.y) == values[1:].tolist()
    assert {trace.type for trace in figure.data} == {"scatter"}
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert figure.layout.yaxis2.type is None
    low, high = figure.layout.yaxis2.domain, figure.layout.yaxis.domain
    assert low[1] < high[0]


def test_the_levels_are_those_of_the_fixed_point() -> None:
    model = TwoCircuits(convention="alpha/2")
    figure: Any = two_circuits(simulate(model, n_steps=100))
    levels, rest = figure.data[-1], fixed_point(model)
    assert levels.name == "balance: 7.83 and 0.979"
    assert list(levels.y) == [rest.w_G, rest.w_G, None, rest.w_M, rest.w_M]
    assert list(levels.x) == [1, 100, None, 1, 100]


def test_the_caption_has_the_models_own_numbers() -> None:
    found = simulate(TwoCircuits(P_G=2.0, P_M=3.0, n_classes=59), n_steps=10)
    assert "1.5 times the norm" in caption(found)
    assert "guessing, 4.08 nats" in caption(found)


def test_a_single_step_is_no_curve() -> None:
    with pytest.raises(ValueError, match=r"a curve needs two steps after step 0, got the steps \[0, 1\]"):
        two_circuits(simulate(TwoCircuits(), n_steps=1))
