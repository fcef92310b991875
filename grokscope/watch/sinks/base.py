"""What a sink is: a service, or a function, that a live watch sends its numbers to as they come, and its figures.

    sink = open_sink("tensorboard", run_id="3f2a", config={"lr": 1e-3}, folder=Path("runs/3f2a"))
    sink.scalars(100, {"weights.norm": 31.4})
    sink.close()

Sinks are for looking at. The store is the truth: nothing is ever read from a sink, and one that fails is switched off.
"""

import importlib
import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from grokscope.errors import GrokscopeError
from grokscope.registry import component, names, shortened
from grokscope.watch.guard import same_randomness

FAMILY = "watch.sinks"


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What is watched. run_id: what the service calls the run. folder: where a sink may write files of its own."""

    run_id: str
    config: Mapping[str, Any]
    folder: Path


class Sink(Protocol):
    """Takes numbers and figures. A service that fails raises; `Sinks` sees to it that this stops nothing."""

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Finite numbers at a step."""

    def figure(self, name: str, figure: Any) -> None:
        """A Plotly figure."""

    def close(self) -> None:
        """Sends what is left. What the user opened stays open."""


def _knows_none(_given: Any, _watched: Watched) -> Sink | None:
    return None


@dataclass(frozen=True, kw_only=True)
class Service:
    """opened: a new run of the service; GrokscopeError, with the command that installs it, where its package is
    missing. around: what writes into an object of the service that the user has already; None for any other object."""

    opened: Callable[[Watched], Sink]
    around: Callable[[Any, Watched], Sink | None] = _knows_none


class Function:
    """A function f(step, {name: value}) of the user's; it gets no figures."""

    def __init__(self, function: Callable[[int, Mapping[str, float]], Any]) -> None:
        self._function = function

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        self._function(step, dict(values))

    def figure(self, name: str, figure: Any) -> None:
        pass

    def close(self) -> None:
        pass


class Sinks:
    """Several sinks as one. specs: of one, or a list. One that raises is said once, switched off, and stops nothing.

    The random states of the process (random, numpy, torch) are after each call what they were before it.
    min_interval: at most one point a name in so many steps (a whole number) or so much time (a timedelta).
    """

    def __init__(
        self,
        specs: Any,
        run_id: str,
        config: Mapping[str, Any],
        folder: Path,
        *,
        min_interval: int | timedelta | None = None,
    ) -> None:
        self._interval = min_interval
        self._last: dict[str, tuple[int, float]] = {}  # name -> step and time of the last point
        self._open: dict[str, Sink] = {}
        for spec in [specs] if isinstance(specs, str) or not isinstance(specs, Sequence) else specs:
            try:
                sink = open_sink(spec, run_id=run_id, config=config, folder=folder)
            except BaseException:
                self.close()
                raise
            self._open[f"{_called(spec)} ({len(self._open) + 1})"] = sink

    def __bool__(self) -> bool:
        return bool(self._open)

    def scalars(self, step: int, values: Mapping[str, Any]) -> None:
        """Sends the finite numbers among the values; None, `Missing` and NaN are left out."""
        if not self._open:
            return
        now = time.monotonic()
        numbers = {name: number for name, value in values.items() if (number := _finite(value)) is not None}
        due = {name: number for name, number in numbers.items() if self._is_due(name, step, now)}
        if due:
            self._last |= dict.fromkeys(due, (step, now))
            self._each(lambda sink: sink.scalars(step, due))

    def figure(self, name: str, figure: Any) -> None:
        """Sends a Plotly figure."""
        self._each(lambda sink: sink.figure(name, figure))

    def close(self) -> None:
        """Closes all; later calls do nothing."""
        self._each(lambda sink: sink.close())
        self._open = {}

    def _is_due(self, name: str, step: int, now: float) -> bool:
        if self._interval is None or name not in self._last:
            return True
        last_step, last_time = self._last[name]
        if isinstance(self._interval, timedelta):
            return now - last_time >= self._interval.total_seconds()
        return step < last_step or step - last_step >= self._interval  # a resumed training goes back

    def _each(self, act: Callable[[Sink], None]) -> None:
        for name, sink in list(self._open.items()):
            try:
                with same_randomness():
                    act(sink)
            except Exception as error:
                del self._open[name]
                said = " ".join(str(error).split()) or type(error).__name__
                what = f"the sink {name.partition(' (')[0]} failed and is switched off: {said[:300]}"
                warnings.warn(f"{what}; the store has all numbers", stacklevel=3)


def open_sink(spec: Any, *, run_id: str, config: Mapping[str, Any], folder: Path) -> Sink:
    """The sink that is meant: by its name, or around an object that the user has.

    ValueError for an unknown name and for an object that no sink knows; GrokscopeError for a missing package and for a
    service that cannot be opened.
    """
    watched = Watched(run_id=run_id, config=config, folder=folder)
    with same_randomness():
        if isinstance(spec, str):
            return _by_name(spec, watched)
        services = [component(FAMILY, name) for name in names(FAMILY)]
        found = next((sink for one in services if (sink := one.around(spec, watched)) is not None), None)
    if found is not None:
        return found
    if not isinstance(spec, type):
        if all(callable(getattr(spec, name, None)) for name in ("scalars", "figure", "close")):
            return spec
        if callable(spec):
            return Function(spec)
    raise ValueError(
        f"{shortened(spec)} is no sink: expected one of {', '.join(names(FAMILY))}, a run or a writer of one of them, "
        "or a function f(step, values)"
    )


def _by_name(name: str, watched: Watched) -> Sink:
    service = component(FAMILY, name)
    try:
        return service.opened(watched)
    except (GrokscopeError, ValueError):
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise GrokscopeError(f"the sink {name} cannot be opened: {type(error).__name__}: {said}") from error


def needed(module: str, install: str) -> Any:
    """A module that a sink cannot do without. install: what pip is given."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise GrokscopeError(f"{package} is not installed ({error}): pip install '{install}'") from error


def package_of(given: Any) -> str:
    """The top package that an object's class comes from, or that a module is; it is not imported for this."""
    place = given.__name__ if isinstance(given, ModuleType) else type(given).__module__
    return place.partition(".")[0]


def html_of(figure: Any) -> str:
    """A page with a Plotly figure that needs nothing else, also without a network."""
    return figure.to_html(include_plotlyjs=True, full_html=True)


def _finite(value: Any) -> float | None:
    """The number that a value is; None where it is none, or not finite."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _called(spec: Any) -> str:
    return spec if isinstance(spec, str) else getattr(spec, "__name__", type(spec).__name__)
