"""The plain loop with two lines more."""

import dataclasses
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import grokscope as gs
from grokscope.report.run.page import write_report
from grokscope.runs.config import RunConfig
from grokscope.runs.doctor import examine
from tests.conftest import tiny
from tests.watch.networks import P, pairs, plain, train, trained

CURVES = {f"behaviour.{split}_{of}" for split in ("train", "test") for of in ("accuracy", "loss")}


def watched(network: nn.Module, store: Path, **options: Any) -> Any:
    return gs.watch(network, *pairs(), **({"train": trained(), "store": store, "truth": f"cyclic({P})"} | options))


def test_two_lines_give_a_run_with_its_page(tmp_path: Path) -> None:
    network = plain()
    watch = watched(network, tmp_path, every=20)
    losses = train(network, 60, lambda step, loss: watch.step(step, loss=loss))
    run = watch.close()
    assert run.status["state"] == "done"
    assert run.steps == 60
    steps, logged = run.series("logged.loss")
    assert steps.tolist() == [20, 40, 60]
    assert logged.tolist() == [losses[19], losses[39], losses[59]]
    steps, accuracy = run.series("test/accuracy")
    assert steps.tolist() == [0, 20, 40, 60]
    network.eval()
    x, y = pairs()
    held = ~trained()
    assert accuracy[-1] == (network(x[held]).argmax(1) == y[held]).double().mean().item()
    page = write_report(gs.load(tmp_path / run.id)).read_text()
    assert {"manifold.equivariance", "manifold.linear_dimension"} <= set(run.rows().measures.tolist())
    assert "equivariance R" in page
    assert examine(tmp_path).damages == []


def test_a_network_of_ours_gives_the_same_numbers(tmp_path: Path) -> None:
    """The plain transformer, with our names for its weights and sites, against the snapshot of the run itself."""
    run = gs.train(tiny(max_steps=60, evaluate_every=20), store=tmp_path / "own")
    own = run.snapshot()
    network = Foreign(own.params, run.config)
    torch.testing.assert_close(network(own.task.inputs), own.outputs)
    with gs.watch(
        network,
        own.task.inputs,
        own.labels,
        train=own.train_mask,
        truth=own.task.truth.group,
        store=tmp_path / "watched",
        sites={"embed": "W_E", "resid_mid": "mid", "mlp_post": "post", "pattern": "pattern"},
        rename={name: name for name in own.params},
    ) as watch:
        here = watch.snapshot()
        assert set(here.params) == set(own.params)
        compared = 0
        for name, measure in gs.measures().items():
            if measure.needs and not {"initial", "before", "descent"}.isdisjoint(measure.needs):
                continue
            ours, theirs = dict(measure.rows(own)), dict(measure.rows(here))
            for view, value in ours.items():
                if isinstance(value, float) and isinstance(other := theirs.get(view), float):
                    assert other == pytest.approx(value, rel=1e-5, abs=1e-6), (name, view)
                    compared += 1
    assert compared > 60


class Foreign(nn.Module):
    """A transformer of one layer by hand: no code of grokscope's."""

    def __init__(self, params: dict[str, torch.Tensor], config: RunConfig) -> None:
        super().__init__()
        for name, tensor in params.items():
            self.register_parameter(name, nn.Parameter(tensor.clone()))
        self.mid, self.post, self.pattern = nn.Identity(), nn.Identity(), nn.Identity()
        self.p = config.p

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = torch.cat([x, torch.full_like(x[:, :1], self.p)], 1)
        stream = self.W_E[tokens] + self.W_pos[: tokens.shape[1]]
        q, k, v = (torch.einsum("bpd,hde->bhpe", stream, w) for w in (self.W_Q, self.W_K, self.W_V))
        scores = q[:, :, -1:] @ k.transpose(-1, -2) / k.shape[-1] ** 0.5
        pattern = self.pattern(scores.softmax(-1)[:, :, 0])
        z = torch.einsum("bhk,bhke->bhe", pattern, v)
        mid = self.mid(stream[:, -1] + torch.einsum("bhe,hed->bd", z, self.W_O))
        post = self.post(torch.relu(mid @ self.W_in + self.b_in))
        return (mid + post @ self.W_out + self.b_out) @ self.W_U


