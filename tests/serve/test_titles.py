"""Titles of theories on the live page: the theories' own, in both languages, without torch."""

import subprocess
import sys

import pytest

from grokscope.report.words import LANGUAGES, told
from grokscope.serve.titles import title, titles
from grokscope.theories.base import theories


@pytest.mark.parametrize("lang", LANGUAGES)
def test_they_are_those_of_the_theories(lang: str) -> None:
    own = {name: told(theory.title, lang) for name, theory in theories().items()}  # type: ignore[arg-type]
    assert {name: title(name, lang) for name in own} == own  # type: ignore[arg-type]
    assert titles().keys() == own.keys()


def test_a_theory_of_elsewhere_has_its_id_in_words() -> None:
    assert title("../my_theory", "zh") == "../my theory"


def test_they_take_no_torch() -> None:
    script = (
        "import sys; from grokscope.serve.titles import titles; assert titles(); sys.exit(int('torch' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
