"""A new optimizer or transform is one file: the tree is copied, a file is added, and the copy knows it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "grokscope"
FILES = {
    "optimizers/signs.py": '''
"""The sign of the gradient."""

import torch
from torch import Tensor

from grokscope.registry import per_replica
from grokscope.training.optimizers.base import Optimizer, OptimizerOptions, column


class SignsOptions(OptimizerOptions):
    stretch: float = per_replica(1.0, gt=0, description="factor on each step [1]")


class Signs(Optimizer):
    options = SignsOptions

    def __init__(self, configs, params) -> None:
        self.state = {}
        self._stretch = column(configs, lambda config: config.stretch, params)

    def update(self, params, gradients, *, step, rates, decay) -> None:
        params.sub_((rates * self._stretch).to(params) * gradients.sign())


signs = Signs
''',
    "transforms/clipped.py": '''
"""Gradients whose elements are no larger than a bound."""

from grokscope.registry import per_replica
from grokscope.training.optimizers.base import column
from grokscope.training.transforms.base import Transform, TransformOptions


class ClippedOptions(TransformOptions):
    largest_element: float = per_replica(0.0, ge=0, description="bound of an element of the gradient; 0: none [1]")

    @property
    def is_on(self) -> bool:
        return self.largest_element > 0


class Clipped(Transform):
    options = ClippedOptions
    when = "before"

    def __init__(self, bound) -> None:
        self.state, self._bound = {}, bound

    @classmethod
    def build(cls, configs, flat):
        bounds = column(configs, lambda config: config.largest_element or float("inf"), flat.params)
        return cls(bounds.to(flat.params))

    def apply(self, params, gradients, *, step) -> None:
        gradients.clamp_(-self._bound, self._bound)


clipped = Clipped
''',
}
CODE = """
import json, torch
from pathlib import Path
import grokscope
from grokscope.recipes.base import recipe
from grokscope.runs.config import RunConfig, pack_id
from grokscope.studies.experiment import train
from grokscope.training.pack import Pack

small = dict(p=7, d_model=8, n_heads=2, d_mlp=8, train_fraction=0.5, max_steps=3, warmup_steps=0)

def moved(configs):
    pack = Pack(configs, device=torch.device("cpu"))
    start = pack.state()["params"]
    for _ in range(3):
        pack.advance()
    return (pack.state()["params"] - start).abs().amax(1).tolist()

signs = [recipe("quickstart", optimizer="signs", stretch=stretch, weight_decay=0.0, **small) for stretch in (1.0, 2.0)]
plain = dict(optimizer="sgd", learning_rate=1.0, weight_decay=0.0)
clipped = [recipe("quickstart", seed=1, largest_element=bound, **small, **plain) for bound in (0.0, 1e-4)]
run = train(clipped[1], store="store", progress=False)
print(json.dumps({
    "place": grokscope.__file__,
    "signs": moved(signs),
    "clipped": moved(clipped),
    "ids": [pack_id([recipe(name)]) for name in ("quickstart", "power2022", "prieto2025")],
    "off": recipe("quickstart").largest_element,
    "written": ["largest_element" in json.loads(config.model_dump_json()) for config in clipped],
    "again": all(RunConfig.model_validate_json(config.model_dump_json()) == config for config in clipped + signs),
    "kept": run.config.largest_element,
}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(PACKAGE, folder / "grokscope", ignore=shutil.ignore_patterns("__pycache__"))
    for place, text in FILES.items():
        (folder / "grokscope/training" / place).write_text(text.lstrip())
    return folder


def said(copy: Path, *words: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(copy)}
    return subprocess.run(
        [sys.executable, *words], cwd=copy, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_they_train_and_change_no_run_without_them(copy: Path) -> None:
    from grokscope.recipes.base import recipe
    from grokscope.runs.config import pack_id

    found = json.loads(said(copy, "-c", CODE).splitlines()[-1])
    assert Path(found["place"]).is_relative_to(copy)
    # Three steps of the sign, each as long as the rate of 0.001 times the stretch.
    assert found["signs"] == pytest.approx([0.003, 0.006], rel=1e-3)
    free, bounded = found["clipped"]
    assert bounded <= 3.01e-4 < free
    assert found["ids"] == [pack_id([recipe(name)]) for name in ("quickstart", "power2022", "prieto2025")]
    assert (found["off"], found["written"], found["again"], found["kept"]) == (0.0, [False, True], True, 1e-4)


def test_their_fields_are_listed_and_set(copy: Path) -> None:
    listed = json.loads(said(copy, "-m", "grokscope", "list", "fields", "--json"))["fields"]
    owners = {one["field"]: one["of"] for one in listed}
    assert owners["stretch"] == "optimizer signs"
    assert owners["largest_element"] == "transform clipped"
    fields = ("p=7", "d_model=8", "n_heads=2", "d_mlp=8", "train_fraction=0.5", "max_steps=3", "largest_element=0.5")
    words = [word for field in fields for word in ("--set", field)]
    trained = json.loads(said(copy, "-m", "grokscope", "run", *words, "--no-report", "--out", "runs", "--json"))
    assert trained["steps"] == 3
