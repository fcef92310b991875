"""What a plugin may be: what is refused, in one line, and what it changes for everything else."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from grokscope import registry
from grokscope.cli.base import main
from grokscope.errors import MissingPlugin, StoreError
from grokscope.recipes.base import recipe
from grokscope.registry import use
from grokscope.runs.config import pack_id
from grokscope.runs.identity import pack_hash
from grokscope.runs.run import Run, load

PARTS = (Path(__file__).parent / "data" / "plugins" / "my_parts.py").read_text(encoding="utf-8")
DIGITS = """
from grokscope.registry import Options
from grokscope.tasks.base import TaskFamily
from grokscope.tasks.modular_addition import build
class Own(Options):
    p: int = 7
digits = TaskFamily(options=Own, build=build)
"""
TAKEN = """
from pydantic import Field
from grokscope.registry import Options
from grokscope.tasks.base import TaskFamily
from grokscope.tasks.modular_addition import build
class Own(Options):
    {field}: int = Field(7, description="of another")
{name} = TaskFamily(options=Own, build=build)
"""
MUON = """
from grokscope.training.optimizers.base import Optimizer, OptimizerOptions
class Muon(Optimizer):
    options = OptimizerOptions
    def __init__(self, configs, params): self.state = {}
    def update(self, params, gradients, *, step, rates, decay): pass
muon = Muon
"""
FIRST = """
from typing import ClassVar
from grokscope.training.transforms.unit_gradient import UnitGradient, UnitGradientOptions
from grokscope.registry import per_replica
from grokscope.training.transforms.base import TransformOptions
class Own(TransformOptions):
    came_later: ClassVar[bool] = False
    old_field: float = per_replica(0.0, description="of another")
    @property
    def is_on(self): return False
class Old(UnitGradient):
    options = Own
