"""The arms of weight efficiency, and their summary, from runs that are made up and from runs that are trained."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import GrokscopeError, Missing
from grokscope.statistics.intervals import Effect
from grokscope.statistics.transitions import phases
from grokscope.studies import efficiency_summary
from grokscope.studies.efficiency import ARMS, PLANS, TOGETHER, Plan, Trained, arms, continued, plan, trained
from grokscope.studies.efficiency_summary import Curve, summarise
from grokscope.studies.experiment import train

STEPS = np.arange(0, 6001, 250)


class Made:
    """A run with a norm at a fixed logit (None: left out) and an accuracy on test and fresh inputs, by step."""

    def __init__(self, config: Any, norm: float | None = None, accuracy: Any = 0.0, ended: bool = False) -> None:
        self.config, self._norm, self.steps = config, norm, int(STEPS[-1])
        self._accuracy = np.broadcast_to(accuracy, STEPS.shape)
        self.events = [{"event": "non-finite"}] if ended else []

    def snapshot(self) -> Any:
        return SimpleNamespace(is_finite=True, norm=self._norm)

    def rows(self, measure: str) -> Any:
        values = self._accuracy if measure == "behaviour.test_accuracy" else self._accuracy**2
        return SimpleNamespace(steps=STEPS, values=values)

    def phases(self, split: str) -> Any:
        assert split == "fresh"
        return phases(STEPS, train_accuracy=np.ones(len(STEPS)), test_accuracy=self._accuracy)


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots carry the norm they were made with; without one they are neither memory nor generalisation alone, and
    have a norm that nothing planted."""

    def evaluate(name: str, snapshot: Any, **options: Any) -> Any:
        if name == "efficiency.norm_per_logit":
            assert options == {"of": "rescaled", "at": 10.0}
            return 99.0 if snapshot.norm is None else snapshot.norm
        if name == "behaviour.train_accuracy":
            return 0.98 if snapshot.norm is None else 0.995
        assert (name, options) == ("efficiency.circuit_split", {"of": "share"})
        return {"generalising": 0.94 if snapshot.norm is None else 0.96}

    monkeypatch.setattr(efficiency_summary, "evaluate", evaluate)


CHOSEN = Plan(
    recipe="quickstart", fields={"p": 31}, seeds=tuple(range(5)), memorising=(50, 100, 200), full=913,
    generalising=(450,), generalising_seeds=tuple(range(6)), shrunk=(90, 135, 200), decays=(1.0, 2.0), scratch=(240,),
    steps=dict.fromkeys(ARMS, 6000),
)  # fmt: skip


def untrained() -> dict[str, Any]:
    return {"plan": CHOSEN, "memorising": {}, "generalising": {}, "ungrokking": {}, "scratch": {}}


STARTS = dict.fromkeys(range(10), Path(__file__))  # no weights, but a file


@pytest.mark.parametrize("scale", PLANS)
def test_the_arms_are_sizes_of_seeds(scale: Any) -> None:
    of = plan(scale)
    more = {
        "generalising": continued(of, STARTS, arm="generalising"),
        "ungrokking": continued(of, STARTS, arm="ungrokking", decay=2.0),
    }
    expected = {
        "memorising": (of.memorising, of.seeds, "memorising"),
        "full": ((of.full,), of.generalising_seeds, "generalising"),
        "scratch": (of.scratch, of.seeds, "scratch"),
        "generalising": (of.generalising, of.generalising_seeds, "generalising"),
        "ungrokking": (of.shrunk, of.seeds, "ungrokking"),
    }
    found = arms(of) | more
    assert set(found) == set(expected)
    for name, (sizes, seeds, steps) in expected.items():
        assert tuple(found[name]) == sizes
        for size, configs in found[name].items():
            assert [(c.n_train, c.seed, c.max_steps) for c in configs] == [(size, s, of.steps[steps]) for s in seeds]
            assert {c.random_labels for c in configs} == {name == "memorising"}
            assert {c.weight_decay for c in configs} == {2.0 if name == "ungrokking" else 1.0}
            assert {c.start for c in configs} == {str(__file__) if name in more else None}
            assert all(c.stop_after * c.evaluate_every > c.max_steps for c in configs)  # no run ends before its time
    assert len(plan("laptop").seeds) == TOGETHER == 5
    assert plan("laptop").generalising_seeds[:5] == plan("laptop").seeds  # so that packs are shared


