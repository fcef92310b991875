"""Both languages say the same things."""

import re
import string
from pathlib import Path

import pytest

import grokscope.report
from grokscope.report.numbers import MEASURES
from grokscope.report.words import LANGUAGES, PARTS, WORDS, number, percent, say


def placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


@pytest.mark.parametrize("key", WORDS)
def test_every_text_is_in_both_languages_with_the_same_placeholders(key: str) -> None:
    assert set(WORDS[key]) == set(LANGUAGES)
    assert placeholders(WORDS[key]["en"]) == placeholders(WORDS[key]["zh"])
    assert all(WORDS[key][lang].strip() for lang in LANGUAGES)


def test_chinese_is_chinese() -> None:
    latin = {key for key, text in WORDS.items() if not re.search(r"[\u4e00-\u9fff]", text["zh"])}
    assert latin == set()


def test_no_id_is_defined_twice() -> None:
    assert sum(map(len, PARTS)) == len(WORDS)


def test_every_id_that_the_code_asks_for_exists() -> None:
    sources = [path.read_text() for path in Path(grokscope.report.__file__).parent.glob("*.py")]
    asked = {key for text in sources for key in re.findall(r'(?:say|Missing)\(\s*"([^"{}]+)"', text)}
    assert len(asked) > 30
    assert asked - set(WORDS) == set()


@pytest.mark.parametrize("measure", [*MEASURES, "attention.entropy", "circuits.key_frequencies"])
def test_every_measure_of_the_table_has_a_name_and_a_definition(measure: str) -> None:
    assert say(measure, "en")
    assert say(f"{measure}.define", "zh")


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (1, "100%"), (0.9999, ">99.9%"), (0.0004, "<0.1%"), (0.95, "95%"), (0.123, "12.3%"), (0.999, "99.9%")],
)
def test_only_all_is_100_percent_and_only_none_is_0_percent(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (7.21e-8, "7.2e-8"), (6.2093, "6.21"), (27.0, "27"), (3e-11, "3.0e-11")]
)
def test_numbers_keep_the_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text
