"""Plotly's colours and scales of colours."""

import re
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.colors import to_rgba

Rgba = tuple[float, float, float, float]


def rgba(colour: str, opacity: float = 1.0) -> Rgba:
    """Red, green, blue and opacity from 0 to 1, of "#2b83c6", "rgb(…)", "rgba(…)" or a name of CSS."""
    written = re.fullmatch(r"rgba?\(([^)]*)\)", colour.strip())
    if written is None:
        red, green, blue, alpha = to_rgba(colour)
        return red, green, blue, alpha * opacity
    parts = [float(part) for part in written[1].split(",")]
    red, green, blue = (part / 255 for part in parts[:3])
    return red, green, blue, (parts[3] if len(parts) > 3 else 1.0) * opacity


def along(scale: Any, values: Any, low: float, high: float) -> Float[np.ndarray, "value 4"]:
    """Colours of values on a scale from low to high; values beyond take its ends. scale: its stops, or its name."""
    from plotly.colors import get_colorscale

    stops: Any = get_colorscale(scale) if isinstance(scale, str) else scale
    places = [float(place) for place, _ in stops]
    channels = np.array([rgba(colour) for _, colour in stops])
    shares = (np.asarray(values, dtype=float) - low) / ((high - low) or 1.0)
    return np.stack([np.interp(shares, places, channel) for channel in channels.T], axis=-1)


def ink_on(colour: Rgba) -> str:
    """Black or white, whichever is read better on a colour; the weights are those of ITU-R BT.601."""
    red, green, blue, _ = colour
    return "#111111" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "#ffffff"