def test_networks_go_on_with_some_of_the_inputs_they_knew(tmp_path: Path) -> None:
    of = plan("tiny")
    found = trained("tiny", store=tmp_path, only=["ungrokking", "generalising"], progress=False)
    assert {decay: tuple(packs) for decay, packs in found.ungrokking.items()} == dict.fromkeys(of.decays, of.shrunk)
    assert tuple(found.generalising) == (30, 40)
    for decay, packs in found.ungrokking.items():
        for size, pack in packs.items():
            for run, before in zip(pack, found.generalising[40], strict=True):
                assert (run.config.weight_decay, run.config.n_train) == (decay, size)
                start, knew = run.snapshot(0), before.snapshot()
                assert all(torch.equal(start.params[name], tensor) for name, tensor in knew.params.items())
                assert not (start.train_mask & ~knew.train_mask).any()
                assert int(start.train_mask.sum()) == size
    # Under the recipe's weight decay both arms go on in the same runs.
    assert [run.id for run in found.generalising[30]] == [run.id for run in found.ungrokking[1.0][30]]
    names = sorted(path.name for path in tmp_path.iterdir())
    again = trained("tiny", store=tmp_path, only=["ungrokking"], progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert again.ungrokking[1.0][10][0].config == found.ungrokking[1.0][10][0].config
    said = str(summarise(again))
    assert "memorising: none (the arm was not trained)" in said
    assert "ungrokking, weight decay 2" in said


def test_planted_curves_come_out_of_the_summary(made_up: None) -> None:
    packs = arms(CHOSEN)
    of: Any = untrained()
    factor = 1 + 0.01 * np.arange(5)
    of["memorising"] = {
        size: [Made(c, None if c.seed == 4 and size == 100 else factor[c.seed] * 2 * size**0.5) for c in pack]
        for size, pack in packs["memorising"].items()
    }
    fixed = {**continued(CHOSEN, STARTS, arm="generalising"), **packs["full"]}
    of["generalising"] = {
        size: [Made(c, None if c.seed == 5 else 2 * 144**0.5) for c in configs] for size, configs in fixed.items()
    }
    found = summarise(Trained(**of))
    memorising, generalising, met = found.memorising, found.generalising, found.crossing
    assert not any(isinstance(part, Missing) for part in (memorising, generalising, met))
    assert memorising.scaling.exponent.value == pytest.approx(0.5, rel=1e-9)  # pyright: ignore
    assert (memorising.scaling.n_left_out, memorising.scaling.n_networks) == (1, 14)  # pyright: ignore
    assert generalising.scaling.exponent.value == pytest.approx(0, abs=1e-9)  # pyright: ignore
    assert (generalising.scaling.n_left_out, generalising.scaling.n_networks) == (2, 10)  # pyright: ignore
    assert met.by_seed == pytest.approx(144 / factor**2, rel=1e-9)  # pyright: ignore
    assert "2 of 12 networks left out" in str(found)
    every = summarise(Trained(**of), least_share=0.94).generalising
    assert (every.norms[:, 5] == 99).all()  # pyright: ignore
    assert "crossing: 138 [133, 144] (n = 5); 0 of 5 beyond the sizes trained on" in str(found)


def falling(end: float, from_step: int = 0) -> np.ndarray:
    """Accuracy 1, from a step on what it is at the end."""
    return np.where(from_step <= STEPS, end, 1.0)


def test_ungrokking_has_a_critical_size_by_weight_decay(made_up: None) -> None:
    of: Any = untrained()
    ends = {90: 0.0, 135: 0.25, 200: 1.0}
    of["ungrokking"] = {
        decay: {
            size: [Made(c, None, falling(end, 0 if decay == 1 else 4000)) for c in pack]
            for (size, end), pack in zip(
                ends.items(), continued(CHOSEN, STARTS, arm="ungrokking").values(), strict=True
            )
        }
        for decay in CHOSEN.decays
    }
    found = summarise(Trained(**of))
    # Accuracy .25 at 135 and 1 at 200: one half a third of the way in ln n; fresh .0625 and 1: 7/15 of it.
    for arm in found.ungrokking.values():
        assert arm.critical.low.value == pytest.approx(135 * (200 / 135) ** (1 / 3), rel=1e-9)  # pyright: ignore
        assert arm.critical_fresh.low.value == pytest.approx(135 * (200 / 135) ** (7 / 15), rel=1e-9)  # pyright: ignore
    assert found.independence == Effect(value=1, low=1, high=1, n=5)
    # Under the decay of 2 nothing has fallen by step 3000, when it has decayed as much as the other by 6000.
    assert isinstance(found.independence_early, Missing)
    assert found.independence_early.reason == "5 of 5 seeds have no critical size in both"
    assert "goes on beyond the smallest size" in str(found.ungrokking[2.0].critical_early.low)
    of["ungrokking"][2.0][200][4] = Made(of["ungrokking"][2.0][200][4].config, None, 1.0, ended=True)
    assert summarise(Trained(**of)).ungrokking[2.0].critical.never == 1


def test_semi_grokking_is_rest_in_between(made_up: None) -> None:
    of: Any = untrained()
    packs = arms(CHOSEN)["scratch"]
    # Fresh accuracy is the square: at rest at .49, still rising, never, at rest at .36, generalised.
    curves = [np.full(25, 0.7), np.linspace(0, 0.9, 25), np.zeros(25), np.full(25, 0.6), np.ones(25)]
    of["scratch"] = {240: [Made(c, None, curve) for c, curve in zip(packs[240], curves, strict=True)]}
    found = summarise(Trained(**of)).scratch[240]
    assert found.fresh[[0, 2, 3, 4]] == pytest.approx([0.49, 0, 0.36, 1])
    assert found.semi == 2
    assert np.isfinite(found.t_gen).tolist() == [False, False, False, False, True]
    assert found.last == 6000


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown scale 'tny'. Did you mean 'tiny'"):
        plan("tny")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"unknown arm 'ungroking'. Did you mean 'ungrokking'"):
        trained("tiny", store=tmp_path, only=["ungroking"])
    with pytest.raises(ValueError, match="seed 3 has no network to go on with; there are those of"):
        continued(CHOSEN, {seed: Path(__file__) for seed in range(3)}, arm="ungrokking")
    too_many = dataclasses.replace(CHOSEN, memorising=(961,))
    with pytest.raises(ValueError, match="memorising: 961 training inputs of 961; take 1 to 960"):
        arms(too_many)
    assert not list(tmp_path.iterdir())


