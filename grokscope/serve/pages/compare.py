"""Several runs over each other, with what differs between them."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grokscope.report.words import say
from grokscope.serve.asking import texts
from grokscope.serve.frame import language, page
from grokscope.serve.served import found


def compare(request: Request) -> Response:
    """The page of some runs; 404 where the store lacks one."""
    runs = [found(request, run).id for run in texts(request, "run", least=1)]
    return page(request, "compare", title=say("live.compare", language(request)), runs=runs)


routes = [Route("/compare", compare)]
