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
from grokscope.studies.efficiency import ARMS, PLANS, Plan, Trained, arms, plan, shrunk, trained
from grokscope.studies.efficiency_summary import summarise
from grokscope.studies.experiment import train
from grokscope.training.pack import Pack

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
    recipe="quickstart", fields={"p": 31}, seeds=tuple(range(5)), memorising=(50, 100, 200), generalising=(480, 913),
    shrunk=(90, 135, 200), decays=(1.0, 2.0), scratch=(170, 240), steps=dict.fromkeys(ARMS, 6000),
)  # fmt: skip


def untrained() -> dict[str, Any]:
    return {"plan": CHOSEN, "memorising": {}, "generalising": {}, "ungrokking": {}, "scratch": {}}


@pytest.mark.parametrize("scale", PLANS)
def test_the_arms_are_one_pack_of_seeds_a_size(scale: Any) -> None:
    of = plan(scale)
    found = arms(of)
    for name, sizes in (("memorising", of.memorising), ("generalising", of.generalising), ("scratch", of.scratch)):
        assert tuple(found[name]) == sizes
        for size, pack in found[name].items():
            assert [(c.n_train, c.seed, c.max_steps) for c in pack] == [(size, s, of.steps[name]) for s in of.seeds]
            assert {c.random_labels for c in pack} == {name == "memorising"}
            assert all(c.stop_after * c.evaluate_every > c.max_steps for c in pack)  # no run ends before its time
            assert Pack(pack, device=torch.device("cpu")).n_replicas == len(of.seeds)
    assert len(plan("laptop").seeds) == 5


def test_networks_go_on_with_some_of_the_inputs_they_knew(tmp_path: Path) -> None:
    of = plan("tiny")
    runs = trained("tiny", store=tmp_path, only=["ungrokking"], progress=False).ungrokking
    assert {decay: tuple(packs) for decay, packs in runs.items()} == dict.fromkeys(of.decays, of.shrunk)
    full = train(arms(of)["generalising"][40], store=tmp_path, progress=False)
    for decay, packs in runs.items():
        for size, pack in packs.items():
            for run, before in zip(pack, full, strict=True):
                assert (run.config.weight_decay, run.config.n_train) == (decay, size)
                start, knew = run.snapshot(0), before.snapshot()
                assert all(torch.equal(start.params[name], tensor) for name, tensor in knew.params.items())
                assert not (start.train_mask & ~knew.train_mask).any()
                assert int(start.train_mask.sum()) == size
    names = sorted(path.name for path in tmp_path.iterdir())
    again = trained("tiny", store=tmp_path, only=["ungrokking"], progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert again.ungrokking[1.0][10][0].config == runs[1.0][10][0].config
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
    of["generalising"] = {
        size: [Made(c, None if c.seed == 3 and size == 480 else factor[c.seed] * 2 * 144**0.5) for c in pack]
        for size, pack in packs["generalising"].items()
    }
    found = summarise(Trained(**of))
    assert not isinstance(found.memorising, Missing)
    assert not isinstance(found.generalising, Missing)
    assert not isinstance(found.crossing, Missing)
    assert found.memorising.scaling.exponent.value == pytest.approx(0.5, rel=1e-9)  # pyright: ignore
    assert (found.memorising.scaling.n_left_out, found.memorising.scaling.n_networks) == (1, 14)
    assert found.generalising.scaling.exponent.value == pytest.approx(0, abs=1e-9)  # pyright: ignore
    assert (found.generalising.scaling.n_left_out, found.generalising.scaling.n_networks) == (1, 9)
    assert found.crossing.by_seed == pytest.approx(np.full(5, 144), rel=1e-9)
    assert found.crossing_of_lines.by_seed[:3] == pytest.approx(np.full(3, 144), rel=1e-6)  # pyright: ignore
    assert np.isnan(found.crossing_of_lines.by_seed[3])  # pyright: ignore
    assert "1 of 10 networks left out" in str(found)
    assert "crossing with the generalising mean: 144 [144, 144] (n = 5), 0 beyond" in str(found)


def falling(end: float, from_step: int = 0) -> np.ndarray:
    """Accuracy 1, from a step on what it is at the end."""
    return np.where(from_step <= STEPS, end, 1.0)


def test_ungrokking_has_a_critical_size_by_weight_decay(made_up: None) -> None:
    of: Any = untrained()
    ends = {90: 0.0, 135: 0.25, 200: 1.0}
    of["ungrokking"] = {
        decay: {
            size: [Made(c, 20.0 if size == 200 else None, falling(end, 0 if decay == 1 else 4000)) for c in pack]
            for (size, end), pack in zip(ends.items(), packs.values(), strict=True)
        }
        for decay, packs in shrunk(CHOSEN, dict.fromkeys(range(5), Path(__file__))).items()
    }
    found = summarise(Trained(**of))
    # Accuracy .25 at 135 and 1 at 200: one half a third of the way in ln n; fresh .0625 and 1: 7/15 of it.
    for arm in found.ungrokking.values():
        assert arm.critical.low.value == pytest.approx(135 * (200 / 135) ** (1 / 3), rel=1e-9)  # pyright: ignore
        assert arm.critical_fresh.low.value == pytest.approx(135 * (200 / 135) ** (7 / 15), rel=1e-9)  # pyright: ignore
        assert (arm.kept.scaling.n_networks, arm.kept.scaling.n_left_out) == (5, 10)
    assert found.independence == Effect(value=1, low=1, high=1, n=5)
    # Under the decay of 2 nothing has fallen by step 3000, when it has decayed as much as the other by 6000.
    assert isinstance(found.independence_early, Missing)
    assert found.independence_early.reason == "5 of 5 seeds have no critical size in both"
    assert "goes on beyond the smallest size" in str(found.ungrokking[2.0].critical_early.low)
    of["ungrokking"][2.0][200][4] = Made(of["ungrokking"][2.0][200][4].config, 20.0, 1.0, ended=True)
    assert summarise(Trained(**of)).ungrokking[2.0].critical.never == 1


def test_semi_grokking_is_rest_in_between(made_up: None) -> None:
    of: Any = untrained()
    packs = arms(CHOSEN)["scratch"]
    # Fresh accuracy is the square: at rest at .49, still rising, never, at rest at .36, generalised.
    curves = [np.full(25, 0.7), np.linspace(0, 0.9, 25), np.zeros(25), np.full(25, 0.6), np.ones(25)]
    of["scratch"] = {170: [Made(c, None, curve) for c, curve in zip(packs[170], curves, strict=True)]}
    found = summarise(Trained(**of)).scratch[170]
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
        shrunk(CHOSEN, {0: Path(__file__), 1: Path(__file__), 2: Path(__file__)})
    too_many = dataclasses.replace(CHOSEN, memorising=(961,))
    with pytest.raises(ValueError, match="memorising: 961 training inputs of 961; take 1 to 960"):
        arms(too_many)
    assert not list(tmp_path.iterdir())


def test_a_start_of_another_network_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"W_E": torch.zeros(8, 4)}, tmp_path / "other.safetensors")
    packs = shrunk(plan("tiny"), dict.fromkeys((0, 1), tmp_path / "other.safetensors"))
    with pytest.raises(GrokscopeError, match=r"W_E: the file has \(8, 4\), this network \(8, 16\)"):
        train(packs[1.0][10], store=tmp_path / "store", progress=False)
