"""What MkDocs does for this site beside rendering Markdown: patterns in the navigation, pages made from the registry,
notebooks that are executed, and the few things that GitHub's Markdown has and Python's has not."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))

import notebooks
import pages


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Patterns of the navigation become the pages that they stand for."""
    made = [
        *pages.made(),
        *(path.relative_to(config.docs_dir).as_posix() for path in Path(config.docs_dir).rglob("*.md")),
    ]
    config.nav = [*_expanded(config.nav or [], sorted(made, key=_index_first))]
    return config


def _index_first(name: str) -> tuple[str, bool, str]:
    folder, _, own = name.rpartition("/")
    return folder, not own.startswith("index."), own


def _expanded(nav: list[Any], known: list[str]) -> Iterator[Any]:
    for item in nav:
        if isinstance(item, str):
            yield from _matching(item, known)
            continue
        ((title, value),) = item.items()
        if isinstance(value, list):
            yield {title: [*_expanded(value, known)]}
        else:
            yield {title: _matching(value, known) if "*" in value else _page_of(value)}


def _page_of(name: str) -> str:
    """The page of a file: a notebook becomes Markdown."""
    return name.replace(".ipynb", ".md")


def _matching(pattern: str, known: list[str]) -> list[str]:
    if "*" not in pattern:
        return [_page_of(pattern)]
    found = [name for name in known if Path(name).match(pattern) and name.count("/") == pattern.count("/")]
    return [name for name in found if (".zh." in name) == (".zh." in pattern)]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made, and gives every notebook a page."""
    for name, text in pages.made().items():
        files.append(File.generated(config, name, content=text))
    for file in [file for file in files if file.src_uri.endswith(".ipynb")]:
        files.remove(file)
        files.append(notebooks.as_page(file, config))
    files.append(File.generated(config, "javascripts/plotly.min.js", content=notebooks.plotly_js()))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """What GitHub reads without being told: lists below a line, Markdown within <details>; links to notebooks, and
    pictures."""
    lang = "zh" if ".zh." in page.file.src_uri else "en"
    markdown = re.sub(r"<!-- picture: (\w+) -->", lambda found: pictures.picture(found[1], lang), markdown)
    parts = re.split(r"(^```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    for place in range(0, len(parts), 2):
        parts[place] = _lists(parts[place]).replace("<details", '<details markdown="1"')
    return "".join(parts).replace(".ipynb)", ".md)")


def _lists(text: str) -> str:
    """A blank line before each list that has none."""
    lines: list[str] = []
    for line in text.split("\n"):
        begins = re.match(r"(?:[-*]|1\.) ", line)
        before = lines[-1] if lines else ""
        if begins and before.strip() and not re.match(r"\s*(?:[-*]|\d+\.) |\s+", before):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """A page in Chinese says so."""
    return output.replace('<html lang="en"', '<html lang="zh"', 1) if ".zh." in page.file.src_uri else output