old = Old
"""


ERRORS = [
    (
        "my_plugin.py",
        "import nothing_of_that_name",
        "ModuleNotFoundError in line 1: No module named 'nothing_of_that_name'",
    ),
    ("my_plugin.py", "x = 1\n\ny = 1 / 0\n", "ZeroDivisionError in line 3: division by zero"),
    ("my_plugin.py", "def f(:\n    pass\n", "SyntaxError in line 1: invalid syntax"),
    ("my_plugin.py", "import sys\nsys.exit(3)\n", "SystemExit in line 2: 3"),
    ("my_plugin.py", "raise BaseException('a')\n", "BaseException in line 1: a"),
    (
        "my_plugin.py",
        "x = 1\n",
        "plugin my_plugin.py holds no component: expected a name in small letters for a TaskFamily",
    ),
    ("my_plugin.py", "from grokscope.tasks.digits import digits\n", "holds no component"),
    ("my_plugin.py", MUON.replace("muon = Muon\n", ""), "gives its class Muon no id: add the line muon = Muon"),
    ("my_plugin.py", DIGITS, "plugin my_plugin.py: grokscope has a task 'digits' already; give yours another name"),
    ("my-plugin.py", "", "plugin my-plugin.py: the file's name must be a name in Python, such as my_plugin.py"),
    ("json.py", "", "plugin json.py: there is another module json ("),
    ("time.py", "", "plugin time.py: there is another module time ("),
    (
        "gs_itself.py",
        "import grokscope as gs\ngs.use(__file__)\n",
        "gs_itself.py is used while it is loaded: put gs.use(__file__)",
    ),
    (
        "words_only.py",
        DIGITS.replace("digits =", "mine =") + "words = 'en'\n",
        "plugin words_only.py: words must be a dict",
    ),
]


@pytest.mark.parametrize(("name", "text", "message"), ERRORS, ids=range(len(ERRORS)))
def test_what_is_no_plugin_is_one_line(tmp_path: Path, name: str, text: str, message: str, plugins: None) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError) as error:
        use(tmp_path / name)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert registry.used() == ()
    assert "my_plugin" not in sys.modules


def test_a_plugin_that_is_not_there_is_one_line(tmp_path: Path, plugins: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for given, message in (
        ("none.py", "there is no plugin at none.py"),
        ("folder/none", "there is no plugin at folder/none"),
        ("my_module", "there is no module my_module; a plugin in a file is given by its path, such as my_module.py"),
        ("my-module", "plugin 'my-module': expected a file that ends in .py, or the name of a module"),
        ("", "plugin '': expected a file"),
        ("json", "plugin json holds no component"),
    ):
        with pytest.raises(ValueError) as error:
            use(given)
        assert str(error.value).startswith(message)


def test_two_plugins_with_one_id_and_a_file_that_changes(tmp_path: Path, plugins: None) -> None:
    mine = DIGITS.replace("digits =", "mine =")
    for name in ("one_plugin.py", "other_plugin.py"):
        (tmp_path / name).write_text(mine)
    use(tmp_path / "one_plugin.py")
    with pytest.raises(ValueError, match=r"plugin other_plugin.py: the plugin one_plugin.py has a task 'mine' already"):
        use(tmp_path / "other_plugin.py")
    assert use(str(tmp_path / "one_plugin.py")) is use(sys.modules["one_plugin"])
    (tmp_path / "third_plugin.py").write_text("from one_plugin import mine\nother = mine\n")
    assert set(use(tmp_path / "third_plugin.py").components["tasks"]) == {"mine", "other"}  # handed on
    (tmp_path / "one_plugin.py").write_text(mine + "# a word\n")
    with pytest.raises(ValueError, match=r"one_plugin.py has changed since it was loaded: start a new process"):
        use(tmp_path / "one_plugin.py")


def test_a_transform_of_a_plugin_changes_no_id_and_no_earlier_config(tmp_path: Path, plugins: None) -> None:
    names = ("quickstart", "power2022", "prieto2025")
    before = {name: pack_id([recipe(name)]) for name in names}
    earlier = recipe("quickstart")
    (tmp_path / "my_parts.py").write_text(PARTS)
    use(tmp_path / "my_parts.py")
    assert {name: pack_id([recipe(name)]) for name in names} == before
    assert "largest_element" not in recipe("quickstart").plain
    assert earlier.key == recipe("quickstart").key
    assert not earlier.transforms["clipped"].is_on
    assert recipe("quickstart", largest_element=0.1).transforms["clipped"].is_on
    (tmp_path / "my_first.py").write_text(FIRST)
    use(tmp_path / "my_first.py")
    with pytest.raises(
        ValueError, match=r"transform 'old' of the plugin my_first.py has came_later = False: leave it out"
    ):
        recipe("quickstart")


def test_a_field_that_another_part_has_is_one_line(tmp_path: Path, plugins: None) -> None:
    for name, field in (("taken_one", "seed"), ("taken_two", "d_model")):
        (tmp_path / f"{name}.py").write_text(TAKEN.format(name=name, field=field))
        use(tmp_path / f"{name}.py")
        with pytest.raises(ValueError, match=f"has a field '{field}', which the run has already: rename it"):
            recipe("quickstart", task=name)


@pytest.mark.parametrize("command", registry.names("cli"))
def test_every_command_takes_plugins(command: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert "--plugin FILE|MODULE" in capsys.readouterr().out
    assert main([command, "--plugin", "none.py", *NEEDED.get(command, [])]) == 2
    assert capsys.readouterr().err == "error: there is no plugin at none.py\n"


NEEDED = {
    "cite": ["a"],
    "completion": ["bash"],
    "continue": ["a"],
    "export": ["--to", "csv"],
    "figure": ["a", "b", "-o", "c.svg"],
    "prune": ["a"],
    "rename": ["a", "b"],
    "rm": ["a"],
    "tag": ["a"],
    "watch": ["--tail", "a.csv"],
    "evidence": ["show", "a.parquet"],
    "import": ["a.pt", "--as", "pizza"],
    "judge": ["a"],
    "phases": ["a.csv", "--train", "a", "--test", "b"],
    "query": ["select 1"],
    "study": ["manifold"],
    "sweep": ["quickstart", "--grid", "p=3,5"],
}


DAMAGED: list[Any] = [
    [1],
    ["x"],
    [{"name": "x.py"}],
    [{"name": "x.py", "components": []}],
    [{"name": "x.py", "components": {"tasks": 3}}],
    [{"name": "x.py", "components": {"nonsense": ["a"]}}],
    [{"name": "\x1b[2Jx.py", "components": {"tasks": ["a"]}}],
    [{"components": {"tasks": ["a"]}}],
    {},
    "x",
]


@pytest.mark.parametrize("plugins_said", DAMAGED, ids=ascii)
def test_a_damaged_word_about_plugins_is_one_line(tiny_run: Run, tmp_path: Path, plugins_said: Any) -> None:
    shutil.copytree(tiny_run.folder, tmp_path / tiny_run.id)
    path = tmp_path / tiny_run.id / "pack.json"
    about = json.loads(path.read_text())
    del about["checksum"]
    path.write_text(json.dumps(about | {"plugins": plugins_said}))
    with pytest.raises(StoreError) as error:
        load(tmp_path / tiny_run.id)
    assert "pack.json cannot be read" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_run_that_says_no_plugin_and_has_an_unknown_task_is_there(tiny_run: Run, tmp_path: Path) -> None:
    """As of a tree with one task more than this one."""
    about = json.loads((tiny_run.folder / "pack.json").read_text())
    del about["checksum"]
    about["runs"][0]["config"] |= {"task": "of_a_fork", "colour": 3}
    about["pack"] = about["runs"][0]["run"] = pack_hash([about["runs"][0]["config"]])
    shutil.copytree(tiny_run.folder, folder := tmp_path / about["pack"])
    (folder / "pack.json").write_text(json.dumps(about))
    run = load(folder)
    assert (run.config.task, run.config.colour, run.config.betas) == ("of_a_fork", 3, (0.9, 0.98))
    said = "task 'of_a_fork' is not known to this process: give the plugin that has it with --plugin FILE"
    assert run.absent == [said]
    with pytest.raises(MissingPlugin, match="is not known to this process"):
        _ = run.task
