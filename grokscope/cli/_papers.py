"""The papers that sources name, and their entries in BibTeX."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

BETWEEN = 60  # characters between the first author and the year: "Levin, Peres & Wilmer 2009"


@cache
def papers() -> dict[str, dict[str, Any]]:
    """Every entry by its key."""
    return tomllib.loads(Path(__file__).with_name("papers.toml").read_text(encoding="utf-8"))


def named_in(text: str) -> Iterator[str]:
    """The keys of the papers that a source names: by arXiv id, DOI, or first author and year."""
    text = " ".join(text.split())
    for key, paper in papers().items():
        family = re.escape(paper["author"][0].partition(",")[0])
        by_name = re.search(rf"\b{family}\b[^0-9;]{{0,{BETWEEN}}}{paper['year']}\b", text)
        if by_name or any(paper[kind] in text for kind in ("arxiv", "doi") if kind in paper):
            yield key


def bibtex(key: str, fields: Mapping[str, Any]) -> str:
    """One entry. A title keeps its capitals."""
    told = {name: str(value) for name, value in fields.items() if name not in ("type", "author", "arxiv")}
    authors = fields["author"]
    shown = {"author": " and ".join(authors), **told}
    if "arxiv" in fields:
        shown |= {
            "eprint": fields["arxiv"],
            "archiveprefix": "arXiv",
            "url": f"https://arxiv.org/abs/{fields['arxiv']}",
        }
    lines = [f"  {name} = {{{_plain(name, value)}}}," for name, value in shown.items()]
    return "\n".join([f"@{fields.get('type', 'misc')}{{{key},", *lines, "}"])


def _plain(name: str, value: str) -> str:
    if name in ("url", "doi", "eprint"):
        return value
    value = re.sub(r"([&%#_$])", r"\\\1", value)
    return f"{{{value}}}" if name == "title" else value
