"""Plugins: a component of every kind from a file, a module and an entry point, by command and from Python;
and processes that do not know them."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from grokscope.registry import names

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
    "sinks": "lines",
    "recipes": "smallest",
}
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
    assert found["optimizers"] == sorted([*names("training.optimizers"), "signs"])
    assert 0 < found["loss"] < 2


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
