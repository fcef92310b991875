"""The list of runs, and those that a condition in SQL holds for."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grokscope.runs.keeping import trash
from grokscope.runs.listing import chosen
from grokscope.serve.asking import text
from grokscope.serve.data.answer import answer
from grokscope.serve.served import served

MOST = 5_000  # rows that a page is sent; the newest
SHOWN = 4  # fields in which the runs differ


def listed(request: Request) -> Response:
    here = served(request)
    rows, where = here.index.rows(), text(request, "where")
    if where:
        among = chosen(here.store, where=where)
        rows = [row for row in rows if row["run"] in among]
    total, rows = len(rows), rows[:MOST]
    fields = here.index.differing([row["run"] for row in rows])
    shown = [field for field in fields if field not in ("task", "model", "seed")][:SHOWN]
    for row in rows:
        row["fields"] = {field: fields[field].get(row["run"]) for field in shown}
    return answer(
        {"runs": rows, "total": total, "fields": shown, "problems": here.index.problems(), "trash": trash(here.store)}
    )


routes = [Route("/data/runs", listed)]
