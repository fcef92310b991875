"""Upright bars from 0."""

from typing import Any

import numpy as np

from grokscope.report.static.colours import rgba
from grokscope.report.static.scale import Panel
from grokscope.report.static.sheet import Box, Sheet


def draw(sheet: Sheet, trace: dict[str, Any], panel: Panel, *, gap: float, gid: str) -> None:
    """gap: the share of the room between two bars that stays empty."""
    if panel.y.axis.kind != "linear" or panel.x.axis.kind == "log":
        raise ValueError("bars on a logarithmic axis: a figure on paper does not draw them; write .html instead")
    places, opacity = panel.x.axis.places(trace["x"]), float(trace.get("opacity", 1.0))
    apart = np.diff(np.unique(places[np.isfinite(places)]))
    half = (float(apart.min()) if len(apart) else 1.0) * (1 - gap) / 2
    given = (trace.get("marker") or {}).get("color") or trace["colour"]
    colours = [given] * len(places) if isinstance(given, str) else list(given)
    left, right, top, foot = (
        panel.x.at(places - half),
        panel.x.at(places + half),
        panel.y(trace["y"]),
        panel.y([0.0])[0],
    )
    known: Any = np.isfinite(np.stack([left, right, top])).all(axis=0)
    boxes = [
        Box(x0, min(foot, y), x1, max(foot, y)) for x0, x1, y in zip(left[known], right[known], top[known], strict=True)
    ]
    shades = [rgba(one, opacity) for one, drawn in zip(colours, known, strict=True) if drawn]
    sheet.cells(boxes, shades, clip=panel.box, gid=gid)
