"""The digest of a reading: another definition changes it, other words do not."""

import importlib.util
import itertools
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grokscope.predictions import definition, readings
from grokscope.predictions.definition import digest
from grokscope.predictions.readings import At, Fact, Instrument, Series
from grokscope.predictions.rows import GROKKED, T_GEN, last
from grokscope.predictions.series import halves
from grokscope.theories.base import theories

CODE = '''
"""A plugin."""
from dataclasses import dataclass
from grokscope.errors import Missing

LEVEL = 0.5

@dataclass(frozen=True)
class Wave:
    """A wave."""
    height: float = 2.0

    def above(self, level: float) -> bool:
        return self.height > level

def helper(values, window=3):
    """Its help."""
    # a remark
    if len(values) < window:
        return Missing("too few values")
    return Wave(max(values)).above(LEVEL)

def of(subject):
    """What it is."""
    return float(helper(subject.rows("weights.norm").values) or subject.phases.grokked)

def made(measure):
    return lambda subject: float(len(subject.rows(measure)))

ONE, TWO = (lambda subject: 1.0), (lambda subject: 2.0)
'''
numbers = itertools.count()


def module(folder: Path, code: str) -> Any:
    """The code as a plugin: a module outside the package."""
    path = folder / str(next(numbers)) / "plugged.py"
    path.parent.mkdir()
    path.write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("plugged", path)
    assert spec is not None
    assert spec.loader is not None
    made: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules["plugged"] = made
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def of(tmp_path: Path) -> Any:
    """From old and new text to the digest of the plugin's reading."""

    def changed(*pairs: tuple[str, str]) -> str:
        code = CODE
        for old, new in pairs:
            assert old in code
            code = code.replace(old, new)
        return digest(Series("x", module(tmp_path, code).of))

    yield changed
    del sys.modules["plugged"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# a remark", "# another remark"),
        ('"""Its help."""', '"""Other help."""'),
        ('    """What it is."""\n', ""),
        ('    """A wave."""\n', ""),
        ("too few values", "fewer values than the window"),
        ("(self, level: float) -> bool", "(self, level)"),
        ('"weights.norm"', "'weights.norm'"),
        ("if len(values) < window:", "if len(\n        values) < window:\n"),
        ("LEVEL = 0.5", "\n\nLEVEL = 0.5\nUNUSED = 7"),
    ],
)
def test_words_change_no_digest(of: Callable[..., str], old: str, new: str) -> None:
    assert of((old, new)) == of()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LEVEL = 0.5", "LEVEL = 0.6"),
        ("window=3", "window=4"),
        ("< window", "<= window"),
        ("self.height > level", "self.height >= level"),
        ("height: float = 2.0", "height: float = 3.0"),
        ("max(values)", "min(values)"),
        ('"weights.norm"', '"weights.spectral_norm"'),
        ("phases.grokked", "fresh.grokked"),
    ],
)
def test_what_computes_a_number_changes_the_digest(of: Callable[..., str], old: str, new: str) -> None:
    assert of((old, new)) != of()


def test_how_phases_are_found_is_a_part_of_the_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    """A series that asks for the phases changes with them; one that does not stays."""
    before, norm = digest(GROKKED), digest(last("weights.norm"))
    plain = definition.plain

    def otherwise(node: Any) -> Any:
        return "otherwise" if getattr(node, "name", "") == "phases_of_curves" else plain(node)

    monkeypatch.setattr(definition, "plain", otherwise)
    definition._syntax.cache_clear()
    definition._of_function.cache_clear()
    try:
        assert digest(GROKKED) != before
        assert digest(last("weights.norm")) == norm
    finally:
        monkeypatch.undo()
        definition._syntax.cache_clear()
        definition._of_function.cache_clear()
    assert digest(GROKKED) == before


def test_readings_of_one_function_differ_by_what_it_was_made_with(tmp_path: Path) -> None:
    assert digest(halves("weights.norm")) == digest(halves("weights.norm"))
    assert digest(halves("weights.norm")) != digest(halves("weights.squared_norm"))
    assert digest(halves("weights.norm", window=3)) != digest(halves("weights.norm", window=5))
    plugged = module(tmp_path, CODE)
    assert digest(Fact("x", plugged.made("a"))) != digest(Fact("x", plugged.made("b")))
    assert digest(Fact("x", plugged.ONE)) != digest(Fact("x", plugged.TWO))  # two functions of one line
    del sys.modules["plugged"]


def test_the_name_and_what_stands_for_no_answer_are_no_part_of_it() -> None:
    assert digest(Series("other", GROKKED.of)) == digest(GROKKED) == digest(GROKKED.otherwise(0.0))
    instrument = Instrument("weights.norm")
    assert digest(At("after", instrument)) == instrument.digest


def test_a_function_without_a_file_has_a_digest_of_its_code() -> None:
    known: dict[str, Any] = {}
    exec("def one(subject): return 1.0\ndef two(subject): return subject", known)
    assert digest(Fact("x", known["one"])) != digest(Fact("x", known["two"]))


def test_all_readings_have_one_and_different_readings_different_ones() -> None:
    found: dict[str, set[str]] = {}
    for theory in theories().values():
        for row in theory.predictions:
            for reading in row.readings:
                if not isinstance(reading, At):
                    assert re.fullmatch("[0-9a-f]{12}", digest(reading))
                    found.setdefault(digest(reading), set()).add(reading.key)
    assert all(len(keys) == 1 for keys in found.values())
    assert digest(T_GEN) in found


def test_another_process_has_the_same_digests() -> None:
    """Whatever the order of sets in it, and the folder that it was started in."""
    code = (
        "from grokscope.predictions.definition import digest\n"
        "from grokscope.theories.base import theories\n"
        "print(*(digest(one) for theory in theories().values() for row in theory.predictions for one in row.readings))"
    )
    root = Path(__file__).parents[2]

    def started(folder: Path, seed: str, *options: str) -> str:
        about = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        command = [sys.executable, *options, "-c", code]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, env=about).stdout

    assert started(root, "1") == started(root.parent, "2", "-O") != "\n"


def test_a_measure_that_comes_later_is_known_by_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """A measure of a plugin may be asked for before the plugin is there."""
    norm = Instrument("weights.norm")
    there = norm.digest
    with monkeypatch.context() as patch:
        patch.setattr(readings, "names", lambda _: ())
        assert norm.digest != there
    assert norm.digest == there
