"""The pages of docs/guide are tried as they are printed, in an empty folder: files, commands and Python."""

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "guide").glob("my_*.md"))
BLOCK = re.compile(r'^```(\w+)(?: title="([\w.]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
# Commands, or pieces of Python, one after another; what each prints is a string of the list that comes out.
COMMANDS = """
import contextlib, io, json, shlex, sys
from grokscope.cli.base import main
printed = []
for line in json.loads(sys.argv[1]):
    program, *words = shlex.split(line)
    assert program == "grokscope"
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(words) == 0, line
    printed.append(out.getvalue())
print(json.dumps(printed))
"""
PYTHON = """
import contextlib, io, json, sys
printed = []
for text in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(text, "page", "exec"), {"__name__": "page"})
    printed.append(out.getvalue())
print(json.dumps(printed))
"""


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """(language, file name, text) of each block of a page."""
    return [match.groups("") for match in BLOCK.finditer(page.read_text(encoding="utf-8"))]  # type: ignore[misc]


def printed(code: str, given: list[str], folder: Path) -> list[str]:
    """What each of the given lines or texts prints, in a process of its own."""
    command = [sys.executable, "-c", code, json.dumps(given)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_there_is_a_page_for_each() -> None:
    assert [page.stem for page in PAGES] == ["my_measure", "my_optimizer", "my_task", "my_theory"]
    for page in PAGES:
        kinds = {(language, name) for language, name, _ in blocks(page)}
        assert {("python", f"{page.stem}.py"), ("python", ""), ("sh", "")} <= kinds


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    """In the order of the page; each stretch of commands, or of Python, has a process of its own."""
    found = blocks(page)
    for _, name, text in found:
        if name:
            (tmp_path / name).write_text(text, encoding="utf-8")
    tried = [(language, text) for language, name, text in found if language in ("python", "sh") and not name]
    said: list[tuple[str, str]] = []
    for language, stretch in itertools.groupby(tried, key=lambda one: one[0]):
        given = [line for _, text in stretch for line in (text.splitlines() if language == "sh" else [text])]
        said += zip(given, printed(COMMANDS if language == "sh" else PYTHON, given, tmp_path), strict=True)
    assert all(text.strip() for _, text in said)
    SHOWN[page.stem](said)


def of_a_task(said: list[tuple[str, str]]) -> None:
    lines = dict(said)
    (arrays, mine) = [text for line, text in said if not line.startswith("grokscope")]
    assert re.fullmatch(r"13 \[[\d ]+\]\n", arrays)
    assert mine == "segment\n"
    listed = lines["grokscope list tasks --plugin my_task.py"]
    assert re.search(r"clock_distance +How far apart two hours of a clock are\. +my_task\.py", listed)
    assert "task clock_distance" in lines["grokscope show latest --plugin my_task.py"]


def of_a_measure(said: list[tuple[str, str]]) -> None:
    assert said[-1][1] == "True\n"
    steps = [line.split("\t")[0] for line in said[-2][1].splitlines()]
    assert (steps[0], steps[1], steps[-1]) == ("step", "0", "60")


def of_a_theory(said: list[tuple[str, str]]) -> None:
    assert re.fullmatch(r"\[\('my_theory\.norms', [\d.]+, 6, '[a-z_]+'\)\]\n", said[-1][1])
    assert "my_theory.norms" in said[-2][1]


def of_an_optimizer(said: list[tuple[str, str]]) -> None:
    assert len(json.loads(said[-1][1])) == 2
    assert re.search(r"^exact_muon +Muon with an exact", said[0][1], re.MULTILINE)


SHOWN = {"my_task": of_a_task, "my_measure": of_a_measure, "my_theory": of_a_theory, "my_optimizer": of_an_optimizer}


def test_the_page_on_clusters_does_what_it_says(tmp_path: Path) -> None:
    """Its commands that need no cluster, as they are printed, one after another in an empty folder."""
    given = [
        line for kind, _, text in blocks(ROOT / "docs/guide/cluster.md") if kind == "sh" for line in text.splitlines()
    ]
    said = dict(zip(given, printed(COMMANDS, given, tmp_path), strict=True))
    ends = [text for line, text in said.items() if "--dry-run" not in line and "--share 1/2" not in line]
    assert len(ends) == 5
    assert all("all done; in " in text and "report.html" in text for text in ends)
    (first,) = [text for line, text in said.items() if "--share 1/2" in line]
    assert "share 1/2 has ended; 2 of 4 packs are left" in first
    packs = {store: len(list((tmp_path / store).glob("*/pack.json"))) for store in ("shared", "tried", "by-ray")}
    assert packs == {"shared": 4, "tried": 2, "by-ray": 2}


def test_the_script_of_an_array_job_trains_every_share(tmp_path: Path) -> None:
    """Run as SLURM runs it, but one task after another, and two instead of four."""
    ((text,),) = [[text for _, name, text in blocks(ROOT / "docs/scale.md") if name == "share.sbatch"]]
    assert len(text.splitlines()) <= 10
    (tmp_path / "share.sbatch").write_text(text)
    program = tmp_path / "bin" / "grokscope"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m grokscope "$@"\n')
    program.chmod(0o755)
    given = {"SLURM_ARRAY_TASK_COUNT": "2", "SLURM_CPUS_PER_TASK": "1", "PYTHONPATH": str(ROOT)}
    for task in "12":
        done = subprocess.run(
            ["bash", "share.sbatch", "sweep", "quickstart", "--grid=d_mlp=8,16", "--set=p=7", "--set=max_steps=60"],
            env=os.environ | given | {"SLURM_ARRAY_TASK_ID": task, "PATH": f"{program.parent}:{os.environ['PATH']}"},
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert len(list(tmp_path.glob("runs/*/pack.json"))) == int(task)
    assert list(tmp_path.glob("runs/studies/*/report.html"))
