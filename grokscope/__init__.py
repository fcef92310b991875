"""grokscope, the instrument for grokking: train it, measure it, decide what explains it.

The public face. Each name is imported at its first use, so `import grokscope` costs next to nothing.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from grokscope.errors import GrokscopeError, Missing, StoreError
    from grokscope.measures.base import Measure, measures
    from grokscope.measures.base import evaluate as measure
    from grokscope.numerics.arrays import attention_entropy, betti, circles, dimension, ntk
    from grokscope.recipes.base import recipe
    from grokscope.registry import use
    from grokscope.runs.asking import query, runs
    from grokscope.runs.config import RunConfig
    from grokscope.runs.foreign.snapshot import snapshot
    from grokscope.runs.run import Run, load
    from grokscope.runs.snapshot import Snapshot
    from grokscope.statistics.transitions import phases
    from grokscope.studies.experiment import train
    from grokscope.studies.judging import judge
    from grokscope.tasks.table import task
    from grokscope.watch.watch import Watch as watch

# Name -> "module:name" below grokscope.
_FACE = {
    "GrokscopeError": "errors:GrokscopeError",
    "StoreError": "errors:StoreError",
    "Missing": "errors:Missing",
    "Measure": "measures.base:Measure",
    "measure": "measures.base:evaluate",
    "measures": "measures:",  # the package, which can be called
    "attention_entropy": "numerics.arrays:attention_entropy",
    "betti": "numerics.arrays:betti",
    "circles": "numerics.arrays:circles",
    "dimension": "numerics.arrays:dimension",
    "ntk": "numerics.arrays:ntk",
    "recipe": "recipes.base:recipe",
    "RunConfig": "runs.config:RunConfig",
    "query": "runs.asking:query",
    "runs": "runs:",  # the package, which can be called
    "Run": "runs.run:Run",
    "load": "runs.run:load",
    "Snapshot": "runs.snapshot:Snapshot",
    "snapshot": "runs.foreign.snapshot:snapshot",
    "phases": "statistics.transitions:phases",
    "train": "studies.experiment:train",
    "judge": "studies.judging:judge",
    "task": "tasks.table:task",
    "use": "registry:use",
    "watch": "watch:",  # the package, which can be called
}

# What gives runs when it is called, and would import them only then.
_LATER = {"runs", "watch"}

# What shows itself in a notebook: its module below grokscope, and its class.
_SHOWN = {
    "runs.run": "Run",
    "runs.snapshot": "Snapshot",
    "statistics.transitions": "Phases",
    "predictions.cards": "Scorecard",
}

__all__ = [
    "GrokscopeError",
    "Measure",
    "Missing",
    "Run",
    "RunConfig",
    "Snapshot",
    "StoreError",
    "attention_entropy",
    "betti",
    "circles",
    "dimension",
    "judge",
    "load",
    "measure",
    "measures",
    "ntk",
    "phases",
    "query",
    "recipe",
    "runs",
    "snapshot",
    "task",
    "train",
    "use",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module 'grokscope' has no attribute {name!r}")
    place, _, attribute = _FACE[name].partition(":")
    module = import_module(f"grokscope.{place}")
    globals()[name] = getattr(module, attribute) if attribute else module
    if name in _LATER:
        import_module("grokscope.runs.run")
    if "grokscope.runs.run" in sys.modules:
        sys.modules["grokscope.runs.run"].Run.figure = _figure
        sys.modules["grokscope.runs.run"].Run.figures = _figures
    for place, kind in _SHOWN.items():
        if f"grokscope.{place}" in sys.modules:
            getattr(sys.modules[f"grokscope.{place}"], kind)._repr_html_ = _html
    return globals()[name]


def _figure(run: "Run", name: str, lang: Any = "en") -> Any:
    """The Plotly figure of a run that has this name (`grokscope list figures`); `Missing` with the reason, in words,
    where the run has none. lang: en or zh. ValueError, with the nearest name, for another name.

    Runs lie below reports, so that `Run` cannot have this method by itself: it has it from here, which every public way
    to a run passes.
    """
    from grokscope.report.run.drawing import figure

    return figure(run, name, lang)


def _figures(run: "Run", lang: Any = "en") -> dict[str, Any]:
    """All Plotly figures that a run has, by name. lang: en or zh."""
    from grokscope.report.run.drawing import every_figure

    return every_figure(run, lang)


def _html(thing: Any) -> str:
    """What a notebook shows; given from here for the same reason."""
    from grokscope.report.notebook import html

    return html(thing)


def __dir__() -> list[str]:
    return sorted({*globals(), *_FACE})
