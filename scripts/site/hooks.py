"""What MkDocs does for this site beside rendering Markdown: patterns in the navigation, pages made from the registry,
notebooks that are executed, a story, and the few things that GitHub's Markdown has and Python's has not."""

import logging
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from grokscope.report.page.script import SMALL

sys.path.insert(0, str(Path(__file__).parent))

import navigation
import notebooks
import pages
import pictures
import stories

# What a browser would fetch from another machine when the page opens.
FETCHED = re.compile(
    r"""<(?:script|img|iframe|link rel=["']?stylesheet)\b[^>]*(?:src|href)=["']?(?:https?:)?//[^"'\s>]+"""
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Patterns of the navigation become the pages that they stand for."""
    root = Path(config.docs_dir)
    known = [*pages.made(), *(path.relative_to(root).as_posix() for path in root.rglob("*.md"))]
    config.nav = navigation.expanded(config.nav or [], known)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made, and gives every notebook a page."""
    for name, text in pages.made().items():
        files.append(File.generated(config, name, content=text))
    for file in [file for file in files if file.src_uri.endswith(".ipynb")]:
        files.remove(file)
        text = notebooks.page(Path(str(file.abs_src_path)))
        files.append(File.generated(config, navigation.page_of(file.src_uri), content=text))
    files.append(File.generated(config, stories.PLOTLY, content=SMALL.read_text(encoding="utf-8")))
    for name, text in stories.made().items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """What GitHub reads without being told: lists below a line, Markdown within <details>; links to notebooks,
    pictures, and the story."""
    lang = "zh" if ".zh." in page.file.src_uri else "en"
    markdown = re.sub(r"<!-- picture: (\w+) -->", lambda found: pictures.picture(found[1], lang), markdown)
    markdown = markdown.replace("<!-- story -->", stories.frame(lang))
    parts = re.split(r"(^```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    for place in range(0, len(parts), 2):
        text = _lists(parts[place]).replace("<details", '<details markdown="1"')
        parts[place] = re.sub(r"\]\([^)\s]+\.ipynb\)", lambda found: navigation.page_of(found[0]), text)
    return "".join(parts)


def _lists(text: str) -> str:
    """A blank line before each list that has none."""
    lines: list[str] = []
    for line in text.split("\n"):
        before = lines[-1] if lines else ""
        begins = re.match(r"(?:[-*]|1\.) ", line)
        if begins and before.strip() and not re.match(r"\s*(?:[-*]|\d+\.) |\s+", before):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """A page in Chinese says so. A page that would fetch something from elsewhere is a fault."""
    for found in FETCHED.findall(output):
        logging.getLogger("mkdocs").warning("%s fetches %s", page.file.src_uri, found)
    return output.replace('<html lang="en"', '<html lang="zh"', 1) if ".zh." in page.file.src_uri else output
