"""Reasons of statistics are said in the page's language; what is not known stays English and is marked so."""

import ast
import re
from pathlib import Path

import pytest
from markupsafe import Markup

import grokscope
from grokscope.report.study.because import HEAD, because
from grokscope.report.words import catalogue, say

KNOWN = [key for key in catalogue("en") if key.startswith(HEAD)]


def given() -> set[str]:
    """Every text of the code, placeholders emptied."""
    found = set()
    for path in Path(grokscope.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant):
                found.add(str(node.value))
            elif isinstance(node, ast.JoinedStr):
                found.add("".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values))
    return found


GIVEN = given()


@pytest.mark.parametrize("key", KNOWN)
def test_a_known_reason_is_one_that_the_code_gives(key: str) -> None:
    assert re.sub(r"\{\w+\}", "{}", catalogue("en")[key]) in GIVEN


@pytest.mark.parametrize("key", KNOWN)
def test_a_known_reason_is_said_in_chinese_with_its_numbers(key: str) -> None:
    names = re.findall(r"\{(\w+)\}", catalogue("en")[key])
    values = {name: str(7 + number) for number, name in enumerate(names)}
    found = because(say(key, "en", **values), "zh")
    assert found == say(key, "zh", **values)
    assert not isinstance(found, Markup)


def test_an_unknown_reason_is_english_and_marked_so() -> None:
    assert because("the <moon> is full", "zh") == '<span lang="en">the &lt;moon&gt; is full</span>'
    assert because("the <moon> is full", "en") == "the <moon> is full"
    assert because("", "zh") == ""


def test_a_step_that_was_not_reached_is_no_none() -> None:
    reason = "no time between memorisation (64) and generalisation (None)"
    assert because(reason, "en") == "no time between memorisation (64) and generalisation (not reached)"
    assert because(reason, "zh") == "记忆（64）与泛化（未达到）之间没有间隔"
