"""Networks side by side: later steps of a training, some of them, and those whose weights are not finite."""

import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import measures
from grokscope.recipes.base import recipe
from grokscope.runs.snapshots import Snapshots
from grokscope.studies.measuring import _snapshot, alike
from grokscope.training.pack import Pack

CHEAP = [measure for measure in measures().values() if measure.cost == "cheap"]


@pytest.fixture(scope="module")
def pack() -> Pack:
    config = recipe("quickstart", p=11, d_model=8, n_heads=2, d_mlp=16, dtype="float64", train_fraction=0.5)
    changes = [{}, {"train_fraction": 0.4}, {"output_scale": 2.0}, {"random_labels": True}]
    trained = Pack(
        [config.replace(seed=seed, **change) for seed, change in enumerate(changes)], device=torch.device("cpu")
    )
    trained.first = {name: tensor.clone() for name, tensor in trained.tensors.items()}
    for step in range(3):
        trained.advance(keep=step == 2)
    return trained


def later(pack: Pack, replicas: list[int]) -> Snapshots:
    start = Snapshots([_snapshot(pack, replica, pack.first) for replica in replicas])
    chosen = torch.tensor(replicas)
    tensors = {name: tensor[chosen] for name, tensor in pack.tensors.items()}
    before = {name: tensor[chosen] for name, tensor in pack.before.items()}
    return start.later(pack.step, tensors, pack.outputs()[chosen], before)


def literal(pack: Pack, replica: int) -> Snapshots:
    """One network, from its own weights alone."""
    start = _snapshot(pack, replica, pack.first)
    before = {name: tensor[replica] for name, tensor in pack.before.items()}
    params = {name: tensor[replica] for name, tensor in pack.tensors.items()}
    return Snapshots([start.replace(params=params, before=before, step=pack.step, initial=lambda: start)])


def test_tasks_of_one_kind_are_measured_together(pack: Pack) -> None:
    assert list(alike(pack)) == [[0, 1, 2], [3]]


@pytest.mark.parametrize("measure", CHEAP, ids=lambda measure: measure.id)
def test_a_pack_in_training_is_measured_as_its_networks_are_alone(pack: Pack, measure) -> None:
    seen = later(pack, [0, 1, 2])
    for chosen in ([0, 1, 2], [2, 0]):
        for value, replica in zip(measure.each(seen.take(chosen)), chosen, strict=True):
            assert value == pytest.approx(measure.each(literal(pack, replica))[0], abs=1e-9, rel=1e-9)


def test_a_network_that_is_not_finite_leaves_the_others_alone(pack: Pack) -> None:
    each = [literal(pack, replica)[0] for replica in (0, 1, 2)]
    broken = each[1].replace(params={name: tensor * torch.nan for name, tensor in each[1].params.items()})
    for measure in CHEAP:
        first, none, last = measure.each(Snapshots([each[0], broken, each[2]]))
        assert none == Missing("the weights at step 3 are not finite")
        assert first == pytest.approx(measure(each[0]), abs=1e-9, rel=1e-9)
        assert last == pytest.approx(measure(each[2]), abs=1e-9, rel=1e-9)


def test_weights_whose_squares_overflow_are_finite(pack: Pack) -> None:
    huge = literal(pack, 0)[0]
    huge = huge.replace(params={name: tensor * 1e200 for name, tensor in huge.params.items()}, outputs=None)
    assert Snapshots([huge]).is_finite == [True]
