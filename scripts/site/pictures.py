"""The pictures of the pages on concepts, drawn when the site is built, with words in the language of the page.

A page asks for one by a line `<!-- picture: NAME -->`. They are drawn in the colours of the page, light or dark, and no
meaning hangs on colour alone.
"""

import math
from collections.abc import Callable
from html import escape

WORDS = {
    "en": {
        "alt.phases": "Accuracy against the step: on known inputs it rises at once, on new ones long after",
        "known": "known inputs",
        "new": "new inputs",
        "memorised": "memorised",
        "dark": "dark",
        "sudden": "sudden",
        "step": "step (logarithmic)",
        "accuracy": "share right",
        "alt.twins": "A table of all pairs: trained, twins of trained pairs, and fresh pairs",
        "trained": "trained on",
        "twin": "twin: its mirror image was trained on",
        "fresh": "fresh: neither was",
        "first": "a",
        "second": "b",
        "alt.packs": "Four runs with the same shapes, stacked along a new axis, trained as one",
        "runs": "four runs of one shape",
        "pack": "one pack, one axis more",
        "replica": "replica",
        "alt.verdicts": "Four intervals against two regions, one that supports and one that refutes",
        "refutes": "refutes",
        "supports": "supports",
        "supported": "supported",
        "refuted": "refuted",
        "undecided": "undecided",
        "falls_short": "falls short",
        "effect": "effect over seeds",
    },
    "zh": {
        "alt.phases": "准确率随步数变化：见过的输入立刻学会，没见过的很久以后才会",
        "known": "见过的输入",
        "new": "没见过的输入",
        "memorised": "记住",
        "dark": "黑暗",
        "sudden": "顿悟",
        "step": "步数（对数）",
        "accuracy": "答对的比例",
        "alt.twins": "所有数对的表：训练过的、其镜像训练过的、全新的",
        "trained": "训练过",
        "twin": "孪生：它的镜像训练过",
        "fresh": "全新：两者都没有",
        "first": "a",
        "second": "b",
        "alt.packs": "四次形状相同的训练沿一个新的轴叠在一起，当作一次来训练",
        "runs": "四次训练，形状相同",
        "pack": "一个训练包：多一个轴",
        "replica": "副本",
        "alt.verdicts": "四个区间与两个区域：一个支持区，一个否定区",
        "refutes": "否定",
        "supports": "支持",
        "supported": "得到支持",
        "refuted": "被否定",
        "undecided": "未定",
        "falls_short": "未达到",
        "effect": "各种子的效应",
    },
}
BLUE, ORANGE, GREEN = "#4c6ef5", "#e8590c", "#2f9e44"


def picture(name: str, lang: str) -> str:
    """An SVG that stands in the page: one line, so that Markdown leaves it alone."""
    words = WORDS[lang]
    width, height, parts = DRAWN[name](words)
    alt = escape(words[f"alt.{name}"], quote=True)
    body = "".join(parts)
    return (
        f'<div class="picture"><svg viewBox="0 0 {width} {height}" role="img" aria-label="{alt}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{alt}</title>{body}</svg></div>'
    )


def _text(x: float, y: float, text: str, anchor: str = "middle", **more: str) -> str:
    given = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in more.items())
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="currentColor"{given}>{escape(text)}</text>'


def _line(points: list[tuple[float, float]], colour: str, dashes: str = "", width: float = 2.5) -> str:
    at = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<polyline points="{at}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"'
        f' stroke-dasharray="{dashes}"/>'
    )


def _box(x: float, y: float, size: tuple[float, float], fill: str, opacity: float = 1, **more: str) -> str:
    width, height = size
    given = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in more.items())
    at = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect {at} fill="{fill}" fill-opacity="{opacity:g}"{given}/>'


def _phases(words: dict[str, str]) -> tuple[int, int, list[str]]:
    """Two curves over three stages."""
    left, right, top, bottom = 48, 430, 44, 220

    def curve(middle: float, floor: float) -> list[tuple[float, float]]:
        shares = [(x, floor + (1 - floor) / (1 + math.exp(-(x - middle) / 10))) for x in range(left, right + 1, 3)]
        return [(x, bottom - share * (bottom - top)) for x, share in shares]

    memorised, sudden, height = 158, 318, bottom - top + 10
    parts = [
        _box(left, top - 10, (memorised - left, height), BLUE, 0.08),
        _box(memorised, top - 10, (sudden - memorised, height), "currentColor", 0.13),
        _box(sudden, top - 10, (right - sudden, height), GREEN, 0.12),
        _text((left + memorised) / 2, 24, words["memorised"], font_weight="600"),
        _text((memorised + sudden) / 2, 24, words["dark"], font_weight="600"),
        _text((sudden + right) / 2, 24, words["sudden"], font_weight="600"),
        _line([(left, top), (left, bottom), (right, bottom)], "currentColor", width=1),
        _line(curve(114, 0.02), BLUE, "7 4"),
        _line(curve(342, 0.05), ORANGE),
        _text(memorised + 12, top + 22, words["known"], "start"),
        _text(memorised + 12, bottom - 20, words["new"], "start"),
        _text(left - 8, top + 5, "1", "end"),
        _text(left - 8, bottom + 5, "0", "end"),
        _text((left + right) / 2, bottom + 24, words["step"]),
        f'<g transform="rotate(-90 16 {(top + bottom) / 2})">{_text(16, (top + bottom) / 2, words["accuracy"])}</g>',
    ]
    return 440, 252, parts


