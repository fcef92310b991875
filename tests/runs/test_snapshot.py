"""Snapshots: lazy, complete, and the same for weights from elsewhere."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.measures.base import evaluate
from grokscope.recipes.base import recipe
from grokscope.runs import views
from grokscope.runs.foreign.snapshot import snapshot
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot
from grokscope.studies.experiment import train
from grokscope.tasks.base import Truth
from tests.conftest import tiny


def test_masks_part_the_inputs(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    masks, task = snap.masks, snap.task
    assert torch.equal(masks["train"] | masks["test"], masks["all"])
    assert torch.equal(masks["twin"] | masks["fresh"], masks["test"])
    assert not (masks["train"] & masks["test"]).any()
    assert not (masks["twin"] & masks["fresh"]).any()
    trained = {tuple(pair) for pair in task.inputs[masks["train"]].tolist()}
    for a, b in task.inputs[masks["twin"]].tolist():
        assert (b, a) in trained
    for a, b in task.inputs[masks["fresh"]].tolist():
        assert (b, a) not in trained


def test_outputs_and_sites_agree(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    torch.testing.assert_close(snap.logits, snap.model.sites["logits"](snap.activations), atol=1e-4, rtol=1e-4)
    assert snap.activations["logits"] is snap.logits
    assert snap.outputs.shape == (121, 12)
    assert snap.logits.shape == (121, 11)
    assert torch.equal(snap.labels, snap.task.inputs.sum(1) % 11)


def test_views(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    for points, count in {
        "all": 121,
        "train": 60,
        "test": 61,
        "orbits": 66,
        "class_means": 11,
        "fresh": int(snap.masks["fresh"].sum()),
    }.items():
        assert snap.view("mlp_post", points).shape == (count, 24)
    assert snap.view("embed", "tokens").shape == (11, 16)
    cloud = snap.activations["resid_post"]
    swap = snap.task.inputs[:, 1] * 11 + snap.task.inputs[:, 0]
    pair_mean = (cloud + cloud[swap]) / 2
    torch.testing.assert_close(snap.view("resid_post", "orbits")[snap.task.orbits], pair_mean, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        snap.view("resid_post", "class_means")[4], cloud[snap.labels == 4].mean(0), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("site", "points", "message"),
    [
        ("mlp_post", "trains", "unknown set of points 'trains'. Did you mean 'train'"),
        ("mlp_pots", "train", "unknown site 'mlp_pots'"),
        ("embed", "frequency=6", "unknown frequency '6'"),
        ("mlp_post", "frequency=", "unknown set of points"),
        ("mlp_post", "cluster=6", "must be one of 1..5, got '6'"),
        ("embed", "cluster=1", "is for tables of symbols"),
        ("embed", "train", "is for tables of symbols"),
        ("mlp_post", "tokens", "is for tables of symbols"),
    ],
)
def test_a_wrong_view_says_what_there_is(tiny_run: Run, site: str, points: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tiny_run.snapshot().view(site, points)


def test_a_frequency_is_seen_in_its_own_plane(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    angle = 2 * np.pi * 3 * torch.arange(11) / 11
    circle = torch.stack([angle.cos(), angle.sin()], dim=1)
    table = torch.zeros(12, 16)
    table[:11, 4:6] = 7 * circle
    clock = Snapshot(task=snap.task, model=snap.model, params=snap.params | {"W_E": table}, train_mask=snap.train_mask)
    torch.testing.assert_close(clock.view("embed", "frequency=3"), circle.double(), atol=1e-6, rtol=0)
    assert snap.view("mlp_post", "frequency=3").shape == (11, 2)


def test_neurons_are_clustered_by_their_frequency(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    a, b = snap.task.inputs.double().T
    wave = {k: 2 * np.pi * k / 11 for k in (2, 4)}
    neurons = torch.stack(
        [
            (wave[2] * a).cos(),
            (wave[4] * (a + b)).sin() + 0.5 * (wave[2] * b).cos(),
            torch.zeros(121),
            1 + (wave[2] * (a - b)).cos(),
        ],
        dim=1,
    )
    assert torch.equal(views.cluster(neurons, snap.task, "2"), neurons[:, [0, 3]])
    assert torch.equal(views.cluster(neurons, snap.task, "4"), neurons[:, [1]])
    missing = views.cluster(neurons, snap.task, "5")
    assert isinstance(missing, Missing)
    assert missing.reason.endswith("there are those of 2, 4")
    assert snap.view("mlp_post", f"cluster={frequency_of_some_neuron(snap)}").shape[0] == 66


def frequency_of_some_neuron(snap: Snapshot) -> int:
    return next(k for k in range(1, 6) if not isinstance(snap.cloud("mlp_post", f"cluster={k}"), Missing))


def test_a_cloud_is_thinned_at_random_or_by_landmarks(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    cloud = snap.view("resid_mid", "orbits")
    rows = {tuple(row.tolist()) for row in cloud}
    share, landmarks = (snap.view("resid_mid", "orbits", **how) for how in ({"share": 0.5}, {"landmarks": 20}))
    assert (len(share), len(landmarks)) == (33, 20)
    assert all({tuple(row.tolist()) for row in some} < rows for some in (share, landmarks))
    assert not torch.equal(share, snap.view("resid_mid", "orbits", share=0.5, seed=1))
    assert not torch.equal(landmarks, snap.view("resid_mid", "orbits", landmarks=20, seed=1))
    assert torch.cdist(cloud, landmarks).min(1).values.max() < torch.cdist(cloud, share[:20]).min(1).values.max()
    assert torch.equal(snap.view("resid_mid", "orbits", landmarks=1000), cloud)
    both = snap.view("resid_mid", "orbits", share=0.5, landmarks=20)
    assert {tuple(row.tolist()) for row in both} < {tuple(row.tolist()) for row in share}


def test_a_class_without_inputs_has_no_mean(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    labels = torch.where(snap.labels == 2, 3, snap.labels)
    without = Snapshot(
        task=dataclasses.replace(snap.task, labels=labels),
        model=snap.model,
        params=snap.params,
        train_mask=snap.train_mask,
    )
    own, means = snap.view("resid_mid", "class_means"), without.view("resid_mid", "class_means")
    torch.testing.assert_close(means[[0, 1, 3]], own[[0, 1, 4]])
    assert len(means) == 10


def test_a_task_without_residues_has_no_such_clouds(tiny_run: Run) -> None:
    snap = tiny_run.snapshot()
    control = Snapshot(
        task=snap.task.with_random_labels(0), model=snap.model, params=snap.params, train_mask=snap.train_mask
    )
    assert control.cloud("embed", "frequency=3") == Missing("the task has no group")
    with pytest.raises(ValueError, match="need the task of all pairs of residues"):
        control.view("mlp_post", "cluster=3")


def test_the_run_knows_its_first_and_last_weights(tiny_run: Run) -> None:
    snap = tiny_run.snapshot(tiny_run.checkpoints[1])
    assert snap.initial is not None
    assert (snap.initial.step, snap.final.step) == (0, tiny_run.steps)


def test_foreign_weights_are_the_same_network(tiny_run: Run) -> None:
    own = tiny_run.snapshot()
    prefix = {"W_E": "embed.", "W_pos": "pos_embed.", "W_U": "unembed."}
    foreign = {f"{prefix.get(name, 'blocks.0.attn.')}{name}": tensor.numpy() for name, tensor in own.params.items()}
    foreign["blocks.0.attn.b_Q"] = torch.zeros(2, 8).numpy()
    foreign["blocks.0.attn.mask"] = torch.ones(3, 3).numpy()
    snap = snapshot(foreign, task="modular_addition", p=11, model="transformer")
    assert torch.equal(snap.outputs, own.outputs)
    assert snap.train_mask.all()
    assert snap.final is snap
    assert snap.initial is None
    assert isinstance(snap.mean(snap.sample_losses, "test"), Missing)
    split = snapshot(foreign, p=11, train_fraction=0.5, seed=0)
    assert torch.equal(split.train_mask, own.train_mask)


def test_foreign_weights_may_lack_the_output_of_equals(tiny_run: Run) -> None:
    own = tiny_run.snapshot()
    snap = snapshot({**own.params, "W_U": own.params["W_U"][:, :11]}, p=11)
    torch.testing.assert_close(snap.outputs, own.logits, atol=1e-6, rtol=1e-6)


def test_foreign_weights_of_other_kinds(tiny_run: Run) -> None:
    own = tiny_run.snapshot()
    frozen = {name: tensor.numpy().copy() for name, tensor in own.params.items()}
    for array in frozen.values():
        array.flags.writeable = False
    assert torch.equal(snapshot(frozen, p=11).outputs, own.outputs)
    mixed = {name: tensor.double() if name == "W_E" else tensor for name, tensor in own.params.items()}
    snap = snapshot(mixed, p=11)
    assert snap.logits.dtype == torch.float64
    torch.testing.assert_close(snap.logits.float(), own.logits, atol=1e-4, rtol=1e-4)
    snap.params["W_E"].zero_()
    assert mixed["W_E"].any()  # a copy


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"p": 2}, "p: input should be greater than or equal to 3 (got 2)"),
        ({"p": 11, "d_modle": 3}, "unknown field 'd_modle'. Did you mean 'd_model'?"),
    ],
)
def test_bad_fields_of_foreign_weights_are_one_line(tiny_run: Run, fields: dict, message: str) -> None:
    with pytest.raises(ValueError) as error:
        snapshot(tiny_run.snapshot().params, **fields)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_two_layers_are_not_taken_for_one(tiny_run: Run) -> None:
    params = tiny_run.snapshot().params
    two = {f"blocks.{layer}.mlp.{name}": tensor for layer in (0, 1) for name, tensor in params.items()}
    with pytest.raises(
        ValueError, match="weights have 2 layers, the model transformer has one; model=decoder has several"
    ):
        snapshot(two, p=11)


def test_foreign_weights_that_do_not_fit_are_named(tiny_run: Run) -> None:
    params = tiny_run.snapshot().params
    with pytest.raises(ValueError, match=r"W_E has shape \(12, 16\), expected \(14, 16\)"):
        snapshot(params, p=13)
    with pytest.raises(ValueError, match="weights lack the tensor W_O"):
        snapshot({name: tensor for name, tensor in params.items() if name != "W_O"}, p=11)
    with pytest.raises(ValueError, match="weights lack the tensor W_Q"):
        snapshot({name: tensor for name, tensor in params.items() if name != "W_Q"}, p=11)
    with pytest.raises(ValueError, match="no tensor b_Q, and it is not zero"):
        snapshot({**params, "b_Q": torch.ones(2, 8)}, p=11)
    with pytest.raises(ValueError, match=r"cannot be read off these shapes: .*W_Q \(16, 16\)"):
        snapshot({**params, "W_Q": torch.ones(16, 16)}, p=11)


def test_asking_for_a_site_that_is_not_there(tiny_run: Run) -> None:
    sites = tiny_run.snapshot().activations
    assert "nothing" not in sites
    assert "pattern" in sites


def test_nan_outputs_are_not_right_by_accident(tiny_run: Run) -> None:
    own = tiny_run.snapshot()
    snap = Snapshot(
        task=own.task,
        model=own.model,
        params=own.params,
        train_mask=own.train_mask,
        outputs=torch.full_like(own.outputs, torch.nan),
    )
    assert not snap.correct.any()


def test_templates_answer_with_the_nearest(store: Path) -> None:
    config = recipe("liu2022", max_steps=5, d_mlp=8)
    snap = train(config, store=store, progress=False).snapshot()
    task = snap.task
    assert task.templates is not None
    assert snap.outputs.shape == (55, 30)
    for index in (0, 17, 54):
        distances = (snap.outputs[index] - task.templates).square().sum(-1)
        torch.testing.assert_close(snap.logits[index], -distances, atol=1e-4, rtol=1e-4)
        assert bool(snap.correct[index]) == (int(distances.argmin()) == int(task.labels[index]))
        error = (snap.outputs[index] - task.templates[task.labels[index]]).square().mean()
        assert float(snap.sample_losses[index]) == pytest.approx(float(error), rel=1e-5)


def test_a_regression_is_right_within_its_tolerance(store: Path) -> None:
    config = recipe("omnigrok2023", max_steps=3, n_samples=40, n_train=20)
    snap = train(config, store=store, progress=False).snapshot()
    error = (snap.outputs - snap.labels).square().mean(-1)
    near = Snapshot(
        task=dataclasses.replace(snap.task, tolerance=float(error.mean())), model=snap.model, params=snap.params,
        train_mask=snap.train_mask, loss="mse",
    )  # fmt: skip
    assert torch.equal(near.correct, error.double() < error.mean())
    assert 0 < int(near.correct.sum()) < 40
    open_ended = dataclasses.replace(snap.task, tolerance=None)
    unjudged = Snapshot(
        task=open_ended, model=snap.model, params=snap.params, train_mask=snap.train_mask, loss="mse"
    )  # fmt: skip
    assert evaluate("behaviour.train_accuracy", unjudged) == Missing(
        "the task is a regression without a tolerance: no answer is right or wrong"
    )
    assert isinstance(evaluate("behaviour.margin", snap), Missing)
    with pytest.raises(ValueError, match="for tasks with classes"):
        snap.view("mlp_post", "class_means")


def test_a_centred_run_starts_at_zero_and_is_measured_as_trained(store: Path) -> None:
    run = train(tiny(dtype="float64", centred=True, output_scale=3.0), store=store, progress=False)
    first, last = run.snapshot(0), run.snapshot()
    assert not first.outputs.any()
    packed = [{name: tensor[None] for name, tensor in snap.params.items()} for snap in (first, last)]
    raw = [last.model.outputs(params, last.task.inputs[None])[0] for params in packed]
    torch.testing.assert_close(last.outputs, 3.0 * (raw[1] - raw[0]), atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(last.activations["logits"], last.outputs[:, :11])
    steps, losses = run.series("train/loss")
    assert losses[steps.tolist().index(last.step)] == pytest.approx(evaluate("behaviour.train_loss", last), rel=1e-9)


def test_what_is_said_of_a_snapshot_holds_for_the_same_run_at_other_steps(tiny_run: Run) -> None:
    """A truth, labels or a split that were put in place are those of its first and of its last checkpoint too."""
    middle = tiny_run.checkpoints[1]
    task, order = tiny_run.task, torch.randperm(11, generator=torch.Generator().manual_seed(1))
    replaced = {
        "truth": dataclasses.replace(task, truth=Truth(group="dihedral(5)")),
        "labels": dataclasses.replace(task, labels=order[task.labels]),
    }
    for name, other in replaced.items():
        snap = tiny_run.snapshot(middle).replace(task=other)
        for derived in (snap.initial, snap.final, snap.with_params(snap.params).final, snap.final.initial):
            assert derived is not None
            assert derived.task is other, name
            assert derived.step in (0, tiny_run.checkpoints[-1])
        again = tiny_run.snapshot(0).replace(task=other)
        assert again.final is snap.final  # what measures have computed of it is there for all steps
    snap = tiny_run.snapshot(middle)
    with pytest.raises(AttributeError, match=r"a snapshot does not change: snapshot.replace\(train_mask=...\)"):
        snap.train_mask = ~snap.train_mask
    snap = snap.replace(train_mask=~snap.train_mask)
    assert torch.equal(snap.final.masks["train"], tiny_run.snapshot().masks["test"])
    assert snap.initial is not None
    assert torch.equal(snap.initial.masks["train"], snap.train_mask)
    plain = tiny_run.snapshot(middle)
    assert plain.final.task is task
    assert torch.equal(plain.final.train_mask, tiny_run.train_mask)


def test_weights_in_another_order_are_so_at_every_step(tiny_run: Run) -> None:
    snap = tiny_run.snapshot(tiny_run.checkpoints[1])
    found = snap.mapped(lambda params: {name: -tensor for name, tensor in params.items()})
    assert found.initial is not None
    for derived, own in ((found.initial, snap.initial), (found.final, snap.final), (found.final.final, snap.final)):
        assert own is not None
        assert all(torch.equal(derived.params[name], -own.params[name]) for name in own.params)
    last = tiny_run.snapshot().mapped(dict)
    assert last.final is last
