"""Patterns of the navigation in mkdocs.yml, such as `results/*.md`, as the pages that they stand for."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any


def expanded(nav: Iterable[Any], known: Iterable[str]) -> list[Any]:
    """The navigation with pages instead of patterns. known: the names of all pages, those that are made too."""
    return [*_items(nav, sorted(known, key=_index_first))]


def page_of(name: str) -> str:
    """The page of a file: that of a notebook is Markdown."""
    return name.replace(".ipynb", ".md")


def files(nav: Iterable[Any]) -> Iterator[str]:
    """All pages of an expanded navigation."""
    for item in nav:
        value = next(iter(item.values())) if isinstance(item, dict) else item
        if isinstance(value, list):
            yield from files(value)
        else:
            yield value


def _items(nav: Iterable[Any], known: list[str]) -> Iterator[Any]:
    for item in nav:
        if isinstance(item, str):
            yield from _matching(item, known)
            continue
        ((title, value),) = item.items()
        if isinstance(value, list):
            yield {title: [*_items(value, known)]}
        else:
            yield {title: _matching(value, known) if "*" in value else page_of(value)}


def _matching(pattern: str, known: list[str]) -> list[str]:
    """Pages in English, unless the pattern asks for Chinese."""
    if "*" not in pattern:
        return [page_of(pattern)]
    found = [name for name in known if fnmatchcase(name, pattern) and name.count("/") == pattern.count("/")]
    return [name for name in found if (".zh." in name) == (".zh." in pattern)]


def _index_first(name: str) -> tuple[str, bool, str]:
    folder, _, own = name.rpartition("/")
    return folder, not own.startswith("index."), own
