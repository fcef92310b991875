"""What every measure keeps: pure, documented, the same in float64, blind to the order of neurons and heads."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import NEEDS, measures
from grokscope.runs.foreign.snapshot import snapshot
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.runs.snapshots import Snapshots

ALL = sorted(measures())
# What is lost to the weights' own dtype is another share in every dtype: that is the measure.
OF_THE_DTYPE = {"stability.absorbed_updates"}
# What is drawn for each weight or neuron by its place; with neurons elsewhere it is another draw of the same.
BY_PLACE = {
    "predictors.correlation_traps",
    "predictors.description_length",
    "predictors.dropout_curve",
    "predictors.dropout_variance",
    "predictors.local_learning_coefficient",
}


def rebuilt(snap: Snapshot, params: Mapping[str, torch.Tensor], initial: Snapshot | None = None) -> Snapshot:
    return Snapshot(
        task=snap.task,
        model=snap.model,
        params=params,
        train_mask=snap.train_mask,
        step=snap.step,
        learning_rate=snap.learning_rate,
        initial=(lambda: initial) if initial else None,
        earlier=(lambda: iter([initial])) if initial else None,
    )


def values(snap: Snapshot, name: str) -> dict[str, float]:
    found = dict(measures()[name].rows(snap))
    # 11 residues of a network of 16 channels have no dimension, loop or circle to speak of; all else has an answer.
    may_lack = name.startswith("manifold.") or name in ("circuits.clock_explained", "circuits.pizza_explained")
    # What a step did is known to a training alone; only plain descent on squared error has a closed form.
    may_lack |= bool({"before", "descent", "earlier"} & set(measures()[name].needs))
    assert may_lack or not any(isinstance(value, Missing) for value in found.values()), found
    return {view: float(value) for view, value in found.items() if not isinstance(value, Missing)}


@pytest.fixture
def snap(tiny_run: Run) -> Snapshot:
    return tiny_run.snapshot()


@pytest.mark.parametrize("name", ALL)
def test_it_says_what_it_is(name: str) -> None:
    measure = measures()[name]
    assert measure.id == name
    assert measure.unit in {"nats", "bits", "steps", "1"}
    assert measure.source
    assert len(measure.definition) > 20
    assert set(measure.needs) <= set(NEEDS)


@pytest.mark.parametrize("name", ALL)
def test_the_same_input_gives_the_same_answer_and_is_left_alone(name: str, snap: Snapshot) -> None:
    before = {key: tensor.clone() for key, tensor in snap.params.items()}
    first = values(snap, name)
    fresh = rebuilt(snap, before, snap.initial)
    fresh = fresh.replace(final=lambda: snap, earlier=snap.earlier)
    assert values(fresh, name) == first == values(snap, name)
    for key, tensor in snap.params.items():
        assert torch.equal(tensor, before[key])
    assert all(math.isfinite(value) for value in first.values())


@pytest.mark.parametrize("name", [name for name in ALL if name not in OF_THE_DTYPE])
def test_float32_agrees_with_float64(name: str, snap: Snapshot) -> None:
    assert snap.initial is not None
    double = rebuilt(snap, {key: tensor.double() for key, tensor in snap.params.items()}, snap.initial)
    single = rebuilt(snap, snap.params, snap.initial)
    one, other = values(single, name), values(double, name)
    assert one.keys() == other.keys()
    for view, value in one.items():
        assert value == pytest.approx(other[view], abs=1e-4, rel=1e-4)


@pytest.mark.parametrize("name", [name for name in ALL if name not in BY_PLACE])
def test_permuting_neurons_and_heads_changes_nothing_else(name: str, snap: Snapshot) -> None:
    assert snap.initial is not None
    neurons = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    heads = torch.tensor([1, 0])

    def permuted(of: Snapshot) -> Snapshot:
        p = {key: tensor.double() for key, tensor in of.params.items()}
        p |= {key: p[key][..., neurons] for key in ("W_in", "b_in")} | {"W_out": p["W_out"][neurons]}
        p |= {key: p[key][heads] for key in ("W_Q", "W_K", "W_V", "W_O")}
        return rebuilt(of, p)

    base = rebuilt(snap, {key: tensor.double() for key, tensor in snap.params.items()}, snap.initial)
    changed = permuted(snap)
    changed = changed.replace(initial=lambda: permuted(snap.initial), earlier=lambda: iter([permuted(snap.initial)]))
    one, other = values(base, name), values(changed, name)
    assert one.keys() == other.keys()
    if measures()[name].axis == "head":  # by head: the heads changed places
        other = {"head=0": other["head=1"], "head=1": other["head=0"]}
    for view, value in one.items():
        assert value == pytest.approx(other[view], abs=1e-9, rel=1e-9), view


@pytest.mark.parametrize("name", [name for name in ALL if "cyclic" in measures()[name].needs])
def test_a_task_without_a_cyclic_group_has_no_answer(name: str, snap: Snapshot) -> None:
    control = Snapshot(
        task=snap.task.with_random_labels(0), model=snap.model, params=snap.params, train_mask=snap.train_mask
    )
    answer = measures()[name](control)
    assert isinstance(answer, Missing)
    assert "cyclic" in answer.reason


@pytest.mark.parametrize("name", [name for name in ALL if name.startswith("behaviour.") and "t" in name])
def test_without_a_split_nothing_is_said_of_the_test_set(name: str, snap: Snapshot) -> None:
    foreign = snapshot(snap.params, p=11)
    answers = dict(measures()[name].rows(foreign))
    for view, value in answers.items():
        of_train = "train" in name or "train" in view
        assert isinstance(value, Missing) is not of_train


@pytest.mark.parametrize("name", ALL)
def test_broken_weights_have_no_answer_rather_than_nan(name: str, snap: Snapshot) -> None:
    broken = rebuilt(
        snap, {key: torch.full_like(tensor, torch.nan) for key, tensor in snap.params.items()}, snap.initial
    )
    for _, value in measures()[name].rows(broken):
        assert isinstance(value, Missing) or np.isfinite(value)


def test_an_unknown_option_is_answered_with_the_nearest(snap: Snapshot) -> None:
    with pytest.raises(ValueError, match=r"circuits.restricted_loss: unknown option 'spilt'. Did you mean 'split'"):
        measures()["circuits.restricted_loss"](snap, spilt="all")
    with pytest.raises(ValueError, match=r"unknown split 'tset'. Did you mean 'test'"):
        measures()["circuits.restricted_loss"](snap, split="tset", frequencies=[1])


def networks(snap: Snapshot, n: int) -> list[Snapshot]:
    """Networks of one shape with other weights, steps and splits, in float64, each with a start and a step before."""
    made = []
    for seed in range(n):
        generator = torch.Generator().manual_seed(seed)

        def moved(share: float, generator: torch.Generator = generator) -> dict[str, torch.Tensor]:
            noise = {
                key: torch.randn(t.shape, generator=generator, dtype=torch.float64) for key, t in snap.params.items()
            }
            return {key: tensor.double() + share * noise[key] for key, tensor in snap.params.items()}

        mask = snap.task.split(0.3 + 0.1 * seed, seed)
        start = snap.replace(params=moved(0.2), train_mask=mask, initial=None, earlier=None)
        of_run = {"initial": lambda start=start: start, "earlier": lambda start=start: iter([start])}
        made.append(start.replace(params=moved(0.1), before=moved(0.1), step=seed, **of_run))
    return made


@pytest.mark.parametrize("name", ALL)
def test_networks_side_by_side_have_the_answers_they_have_alone(name: str, snap: Snapshot) -> None:
    measure, each = measures()[name], networks(snap, 3)
    pack = Snapshots(each)
    given = {key: tensor.clone() for key, tensor in pack.params.items()}
    together = list(measure.each_row(pack))
    assert all(torch.equal(pack.params[key], tensor) for key, tensor in given.items())
    alone = [(i, view, value) for i, one in enumerate(each) for view, value in measure.rows(one)]
    assert len(together) == len(alone)
    assert {row[:2] for row in together} == {row[:2] for row in alone}
    expected = {row[:2]: row[2] for row in alone}
    for i, view, value in together:
        known = expected[i, view]
        assert value == (known if isinstance(known, Missing) else pytest.approx(known, abs=1e-9, rel=1e-9)), (i, view)


@pytest.mark.parametrize("split", ["all", "train", "test", "fresh", "twin"])
@pytest.mark.parametrize(
    "name", [name for name in ALL if measures()[name].packed and "split" in measures()[name].options]
)
def test_and_on_every_split(name: str, split: str, snap: Snapshot) -> None:
    measure, each = measures()[name], networks(snap, 3)
    for value, one in zip(measure.each(Snapshots(each), split=split), each, strict=True):
        alone = measure(one, split=split)
        assert value == (alone if isinstance(alone, Missing) else pytest.approx(alone, abs=1e-9, rel=1e-9))
