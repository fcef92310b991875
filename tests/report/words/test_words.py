"""Both languages say the same things; the catalogue holds what the code asks for, and nothing else."""

import ast
import re
import string
import tomllib
from pathlib import Path

import pytest

import grokscope.cli
import grokscope.report
import grokscope.serve
from grokscope.registry import names
from grokscope.report import words
from grokscope.report.run.numbers import MEASURES
from grokscope.report.study.because import HEAD
from grokscope.report.words import LANGUAGES, catalogue, number, part_name, percent, say, task_name
from grokscope.theories.base import theories

HOUSE = Path(grokscope.report.__file__).parent
LIVE = Path(grokscope.serve.__file__).parent
SOURCES = [*HOUSE.rglob("*.py"), *LIVE.rglob("*.py"), *Path(grokscope.cli.__file__).parent.glob("*.py")]
TEMPLATES = [*HOUSE.rglob("*.html"), *LIVE.rglob("*.html"), *LIVE.rglob("*.js")]
MEASURED = [*MEASURES, "attention.entropy", "circuits.key_frequencies"]
OF_PHASES = ("t_mem", "t_on", "t_gen", "delay", "t_lost", "crossings_test", "crossings_fresh", "crossings")
KEYS = sorted(catalogue("en"))


def placeholders(text: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


def asked_for() -> tuple[set[str], set[str]]:
    """Every string of the sources that could be a key; and every f-string that makes one, as a pattern."""
    literals, patterns = set(), set()
    for path in SOURCES:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        made = [node.values for node in nodes if isinstance(node, ast.JoinedStr)]
        pieces = {part for parts in made for part in parts}
        literals |= {str(node.value) for node in nodes if isinstance(node, ast.Constant) and node not in pieces}
        for parts in made:
            texts = [re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in parts]
            patterns.add("".join(texts))
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        literals |= set(re.findall(r"""["'`]([a-z_]+\.[a-z_.]+)["'`]""", text))
        made = re.findall(r'"([a-z_]+\.)" ~ [a-z.]+(?: ~ "([a-z_]+)")?', text)
        patterns |= {re.escape(head) + ".+" + tail for head, tail in made}
    return literals, {pattern for pattern in patterns if re.match(r"[a-z_]+\\\.", pattern)}


LITERALS, PATTERNS = asked_for()


@pytest.mark.parametrize("key", KEYS)
def test_every_text_is_in_both_languages_with_the_same_placeholders(key: str) -> None:
    texts = [catalogue(lang).get(key, "") for lang in LANGUAGES]
    assert all(text.strip() for text in texts)
    assert placeholders(texts[0]) == placeholders(texts[1])


def test_no_language_has_a_text_of_its_own() -> None:
    assert set(catalogue("zh")) == set(KEYS)


def test_every_part_of_a_claim_has_a_name_in_chinese_and_no_name_is_left_over() -> None:
    parts = {row.part for theory in theories().values() for row in theory.predictions if row.part}
    chinese = tomllib.loads((Path(words.__file__).parent / "parts.toml").read_text(encoding="utf-8"))["zh"]
    assert set(chinese) == parts
    assert [part_name("each head", lang) for lang in LANGUAGES] == ["each head", "单个头"]
    assert part_name("a part of a plugin", "zh") == "a part of a plugin"


def test_chinese_is_chinese() -> None:
    latin = {key for key, text in catalogue("zh").items() if not re.search(r"[\u4e00-\u9fff]", text)}
    assert latin == set()


def test_a_key_that_two_files_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "en").mkdir()
    for name in ("one", "other"):
        (tmp_path / "en" / f"{name}.toml").write_text('[axis]\nstep = "step"\n')
    monkeypatch.setattr("grokscope.report.words.__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(ValueError, match=r"other\.toml defines 'axis\.step'"):
        catalogue.__wrapped__("en")


def test_every_key_that_the_code_asks_for_exists() -> None:
    rooms = "|".join({key.partition(".")[0] for key in KEYS})
    asked = {text for text in LITERALS if re.fullmatch(rf"({rooms})\.(?!json|html|css|js|md|csv)[a-z_0-9]+", text)}
    assert len(asked) > 100
    assert asked - set(KEYS) == set()
    patterns = {pattern for pattern in PATTERNS if re.match(rf"({rooms})\\\.", pattern)}
    assert {pattern for pattern in patterns if not any(re.fullmatch(pattern, key) for key in KEYS)} == set()


# Those of reasons are known by their English text: tests/report/study/test_because.py.
@pytest.mark.parametrize("key", [key for key in KEYS if not key.startswith(HEAD)])
def test_no_key_is_unused(key: str) -> None:
    head, _, rest = key.partition(".")
    if head in ("quantity", "define"):
        assert rest in MEASURED or rest in OF_PHASES
    else:
        assert key in LITERALS or any(re.fullmatch(pattern, key) for pattern in PATTERNS)


@pytest.mark.parametrize("measure", MEASURED)
def test_every_measure_of_the_table_has_a_name_and_a_definition(measure: str) -> None:
    assert say(f"quantity.{measure}", "en")
    assert say(f"define.{measure}", "zh")


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


def test_every_task_has_a_name_in_both_languages() -> None:
    for task in names("tasks"):
        assert f"task.{task}" in KEYS
    assert [task_name("sparse_parity", lang) for lang in LANGUAGES] == ["sparse parity", "稀疏奇偶校验"]
    assert task_name("of_a_plugin", "zh") == "of a plugin"
