"""What is new of a run since a cursor, and how it stands."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grokscope.runs.outcomes import CURVES, NO_CURVE, phases_of_curves
from grokscope.runs.store.events import read_events
from grokscope.runs.store.tail import since
from grokscope.runs.store.windows import read_windows
from grokscope.serve.asking import text
from grokscope.serve.data.answer import answer
from grokscope.serve.index import Found
from grokscope.serve.served import found, served
from grokscope.statistics.transitions import Phases


def new(request: Request) -> Response:
    """The rows after a cursor. again: series must be asked for anew, as rows may have come and gone."""
    one = found(request)
    news = since(one.folder, text(request, "cursor"))
    series: dict[tuple[str, str], tuple[list[int], list[float]]] = {}
    for row in news.rows:
        if row["run"] == one.id:
            steps, values = series.setdefault((row["measure"], row["view"]), ([], []))
            steps.append(row["step"])
            values.append(row["value"])
    told = [{"measure": m, "view": v, "x": steps, "y": values} for (m, v), (steps, values) in series.items()]
    return answer({"cursor": news.cursor, "again": news.again, "series": told})


def state(request: Request) -> Response:
    """Where the run is: its row in the list, its events, and the phases as bands."""
    one = found(request)
    row = served(request).index.row(one)
    events = [event for event in read_events(one.folder) if event["run"] == one.id]
    return answer({"row": row, "events": events, "windows": windows(one)})


def windows(one: Found) -> dict[str, tuple[int, int]]:
    """The phases that the run has, in steps, as its report shades them."""
    wanted = {f"behaviour.{curve}": curve for curve in CURVES}
    fresh = {f"behaviour.{curve.replace('test', 'fresh')}": curve for curve in CURVES}
    read = read_windows(one.folder, one.id, sorted({*wanted, *fresh}))
    known = {measure: curve for (measure, _), curve in read.items()}
    phases = _phases(known, wanted)
    transition = _phases(known, fresh).transition if "behaviour.fresh_accuracy" in known else phases.transition
    found_windows = {
        "memorized": phases.memorized, "transition": transition, "after": phases.after, "lost": phases.lost,
    }  # fmt: skip
    return {name: window for name, window in found_windows.items() if window is not None and window[1] > window[0]}


def _phases(known: dict[str, Any], curves: dict[str, str]) -> Phases:
    return phases_of_curves({curve: known.get(measure, NO_CURVE) for measure, curve in curves.items()}, {})


routes = [Route("/runs/{run}/new", new), Route("/runs/{run}/state", state)]
