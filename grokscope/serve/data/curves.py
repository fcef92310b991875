"""One measure of many runs, to be drawn over each other."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grokscope.runs.store.series import read_series
from grokscope.serve.asking import one_of, text, texts, whole
from grokscope.serve.data.answer import answer, numbers
from grokscope.serve.data.series import LATEST, WIDEST
from grokscope.serve.decimation import PER_PIXEL, decimated
from grokscope.serve.served import served

POINTS = 60_000  # of all curves together: more take a browser longer than a second to draw


def curves(request: Request) -> Response:
    """Those of the asked runs that have the measure."""
    index = served(request).index
    # A run that was thrown away a moment ago is left out.
    runs = [run for run in map(index.find, texts(request, "run", least=1)) if run is not None]
    measure = text(request, "measure", "behaviour.test_accuracy")
    start = whole(request, "from", 1, least=0, most=LATEST)
    stop = whole(request, "to", LATEST, least=start, most=LATEST)
    pixels = whole(request, "pixels", 800, least=10, most=WIDEST)
    log = one_of(request, "scale", ("log", "linear")) == "log"
    pixels = max(10, min(pixels, POINTS // (PER_PIXEL * max(1, len(runs)))))
    known = read_series(sorted({run.folder for run in runs}), [measure])
    last = max((int(curve[0][-1]) for curve in known.values() if len(curve[0])), default=1)
    drawn = []
    for run in runs:
        curve = known.get((run.id, measure))
        if curve is not None:
            shown = decimated(curve, start=start, stop=min(stop, last), pixels=pixels, log=log)
            drawn.append({"run": run.id} | numbers(shown))
    differing = index.differing([run.id for run in runs]) if text(request, "fields") else {}
    return answer({"curves": drawn, "fields": differing})


routes = [Route("/data/curves", curves)]
