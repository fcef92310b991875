"""What tests ask of a sheet and of the files made of it."""

import importlib
import re
from functools import cache
from typing import Any
from xml.etree import ElementTree

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from grokscope.report.figures.base import figures
from grokscope.report.run.readings import read

SVG = "{http://www.w3.org/2000/svg}"
ALL = figures()


@cache
def plotly_figure(name: str, run: Any, lang: Any = "en") -> Any:
    """The figure of a run, or of the example in the figure's own test. Nobody changes it."""
    return ALL[name](_subject(run) if ALL[name].draws == "run" else _example(name), lang)


@cache
def _subject(run: Any) -> Any:
    return read(run)


def _example(name: str) -> Any:
    return importlib.import_module(f"tests.report.figures.test_{name}").example()


def texts_of(made: bytes) -> str:
    """All words of an SVG in the order in which they were written, without spaces."""
    root = ElementTree.fromstring(made)
    return squeezed("".join(text.text or "" for text in root.iter(f"{SVG}text")))


def squeezed(text: str) -> str:
    """Without spaces and markup: a text may stand on several lines, and <b> and <br> are not written."""
    return re.sub(r"\s|</?b>|<br ?/?>", "", text)


def marks_of(made: bytes) -> dict[str, int]:
    """By the name of a group the number of marks in it."""
    groups = {group.attrib.get("id", ""): group for group in ElementTree.fromstring(made).iter(f"{SVG}g")}
    found = {}
    for name, group in groups.items():
        if name.endswith("-marks"):
            used = len(group.findall(f".//{SVG}use"))
            found[name] = used or len(group.findall(f"./{SVG}path"))
    return found


def boxes_of(sheet: Any) -> list[tuple[str, Any]]:
    """The words on a sheet of matplotlib with the boxes that it measures, in points."""
    renderer: Any = FigureCanvasAgg(sheet).get_renderer()
    words: Any = sheet.findobj(Text)
    return [(text.get_text(), text.get_window_extent(renderer)) for text in words if text.get_text().strip("\u00a0 ")]


def overlapping(boxes: list[tuple[str, Any]], slack: float = 0.5) -> list[tuple[str, str]]:
    """Pairs of words whose boxes share more than a strip of `slack` points."""
    pairs = []
    for number, (text, box) in enumerate(boxes):
        for other_text, other in boxes[number + 1 :]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            up = min(box.y1, other.y1) - max(box.y0, other.y0)
            if across > slack and up > slack:
                pairs.append((text, other_text))
    return pairs


def finite(values: Any) -> np.ndarray:
    """Values as numbers, NaN for None."""
    return np.array([np.nan if value is None else float(value) for value in values])