def test_what_the_network_cannot_answer_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"attention\.entropy: the network has no attention pattern"):
        watch = watched(plain(), tmp_path, measures=["attention.entropy", "weights.norm"])
    assert set(watch.cannot) == {"attention.entropy"}
    assert set(watch.close().rows().measures) == {"weights.norm"} | CURVES


def test_without_measures_there_are_the_curves_that_phases_are_found_in(tmp_path: Path) -> None:
    with watched(plain(), tmp_path, measures=[], every=1) as watch:
        watch.step(1, loss=0.5)
    assert set(watch.run.rows().measures) == {"logged.loss"} | CURVES
    assert watch.cannot == {}


def test_parts_that_are_not_called_are_no_sites(tmp_path: Path) -> None:
    """A loss that the network holds; but a site that somebody named must be there."""
    network = plain()
    network.criterion = nn.CrossEntropyLoss()
    with watched(network, tmp_path, measures=[]) as watch:
        assert set(watch.snapshot().model.sites) == {"embed", "net"}
    with pytest.raises(ValueError, match="the forward pass never called criterion"):
        watched(network, tmp_path, sites="criterion")


def test_a_measure_that_raises_is_missing_and_the_training_goes_on(tmp_path: Path) -> None:
    network = plain()
    watch = watched(network, tmp_path, every=5, measures=["weights.norm", "manifold.linear_dimension"])

    def broken(*_: Any) -> None:
        raise RuntimeError("no number today\nand more")

    chosen = watch._measuring._chosen
    place = next(i for i, one in enumerate(chosen) if one.id == "weights.norm")
    chosen[place] = dataclasses.replace(chosen[place], function=broken)
    train(network, 10, lambda step, _: watch.step(step))
    assert watch.cannot["weights.norm"] == "RuntimeError: no number today"
    assert watch.close().series("manifold.linear_dimension", "view=net/orbits")[0].tolist() == [0, 5, 10]


def test_numbers_that_are_not_finite_end_it(tmp_path: Path) -> None:
    network = plain()
    with watched(network, tmp_path, every=1) as watch:
        assert not watch.should_stop
        network.net[0].weight.data[0, 0] = torch.nan
        watch.step(1, loss=torch.tensor(torch.nan))
        assert watch.should_stop
    events = [event["event"] for event in watch.run.events]
    assert events == ["non-finite", "finished"]


def test_it_says_when_it_has_grokked(tmp_path: Path) -> None:
    """Weights that answer everything: generalised, and after some looks nothing is left to see."""

    class Right(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.scale * nn.functional.one_hot(x.sum(1) % P, P).float()

    network = Right()
    watch = watched(network, tmp_path, every=1, measures=["behaviour.train_accuracy", "behaviour.test_accuracy"])
    network.scale.data += 5
    for step in range(1, 25):
        watch.step(step)
        assert watch.should_stop == (step >= 20)
    assert watch.phases.generalized_at == 1
    assert {event["event"] for event in watch.close().events} >= {"memorized", "generalized"}


def test_after_the_end_nothing_more_is_looked_at(tmp_path: Path) -> None:
    network = plain()
    watch = watched(network, tmp_path, every=1, measures=["weights.norm"])
    watch.step(1)
    run = watch.close()
    with pytest.warns(UserWarning, match="is closed"):
        watch.step(2)
    assert watch.close().id == run.id
    assert run.series("weights.norm")[0].tolist() == [0, 1]


def test_a_store_that_fails_stops_the_watch_not_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = plain()
    watch = watched(network, tmp_path, every=1, measures=["weights.norm"])

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(watch._stored, "numbers", full)
    with pytest.warns(UserWarning, match="No space left on device; the training goes on"):
        train(network, 3, lambda step, _: watch.step(step))


def test_two_watches_on_one_network(tmp_path: Path) -> None:
    network, alone = plain(), plain()
    one = watched(network, tmp_path, every=1, measures=["weights.norm"])
    two = watched(network, tmp_path, every=2, measures=["weights.norm", "behaviour.test_accuracy"])
    torch.manual_seed(3)
    losses = train(network, 6, lambda step, _: (one.step(step), two.step(step)))
    torch.manual_seed(3)
    assert losses == train(alone, 6)
    assert one.close().id != two.close().id
    np.testing.assert_array_equal(one.run.series("weights.norm")[1][::2], two.run.series("weights.norm")[1])


def test_an_unknown_field_or_measure_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"weight_decay"):
        watched(plain(), tmp_path, config={"weight_deca": 1.0})
    with pytest.raises(ValueError, match=r"weights\.norm"):
        watched(plain(), tmp_path, measures=["weights.nrm"])
    with pytest.raises(ValueError, match=r"embed\.weight"):
        watched(plain(), tmp_path, rename={"W_E": "embed.weigth"})
    assert not list(tmp_path.iterdir())


