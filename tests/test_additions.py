"""What a new component touches: a copy of the tree gets one file and nothing else, and knows the component.

A figure and a section have a title to say, which is one file of words a language beside it.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grokscope.recipes.base import recipe
from grokscope.runs.config import pack_id
from grokscope.runs.run import Run

PACKAGE = Path(__file__).parents[1] / "grokscope"
ADDED = Path(__file__).parent / "data" / "additions"
SMALL = {"p": 7, "d_model": 8, "n_heads": 2, "d_mlp": 8, "train_fraction": 0.5, "max_steps": 3}
SET = [word for field, value in SMALL.items() for word in ("--set", f"{field}={value}")]
# Commands one after another in one process; what each prints is a string of the list that comes out.
COMMANDS = """
import contextlib, io, json, sys
import grokscope
from grokscope.cli.base import main
printed = []
for command in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = main(command)
    assert code == 0, (command, code)
    printed.append(out.getvalue())
print(json.dumps([grokscope.__file__, *printed]))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree as it is. A test that adds to it takes away again what it added."""
    folder = tmp_path_factory.mktemp("tree")
    shutil.copytree(PACKAGE, folder / "grokscope")
    return folder


@pytest.fixture
def add(tree: Path) -> Iterator[Callable[..., None]]:
    """Puts a file of tests/data/additions into the tree: under `place`, with its own name."""
    with ExitStack() as after:

        def put(name: str, place: str) -> None:
            target = tree / "grokscope" / place / Path(name).name.removesuffix(".txt")
            assert not target.exists()
            shutil.copy(ADDED / name, target)
            after.callback(target.unlink)

        yield put


def python(tree: Path, code: str, *words: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(tree)}
    command = [sys.executable, "-c", code, *words]
    finished = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()[-1]


def commands(tree: Path, *lines: list[Any]) -> list[str]:
    """What the copy's commands print."""
    place, *printed = json.loads(python(tree, COMMANDS, json.dumps([[str(word) for word in line] for line in lines])))
    assert Path(place).is_relative_to(tree)
    return printed


def ids(printed: str) -> set[str]:
    """The ids that `list --json` names."""
    (rows,) = json.loads(printed).values()
    return {row["id"] for row in rows}


def test_a_task_trains(tree: Path, add: Callable, tmp_path: Path) -> None:
    add("larger.py", "tasks")
    listed, trained = commands(
        tree,
        ["list", "tasks", "--json"],
        ["run", *SET, "--set", "task=larger", "--no-report", "--out", tmp_path, "--json"],
    )
    assert "larger" in ids(listed)
    assert json.loads(trained)["steps"] == 3


def test_a_measure_is_measured_and_listed(tree: Path, add: Callable, tiny_run: Run, tmp_path: Path) -> None:
    add("largest.py", "measures/weights")
    shutil.copytree(tiny_run.folder, tmp_path / tiny_run.id)
    listed, measured = commands(
        tree,
        ["list", "measures", "--json"],
        ["measure", "latest", "--only", "weights.largest", "--store", tmp_path, "--json"],
    )
    assert "weights.largest" in ids(listed)
    largest = max(float(tensor.abs().max()) for tensor in tiny_run.snapshot().params.values())
    assert json.loads(measured)["last"]["weights.largest"] == {"step": 60, "value": pytest.approx(largest)}


def test_an_optimizer_takes_its_steps(tree: Path, add: Callable) -> None:
    add("signs.py", "training/optimizers")
    moved, listed = json.loads(python(tree, OPTIMIZER))
    # Three steps of the sign, each as long as the rate of 0.001 times the stretch, which may differ within a pack.
    assert moved == pytest.approx([0.003, 0.006], rel=1e-3)
    assert "signs" in listed


OPTIMIZER = f"""
import json, torch
from grokscope.recipes.base import recipe
from grokscope.registry import names
from grokscope.training.pack import Pack
about = dict(optimizer="signs", weight_decay=0.0, warmup_steps=0) | {SMALL}
pack = Pack([recipe("quickstart", stretch=stretch, **about) for stretch in (1.0, 2.0)], device=torch.device("cpu"))
start = pack.state()["params"]
for _ in range(3):
    pack.advance()
print(json.dumps([(pack.state()["params"] - start).abs().amax(1).tolist(), names("training.optimizers")]))
"""


def test_a_transform_takes_its_steps_and_changes_no_run_without_it(tree: Path, add: Callable) -> None:
    add("clipped.py", "training/transforms")
    outcome = json.loads(python(tree, TRANSFORM))
    free, bounded = outcome["moved"]
    assert bounded <= 3.01e-4 < free
    assert outcome["ids"] == [pack_id([recipe(name)]) for name in ("quickstart", "power2022", "prieto2025")]
    assert outcome["written"] == [False, True]
    assert outcome["again"]
    assert outcome["owner"] == "transform clipped"


TRANSFORM = f"""
import json, torch
from grokscope.cli.list import _fields
from grokscope.recipes.base import recipe
from grokscope.runs.config import RunConfig, pack_id
from grokscope.training.pack import Pack
about = dict(optimizer="sgd", learning_rate=1.0, weight_decay=0.0, warmup_steps=0, seed=1) | {SMALL}
configs = [recipe("quickstart", largest_element=bound, **about) for bound in (0.0, 1e-4)]
pack = Pack(configs, device=torch.device("cpu"))
start = pack.state()["params"]
for _ in range(3):
    pack.advance()
print(json.dumps({{
    "moved": (pack.state()["params"] - start).abs().amax(1).tolist(),
    "ids": [pack_id([recipe(name)]) for name in ("quickstart", "power2022", "prieto2025")],
    "written": ["largest_element" in json.loads(config.model_dump_json()) for config in configs],
    "again": all(RunConfig.model_validate_json(config.model_dump_json()) == config for config in configs),
    "owner": {{row["field"]: row["of"] for row in _fields()}}["largest_element"],
}}))
"""