def test_a_start_of_another_network_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"W_E": torch.zeros(8, 4)}, tmp_path / "other.safetensors")
    sizes = continued(plan("tiny"), dict.fromkeys((0, 1), tmp_path / "other.safetensors"), arm="generalising")
    with pytest.raises(GrokscopeError, match=r"W_E: the file has \(8, 4\), this network \(8, 16\)"):
        train(sizes[30], store=tmp_path / "store", progress=False)


def test_a_run_that_is_not_there_moves_no_other_seed(made_up: None) -> None:
    of: Any = untrained()
    of["memorising"] = {
        size: [Made(c, (1 + c.seed) * size**0.5) for c in pack] for size, pack in arms(CHOSEN)["memorising"].items()
    }
    of["ungrokking"] = {
        decay: {
            size: [Made(c, None, falling(0.0 if size < 200 else 1 - 0.05 * decay * c.seed)) for c in pack]
            for size, pack in continued(CHOSEN, STARTS, arm="ungrokking").items()
        }
        for decay in CHOSEN.decays
    }
    whole = summarise(Trained(**of))
    edges = {decay: arm.critical.edges for decay, arm in whole.ungrokking.items()}
    del of["memorising"][100][1], of["ungrokking"][2.0][135][3]
    found = summarise(Trained(**of))
    assert isinstance(found.memorising, Curve)
    assert isinstance(whole.memorising, Curve)
    assert np.isnan(found.memorising.norms).sum() == 1
    assert np.isnan(found.memorising.norms[CHOSEN.memorising.index(100), 1])
    np.testing.assert_array_equal(found.memorising.norms[:, 2:], whole.memorising.norms[:, 2:])
    assert found.ungrokking[2.0].seeds == (0, 1, 2, 4)
    assert found.ungrokking[2.0].critical.edges == (*edges[2.0][:3], edges[2.0][4])
    ratio = {seed: edges[2.0][seed][0] / edges[1.0][seed][0] for seed in (0, 1, 2, 4)}  # pyright: ignore
    assert found.independence.value == pytest.approx(np.exp(np.mean(np.log(list(ratio.values())))))  # pyright: ignore
    assert "left out: seed 3 has no run in the arm of 135" in str(found)
