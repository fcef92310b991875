"""What a figure on paper knows of a Plotly figure. Anything else is an error that names it: nothing is left out in
silence but what only a pointer can use."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

# What only a pointer can use: hovers, clicks, and the controls of an animation, of which paper shows one step.
POINTED = {
    "customdata", "hoverinfo", "hoverlabel", "hoverongaps", "hovertemplate", "meta", "hovermode", "sliders",
    "updatemenus", "legend.itemclick", "legend.itemdoubleclick", "fixedrange", "hoverformat", "template", "uid",
}  # fmt: skip
TRACE = {"type", "name", "visible", "showlegend", "legendgroup", "opacity", "xaxis", "yaxis", "x", "y"}
LINE = {"line.color", "line.width", "line.dash"}
FONT = {"font.family", "font.size", "font.color"}
TITLE = {"title.text", "title.standoff", "title.side"} | {f"title.{name}" for name in FONT}
MARKER = {f"marker.{name}" for name in ("color", "size", "symbol", "opacity", "colorscale", "cmin", "cmax")}
BARS = {f"error_y.{name}" for name in ("type", "symmetric", "array", "arrayminus", "color", "thickness", "width")}
COLOUR_BAR = TITLE | {
    "orientation", "thickness", "len", "x", "y", "xanchor", "yanchor", "nticks", "tickvals", "ticktext", "outlinewidth",
}  # fmt: skip
TRACES = {
    "scatter": TRACE | LINE | MARKER | BARS | {
        "mode", "line.shape", "marker.line.color", "marker.line.width", "fill", "fillcolor", "cliponaxis", "text",
        "textposition", "textfont.size", "textfont.color", "textfont.family",
    },
    "bar": TRACE | {"marker.color"},
    "heatmap": TRACE | {
        "z", "zmin", "zmax", "colorscale", "showscale", "xgap", "ygap", "text", "texttemplate",
        *(f"colorbar.{name}" for name in COLOUR_BAR),
    },
}  # fmt: skip
AXIS = TITLE | {
    "type", "range", "rangemode", "domain", "anchor", "visible", "scaleanchor", "constrain", "automargin", "tickvals",
    "ticktext", "dtick", "nticks", "tickformat", "tickangle", "exponentformat", "showticklabels", "minor.dtick",
    "minor.ticks", "minor.ticklen", "showgrid", "gridcolor", "showline", "linecolor", "zeroline", "zerolinecolor",
}  # fmt: skip
LAYOUT = FONT | {
    "height", "margin.l", "margin.r", "margin.t", "margin.b", "paper_bgcolor", "plot_bgcolor", "colorway", "bargap",
    "showlegend", "legend.orientation", "legend.x", "legend.y", "legend.yanchor", "annotations", "shapes",
    *(f"legend.{name}" for name in FONT),
}  # fmt: skip
ANNOTATION = FONT | {"text", "x", "y", "xref", "yref", "xanchor", "yanchor", "xshift", "yshift", "align", "showarrow"}
SHAPE = LINE | {"type", "x0", "x1", "y0", "y1", "xref", "yref", "layer", "fillcolor", "opacity"}


def leaves(part: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """The names of all values that are set in a part of a figure, such as "marker.line.width"."""
    for name, value in part.items():
        if isinstance(value, Mapping) and f"{above}{name}" not in POINTED:
            yield from leaves(value, f"{above}{name}.")
        elif value is not None:
            yield f"{above}{name}"


def require_known(what: str, part: Mapping[str, Any], known: set[str]) -> None:
    """ValueError for a value that would not be drawn. what: of which object, such as "an axis"."""
    for name in leaves(part):
        if name not in known and name not in POINTED:
            raise ValueError(f"{what} sets {name!r}, which a figure on paper does not draw; write .html instead")


def one_of(what: str, value: Any, known: Mapping[Any, T]) -> T:
    """The entry of a value; ValueError for a value that paper does not know."""
    if value not in known:
        shown = ", ".join(map(str, known))
        raise ValueError(f"{what} is {value!r}; a figure on paper knows {shown}; write .html instead")
    return known[value]


def require_all_known(traces: list[dict[str, Any]], layout: Mapping[str, Any]) -> None:
    """`require_known` of a whole figure."""
    for trace in traces:
        require_known(f"a {trace['type']} trace", trace, one_of("the type of a trace", trace["type"], TRACES))
    rest = {}
    for name, part in layout.items():
        if name.startswith(("xaxis", "yaxis")):
            require_known(f"layout.{name}", part, AXIS)
        else:
            rest[name] = part
    require_known("the layout", rest, LAYOUT)
    for annotation in layout.get("annotations", ()):
        require_known("an annotation", annotation, ANNOTATION)
    for shape in layout.get("shapes", ()):
        require_known("a shape", shape, SHAPE)