def test_what_is_known_of_the_training_is_kept(tmp_path: Path) -> None:
    run = watched(plain(), tmp_path, config={"weight_decay": 0.1, "seed": 4}, measures=["weights.norm"]).close()
    again = gs.load(tmp_path / run.id)
    assert (again.config.weight_decay, again.config.seed) == (0.1, 4)
    assert "learning_rate" in again.unknown
    assert "weight_decay" not in again.unknown
    assert [one.id for one in gs.runs(tmp_path)] == [run.id]


def test_what_needs_the_network_is_answered_while_it_is_there(tmp_path: Path) -> None:
    with watched(plain().double(), tmp_path) as watch:
        alive = gs.measure("stability.radial_share", watch.snapshot())
        assert isinstance(alive, float)
    stored = gs.measure("stability.radial_share", watch.run.snapshot())
    assert isinstance(stored, gs.Missing)
    assert "only its recorded activations are" in stored.reason


def test_warnings_are_none_where_nothing_is_wrong(tmp_path: Path) -> None:
    network = plain()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watch = watched(network, tmp_path, every=3)
        train(network, 9, lambda step, loss: watch.step(step, loss=loss))
        watch.close()


def test_a_training_that_breaks_off_has_failed(tmp_path: Path) -> None:
    network = plain()

    def broken(step: int, _: Any) -> None:
        watch.step(step)
        raise RuntimeError("the user's")

    with pytest.raises(RuntimeError, match="the user's"), watched(network, tmp_path, every=1) as watch:
        train(network, 3, broken)
    assert (watch.run.status["state"], watch.run.steps) == ("failed", 1)
    assert watch.run.series("weights.norm")[0].tolist() == [0, 1]
    assert "broke off with an error after step 1" in write_report(watch.run).read_text()
    assert examine(tmp_path).damages == []


def test_what_has_an_answer_again_is_no_longer_missing(tmp_path: Path) -> None:
    network = plain()
    with watched(network, tmp_path, every=1, measures=["behaviour.test_loss"]) as watch:
        good = network.embed.weight.detach().clone()
        network.embed.weight.data.fill_(torch.nan)
        watch.step(1)
        assert "not finite" in watch.cannot["behaviour.test_loss"]
        network.embed.weight.data.copy_(good)
        watch.step(2)
        assert watch.cannot == {}


def test_what_is_logged_and_no_number_is_said_and_left_out(tmp_path: Path) -> None:
    watch = watched(plain(), tmp_path, every=1, measures=["weights.norm"])
    with pytest.warns(UserWarning, match="note is a str and no number"):
        watch.step(1, loss=0.5, note="warm-up")
    run = watch.close()
    assert run.series("logged.loss")[1].tolist() == [0.5]
    assert run.series("weights.norm")[0].tolist() == [0, 1]


