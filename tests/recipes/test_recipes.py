"""Every recipe trains, is measured and reported, whatever its task and network."""

import json
from pathlib import Path

import pytest

from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.recipes.base import nearest, recipe
from grokscope.registry import names
from grokscope.report.run.page import write_report
from grokscope.runs.config import RunConfig
from grokscope.studies.experiment import train


@pytest.mark.parametrize("name", names("recipes"))
def test_a_recipe_is_a_config_that_survives_json(name: str) -> None:
    config = recipe(name)
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize("name", names("recipes"))
def test_the_nearest_recipe_gives_the_config_again(name: str) -> None:
    config = recipe(name)
    found, fields = nearest(config)
    assert (recipe(found), fields) == (config, {})
    changes = [{"seed": 5, "weight_decay": 0.3}, {"optimizer": "sgd"}, {"loss": "mse"}, {"grokfast_gain": 2.0}]
    for change in changes:
        found, fields = nearest(config.replace(**change))
        assert recipe(found, **json.loads(json.dumps(fields))) == config.replace(**change)
        assert len(fields) <= len(change) + 2, "the options of another component may differ too"


@pytest.mark.parametrize("name", names("recipes"))
def test_a_recipe_trains_is_measured_and_reported(name: str, tmp_path: Path) -> None:
    smaller = {"p": 31} if getattr(recipe(name), "p", 0) > 31 else {}  # its size is the benchmarks' business
    run = train(recipe(name, max_steps=2, **smaller), store=tmp_path, progress=False)
    missing = measure_checkpoints(run)
    assert all(reason for reason in missing.values())
    assert run.steps == 2
    assert {"behaviour.train_loss", "weights.norm"} <= set(run.rows().measures)
    for lang in ("en", "zh"):
        assert "</html>" in write_report(run, lang=lang).read_text()
    assert run.summary()["final"]["train/loss"] > 0
