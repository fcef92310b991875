"""Reasons for a missing number, in the language of the page.

Statistics and predictions give reasons in English. Reasons in the catalogue are translated; others stay as they are,
marked as English.
"""

import re
import string
from collections.abc import Iterator
from functools import cache

from grokscope.report.page.render import render
from grokscope.report.words import Lang, catalogue, say

HEAD = "because."


def because(reason: str, lang: Lang) -> str:
    """A reason in a language; markup where it stays in English. A step that is None was not reached."""
    never = say("number.never", lang)
    if lang == "en" or not reason:
        return reason.replace("(None)", f"({never})")
    for key, pattern in _known():
        if match := pattern.fullmatch(reason):
            return say(key, lang, **{name: never if of == "None" else of for name, of in match.groupdict().items()})
    return render("english", text=reason)


@cache
def _known() -> tuple[tuple[str, re.Pattern[str]], ...]:
    keys = [key for key in catalogue("en") if key.startswith(HEAD)]
    return tuple((key, re.compile("".join(_pattern(catalogue("en")[key])))) for key in keys)


def _pattern(text: str) -> Iterator[str]:
    for literal, name, _, _ in string.Formatter().parse(text):
        yield re.escape(literal)
        if name is not None:
            yield f"(?P<{name}>.+)"
