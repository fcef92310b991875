"""The documentation site, without building it: the navigation, the pages that are made from the code, the pictures."""

import importlib
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

import grokscope
from grokscope.measures.base import measures
from tests.docs.site import site

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


class Loader(yaml.SafeLoader):
    """Reads mkdocs.yml, whose one tag names a function."""


Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
CONFIG: dict[str, Any] = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader)


def nav() -> list[str]:
    navigation, made = site("navigation"), site("pages").made()
    known = [*made, *(path.relative_to(DOCS).as_posix() for path in PAGES)]
    return [*navigation.files(navigation.expanded(CONFIG["nav"], known))]


def test_every_page_of_the_navigation_exists_and_every_page_stands_there_once() -> None:
    made = site("pages").made()
    notebooks = {path.relative_to(DOCS).with_suffix(".md").as_posix() for path in DOCS.rglob("*.ipynb")}
    there = {path.relative_to(DOCS).as_posix() for path in PAGES} | notebooks | set(made)
    assert sorted(nav()) == sorted(there)


def test_patterns_stand_for_pages_of_one_language_with_the_index_first() -> None:
    expanded = site("navigation").expanded
    known = ["b/z.md", "b/index.md", "b/z.zh.md", "b/c/d.md", "a.md"]
    assert expanded([{"B": "b/*.md"}, "a.md"], known) == [{"B": ["b/index.md", "b/z.md"]}, "a.md"]
    assert expanded([{"C": ["b/*.zh.md", {"N": "n.ipynb"}]}], known) == [{"C": ["b/z.zh.md", {"N": "n.md"}]}]


def test_nothing_comes_from_elsewhere() -> None:
    assert CONFIG["theme"]["font"] is False
    assert CONFIG["strict"] is True
    assert all("//" not in path for path in CONFIG["extra_css"])


def test_every_measure_has_its_equation_unit_and_source_on_a_page() -> None:
    made = site("pages").made()
    for name, one in measures().items():
        text = made[f"measures/{name.partition('.')[0]}.md"]
        (part,) = re.findall(rf"^## `{re.escape(name)}` .*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        assert f"| unit | {one.unit} |" in part
        assert f"**{one.definition.partition(chr(10))[0]}**" in part
        for line in one.definition.splitlines():
            if line.startswith("    "):
                assert line in part, "an equation stands as it is in the docstring"
        for number in re.findall(r"arXiv:(\S+?)[,;)]", one.source + ";"):
            assert f"https://arxiv.org/abs/{number}" in part
    assert sum(text.count("\n## `") for name, text in made.items() if name.startswith("measures/")) == len(measures())


def test_every_public_name_is_in_the_reference_where_it_is_defined() -> None:
    text = site("pages").made()["api/index.md"]
    places = re.findall(r"^::: (\S+)", text, re.MULTILINE)
    assert len(places) == len(grokscope.__all__)
    assert set(re.findall(r"heading: '(\w+)'", text)) == set(grokscope.__all__)
    for place in [*places, *re.findall(r"^::: (\S+)", (DOCS / "api/numerics.md").read_text(), re.MULTILINE)]:
        module, _, name = place.rpartition(".")
        assert getattr(importlib.import_module(module), name).__doc__, place


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_picture_is_drawn_and_says_what_it_shows(lang: str) -> None:
    page = (DOCS / ("concepts.md" if lang == "en" else "concepts.zh.md")).read_text(encoding="utf-8")
    asked = re.findall(r"<!-- picture: (\w+) -->", page)
    assert sorted(asked) == sorted(site("pictures").DRAWN)
    for name in asked:
        (drawn,) = ET.fromstring(site("pictures").picture(name, lang))
        assert len(drawn.get("aria-label", "")) > 15
        width, height = (float(part) for part in drawn.get("viewBox", "").split()[2:])
        for text in drawn.iter("{http://www.w3.org/2000/svg}text"):
            assert 0 <= float(text.get("x", -1)) <= width
            assert 0 <= float(text.get("y", -1)) <= height


def test_pictures_have_the_same_words_in_both_languages() -> None:
    english, chinese = (site("pictures").WORDS[lang] for lang in ("en", "zh"))
    assert english.keys() == chinese.keys()


@pytest.mark.parametrize("page", [ROOT / "README.zh-CN.md", *DOCS.rglob("*.zh.md")], ids=lambda page: page.name)
def test_a_page_in_chinese_and_its_english_one_lead_to_each_other(page: Path) -> None:
    other = page.with_name(page.name.replace(".zh-CN.", ".").replace(".zh.", "."))
    assert f"[English]({other.name})" in page.read_text(encoding="utf-8")
    assert f"[中文]({page.name})" in other.read_text(encoding="utf-8")
