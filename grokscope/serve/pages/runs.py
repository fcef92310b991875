"""The runs of the store: filtered, sorted, named, tagged, removed and overlaid."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grokscope.report.words import say
from grokscope.serve.frame import language, page


def runs(request: Request) -> Response:
    """The frame; its script asks for the list."""
    return page(request, "runs", title=say("live.runs", language(request)))


routes = [Route("/", runs)]