def _twins(words: dict[str, str]) -> tuple[int, int, list[str]]:
    """A table of pairs; a mark beside the colour says what a pair is."""
    n, size, left, top = 9, 24, 112, 32
    trained = {(a, b) for a in range(n) for b in range(n) if (7 * a + 5 * b * b + 3 * a * b) % 10 < 4}
    middle = n * size / 2
    parts = [_text(left + middle, top - 10, words["second"]), _text(left - 16, top + middle, words["first"])]
    for a in range(n):
        for b in range(n):
            kind = "trained" if (a, b) in trained else "twin" if (b, a) in trained else "fresh"
            parts += _mark(kind, left + b * size, top + a * size, size)
    for place, kind in enumerate(("trained", "twin", "fresh")):
        y = top + n * size + 14 + 32 * place
        parts += [*_mark(kind, left, y, size), _text(left + 36, y + 17, words[kind], "start")]
    return 440, top + n * size + 110, parts


def _mark(kind: str, x: float, y: float, size: float) -> list[str]:
    fill, opacity = {"trained": (BLUE, 0.75), "twin": (ORANGE, 0.45), "fresh": ("currentColor", 0.06)}[kind]
    box = _box(x + 1, y + 1, (size - 2, size - 2), fill, opacity, rx="3")
    if kind != "twin":
        return [box]
    return [box, _line([(x + 7, y + size - 7), (x + size - 7, y + 7)], "currentColor", width=1.5)]


def _packs(words: dict[str, str]) -> tuple[int, int, list[str]]:
    """Four squares beside each other, and the same four as a stack."""
    parts = [_text(92, 22, words["runs"], font_weight="600"), _text(336, 22, words["pack"], font_weight="600")]
    for place in range(4):
        x, y = 22 + 76 * (place % 2), 44 + 72 * (place // 2)
        parts += [_box(x, y, (64, 60), BLUE, 0.15 + 0.15 * place, stroke="currentColor", rx="4")]
        parts += [_text(x + 32, y + 35, f"{place}")]
    parts += [
        _line([(184, 110), (224, 110)], "currentColor"),
        _line([(213, 102), (225, 110), (213, 118)], "currentColor"),
    ]
    for place in reversed(range(4)):
        x, y = 250 + 24 * place, 106 - 20 * place
        parts.append(_box(x, y, (84, 70), "var(--md-default-bg-color, white)", rx="4"))
        parts.append(_box(x, y, (84, 70), BLUE, 0.15 + 0.15 * place, stroke="currentColor", rx="4"))
        parts.append(_text(x + 72, y + 15, f"{place}"))
    parts += [
        _line([(346, 178), (418, 118)], "currentColor", width=1),
        _text(390, 170, words["replica"], "start"),
    ]
    return 440, 190, parts


def _verdicts(words: dict[str, str]) -> tuple[int, int, list[str]]:
    """Four intervals against two regions."""
    left, right, top, row = 100, 425, 40, 38
    rows = [("supported", 0.9, 0.08), ("falls_short", 0.62, 0.09), ("refuted", 0.28, 0.14), ("undecided", 0.74, 0.2)]
    bottom = top + row * len(rows)

    def at(share: float) -> float:
        return left + share * (right - left)

    parts = [
        _box(left, top, (at(0.5) - left, bottom - top), ORANGE, 0.16),
        _box(at(0.8), top, (right - at(0.8), bottom - top), GREEN, 0.2),
        _text((left + at(0.5)) / 2, 24, words["refutes"], font_weight="600"),
        _text((at(0.8) + right) / 2, 24, words["supports"], font_weight="600"),
    ]
    for place, (kind, effect, half) in enumerate(rows):
        x, y = at(effect), top + row * (place + 0.5)
        parts += [
            _text(left - 10, y + 5, words[kind], "end"),
            _line([(at(effect - half), y), (at(effect + half), y)], "currentColor"),
            f'<path d="M{x:.1f} {y - 7} l7 7 l-7 7 l-7 -7 z" fill="currentColor"/>',
        ]
    parts += [_text(at(share), bottom + 18, f"{share:g}") for share in (0, 0.5, 0.8, 1)]
    parts.append(_text(at(0.25), bottom + 18, words["effect"]))
    return 440, bottom + 28, parts


DRAWN: dict[str, Callable[[dict[str, str]], tuple[int, int, list[str]]]] = {
    "phases": _phases,
    "twins": _twins,
    "packs": _packs,
    "verdicts": _verdicts,
}
