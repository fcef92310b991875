"""Training and measuring together."""

import dataclasses
from pathlib import Path
from typing import get_args

import pytest
import torch

from grokscope.errors import GrokscopeError
from grokscope.measures.analyses import checkpoints
from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.measures.base import Cost, evaluate, measures
from grokscope.registry import component
from grokscope.studies import experiment
from grokscope.studies import study as studying
from grokscope.studies.experiment import train
from grokscope.studies.plan import plan
from grokscope.training.device import chosen_device
from tests.conftest import tiny


def test_one_config_gives_a_run_and_several_a_list(store: Path) -> None:
    one = train(tiny(max_steps=3), store=store, progress=False)
    several = train([tiny(max_steps=3)], store=store, progress=False)
    assert isinstance(several, list)
    assert several[0].id == one.id
    with pytest.raises(ValueError, match="at least one config"):
        train([], store=store, progress=False)


def test_a_pack_that_does_not_fit_is_trained_as_several_and_that_is_said(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(experiment, "in_packs", lambda configs, _: [configs[:2], configs[2:]])
    runs = train([tiny(seed=seed, max_steps=3) for seed in range(3)], store=store)
    assert [run.config.seed for run in runs] == [0, 1, 2]
    assert len({run.folder for run in runs}) == 2
    assert "training them as 2 packs of up to 2" in capsys.readouterr().err


def test_a_measure_is_taken_as_often_as_its_cost_says_and_by_name_at_every_checkpoint(store: Path) -> None:
    run = train(tiny(), store=store, progress=False)
    by_cost = {cost: {n for n, m in measures().items() if m.cost == cost} for cost in get_args(Cost)}
    assert set(run.rows().measures) == by_cost["cheap"]
    missing = measure_checkpoints(run)
    assert set(run.rows().measures) | set(missing) == set(measures()) - by_cost["asked"]
    at = {name: set(run.rows(name).steps.tolist()) for name in set(run.rows().measures)}
    assert all(at[name] == {run.checkpoints[-1]} for name in by_cost["final"] & set(at))
    assert at["circuits.restricted_loss"] == set(run.checkpoints)
    missing |= measure_checkpoints(run, only=sorted(by_cost["asked"] | {"weights.spectral_norm"}))
    assert by_cost["asked"] <= set(run.rows().measures) | set(missing)
    for step in run.checkpoints:
        steps, values = run.series("weights.spectral_norm", view="tensor=W_U")
        expected = evaluate("weights.spectral_norm", run.snapshot(step))["W_U"]  # pyright: ignore
        assert values[steps.tolist().index(step)] == expected
    measure_checkpoints(run, again=True)  # what was asked for by name stays at the other checkpoints
    assert set(run.rows("weights.spectral_norm").steps.tolist()) == set(run.checkpoints)


def test_stored_numbers_are_those_of_the_stored_weights(store: Path) -> None:
    """What was measured within the pack while training equals what the checkpoint gives."""
    pack = train([tiny(seed=seed) for seed in (0, 1)], store=store, progress=False)
    for run in pack:
        for name in ("behaviour.test_loss", "weights.norm", "circuits.gini_embedding", "weights.relative_movement"):
            steps, values = run.series(name)
            stored = dict(zip(steps.tolist(), values.tolist(), strict=True))
            for step in run.checkpoints:
                assert evaluate(name, run.snapshot(step)) == pytest.approx(stored[step], rel=1e-4, abs=1e-6)


def test_measuring_again_replaces_what_is_there(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, other = train([tiny(seed=seed) for seed in (0, 1)], store=store, progress=False)
    steps, before = run.series("weights.norm")
    untouched = other.rows()
    altered = dataclasses.replace(component("measures", "weights.norm"), packed=False, function=lambda snapshot: 7.0)
    monkeypatch.setattr("grokscope.measures.weights.norm.norm", altered)
    measure_checkpoints(run, only=["weights.norm"])
    assert run.series("weights.norm")[1].tolist() == before.tolist()  # there already: left as it is
    measure_checkpoints(run, only=["weights.norm"], again=True)
    again, after = run.series("weights.norm")
    assert again.tolist() == steps.tolist()
    for step, old, new in zip(steps.tolist(), before, after, strict=True):
        assert new == (7.0 if step in run.checkpoints else old)
    assert len(run.rows("weights.norm")) == len(steps)
    assert len(other.rows()) == len(untouched)


def test_random_labels_have_no_circuit_measures_and_say_why(store: Path) -> None:
    run = train(tiny(random_labels=True), store=store, progress=False)
    missing = measure_checkpoints(run)
    assert "cyclic" in missing["circuits.restricted_loss"]
    assert "weights.spectral_norm" in set(run.rows().measures)
    snap = run.snapshot()
    assert not torch.equal(snap.labels, snap.task.inputs.sum(1) % 11)


def test_packs_keep_the_runs_apart(store: Path) -> None:
    pack = train([tiny(seed=0), tiny(seed=0, weight_decay=0.0)], store=store, progress=False)
    norms = [run.series("weights.norm")[1][-1] for run in pack]
    assert norms[0] < norms[1]


def test_devices() -> None:
    assert chosen_device("cpu").type == "cpu"
    with pytest.raises(ValueError, match="device must be auto, cpu or cuda, got 'tpu'"):
        chosen_device("tpu")
    if not torch.cuda.is_available():
        assert chosen_device("auto").type == "cpu"
        with pytest.raises(GrokscopeError, match="torch sees no GPU"):
            chosen_device("cuda")


def test_a_variant_that_is_added_later_is_measured_and_the_others_are_not_again(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each variant of a measure is looked for by its view: the first has no options, the second elements by name."""
    run = train(tiny(), store=store, progress=False)
    taken: list[str] = []

    def function(snapshot: object, of: str = "", n: int = 0) -> object:
        taken.append(of)
        return {"a": 1.0, "b": 2.0} if of == "parts" else 3.0

    whole = dataclasses.replace(component("measures", "weights.norm"), id="weights.made", axis="head", packed=False)
    first, second, third = {}, {"of": "parts"}, {"of": "parts", "n": 1}

    def measured(*variants: dict[str, object]) -> None:
        taken.clear()
        made = dataclasses.replace(whole, variants=variants, function=function)
        monkeypatch.setattr(checkpoints, "component", lambda *_: made)
        measure_checkpoints(run, only=["weights.made"])

    for variants, new in (
        ((third,), ["parts"]),
        ((third, first), [""]),
        ((first, second, third), ["parts"]),
        ((first, second), []),
    ):
        measured(*variants)
        assert taken == new * len(run.checkpoints)
    views = ["", "of=parts,head=a", "of=parts,head=b", "of=parts,n=1,head=a", "of=parts,n=1,head=b"]
    assert sorted(run.rows("weights.made").views) == sorted(views * len(run.checkpoints))


def test_a_study_measures_again_what_has_a_variant_more(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arms = {"base": [tiny(max_steps=2)]}
    found = plan("s", arms, store, measures={"base": ["weights.effective_rank"]})
    train(arms["base"], store=store, progress=False)
    found.study.save([])
    found.study.mark_measured(found.packs[0].id)
    assert found.study.measured() == {found.packs[0].id}
    more = dataclasses.replace(component("measures", "weights.effective_rank"), variants=({}, {"of": "W_E"}))
    monkeypatch.setattr(studying, "component", lambda *_: more)
    assert found.study.measured() == set()
