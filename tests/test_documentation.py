"""What README and docs print exists: commands with options, families and tables, paths, and names in Python."""

import importlib
import itertools
import re
import shlex
from pathlib import Path

import pytest

from grokscope.cli.base import main
from grokscope.registry import component, names
from grokscope.studies.arms import arms
from grokscope.studies.tables.base import tables

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ROOMS = "|".join(sorted(path.parent.name for path in (ROOT / "grokscope").glob("*/__init__.py")))


def commands() -> list[tuple[str, str]]:
    """(page, command) of every line that types one; comments are cut off."""
    found = []
    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            for part in re.split(r"&&|;", line.strip().removeprefix("| ").split(" #")[0]):
                if re.match(r"(grokscope [a-z]+ |scripts/[a-z]+)", part.strip() + " ") and "…" not in part:
                    found.append((page.name, part.strip()))
    return found


COMMANDS = commands()


def test_there_are_some() -> None:
    assert len(COMMANDS) > 50
    assert {page for page, _ in COMMANDS} >= {"README.md", "results.md", "scale.md", "reliability.md"}


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=lambda value: value[:60])
def test_a_printed_command_can_be_typed(page: str, line: str, capsys: pytest.CaptureFixture) -> None:
    program, *words = shlex.split(line)
    if program.startswith("scripts/"):
        assert (ROOT / program).is_file()
        assert all((ROOT / word).exists() for word in words if word.startswith("tests/"))
        if program != "scripts/run":
            return
        words = ["run", *words]
    words = [word for word in words if word != "..."]
    options = {word for word in words if word.startswith("--")}
    with pytest.raises(SystemExit) as left:
        main([words[0], "--help"])
    assert left.value.code == 0
    printed = capsys.readouterr().out
    assert {option for option in options if not re.search(rf"{option}\b", printed)} == set()
    given = dict(itertools.pairwise(words))
    if words[0] == "study":
        only = [name for name in given.get("--arms", "").split(",") if name]
        assert arms(words[1], given.get("--scale", "laptop"), 1, only)  # type: ignore[arg-type]
    if words[0] in ("run", "sweep") and len(words) > 1 and not words[1].startswith("-"):
        assert words[1] in names("recipes")
    if words[0] == "bench" and len(words) > 1:
        assert component("benchmarks", words[1])
    if "--table" in given:
        assert given["--table"] in tables()


def resolved(name: str) -> bool:
    parts = name.removeprefix("grokscope.").split(".")
    for place in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(["grokscope", *parts[:place]]))
        except ModuleNotFoundError:
            continue
        for part in parts[place:]:
            value = getattr(value, part, None)
        return value is not None
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_printed_name_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    dotted = re.findall(rf"(?<![\w./`])`((?:grokscope\.)?(?:{ROOMS})(?:\.[A-Za-z_]\w*)+)\b", text)
    dotted += re.findall(r"from (grokscope[\w.]*) import", text)
    dotted += [
        f"{place}.{name.strip()}"
        for place, listed in re.findall(r"from (grokscope[\w.]*) import ([\w, ]+)", text)
        for name in listed.split(",")
    ]
    dotted = [name for name in dict.fromkeys(dotted) if not name.endswith((".md", ".html"))]  # files
    assert [name for name in dotted if not resolved(name)] == []
