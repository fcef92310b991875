"""Reasons why a verdict, a control or an effect has no number, in the language of the page.

Statistics and predictions give reasons in English. Those of the catalogue are said in any language; another one stands
as it is, marked as English.
"""

import re
import string
from collections.abc import Iterator
from functools import cache

from grokscope.report.page.render import render
from grokscope.report.words import Lang, catalogue, say

HEAD = "because."


def because(reason: str, lang: Lang) -> str:
    """A reason in a language; markup where it is foreign to the page."""
    if lang == "en" or not reason:
        return reason
    for key, pattern in _known():
        if found := pattern.fullmatch(reason):
            return say(key, lang, **found.groupdict())
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
