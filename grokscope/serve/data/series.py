"""What a run has, and windows of its series, with as many points as the browser has pixels."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grokscope.report.words import Lang, catalogue, say
from grokscope.runs.store.tail import cursor
from grokscope.runs.store.windows import read_windows, series_of
from grokscope.serve.asking import one_of, texts, whole
from grokscope.serve.data.answer import answer, numbers
from grokscope.serve.decimation import decimated
from grokscope.serve.frame import language
from grokscope.serve.served import found

WIDEST = 4_000  # pixels
LATEST = 2**53 - 1  # the largest whole number that a browser holds exactly


def overview(request: Request) -> Response:
    """The measures of a run, each with its name and its views."""
    one, lang = found(request), language(request)
    measures: dict[str, dict[str, object]] = {}
    for (measure, view), (count, last) in series_of(one.folder, one.id).items():
        known = measures.setdefault(
            measure, {"id": measure, "title": titled(measure, lang), "family": family(measure, lang), "views": []}
        )
        views = known["views"]
        assert isinstance(views, list)
        views.append({"view": view, "count": count, "last": last})
    return answer({"measures": sorted(measures.values(), key=lambda one: (_order(str(one["id"])), one["id"]))})


def window(request: Request) -> Response:
    """Some measures between two steps. cursor: what comes later is asked for since it (`new`)."""
    one = found(request)
    measures = texts(request, "measure", least=1)
    start = whole(request, "from", 0, least=0, most=LATEST)
    stop = whole(request, "to", LATEST, least=start, most=LATEST)
    pixels = whole(request, "pixels", 800, least=10, most=WIDEST)
    log = one_of(request, "scale", ("linear", "log")) == "log"
    at = cursor(one.folder)  # before the numbers: a number may come twice, and none is missed
    found_series = read_windows(one.folder, one.id, measures, start=start, stop=stop)
    last = max((int(steps[-1]) for steps, _ in found_series.values() if len(steps)), default=0)
    first = min((int(steps[steps > 0][0]) for steps, _ in found_series.values() if (steps > 0).any()), default=1)
    low, high = (max(start, first) if log else start), min(stop, max(last, start + 1))
    series = [
        {"measure": measure, "view": view, "count": len(curve[0])}
        | numbers(decimated(curve, start=low, stop=high, pixels=pixels, log=log))
        for (measure, view), curve in found_series.items()
    ]
    return answer({"cursor": at, "series": series})


def _order(measure: str) -> int:
    """The place of a measure's family, as the words have them; of others the end."""
    families = [key for key in catalogue("en") if key.startswith("family.")]
    key = f"family.{measure.partition('.')[0]}"
    return families.index(key) if key in families else len(families)


def titled(measure: str, lang: Lang) -> str:
    """The name of a measure in words, where it has one."""
    key = f"quantity.{measure}"
    return say(key, lang) if key in catalogue(lang) else measure.partition(".")[2].replace("_", " ")


def family(measure: str, lang: Lang) -> str:
    """The name of a family of measures."""
    name = measure.partition(".")[0]
    key = f"family.{name}"
    return say(key, lang) if key in catalogue(lang) else name.replace("_", " ")


routes = [Route("/runs/{run}/measures", overview), Route("/runs/{run}/series", window)]
