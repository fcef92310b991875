"""What every task family promises. A family whose options have a field without default (files to be had) is tested on
files of its own."""

import dataclasses
import functools

import pytest
import torch

from grokscope.numerics.groups import group
from grokscope.registry import component, names
from grokscope.runs.config import RunConfig
from grokscope.tasks.base import Size, Task, Truth, number_orbits


def complete(name: str) -> bool:
    fields = component("tasks", name).options.model_fields.values()
    return not any(field.is_required() for field in fields)


BUILDABLE = [name for name in names("tasks") if complete(name)]
every_task = pytest.mark.parametrize("name", BUILDABLE)


def build(name: str) -> Task:
    family = component("tasks", name)
    return family.build(family.options())


shared = functools.cache(build)


@every_task
def test_the_same_options_give_the_same_task(name: str) -> None:
    first, second = build(name), shared(name)
    for field in dataclasses.fields(Task):
        one, other = getattr(first, field.name), getattr(second, field.name)
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other, field.name


@every_task
def test_the_global_generator_is_left_alone(name: str) -> None:
    before = torch.get_rng_state()
    build(name)
    assert torch.equal(before, torch.get_rng_state())


@every_task
def test_inputs_are_symbols_or_features(name: str) -> None:
    task = shared(name)
    assert task.inputs.ndim == 2
    assert len(task.inputs) == task.n_inputs
    if task.inputs.is_floating_point():
        assert task.inputs.dtype == torch.float32
        assert task.n_symbols == 0
        assert task.inputs.isfinite().all()
    else:
        assert task.inputs.unique().tolist() == list(range(task.n_symbols))
        assert len(task.inputs.unique(dim=0)) == task.n_inputs


@every_task
def test_labels_are_classes_or_targets(name: str) -> None:
    task = shared(name)
    if task.n_classes:
        assert task.labels.shape == (task.n_inputs,)
        assert task.labels.dtype == torch.int64
        assert task.labels.unique().tolist() == list(range(task.n_classes))
    else:
        assert task.labels.dtype == torch.float32
        assert task.labels.shape == (task.n_inputs, task.n_outputs)
        assert task.labels.isfinite().all()
        assert task.labels.std(dim=0).min() > 0
    assert task.n_outputs >= 1
    assert task.tolerance is None or not task.n_classes


@every_task
def test_orbits_are_numbered_and_keep_the_label(name: str) -> None:
    task = shared(name)
    assert torch.equal(task.orbits, number_orbits(task.orbits))
    first = torch.zeros(int(task.orbits.max()) + 1, dtype=torch.int64)
    for index in reversed(range(task.n_inputs)):
        first[task.orbits[index]] = index
    assert torch.equal(task.labels[first[task.orbits]], task.labels)


@every_task
def test_truth_is_consistent(name: str) -> None:
    task = shared(name)
    truth = task.truth
    if truth.group is not None:
        assert group(truth.group).name == truth.group
        assert group(truth.group).order <= task.n_classes
    if truth.manifold == "none":
        assert (truth.intrinsic_dimension, truth.embedding_dimension, truth.betti) == (None, None, ())
    else:
        assert truth.intrinsic_dimension is not None
        assert truth.embedding_dimension is not None
        assert truth.intrinsic_dimension <= truth.embedding_dimension
        assert truth.betti[0] >= 1
        # A segment has no loop, and no more Betti numbers are named than are not 0.
        assert truth.betti[-1] > 0
        assert len(truth.betti) <= truth.intrinsic_dimension + 1


@every_task
def test_variants_and_splits(name: str) -> None:
    task = shared(name)
    before = task.labels.clone()
    train = task.split(0.5, 0)
    assert int(train.sum()) == task.n_inputs // 2
    control, noisy = task.with_random_labels(1), task.with_noise(train, 0.5, 3, seed=1)
    assert control.truth == Truth()
    for variant in (control, noisy):
        assert variant.labels.shape == task.labels.shape
        assert variant.labels.dtype == task.labels.dtype
        assert not torch.equal(variant.labels, task.labels)
        assert variant.n_outputs == task.n_outputs
    assert torch.equal(noisy.labels[~train], task.labels[~train])
    assert torch.equal(before, task.labels)


@pytest.mark.parametrize("name", names("tasks"))
def test_options_are_described_and_share_no_name_with_other_fields_of_a_config(name: str) -> None:
    """A config is flat: an option of a task with the name of a model's would silently set both."""
    fields = component("tasks", name).options.model_fields
    assert all(field.description for field in fields.values())
    taken = {field for model in names("models") for field in component("models", model).options.model_fields}
    assert not set(fields) & (taken | set(RunConfig.model_fields))


@every_task
def test_its_size_is_known_without_building_it(name: str) -> None:
    family, task = component("tasks", name), shared(name)
    if family.size is None:  # the options keep it small
        return
    assert dataclasses.replace(family.size(family.options()), work=0) == Size.of(task)
