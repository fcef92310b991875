"""All texts of the reports, in English and Chinese, by key; and the format of numbers.

The texts are data: `en/*.toml` and `zh/*.toml`, a file a room. The key of an entry is its path: `[axis]` with
`step = …` is "axis.step". Placeholders are those of str.format, the same in both languages.
"""

import functools
import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from markupsafe import Markup, escape

from grokscope.registry import kept, words

Lang = Literal["en", "zh"]
LANGUAGES: tuple[Lang, ...] = get_args(Lang)


@kept
def catalogue(lang: Lang) -> dict[str, str]:
    """All texts of a language, by key. A plugin may have its texts in another language alone. ValueError for a key that
    two files hold, and for an unknown language."""
    require_language(lang)
    texts: dict[str, str] = {}
    for file in sorted((Path(__file__).parent / lang).glob("*.toml")):
        for key, text in _entries(tomllib.loads(file.read_text(encoding="utf-8"))):
            if key in texts:
                raise ValueError(f"{file.name} defines {key!r}, which another file of {lang} defines too")
            texts[key] = text
    for plugin, spoken in words().items():
        own = {key: text for of in (*spoken.values(), spoken.get(lang, {})) for key, text in of.items()}
        if taken := texts.keys() & own.keys():
            raise ValueError(f"the plugin {plugin} defines the text {min(taken)!r}, which is there already")
        texts |= own
    return texts


def _entries(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _entries(value, f"{above}{key}.")
        else:
            yield above + key, value


def say(key: str, lang: Lang, **values: Any) -> str:
    """The text of a key in a language, its placeholders filled. Where a value is markup, so is the text, escaped."""
    text = catalogue(lang)[key]
    marked = any(isinstance(value, Markup) for value in values.values())
    return (escape(text) if marked else text).format(**values)


def told(text: Mapping[Any, str], lang: Lang) -> str:
    """A text in a language, or in the one that it has: a theory of a plugin may speak one language."""
    return text[lang] if lang in text else next(iter(text.values()))


def task_name(task: str, lang: Lang) -> str:
    """A task in words; one that has none goes by its id."""
    key = f"task.{task}"
    return say(key, lang) if key in catalogue(lang) else task.replace("_", " ")


def part_name(name: str, lang: Lang) -> str:
    """What a page in a language calls a part of a claim: its own name where there is no other, as in a plugin."""
    return _parts().get(lang, {}).get(name, name)


@functools.cache
def _parts() -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / "parts.toml").read_text(encoding="utf-8"))


def require_language(lang: str) -> None:
    """ValueError for a language without texts."""
    if lang not in LANGUAGES:
        raise ValueError(f"lang must be one of {', '.join(LANGUAGES)}, got {lang!r}")


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
    """Three significant digits; powers of ten where it is small; infinities by their sign."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.3g}" if value == 0 or abs(value) >= 1e-3 else f"{value:.1e}".replace("e-0", "e-")


def with_interval(value: float, low: float | None, high: float | None) -> str:
    """A number and its interval, where there is one."""
    shown = number(value)
    return shown if low is None or high is None else f"{shown} [{number(low)}, {number(high)}]"
