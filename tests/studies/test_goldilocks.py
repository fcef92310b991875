"""The arms of the Goldilocks study, and its summary, from runs that are made up and from runs that are trained."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grokscope.errors import Missing
from grokscope.statistics.goldilocks import Law, generalisation_law, shell
from grokscope.statistics.transitions import phases
from grokscope.studies.goldilocks import ARMS, PLANS, Plan, arms, plan, study, summarise
from grokscope.training.pack import Pack

STEPS = np.arange(0, 4001, 50)


class Made:
    """A run of a chosen norm, final losses and time to generalise (None: never)."""

    def __init__(self, config: Any, norm: float, train: float, test: float, generalised: float | None) -> None:
        self.config, self._norm = config, norm
        self._final = {"train/loss": train, "test/loss": test, "test/accuracy": float(generalised is not None)}
        self._at = np.inf if generalised is None else generalised

    def summary(self) -> Any:
        return {"final": self._final}

    def series(self, name: str) -> Any:
        assert name == "weights.norm"
        return STEPS, np.append(self._norm, np.zeros(len(STEPS) - 1))

    def phases(self, *, test_threshold: float) -> Any:
        assert test_threshold == 0.9
        return phases(STEPS, train_accuracy=np.ones(len(STEPS)), test_accuracy=(self._at <= STEPS).astype(float))


@pytest.mark.parametrize("setting", PLANS)
@pytest.mark.parametrize("scale", ["tiny", "laptop"])
def test_the_arms_are_packs_of_alphas_times_seeds(setting: str, scale: Any) -> None:
    of = plan(setting, scale)
    found = arms(of)
    assert tuple(found) == ARMS
    for name, values, field in zip(
        ARMS, (of.alphas, of.alphas, of.free_alphas, of.fractions), ["init_scale"] * 3 + ["train_fraction"], strict=True
    ):
        assert [(getattr(c, field), c.seed) for c in found[name]] == [(v, s) for v in values for s in of.seeds]
        if scale == "tiny":
            assert Pack(found[name], device=torch.device("cpu")).n_replicas == len(values) * len(of.seeds)
    for config in (*found["sphere"], *found["sphere, equal angle"]):
        assert (config.norm_sphere, config.weight_decay, config.max_steps) == (("all",), 0, of.steps)
        assert config.stop_after * config.evaluate_every > config.max_steps  # no run ends before its time
    for plain, equal in zip(found["sphere"], found["sphere, equal angle"], strict=True):
        assert equal == plain.replace(norm_sphere_step="angle")
    assert all(not c.norm_sphere and c.weight_decay > 0 for c in (*found["free"], *found["fractions"]))
    assert {c.init_scale for c in found["fractions"]} == {2.0 if setting == "teacher_student" else 1.0}


def test_the_laptop_plans_have_five_seeds_and_the_published_alphas() -> None:
    students, addition = plan("teacher_student"), plan("modular_addition")
    assert len(students.seeds) == len(addition.seeds) == 5
    assert len(students.alphas) == 11
    assert {0.1, 1.0, 10.0} <= set(students.alphas)
    assert 0.8 in addition.alphas


def test_a_planted_zone_and_law_come_out_of_the_summary() -> None:
    chosen = plan("teacher_student", "tiny")
    chosen = Plan(**(vars(chosen) | {"alphas": (0.1, 1.0, 10.0), "free_alphas": (0.5, 2.0, 4.0), "seeds": range(5)}))
    packs, w = arms(chosen), [7.0, 7.1, 7.2, 7.3, 7.4]
    losses = {0.1: 1.0, 1.0: 1e-3, 10.0: 2.0}
    sphere = [Made(c, c.init_scale * w[c.seed], 1e-5 / c.init_scale, losses[c.init_scale], 1) for c in packs["sphere"]]
    times = {0.5: 4000, 2.0: 1000, 4.0: 2000}  # below law_from nothing is asked of the law
    free = [
        Made(c, c.init_scale * w[c.seed], 0, 0, None if c.init_scale == 4 and c.seed == 0 else times[c.init_scale])
        for c in packs["free"]
    ]
    found = summarise("teacher_student", chosen, {"sphere": sphere, "free": free})  # pyright: ignore[reportArgumentType]
    tables = np.outer(chosen.alphas, w), np.outer(list(losses.values()), np.ones(5))
    assert found.shell == {"sphere": shell(*tables, kind="loss")}
    np.testing.assert_allclose(found.reduced["sphere"].norms, np.array(chosen.alphas) * np.exp(np.log(w).mean()))
    assert [effect.value for effect in found.reduced["sphere"].train] == pytest.approx([1e-4, 1e-5, 1e-6])  # pyright: ignore
    assert [effect.value for effect in found.reduced["sphere"].test] == pytest.approx(list(losses.values()))  # pyright: ignore
    assert isinstance(found.law, Law)
    w0 = np.outer([2.0, 4.0], w).ravel()
    t_gen, reached = np.array([1000.0] * 5 + [4000] + [2000] * 4), np.arange(10) != 5
    assert found.law == generalisation_law(w0, t_gen, reached, rate=3e-4, decay=0.05)
    assert (found.law.n, found.law.n_censored) == (10, 1)
    assert np.isinf(found.arms["free"].t_gen[2, 0])
    assert found.arms["free"].last[2, 0] == 4000
    assert isinstance(found.critical, Missing)
    assert "1 of 10 runs never generalised" in str(found)
    assert "critical share of the data: none (the arm of fractions was not trained)" in str(found)


def test_the_critical_share_lies_where_runs_begin_to_generalise() -> None:
    chosen = plan("modular_addition", "tiny")
    runs: Any = [Made(c, 1, 0, 0, 100 if c.train_fraction > 0.5 else None) for c in arms(chosen)["fractions"]]
    found = summarise("modular_addition", chosen, {"fractions": runs})
    assert not isinstance(found.critical, Missing)
    assert found.critical.value == pytest.approx(0.3 * 2**0.9)
    assert isinstance(found.law, Missing)
    nowhere: Any = [Made(c, 1, 0, 0, None) for c in arms(chosen)["fractions"]]
    critical = summarise("modular_addition", chosen, {"fractions": nowhere}).critical
    assert isinstance(critical, Missing)
    assert critical.reason == "the criterion holds at no share in any of 2 seeds"


def test_a_tiny_study_trains_once_and_tells(tmp_path: Path) -> None:
    found = study("modular_addition", scale="tiny", store=tmp_path, only=("sphere", "free"), progress=False)
    norms = found.arms["sphere"].norms
    np.testing.assert_allclose(norms / norms[1], np.outer([0.3, 1, 3], [1, 1]), rtol=1e-6)
    for run, norm in zip(found.arms["sphere"].runs, norms.ravel(), strict=True):
        assert run.steps == 30
        np.testing.assert_allclose(run.series("weights.norm")[1], norm, rtol=1e-5)
    losses = [run.series("test/loss")[1][-1] for run in found.arms["sphere"].runs]
    np.testing.assert_array_equal(found.arms["sphere"].test.ravel(), losses)
    assert (found.arms["sphere"].train[2] > 0).all()
    again = study("modular_addition", scale="tiny", store=tmp_path, only=("sphere", "free"), progress=False)
    assert str(again) == str(found)
    assert len(list(tmp_path.glob("*/pack.json"))) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"setting": "teacher"}, "unknown setting 'teacher'"),
        ({"scale": "tny"}, "unknown scale 'tny'. Did you mean 'tiny'"),
        ({"only": ["fre"]}, "unknown arm 'fre'. Did you mean 'free'"),
    ],
)
def test_an_unknown_study_is_refused(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        study(**({"setting": "teacher_student", "store": tmp_path} | options))
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_not_there_takes_its_seed_with_it_and_moves_no_other() -> None:
    """Runs are told by their configs, in whatever order they come."""
    chosen = plan("modular_addition", "tiny")
    chosen = Plan(**(vars(chosen) | {"seeds": range(4)}))
    runs: Any = [Made(c, 1 + c.seed, c.seed, 10 * c.init_scale, 100 + c.seed) for c in arms(chosen)["free"]]
    whole = summarise("modular_addition", chosen, {"free": runs}).arms["free"]
    for gone in range(len(runs)):
        left = [run for place, run in enumerate(runs) if place != gone][::-1]
        summary = summarise("modular_addition", chosen, {"free": left})
        seed, scale = runs[gone].config.seed, runs[gone].config.init_scale
        kept = [one for one in range(4) if one != seed]
        found = summary.arms["free"]
        for name in ("norms", "train", "test", "t_gen", "last"):
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name)[:, kept])
        assert f"free, left out: seed {seed} has no run in the arm of {scale:g}" in str(summary)
    with pytest.raises(ValueError, match="no seed has a run at every init_scale"):
        summarise("modular_addition", chosen, {"free": runs[:4]})
