"""The pages of docs/guide are tried as they are printed, in an empty folder: files, commands and Python."""

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


@pytest.fixture(params=PAGES, ids=lambda page: page.stem)
def page(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[str], list[str]]:
    """A page whose files lie in an empty folder; its pieces of Python, and its commands."""
    found = blocks(request.param)
    for _, name, text in found:
        if name:
            (tmp_path / name).write_text(text, encoding="utf-8")
    python = [text for language, name, text in found if language == "python" and not name]
    commands = [line for language, _, text in found if language == "sh" for line in text.splitlines()]
    return request.param, python, commands


def test_there_is_a_page_for_each() -> None:
    assert [page.stem for page in PAGES] == ["my_measure", "my_optimizer", "my_task", "my_theory"]
    for page in PAGES:
        kinds = {(language, name) for language, name, _ in blocks(page)}
        assert {("python", f"{page.stem}.py"), ("python", ""), ("sh", "")} <= kinds


def test_a_page_does_what_it_says(page: tuple[Path, list[str], list[str]], tmp_path: Path) -> None:
    path, python, commands = page
    of_python = printed(PYTHON, python, tmp_path)
    of_commands = printed(COMMANDS, commands, tmp_path)
    assert all(map(str.strip, [*of_python, *of_commands]))
    if path.stem == "my_task":
        assert of_python[0].split()[0] == "13"
        assert of_python[1].strip() == "segment"
        listed = next(
            text for line, text in zip(commands, of_commands, strict=True) if line.startswith("grokscope list")
        )
        assert re.search(r"clock_distance +How far apart two hours of a clock are\. +my_task\.py", listed)
    if path.stem == "my_measure":
        assert of_python == ["True\n"]
        steps = [line.split("\t")[0] for line in of_commands[-1].splitlines()]
        assert steps[:2] == ["step", "0"]
        assert steps[-1] == "60"
    if path.stem == "my_theory":
        (row,) = eval(of_python[0], {"__builtins__": {}})  # a tuple of a name, numbers and a word
        assert row[0] == "my_theory.norms"
        assert row[2] == 6
        assert "my_theory.norms" in of_commands[-1]