def test_a_turned_weight_is_ours_and_the_network_answers_with_it(tmp_path: Path) -> None:
    """The circuit of a plain network, with W_out as the transpose of its last layer's weight."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Embedding(P, 16), nn.Flatten(), nn.Linear(32, 24), nn.ReLU(), nn.Linear(24, P, bias=False)
    )
    sites, rename = {"mlp_post": "3", "embed": "0.weight"}, {"W_E": "0.weight", "W_out": "4.weight.T"}
    with watched(network, tmp_path, sites=sites, rename=rename, measures=[]) as watch:
        snapshot = watch.snapshot()
        assert torch.equal(snapshot.params["W_out"], network[4].weight.T)
        torch.testing.assert_close(snapshot.activations["mlp_post"] @ snapshot.params["W_out"], snapshot.logits)
        changed = snapshot.with_params({**snapshot.params, "W_out": 2 * snapshot.params["W_out"]})
        torch.testing.assert_close(changed.logits, 2 * snapshot.logits)
        assert isinstance(gs.measure("circuits.gini_neuron_logit", snapshot), float)
    with pytest.raises(ValueError, match=r"unknown weight '4\.wieght'"):
        watched(network, tmp_path, rename={"W_out": "4.wieght.T"})
    with pytest.raises(ValueError, match=r"2\.bias has 1 axes; only a matrix is turned"):
        watched(network, tmp_path, rename={"b_in": "2.bias.T"})


def test_what_there_was_never_time_for_is_said_at_the_end(tmp_path: Path) -> None:
    watch = watched(plain(), tmp_path, every=1, budget=1e-6, measures=["weights.norm", "manifold.gride"])
    watch.step(1)
    with pytest.warns(UserWarning, match=r"there was no time for manifold\.gride"):
        watch.close()
    assert watch.skipped["manifold.gride"] >= 1


def test_labels_that_copy_the_inputs_are_noted(tmp_path: Path) -> None:
    x, _ = pairs()
    watch = gs.watch(plain(), x, x[:, -1], train=trained(), store=tmp_path, measures=["weights.norm"])
    assert any("copying" in note for note in watch.notes)
    assert "copying, not predicting" in write_report(watch.close()).read_text()


def test_a_sink_gets_numbers_as_they_come_and_figures_at_the_end(tmp_path: Path) -> None:
    class Board:
        def __init__(self) -> None:
            self.steps: list[int] = []
            self.figures: dict[str, Any] = {}
            self.closed = 0

        def scalars(self, step: int, values: Any) -> None:
            assert not self.figures
            assert values["weights.norm"] > 0
            self.steps.append(step)

        def figure(self, name: str, figure: Any) -> None:
            self.figures[name] = figure

        def close(self) -> None:
            self.closed += 1

    board, network = Board(), plain()
    watch = watched(network, tmp_path, every=2, measures=None, sinks=[board])
    train(network, 6, lambda step, loss: watch.step(step, loss=loss))
    run = watch.close()
    assert (board.steps, board.closed) == ([0, 2, 4, 6], 1)
    assert set(board.figures) == set(gs.load(run.folder).figures()) > {"grokking_curve", "weight_norm"}
    assert len(board.figures["grokking_curve"].data) > 2
    assert not isinstance(gs.load(run.folder).figure("weight_norm"), gs.Missing)


def test_a_sink_gets_at_most_one_point_in_so_many_steps(tmp_path: Path) -> None:
    got: list[int] = []
    network, options = plain(), {"measures": ["weights.norm"], "every": 1, "sinks_every": 5}
    with watched(network, tmp_path, sinks=lambda step, _: got.append(step), **options) as watch:
        train(network, 12, lambda step, _: watch.step(step))
    assert got == [0, 5, 10]


def test_checkpoints_that_there_is_no_room_for_are_said_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = plain()
    watch = watched(network, tmp_path, every=25, measures=["weights.norm"])
    monkeypatch.setattr("grokscope.watch.stored.MOST_DISK", 1)
    train(network, 150, lambda step, _: watch.step(step))
    with pytest.warns(UserWarning, match="those of steps 25, 50, 75 and 3 more are left out"):
        run = watch.close()
    assert run.checkpoints == [0]
    assert run.series("weights.norm")[0].tolist() == [0, 25, 50, 75, 100, 125, 150]
