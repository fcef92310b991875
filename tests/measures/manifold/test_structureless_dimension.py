"""TwoNN of a normal cloud with a view's spectrum, on views whose spectrum is known."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.models.base import Activations, Interface
from grokscope.models.transformer import TransformerOptions, transformer
from grokscope.numerics.dimension import twonn
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks.modular_addition import ModularAddition, build

P = 59
TASK = build(ModularAddition(p=P))
MODEL = transformer(
    TransformerOptions(d_model=16, n_heads=2, d_mlp=24), Interface(n_symbols=P, n_operands=2, n_outputs=P)
)
N = P * P
# Relative; the error of sampling of TwoNN on all but the largest tenth of the ratios.
FOUR_ERRORS = 4 / (0.9 * N) ** 0.5


def network(points: np.ndarray | torch.Tensor) -> Snapshot:
    """A network whose stream holds these points."""
    params, given = MODEL.init(torch.Generator().manual_seed(0)), torch.as_tensor(points)
    snap = Snapshot(task=TASK, model=MODEL, params=params, train_mask=TASK.split(0.4, 0))
    vars(snap)["activations"] = Activations({**MODEL.sites, "resid_mid": lambda _: given}, params, TASK.inputs)
    return snap


def value(points: np.ndarray | torch.Tensor, **options: object) -> object:
    return evaluate("manifold.structureless_dimension", network(points), **({"view": "resid_mid/all"} | options))


def windings(*k: int) -> np.ndarray:
    """A closed curve: a circle in the plane of each frequency. Its spectrum has 2 equal directions a frequency."""
    angle = 2 * np.pi * np.random.default_rng(1).random(N)[:, None] * np.array(k)
    return np.hstack([np.cos(angle), np.sin(angle)])


@pytest.mark.parametrize("k", [(1,), (1, 2)])
def test_a_curve_of_equal_directions_gives_their_number_and_not_its_own_dimension(k: tuple[int, ...]) -> None:
    curve = windings(*k)
    found = twonn(curve)
    assert not isinstance(found, Missing)
    assert found.value == pytest.approx(1, rel=FOUR_ERRORS)
    # The density of a normal cloud is not constant: that takes some per cent of four dimensions.
    assert value(curve) == pytest.approx(2 * len(k), rel=FOUR_ERRORS)


def test_a_line_has_one_dimension_in_any_number_of_channels() -> None:
    line = np.random.default_rng(0).random(N)[:, None] * np.arange(1.0, 6.0)
    assert value(line) == pytest.approx(1, rel=FOUR_ERRORS)


def rotated(points: np.ndarray) -> np.ndarray:
    return points @ np.linalg.qr(np.random.default_rng(2).normal(size=(points.shape[1],) * 2))[0]


@pytest.mark.parametrize(
    "change",
    [rotated, lambda points: points + 100, lambda points: 1e-3 * points, lambda points: points[::-1].copy()],
    ids=["rotated", "moved", "scaled", "reversed"],
)
def test_it_depends_on_the_spectrum_alone(change: Callable[[np.ndarray], np.ndarray]) -> None:
    points = np.random.default_rng(3).normal(size=(N, 4)) * [4.0, 3.0, 2.0, 1.0]
    assert value(change(points)) == pytest.approx(value(points), rel=1e-9)


def test_the_training_inputs_and_the_seed_are_those_asked_for() -> None:
    """Only the training inputs vary in two directions: the others are on a line."""
    train = TASK.split(0.4, 0).numpy()
    points = np.random.default_rng(0).normal(size=(N, 2))
    points[~train, 1] = 0
    few = 4 / (0.9 * train.sum()) ** 0.5
    assert value(points, view="resid_mid/train") == pytest.approx(2, rel=few)
    assert value(points, view="resid_mid/test") == pytest.approx(1, rel=FOUR_ERRORS * 2**0.5)
    assert value(points, seed=1) != value(points) == value(points, seed=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_view_without_spread_has_no_answer(dtype: torch.dtype) -> None:
    for size in (0.0, 0.1, 3e5):
        assert isinstance(value(torch.full((N, 3), size, dtype=dtype)), Missing), size
    assert isinstance(value(windings(1), view="resid_mdi/all"), Missing)
    assert isinstance(value(np.full((N, 3), np.inf)), Missing)
