"""What README and docs print exists: commands that parse, families and tables, links, and names in Python."""

import importlib
import itertools
import re
import shlex
from pathlib import Path

import pytest

from grokscope.cli.base import parsed
from grokscope.registry import component, names
from grokscope.studies.arms import arms
from grokscope.studies.tables.base import tables
from tests.docs.site import site

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").rglob("*.md"))]
TYPED = [page for page in PAGES if page.parent.name != "decisions"]  # decisions tell what was
MADE = {(ROOT / "docs" / name).resolve() for name in site("pages").made()}  # by scripts/docs, from the code
ROOMS = "|".join(sorted(path.parent.name for path in (ROOT / "grokscope").glob("*/__init__.py")))
LINK = re.compile(r"\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)*)\)")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands() -> list[tuple[str, str]]:
    """(page, command) of every line, and of every piece of code within one, that types a command; comments and
    redirections are cut off."""
    found = []
    for page in TYPED:
        text = page.read_text(encoding="utf-8")
        lines = [line.strip().removeprefix("| ").split(" #")[0].split(" > ")[0] for line in text.splitlines()]
        lines += [" ".join(code.split()) for code in re.findall(r"`((?:grokscope|scripts/)[^`]+)`", text)]
        for part in (part.strip() for line in lines for part in re.split(r"&&|;", line)):
            if re.match(r"(grokscope [a-z]+ |scripts/[a-z]+)", part + " ") and "…" not in part:
                found.append((named(page), part))
    return list(dict.fromkeys(found))


COMMANDS = commands()


def test_there_are_some() -> None:
    assert len(COMMANDS) > 50
    pages = {"README.md", "docs/results/goldilocks.md", "docs/scale.md", "docs/reliability.md"}
    assert {page for page, _ in COMMANDS} >= pages


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=lambda value: value[:60])
def test_a_printed_command_can_be_typed(page: str, line: str) -> None:
    program, *words = shlex.split(line)
    if program.startswith("scripts/"):
        assert (ROOT / program).is_file()
        assert all((ROOT / word).exists() for word in words if word.startswith("tests/"))
        if program != "scripts/run":
            return
        words = ["run", *words]
    if words[1:] != ["--help"]:
        parsed(words[0], words[1:])  # ValueError for what cannot be read; nothing is run
    given = dict(itertools.pairwise(words))
    if "--plugin" in given:  # its components are in a file that stands on the page; tests/test_guide.py types these
        return
    if words[0] == "study":
        only = [name for name in given.get("--arms", "").split(",") if name]
        assert arms(words[1], given.get("--scale", "laptop"), 1, only)  # type: ignore[arg-type]
    if words[0] in ("run", "sweep") and len(words) > 1 and not words[1].startswith("-"):
        assert words[1] in names("recipes")
    if words[0] == "bench" and len(words) > 1 and not words[1].startswith("-"):
        assert component("benchmarks", words[1])
    if "--table" in given:
        assert given["--table"] in tables()


@pytest.mark.parametrize("command", names("cli"))
def test_the_page_of_commands_types_every_command(command: str) -> None:
    """In a table or an example, not merely in passing."""
    assert ("docs/guide/commands.md", command) in {(page, line.split()[1]) for page, line in COMMANDS if " " in line}


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of headings: small letters, no punctuation, hyphens for spaces; numbered where a
    heading comes again."""
    found: list[str] = []
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for heading in re.findall(r"^#+ +(.+?) *#*$", text, flags=re.M):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
        found.append(slug + (f"-{found.count(slug)}" if slug in found else ""))
    return {*found, *re.findall(r'(?:id|name)="([^"]+)"', text)}


def test_anchors_are_those_of_headings(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('# A `b`, c: d\n## Same\n## Same\n```sh\n# no heading\n```\n<a id="own"></a>\n')
    assert anchors(page) == {"a-b-c-d", "same", "same-1", "own"}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    lost = []
    for link in LINK.findall(text):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if re.match(r"[a-z]+:", link):  # elsewhere: https, mailto
            continue
        if target.resolve() in MADE and not anchor:
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


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


@pytest.mark.parametrize("page", TYPED, ids=named)
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
