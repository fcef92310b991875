"""The figure of a claim on paper: all of it is seen."""

from typing import Any
from xml.etree import ElementTree

import pytest

from grokscope.report.figures.forest import forest
from grokscope.report.static.files import pdf, png, svg
from tests.report.figures.test_forest import example

SVG = "{http://www.w3.org/2000/svg}"


def claim() -> Any:
    return forest(example())


@pytest.mark.parametrize("width", [3.25, 6.75])
def test_dots_intervals_effects_regions_and_texts_are_there(width: float) -> None:
    made = svg(claim(), width=width)
    root = ElementTree.fromstring(made)
    assert float(root.attrib["width"].removesuffix("pt")) == pytest.approx(72 * width)
    parts = {part.attrib["id"]: part for part in root.iter(f"{SVG}g") if "id" in part.attrib}
    marks = [len(parts[name].findall(f".//{SVG}use") or parts[name].findall(f"./{SVG}path"))
             for name in parts if name.endswith("-marks")]  # fmt: skip
    # The ideal, three seeds and their effect, two of the control and its effect; two seeds of b, and their effect.
    assert sorted(marks) == sorted([1, 3, 1, 2, 1, 2, 1])
    lines = [name for name in parts if name.startswith("trace-") and not name.endswith("-marks")]
    assert len(lines) == 3  # intervals
    assert len([name for name in parts if name.startswith("shape-")]) == 4  # two regions of each part
    words = "".join(text.text or "" for text in root.iter(f"{SVG}text"))
    for part in ("a: 1 [0.9, 1.1]", "b: 300 [−∞, ∞]", "the_arm", "random_labels", "1,000"):
        assert part in words


def test_the_same_figure_gives_the_same_bytes_each_time() -> None:
    for made in (svg, pdf, png):
        assert made(claim()) == made(claim())
