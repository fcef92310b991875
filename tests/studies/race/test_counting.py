"""Operations of a step, counted by hand."""

import pytest

from grokscope.studies.race.base import methods, settings
from grokscope.studies.race.counting import step_cost
from grokscope.studies.race.shapes import matrices, weights

ALL, (COMMON,) = methods(), settings(["common"])
# 29 symbols of 24, 24 x 48, 48 x 29; 462 of 841 pairs are trained on.
P, B = 29 * 24 + 24 * 48 + 48 * 29, 462


def test_sizes_of_shapes() -> None:
    shapes = {"W_E": (29, 24), "W_Q": (2, 3, 24, 8), "b": (7,)}
    assert weights(shapes) == 29 * 24 + 2 * 3 * 24 * 8 + 7
    assert list(matrices(shapes)) == [(24, 29)] + [(8, 24)] * 6


@pytest.mark.parametrize(
    ("name", "more", "kept"),
    [
        ("adamw_tuned", 0, 2),
        ("grokfast_ema", 5 * P, 3),
        ("orthogonal", 11 * P, 2),
        # Newton and Schulz of 24 x 48: 5 (4 m^2 n + 2 m^3). The unembedding, 48 x 29, is left to AdamW.
        ("muon", 5 * (4 * 24**2 * 48 + 2 * 24**3), None),
        ("egalitarian", 20 * (24**2 * 29 + 24**2 * 48 + 29**2 * 48), 1),
        ("lion_clip", 3 * P, 1),
    ],
)
def test_a_step_costs_what_its_formula_says(name: str, more: int, kept: float | None) -> None:
    cost = step_cost(ALL[name], ALL[name].cells(COMMON)[0], COMMON)
    assert cost.samples == B
    assert cost.operations == 6 * P * B + more
    if kept is not None:
        assert cost.kept == pytest.approx(kept, rel=0.02)  # tensors start at multiples of 16 numbers


def test_a_window_of_gradients_is_kept() -> None:
    cost = step_cost(ALL["grokfast_ma"], {"grokfast_average_gain": 5.0}, COMMON)
    assert 100 < cost.kept < 105
