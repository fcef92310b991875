"""A run while it trains, and after: its curve, its phases, its measures as they come; and its report when asked for."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from grokscope.report.words import say
from grokscope.serve.frame import language, page
from grokscope.serve.guard import OF_REPORTS
from grokscope.serve.index import FILES
from grokscope.serve.served import found, served


def run(request: Request) -> Response:
    """The frame of a run's page, with what does not change while it trains."""
    one = found(request)
    row = served(request).index.row(one)
    title = row["name"] or one.id
    config = {name: value for name, value in one.config.items() if value is not None}
    return page(request, "run", title=title, depth=1, run=one.id, row=row, config=config)


def waiting(request: Request) -> Response:
    """Says that the report is being made, and leads to it."""
    one, lang = found(request), language(request)
    return page(
        request,
        "waiting",
        title=say("live.report_of", lang, name=one.id),
        depth=2,
        target="report.html",
        back=f"../{one.id}",
    )


async def report(request: Request) -> Response:
    """The report as `grokscope report` writes it, in a sandbox."""
    one, lang = found(request), language(request)
    signature = [_mtime(one.folder / name) for name in FILES]
    path = await served(request).making.made("report", one.id, lang, signature)
    return FileResponse(path, media_type="text/html", headers={"Content-Security-Policy": OF_REPORTS})


def _mtime(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


routes = [
    Route("/runs/{run}", run),
    Route("/runs/{run}/report", waiting),
    Route("/runs/{run}/report.html", report),
]
