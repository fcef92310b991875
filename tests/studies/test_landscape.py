"""Slices of losses whose shape is known: a parabola, the network's own loss in the middle, eigenvalues."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from grokscope.errors import Missing
from grokscope.recipes.base import recipe
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.studies.landscape import Slice1D, Slice2D, slice_1d, slice_2d


def student(**fields: Any) -> Snapshot:
    """An untrained tanh network and its regression, without a kink anywhere."""
    small = {"n_samples": 30, "n_train": 20, "d_mlp": 8, "teacher_width": 8, "dtype": "float64"}
    config = recipe("omnigrok2023", **(small | fields))
    task = config.build_task()
    model = config.build_model(task)
    params = {name: tensor.double() for name, tensor in model.init(torch.Generator().manual_seed(0)).items()}
    return Snapshot(task=task, model=model, params=params, train_mask=config.train_mask(task), loss="mse")


@pytest.fixture(scope="module")
def net() -> Snapshot:
    return student()


def along(*args: Any, **options: Any) -> Slice1D:
    found = slice_1d(*args, **options)
    assert not isinstance(found, Missing)
    return found


def over(*args: Any, **options: Any) -> Slice2D:
    found = slice_2d(*args, **options)
    assert not isinstance(found, Missing)
    return found


def moved(net: Snapshot, direction: Mapping[str, Tensor], t: float) -> Snapshot:
    return net.with_params({name: tensor + t * direction.get(name, 0) for name, tensor in net.params.items()})


def test_a_quadratic_loss_is_a_parabola_of_its_known_curvature(net: Snapshot) -> None:
    """The mean squared error over 5 outputs is quadratic in the last bias, d2L/db_k2 = 2/5, whatever the network."""
    direction = torch.zeros_like(net.params["b_out"])
    direction[2] = -7.0
    found = along(net, {"b_out": direction}, reach=0.4, n=9)
    assert found.axis.curvature == pytest.approx(0.4, rel=1e-9)
    assert found.axis.difference == pytest.approx(0.4, rel=1e-5)
    assert isinstance(found.axis.eigenvalue, Missing)
    for values in found.losses.values():
        square, _, constant = np.polyfit(found.t * found.norm, values, 2)
        assert square == pytest.approx(0.2, rel=1e-9)
        np.testing.assert_allclose(np.polyval(np.polyfit(found.t, values, 2), found.t), values, rtol=1e-10)
        assert constant == pytest.approx(values[4], rel=1e-9)


@pytest.mark.parametrize("direction", ["weights", "hessian", "hessian=2", "random"])
def test_in_the_middle_is_the_network_itself(net: Snapshot, direction: str) -> None:
    found = along(net, direction, n=5, splits=("train", "test", "all"))
    for split, values in found.losses.items():
        assert values[2] == pytest.approx(net.mean(net.sample_losses, split), rel=1e-12)
    assert found.norm == pytest.approx(sum(float(w.square().sum()) for w in net.params.values()) ** 0.5)
    np.testing.assert_allclose(found.t, [-0.5, -0.25, 0, 0.25, 0.5])
    assert found.axis.difference == pytest.approx(found.axis.curvature, rel=1e-3)
    assert found.axis.direction == direction


def test_along_the_weights_they_grow_by_a_share(net: Snapshot) -> None:
    found = along(net, reach=0.8, n=5)
    for t, train, test in zip(found.t, found.losses["train"], found.losses["test"], strict=True):
        scaled = net.with_params({name: (1 + t) * tensor for name, tensor in net.params.items()})
        assert train == pytest.approx(scaled.mean(scaled.sample_losses, "train"), rel=1e-12)
        assert test == pytest.approx(scaled.mean(scaled.sample_losses, "test"), rel=1e-12)


def test_curvatures_of_the_eigenvectors_are_the_eigenvalues_of_the_formed_hessian(net: Snapshot) -> None:
    """By autograd over the weights as one vector, which shares nothing with the slices."""
    names, sizes = list(net.params), [tensor.numel() for tensor in net.params.values()]
    rows = net.masks["train"]

    def loss(flat: Tensor) -> Tensor:
        parts = zip(names, flat.split(sizes), strict=True)
        outputs = net.function(rows)({name: part.view(net.params[name].shape) for name, part in parts})
        return (outputs - net.task.targets[rows]).square().mean()

    flat = torch.cat([tensor.flatten() for tensor in net.params.values()])
    values = torch.linalg.eigvalsh(torch.autograd.functional.hessian(loss, flat)).flip(0)
    for rank, expected in ((1, values[0]), (3, values[2])):
        axis = along(net, f"hessian={rank}", n=3).axis
        for value in (axis.eigenvalue, axis.curvature):
            assert value == pytest.approx(float(expected), rel=1e-3)
        assert axis.difference == pytest.approx(float(expected), rel=1e-3)


def test_a_random_direction_has_the_norms_of_the_weights_filter_by_filter() -> None:
    from grokscope.studies import landscape

    params = {"W": torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1)), "b": torch.arange(4.0)}
    params["W"][0, :, 1] = 0
    found = landscape._filtered(params, 0)
    torch.testing.assert_close(found["W"].norm(dim=1), params["W"].double().norm(dim=1), rtol=1e-12, atol=0)
    assert float(found["b"].norm()) == pytest.approx(14**0.5)
    assert not bool(found["W"][0, :, 1].any())
    assert not torch.equal(landscape._filtered(params, 1)["b"], found["b"])
    assert torch.equal(landscape._filtered(params, 0)["b"], found["b"])
    net = student()
    line = along(net, "random", seed=4, reach=0.3, n=3)
    end = moved(net, landscape._filtered(net.params, 4), 0.3)
    assert line.losses["train"][2] == pytest.approx(end.mean(end.sample_losses, "train"), rel=1e-9)


def test_a_plane_has_the_lines_in_its_middle(net: Snapshot) -> None:
    directions = {"W_out": torch.ones_like(net.params["W_out"])}, {"b_out": torch.ones_like(net.params["b_out"])}
    found = over(net, directions, reach=0.2, n=5)
    lines = [along(net, direction, reach=0.2, n=5) for direction in directions]
    for split, values in found.losses.items():
        np.testing.assert_allclose(values[:, 2], lines[0].losses[split], rtol=1e-12)
        np.testing.assert_allclose(values[2, :], lines[1].losses[split], rtol=1e-12)
    assert found.cosine == 0
    assert found.axes == (lines[0].axis, lines[1].axis)
    oblique = over(net, ("weights", "random"), n=3)
    assert 0 < abs(oblique.cosine) < 0.5
    assert [axis.direction for axis in oblique.axes] == ["weights", "random"]


def test_a_trained_transformer_can_be_sliced(tiny_run: Run) -> None:
    net = tiny_run.snapshot()
    found = along(net, "hessian", reach=0.1, n=5)
    assert found.losses["train"][2] == pytest.approx(net.mean(net.sample_losses, "train"), rel=1e-4)
    assert found.axis.curvature == pytest.approx(found.axis.eigenvalue, rel=1e-3)
    assert found.losses["train"].min() > 0


def test_what_has_no_slice_says_why(net: Snapshot) -> None:
    names = {
        "not finite": net.with_params(net.params | {"b_out": torch.full((5,), torch.nan).double()}),
        "all weights are 0": net.with_params({name: 0 * tensor for name, tensor in net.params.items()}),
        "no test inputs": Snapshot(
            task=net.task, model=net.model, params=net.params, train_mask=torch.ones(30, dtype=torch.bool), loss="mse"
        ),
    }
    for reason, snapshot in names.items():
        for found in (slice_1d(snapshot), slice_2d(snapshot)):
            assert isinstance(found, Missing)
            assert reason in found.reason


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direction": "wieghts"}, "unknown direction 'wieghts'. Did you mean 'weights'"),
        ({"direction": "hessian=0"}, "unknown direction 'hessian=0'"),
        ({"direction": "random=2"}, "unknown direction 'random=2'"),
        ({"direction": {"W_ot": torch.ones(1)}}, "unknown tensor 'W_ot'. Did you mean 'W_out'"),
        ({"direction": {"b_out": torch.ones(2)}}, r"b_out of the direction has shape \(2,\), expected \(5,\)"),
        ({"direction": {"b_out": torch.zeros(5)}}, "the direction is 0 in every weight"),
        ({"splits": ("trian",)}, "unknown split 'trian'. Did you mean 'train'"),
        ({"reach": 0}, "reach must be above 0, got 0"),
        ({"n": 4}, "n must be an odd number of points, at least 3, got 4"),
        ({"n": 1}, "at least 3, got 1"),
    ],
)
def test_impossible_slices_are_refused(net: Snapshot, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        slice_1d(net, **options)


def test_a_plane_needs_two_directions(net: Snapshot) -> None:
    with pytest.raises(ValueError, match="weights and weights are one line"):
        slice_2d(net, ("weights", "weights"), n=3)
