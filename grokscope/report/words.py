"""All text of the report in English and Chinese, by id; and numbers as they are written.

The texts themselves are in files by subject: `words_*.py`, titles and captions in `captions*.py`, names and definitions
of numbers in `quantities.py`. Placeholders are str.format's, the same in both languages; a test keeps them so.
"""

import math
from typing import Any, Literal

from grokscope.report.captions import FIGURES
from grokscope.report.captions_circuit import CIRCUIT
from grokscope.report.quantities import QUANTITIES
from grokscope.report.words_axes import AXES
from grokscope.report.words_efficiency import EFFICIENCY
from grokscope.report.words_page import PAGE
from grokscope.report.words_phases import PHASES
from grokscope.report.words_studies import STUDIES
from grokscope.report.words_summary import SUMMARY
from grokscope.report.words_sweep import SWEEP
from grokscope.report.words_theories import THEORIES

Lang = Literal["en", "zh"]
LANGUAGES: tuple[Lang, ...] = ("en", "zh")
PARTS = (PAGE, PHASES, AXES, FIGURES, CIRCUIT, SUMMARY, QUANTITIES, STUDIES, EFFICIENCY, SWEEP, THEORIES)

WORDS: dict[str, dict[Lang, str]] = {id_: text for part in PARTS for id_, text in part.items()}


def say(key: str, lang: Lang, **values: Any) -> str:
    """The text of an id in a language, its placeholders filled."""
    return WORDS[key][lang].format(**values)


def count(number: int) -> str:
    """A whole number with commas between thousands."""
    return f"{number:,}"


def percent(share: float) -> str:
    """A share in per cent; only 1 itself is 100%, and only 0 itself is 0%."""
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.999 < share < 1:
        return ">99.9%"
    return f"{100 * share:.1f}".removesuffix(".0") + "%"


def number(value: float) -> str:
    """Three digits that count, in powers of ten where it is small; infinities by their sign."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.3g}" if value == 0 or abs(value) >= 1e-3 else f"{value:.1e}".replace("e-0", "e-")
