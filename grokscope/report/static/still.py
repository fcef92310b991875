"""What stands still of a Plotly figure: its traces and layout at one step, with the template's values filled in."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from grokscope.report.static.known import require_all_known

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLOURS = ("#1f77b4",)  # the first of plotly.js, where a figure has no template
PHONE = 640  # pixels: up to this width a page has fewer panels in a row (page.js)
HIDDEN = (False, "legendonly")  # a curve that a click would show is not on the page either


@dataclass(frozen=True, kw_only=True, eq=False)
class Still:
    """traces, layout: in plain types; a trace has its "colour" too, for where it names none. moment: what the slider
    says at the step that is shown; "" without a slider."""

    traces: list[dict[str, Any]]
    layout: dict[str, Any]
    moment: str

    def axis(self, name: str) -> dict[str, Any]:
        """The options of the axis "x2"."""
        return self.layout.get(f"{name[0]}axis{name[1:]}", {})


def still(figure: "Figure", step: int | None = None) -> Still:
    """A figure at a step of its slider, by default the one that it shows. ValueError for a step without a frame, and
    for what a figure on paper does not know."""
    layout = figure.layout.to_plotly_json()
    template = layout.pop("template", {})
    defaults = template.get("data", {})
    traces: Any = figure.data
    own = [_decoded(trace.to_plotly_json()) for trace in traces]
    for place, data in _frame(figure, step).items():
        own[place] |= data
    traces = [_filled(_first(defaults.get(trace["type"])), trace) for trace in own]
    layout = _layout(template.get("layout", {}), layout, traces)
    require_all_known(traces, layout)
    colours = layout.get("colorway") or COLOURS
    for place, trace in enumerate(traces):
        trace["colour"] = colours[place % len(colours)]
    traces = [trace for trace in traces if trace.get("visible", True) not in HIDDEN]
    return Still(traces=traces, layout=layout, moment=_moment(layout, step))


def _frame(figure: "Figure", step: int | None) -> dict[int, dict[str, Any]]:
    """By place the data of the traces that a step changes."""
    if step is None:
        return {}
    frames = {frame.name: frame for frame in figure.frames}
    if not frames:
        raise ValueError(f"this figure has no slider, so there is no step {step} to choose; leave the step out")
    if str(step) not in frames:
        raise ValueError(f"this figure has no step {step}; it has {', '.join(frames)}")
    frame = frames[str(step)]
    changed = [{k: v for k, v in _decoded(trace.to_plotly_json()).items() if k != "type"} for trace in frame.data]
    return dict(zip(frame.traces or range(len(changed)), changed, strict=True))


def _moment(layout: Mapping[str, Any], step: int | None) -> str:
    for slider in layout.get("sliders", ())[:1]:
        steps = slider["steps"]
        chosen = (
            {each["args"][0][0]: each for each in steps}[str(step)] if step is not None else steps[slider["active"]]
        )
        return f"{slider['currentvalue']['prefix']}{chosen['label']}"
    return ""


def _layout(template: Mapping[str, Any], own: dict[str, Any], traces: list[dict[str, Any]]) -> dict[str, Any]:
    """The layout with the template's values filled in: of every axis that a trace or the layout names, and of every
    annotation."""
    axes = {"xaxis", "yaxis"} | {name for name in own if name.startswith(("xaxis", "yaxis"))}
    for trace in traces:
        axes |= {trace.get(f"{letter}axis", letter).replace(letter, f"{letter}axis") for letter in "xy"}
    kept = {name: value for name, value in template.items() if name not in ("xaxis", "yaxis", "annotationdefaults")}
    layout = _filled(kept, own)
    for name in axes:
        layout[name] = _filled(template.get(name[:5], {}), own.get(name, {}))
    marks = own.get("annotations", ())
    layout["annotations"] = [_filled(template.get("annotationdefaults", {}), mark) for mark in marks]
    return layout


def _decoded(part: Any) -> Any:
    """The arrays of a figure that was written and read again, which are packed in base64."""
    if isinstance(part, Mapping) and "bdata" in part:
        shape = [int(n) for n in str(part.get("shape", -1)).split(",")]
        return np.frombuffer(base64.b64decode(part["bdata"]), np.dtype(part["dtype"])).reshape(shape)
    if isinstance(part, Mapping):
        return {name: _decoded(value) for name, value in part.items()}
    return part


def _first(listed: Any) -> dict[str, Any]:
    return listed[0] if listed else {}


def _filled(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The own values over the defaults, within parts too."""
    both = dict(defaults) | dict(own)
    for name, value in own.items():
        if isinstance(value, Mapping) and isinstance(defaults.get(name), Mapping):
            both[name] = _filled(defaults[name], value)
    return both
