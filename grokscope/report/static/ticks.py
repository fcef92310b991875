"""Where an axis has ticks, and what stands beside them: Plotly's rules."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grokscope.report.static.scale import Axis

NICE = (1, 2, 5, 10)
APART = {"x": 80.0, "y": 40.0}  # pixels from tick to tick that Plotly aims at
SIGNS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
PLAIN = (1e-3, 1e5)  # numbers between these are written without a power of ten
FORMAT = re.compile(r"(,?)(?:\.(\d+))?(~?)([dfg%])")  # thousands, digits, whether zeros are cut off, kind


@dataclass(frozen=True)
class Tick:
    """at: on the axis, a power of ten on a logarithmic one."""

    at: float
    label: str


def ticks(axis: Axis, length: float) -> list[Tick]:
    """The ticks of an axis of so many pixels that lie in its range."""
    options = axis.options
    near = 1e-6 * abs(axis.high - axis.low)
    low, high = min(axis.low, axis.high) - near, max(axis.low, axis.high) + near
    if axis.kind == "category":
        return [Tick(float(at), name) for at, name in enumerate(axis.categories) if low <= at <= high]
    if options.get("tickvals") is not None:
        values = [float(value) for value in options["tickvals"]]
        places, labels = axis.places(values).tolist(), options.get("ticktext")
    else:
        values = _values(axis, length, low, high)
        places, labels = axis.places(values).tolist(), None
    written = _labels(axis, values) if labels is None else [str(label) for label in labels]
    return [Tick(at, label) for at, label in zip(places, written, strict=True) if low <= at <= high]


def minor(axis: Axis) -> list[float]:
    """Where the small marks of a logarithmic axis stand: at 1 to 9 in every power of ten."""
    wanted = axis.options.get("minor", {})
    if not wanted.get("ticks"):
        return []
    if axis.kind != "log" or wanted.get("dtick") != "D1":
        raise ValueError(f"minor ticks {wanted}: a figure on paper knows dtick 'D1' of a logarithmic axis")
    places = np.log10(_digits(axis.low, axis.high, range(1, 10)))
    return [at for at in places.tolist() if axis.low <= at <= axis.high]


def _values(axis: Axis, length: float, low: float, high: float) -> list[float]:
    wanted = axis.options.get("dtick")
    n = axis.options.get("nticks") or min(max(length / APART[axis.id[0]], 4), 9) + 1
    rough = abs(axis.high - axis.low) / n
    if axis.kind == "linear":
        return _multiples(low, high, _nice(rough) if wanted is None else float(wanted))
    if wanted is None:
        if rough <= 0.7 and high - low < 1:  # within a power of ten: equal steps
            ends = 10**low, 10**high
            return _multiples(*ends, _nice((ends[1] - ends[0]) / (1.5 * n)))
        wanted = math.ceil(rough) if rough > 0.7 else "D2" if rough > 0.3 else "D1"
    if isinstance(wanted, int | float):
        return [10.0**power for power in _multiples(low, high, float(wanted))]
    if wanted not in ("D1", "D2"):
        raise ValueError(
            f"dtick {wanted!r} of a logarithmic axis: a figure on paper knows whole numbers, 'D1' and 'D2'"
        )
    return _digits(low, high, (1, 2, 5) if wanted == "D2" else range(1, 10))


def _multiples(low: float, high: float, step: float) -> list[float]:
    """The multiples of a step between two ends."""
    return [n * step for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def _digits(low: float, high: float, digits: Sequence[int]) -> list[float]:
    """Digits times powers of ten between two powers of ten."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    return [digit * 10.0**power for power in powers for digit in digits if low <= math.log10(digit) + power <= high]


def _nice(rough: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    base = 10.0 ** math.floor(math.log10(rough))
    return base * next(step for step in NICE if step >= rough / base - 1e-9)


def _labels(axis: Axis, values: Sequence[float]) -> list[str]:
    if axis.options.get("tickformat"):
        return [formatted(value, axis.options["tickformat"]) for value in values]
    sizes = [abs(value) for value in values if value]
    if not sizes:
        return ["0" for _ in values]
    if axis.options.get("exponentformat") == "power" and axis.kind == "log" and not _all_plain(sizes, (0.01, 1000)):
        return [power(value) for value in values]
    if not _all_plain([max(sizes)], PLAIN):
        return [power(value) for value in values]
    if axis.kind == "log":
        return [f"{value:,.10g}" for value in values]
    steps = np.diff(sorted(values))
    digits = max(0, -math.floor(math.log10(min(steps)) + 1e-9)) if len(steps) else 2
    return [f"{0.0 if abs(v) < 1e-12 else v:,.{digits}f}".replace("-", "−") for v in values]


def _all_plain(sizes: Sequence[float], between: tuple[float, float]) -> bool:
    return between[0] <= min(sizes) and max(sizes) < between[1]


def power(value: float) -> str:
    """A number with a power of ten: 10⁻³, 2×10⁵."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)) + 1e-9)
    mantissa = f"{value / 10.0**exponent:.3g}".replace("-", "−")
    ten = f"10{str(exponent).translate(SIGNS)}"
    return ten if mantissa == "1" else f"{mantissa}×{ten}"


def formatted(value: float, form: str) -> str:
    """A number by a format of d3, such as ",d", "~g" or ".0%"."""
    found = FORMAT.fullmatch(form)
    if found is None:
        raise ValueError(f"tickformat {form!r}: a figure on paper knows those of d3 like ',d', '~g', '.2f' and '.0%'")
    comma, places, trim, kind = found.groups()
    if kind == "d":
        return f"{round(value):{comma}d}".replace("-", "−")
    digits = "" if places is None else f".{places}"
    text = f"{value:{comma}{digits}{kind}}"
    if "e" in text:
        return power(value)
    if trim and "." in text:
        end = "%" if kind == "%" else ""
        text = text.removesuffix("%").rstrip("0").rstrip(".") + end
    return text.replace("-", "−")
