"""The arms of softmax collapse, and what is said of them."""

from pathlib import Path

import numpy as np
import pytest

from grokscope.recipes.base import recipe
from grokscope.runs.config import RunConfig
from grokscope.studies.experiment import train
from grokscope.studies.stability import ARMS, arms, outcome
from grokscope.training.pack import require_packable

BASE = {"p": 7, "d_mlp": 16, "max_steps": 40, "evaluate_every": 20, "train_fraction": 0.5, "stop_after": 1000}


def base() -> RunConfig:
    return recipe("prieto2025", **BASE)


def test_each_arm_is_one_pack_and_differs_from_the_plain_one_by_its_fields() -> None:
    found = arms(base(), seeds=range(3))
    assert set(found) == set(ARMS)
    plain = found["float32"][0].model_dump()
    assert (plain["loss"], plain["weight_decay"], plain["orthogonal_gradient"]) == ("cross_entropy", 0.0, "off")
    for name, configs in found.items():
        require_packable(configs)
        assert [config.seed for config in configs] == [0, 1, 2]
        changed = {field for field, value in configs[0].model_dump().items() if plain.get(field) != value}
        assert changed == {field for field, value in ARMS[name].items() if plain.get(field) != value}, name
        assert changed or name in ("float32",)


def test_an_arm_does_not_inherit_what_makes_another() -> None:
    odd = base().replace(weight_decay=2.0, label_smoothing=0.3, norm_sphere=("all",), softmax_dtype="float16")
    assert arms(odd, names=["float32"], seeds=[0]) == arms(base(), names=["float32"], seeds=[0])
    assert arms(base().replace(loss="mse"), names=["float32"], seeds=[0]) == arms(base(), names=["float32"], seeds=[0])


def test_outcomes_are_those_of_the_runs(tmp_path: Path) -> None:
    for name in ("float16", "stablemax", "sphere"):
        runs = train(arms(base(), names=[name], seeds=[0, 1])[name], store=tmp_path, progress=False)
        found = outcome(runs)
        assert found.n == 2
        np.testing.assert_array_equal(found.test_accuracy, [run.series("test/accuracy")[1][-1] for run in runs])
        assert (found.peak >= found.test_accuracy).all()
        assert found.generalised.k == np.isfinite(found.generalized_at).sum()
        assert all(np.isfinite(norm) for norm in found.norm)
        if name == "sphere":
            np.testing.assert_allclose(found.norm, 1, rtol=1e-5)


def test_what_is_no_arm_is_said() -> None:
    with pytest.raises(ValueError, match="unknown arm 'stablemaxx'"):
        arms(base(), names=["stablemaxx"])
    with pytest.raises(ValueError, match="seeds must be different ones"):
        arms(base(), seeds=[1, 1])
    with pytest.raises(ValueError, match="at least one run, got none"):
        outcome([])
