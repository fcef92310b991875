"""Plugins: a component of every kind from a file, a module and an entry point, by command and from Python; processes
that do not know them; and what is refused."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from grokscope import registry
from grokscope.cli.base import main
from grokscope.errors import MissingPlugin, StoreError
from grokscope.recipes.base import recipe
from grokscope.registry import use
from grokscope.runs.config import pack_id
from grokscope.runs.identity import pack_hash
from grokscope.runs.run import Run, load

ROOT = Path(__file__).parents[1]
PARTS = (Path(__file__).parent / "data" / "plugins" / "my_parts.py").read_text(encoding="utf-8")
IDS = {
    "tasks": "larger_of_two",
    "models": "rows",
    "losses": "absolute",
    "optimizers": "signs",
    "transforms": "clipped",
    "measures": "my_parts.largest",
    "theories": "longer",
    "figures": "last_step",
    "recipes": "smallest",
}
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


# Commands one after another in one process: exit code, stdout and stderr of each.
COMMANDS = """
import contextlib, io, json, sys
from grokscope.cli.base import main
said = []
for command in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = main(command)
    said.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(said))
"""


def python(code: str, *words: str, folder: Path, path: Path | None = None, errors: str = "error") -> Any:
    """The JSON that a process prints last. path: where it finds modules, beside grokscope."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, filter(None, (ROOT, path))))}
    command = [sys.executable, "-W", f"{errors}::UserWarning", "-c", code, *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def commands(*lines: list[Any], **where: Any) -> list[list[Any]]:
    return python(COMMANDS, json.dumps([[str(word) for word in line] for line in lines]), **where)


class Given(NamedTuple):
    """words: of a command that give it. name: as grokscope calls it. where: a process works, and finds modules."""

    words: list[str]
    name: str
    where: dict[str, Path]


@pytest.fixture(params=["file", "module", "entry point"])
def given(request: pytest.FixtureRequest, tmp_path: Path) -> Given:
    """The plugin in a folder of its own."""
    (folder := tmp_path / "elsewhere").mkdir()
    (work := tmp_path / "work").mkdir()
    (folder / "my_parts.py").write_text(PARTS, encoding="utf-8")
    if request.param == "file":
        return Given(["--plugin", str(folder / "my_parts.py")], "my_parts.py", {"folder": work})
    if request.param == "entry point":
        entered(folder, "my_parts")
    words = ["--plugin", "my_parts"] if request.param == "module" else []
    return Given(words, "my_parts", {"folder": work, "path": folder})


def entered(folder: Path, module: str, name: str = "my_parts") -> None:
    """An installed distribution with an entry point."""
    (info := folder / f"{name}-1.2.dist-info").mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[grokscope]\nmine = {module}\n")


def test_a_component_of_every_kind_by_command_and_the_run_without_it(given: Given) -> None:
    plugin, name, where = given
    sweep = ["sweep", "smallest", "--grid", "weight_decay=0.5,2", "--seeds", 6, "--checkpoints", "all", "--workers", 2]
    said = commands(
        *(["list", kind, *plugin, "--json"] for kind in IDS),
        ["run", "smallest", *plugin, "--json", "--no-report"],
        ["measure", "latest", *plugin, "--only", "my_parts.largest", "--json"],
        ["report", "latest", *plugin, "--lang", "zh", "-o", "page.html"],
        [*sweep, *plugin, "--json"],
        ["judge", "sweep-smallest", *plugin, "--theory", "longer", "--json"],
        ["show", "latest", *plugin, "--json"],
        **where,
    )
    assert [code for code, _, _ in said] == [0] * len(said), said
    listed, done = said[: len(IDS)], said[len(IDS) :]
    for (kind, id_), (_, out, _) in zip(IDS.items(), listed, strict=True):
        (mine,) = [row for row in json.loads(out)[kind] if row["id"] == id_]
        assert mine["plugin"] == name
        assert {row["plugin"] for row in json.loads(out)[kind] if row["id"] != id_} == {""}
    outs = [json.loads(out) for _, out, _ in (*done[:2], *done[3:])]
    assert outs[0]["steps"] == 3
    assert outs[1]["last"]["my_parts.largest"]["step"] == 3
    assert "终点在哪一步" in (where["folder"] / "page.html").read_text(encoding="utf-8")
    assert len(outs[2]["trained"]) == 1
    (row,) = outs[3]["rows"]
    assert (row["id"], row["n"]) == ("longer.norms", 6)
    assert outs[4]["missing"] == []
    noted(outs[0]["run"], given)
    if name == "my_parts.py":
        without(outs[0]["run"], name, where["folder"])


def noted(run: str, given: Given) -> None:
    """What the pack says of the plugin."""
    about = json.loads((given.where["folder"] / "runs" / run / "pack.json").read_text())
    (plugin,) = about["plugins"]
    assert plugin["name"] == given.name
    assert plugin["sha256"] == hashlib.sha256(PARTS.encode()).hexdigest()
    assert plugin["version"] == (None if given.words else "1.2")
    of_the_config = ("tasks", "models", "losses", "optimizers", "transforms")
    assert plugin["components"] == {kind: [IDS[kind]] for kind in of_the_config}


def without(run: str, plugin: str, folder: Path) -> None:
    """Another process has not the plugin: the run is listed, shown, queried; measured where that is possible."""
    listed, shown, words, latest, asked, weights, loss, report, judged, table, tensors, again, other = commands(
        ["list", "runs", "--json"],
        ["show", run, "--json"],
        ["show", run],
        ["show", "latest", "--json"],
        ["query", f"select task, optimizer, slack from runs where run = '{run}'", "--json"],
        ["measure", run, "--only", "weights.norm,weights.relative_movement", "--again", "--json"],
        ["measure", run, "--only", "behaviour.test_loss,circuits.key_frequencies", "--again", "--json"],
        ["report", run],
        ["judge", run, "--theory", "circuits", "--json"],
        ["export", run, "--to", "csv", "-o", "numbers.csv"],
        ["export", run, "--to", "safetensors", "-o", "weights.safetensors"],
        ["run", "quickstart", "--set", "task=larger_of_two"],
        ["doctor"],
        folder=folder,
    )
    said = f"'larger_of_two' comes from the plugin {plugin}, which this process has not loaded; give --plugin {plugin}"
    runs = json.loads(listed[1])["runs"]
    assert len(runs) == 12  # the sweep has the first run in it
    assert json.loads(listed[1])["damaged"] == []
    assert json.loads(latest[1])["run"] == runs[-1]["run"] != run
    missing = json.loads(shown[1])["missing"]
    assert [sentence.split()[0] for sentence in missing] == ["task", "model", "loss", "optimizer", "transform"]
    assert missing[0] == f"task {said}"
    assert json.loads(shown[1])["config"]["slack"] == 0
    assert json.loads(shown[1])["key_frequencies"] is None
    assert words[0] == 0
    assert "task larger_of_two" in words[1]
    assert f"note: task {said}" in words[1]
    assert json.loads(asked[1])["rows"] == [["larger_of_two", "signs", 0]]
    found = json.loads(weights[1])
    assert set(found["last"]) == {"weights.norm", "weights.relative_movement"}
    assert found["missing"] == {}
    assert json.loads(loss[1])["missing"] == {
        "behaviour.test_loss": missing[2],
        "circuits.key_frequencies": missing[0],
    }
    assert report[0] == 1
    assert report[2].count("\n") == 1
    assert said in report[2]
    assert (judged[0], table[0], tensors[0]) == (1, 0, 0)
    assert "comes from the plugin my_parts.py" in judged[2]
    assert judged[2].count("\n") == 1
    assert again[0] == 1
    assert said in again[2]  # the store has told where it comes from
    assert other[0] == 0


FROM_PYTHON = """
import json, sys
import grokscope as gs
from grokscope.registry import names
from grokscope.report.figures.base import figures
from grokscope.report.run.readings import read
from grokscope.report.study import scorecard, text
if sys.argv[1:]:
    used = gs.use(sys.argv[1])
    assert gs.use(sys.argv[1]) is used
config = gs.recipe("smallest", slack=2)
runs = gs.train([config, config.replace(stretch=2.0)], progress=False)
snap = runs[1].snapshot()
moved = [max(float((snap.params[name] - start).abs().max()) for name, start in run.snapshot(0).params.items())
         for run, snap in ((run, run.snapshot()) for run in runs)]
card = gs.judge(runs[0], theory="longer")
pages = [write(card, name, lang="zh") for write, name in ((scorecard.write, "card.html"), (text.write, "card.md"))]
print(json.dumps({
    "labels": snap.task.labels[:3].tolist(),
    "moved": moved,
    "largest": gs.measure("my_parts.largest", snap) == max(float(t.abs().max()) for t in snap.params.values()),
    "series": len(runs[0].series("my_parts.largest")[0]),
    "measures": "my_parts.largest" in gs.measures(),
    "rows": {row.name: row.verdict for row in card.rows},
    "in_english": ["Less decay, longer weights" in page.read_text() for page in pages],
    "figure": len(figures()["last_step"](read(runs[0])).data),
    "again": gs.RunConfig.model_validate_json(config.model_dump_json()) == config,
    "optimizers": names("training.optimizers"),
    "loss": float(snap.sample_losses.mean()),
}))
"""


def test_a_component_of_every_kind_from_python(given: Given) -> None:
    found = python(FROM_PYTHON, *given.words[1:], **given.where)
    assert found["labels"] == [2, 3, 4]
    # Three steps of the sign, each as long as the rate of 0.001 times the stretch, but for the warm-up and the decay.
    assert found["moved"][1] / found["moved"][0] == pytest.approx(2, rel=0.05)
    assert found["largest"]
    assert found["series"] == 4
    assert found["measures"]
    assert found["rows"] == {"longer.norms": "not_tested"}
    assert found["in_english"] == [True, True]  # the theory speaks no other language
    assert found["figure"] == 1
    assert found["again"]
    assert found["optimizers"] == ["adam", "adamw", "lion", "sgd", "signs"]
    assert 0 < found["loss"] < 2


ERRORS = [
    (
        "my_plugin.py",
        "import nothing_of_that_name",
        "ModuleNotFoundError in line 1: No module named 'nothing_of_that_name'",
    ),
    ("my_plugin.py", "x = 1\n\ny = 1 / 0\n", "ZeroDivisionError in line 3: division by zero"),
    ("my_plugin.py", "def f(:\n    pass\n", "SyntaxError in line 1: invalid syntax"),
    ("my_plugin.py", "import sys\nsys.exit(3)\n", "SystemExit in line 2: 3"),
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


def test_an_entry_point_that_cannot_be_used_is_left_out_with_a_warning(tmp_path: Path) -> None:
    """And is not looked at before components are asked for."""
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    entered(tmp_path, "broken", "broken_parts")
    (tmp_path / "my_parts.py").write_text(PARTS)
    entered(tmp_path, "my_parts", "my_parts")
    code = """
import json, sys, warnings
import grokscope, grokscope.registry
before = sorted({"broken", "my_parts", "torch"} & set(sys.modules))
commands = grokscope.registry.names("cli")
then = sorted({"broken", "my_parts"} & set(sys.modules))
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    tasks = [grokscope.registry.names("tasks") for _ in range(2)][1]
lines = [str(one.message) for one in said if one.category is UserWarning]
print(json.dumps([before, then, "larger_of_two" in tasks, lines]))
"""
    before, then, known, said = python(code, folder=tmp_path, path=tmp_path)
    assert (before, then, known) == ([], [], True)
    (line,) = said
    assert line.startswith("left out of grokscope: plugin broken cannot be loaded: ModuleNotFoundError")
    assert line.endswith("(broken_parts)")


def test_a_pack_goes_on_with_a_changed_plugin_only_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "my_parts.py").write_text(PARTS)
    line = ["run", "smallest", "--plugin", "my_parts.py", "--no-report"]
    assert commands(line, folder=tmp_path)[0][0] == 0
    (tmp_path / "my_parts.py").write_text(PARTS + "# a word\n")
    ((code, _, said),) = commands(line, folder=tmp_path)
    old, new = (hashlib.sha256(text.encode()).hexdigest()[:12] for text in (PARTS, PARTS + "# a word\n"))
    assert code == 0
    assert f"was trained with my_parts.py {old}, which is {new} now" in said


def test_a_module_beside_the_script_is_found_by_workers(tmp_path: Path) -> None:
    """Python looks for modules in the folder of a script, or of a notebook; a worker is started without that."""
    (tmp_path / "my_parts.py").write_text(PARTS)
    code = """
import json
import grokscope as gs
from grokscope.studies.conduct import conduct
from grokscope.studies.grid import grid
from grokscope.studies.plan import plan
gs.use("my_parts")
made = plan("here", grid(gs.recipe("smallest"), {"weight_decay": [0.5]}, seeds=1), "runs", mixed=True)
print(json.dumps([[outcome.state, outcome.reason] for outcome in conduct(made, workers=1, say=lambda _: None)]))
"""
    assert python(code, folder=tmp_path) == [["done", ""]]


def test_a_run_that_is_open_knows_a_plugin_that_is_loaded_later(tmp_path: Path) -> None:
    (tmp_path / "my_parts.py").write_text(PARTS)
    assert commands(["run", "smallest", "--plugin", "my_parts.py", "--no-report"], folder=tmp_path)[0][0] == 0
    code = """
import json
import grokscope as gs
from grokscope.runs.run import runs
(run,) = runs("runs")
first = [len(run.absent), gs.measure("behaviour.test_loss", run.snapshot()).reason, run.config.slack]
try:
    run.task
except gs.GrokscopeError as error:
    first.append(str(error))
gs.use("my_parts.py")
loss = gs.measure("behaviour.test_loss", run.snapshot())
print(json.dumps([first, run.absent, run.task.n_classes, isinstance(loss, float)]))
"""
    first, absent, n_classes, measured = python(code, folder=tmp_path)
    assert (first[0], first[2]) == (5, 0)
    assert first[1].startswith("loss 'absolute' comes from the plugin my_parts.py")
    assert first[-1].startswith("task 'larger_of_two' comes from the plugin my_parts.py")
    assert (absent, n_classes, measured) == ([], 7, True)


@pytest.mark.parametrize("command", registry.names("cli"))
def test_every_command_takes_plugins(command: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert "--plugin FILE|MODULE" in capsys.readouterr().out
    assert main([command, "--plugin", "none.py", *NEEDED.get(command, [])]) == 2
    assert capsys.readouterr().err == "error: there is no plugin at none.py\n"


NEEDED = {
    "export": ["--to", "csv"],
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