def test_a_theory_is_planned_and_judged(tree: Path, add: Callable, tiny_run: Run, tmp_path: Path) -> None:
    add("longer.py", "theories")
    shutil.copytree(tiny_run.folder, tmp_path / tiny_run.id)
    outcome = json.loads(python(tree, THEORY, str(tmp_path / tiny_run.id)))
    assert outcome["arms"] == {"base": 2, "weight_decay=0.5": 2, "weight_decay=2": 2}
    assert outcome["packs"] == 6
    assert outcome["rows"] == {"longer.norms/norms": "not_tested"}


THEORY = """
import json, sys
from grokscope.runs.run import load
from grokscope.studies import arms as studies
from grokscope.studies.judging import judge
from grokscope.studies.plan import plan
arms = studies.arms("longer", "tiny", 2)
made = plan("longer-tiny", arms, "store", **studies.wanted("longer", arms))
card = judge([load(sys.argv[1])], "longer")
print(json.dumps({
    "arms": {name: len(arm) for name, arm in arms.items()},
    "packs": sum(len(pack.configs) for pack in made.packs),
    "rows": {row.name: row.verdict for row in card.rows},
}))
"""


def test_a_figure_is_drawn_on_the_page_of_a_run(tree: Path, add: Callable, tiny_run: Run, tmp_path: Path) -> None:
    add("last_step.py", "report/figures")
    add("words/en/last_step.toml", "report/words/en")
    add("words/zh/last_step.toml", "report/words/zh")
    shutil.copytree(tiny_run.folder, tmp_path / tiny_run.id)
    page = tmp_path / "page.html"
    commands(tree, ["report", tiny_run.id, "--store", tmp_path, "-o", page, "--lang", "zh"])
    text = page.read_text(encoding="utf-8")
    # No section lists it, so it stands in the last one.
    assert text.index('<section id="more">') < text.index('<section id="last_step">')
    assert "终点在哪一步" in text


def test_a_section_is_drawn_on_the_page_of_a_run(tree: Path, add: Callable, tiny_run: Run, tmp_path: Path) -> None:
    """With the figure of the test above, which every other section leaves to the last one."""
    for name in ("last_step", "time"):
        add(f"{name}.py", "report/figures" if name == "last_step" else "report/run/sections")
        add(f"words/en/{name}.toml", "report/words/en")
        add(f"words/zh/{name}.toml", "report/words/zh")
    shutil.copytree(tiny_run.folder, tmp_path / tiny_run.id)
    page = tmp_path / "page.html"
    commands(tree, ["report", tiny_run.id, "--store", tmp_path, "-o", page])
    text = page.read_text(encoding="utf-8")
    assert "When it happened" in text
    assert text.index('<section id="time">') < text.index('<section id="last_step">')
    assert text.index('<section id="last_step">') < text.index('<section id="learning">')
    assert '<section id="more">' not in text


def test_a_command_runs_and_stands_in_the_help(tree: Path, add: Callable) -> None:
    add("greet.py", "cli")
    overview, greeting = commands(tree, ["--help"], ["greet", "you", "--json"])
    assert ["greet", "Say", "hello."] in [line.split() for line in overview.splitlines()]
    assert json.loads(greeting) == {"hello": "you"}


def test_an_executor_runs_a_sweep(tree: Path, add: Callable, tmp_path: Path) -> None:
    add("here.py", "studies/executors")
    sweep = ["sweep", "quickstart", "--grid", "weight_decay=0.5,1", *SET, "--store", tmp_path, "--json"]
    listed, outcome = commands(tree, ["list", "executors", "--json"], [*sweep, "--engine", "here"])
    assert "here" in ids(listed)
    (trained,) = json.loads(outcome)["trained"]
    assert (tmp_path / trained / "here").read_text() == "trained here"


def test_a_format_of_weights_is_imported(tree: Path, add: Callable, tiny_run: Run, tmp_path: Path) -> None:
    add("named_arrays.py", "runs/foreign/formats")
    arrays: Any = {name: tensor.numpy() for name, tensor in tiny_run.snapshot().params.items()}
    np.savez(tmp_path / "w.npz", **arrays)
    line = ["import", tmp_path / "w.npz", "--as", "named-arrays", "--set", "p=11", "--out", tmp_path / "s", "--json"]
    listed, imported = commands(tree, ["list", "weight-formats", "--json"], line)
    assert "named-arrays" in ids(listed)
    # Every input counts as trained on: the accuracy over all of them, of the same weights.
    snapshot = tiny_run.snapshot()
    right = (snapshot.logits.argmax(1) == snapshot.task.labels).double().mean()
    assert json.loads(imported)["final"]["train/accuracy"] == pytest.approx(float(right))


def test_a_format_of_curves_is_imported(tree: Path, add: Callable, tmp_path: Path) -> None:
    add("spaced.py", "runs/curves/formats")
    path = tmp_path / "curves.dat"
    path.write_text("step train_acc test_acc\n0 0.1 0.1\n100 1.0 0.2\n200 1.0 1.0\n")
    listed, imported = commands(
        tree,
        ["list", "curve-formats", "--json"],
        ["import", path, "--as", "curves", "--out", tmp_path / "s", "--json"],
    )
    assert "spaced" in ids(listed)
    assert json.loads(imported)["final"]["test/accuracy"] == 1.0
