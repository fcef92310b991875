"""The list of runs, and those that a condition in SQL holds for."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grokscope.runs.keeping import trash
from grokscope.runs.listing import chosen
from grokscope.serve.asking import text
from grokscope.serve.data.answer import answer
from grokscope.serve.served import served

MOST = 5_000  # rows that a page is sent; the newest
SHOWN = 3  # fields in which the runs differ
LONGEST = 20  # characters of a value in a column; a hash has more
OWN = ("task", "model", "seed", "max_steps")  # fields that have columns of their own


def listed(request: Request) -> Response:
    """A row a run, with the fields in which they differ, and what lies in the trash."""
    here = served(request)
    rows, where = here.index.rows(), text(request, "where")
    if where:
        among = chosen(here.store, where=where)
        rows = [row for row in rows if row["run"] in among]
    total, rows = len(rows), rows[:MOST]
    fields = here.index.differing([row["run"] for row in rows])
    shown = _shown(fields)
    for row in rows:
        row["fields"] = {field: fields[field].get(row["run"]) for field in shown}
    return answer(
        {
            "runs": rows,
            "total": total,
            "fields": shown,
            "problems": here.index.problems(),
            "trash": trash(here.store),
            "behind": here.index.behind,
        }
    )


def _shown(fields: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The fields that tell most runs apart, of those that all runs have and whose values have room in a column."""
    known = {
        field: len({repr(value) for value in of.values()})
        for field, of in fields.items()
        if field not in OWN and None not in of.values() and all(len(str(value)) <= LONGEST for value in of.values())
    }
    return sorted(known, key=lambda field: -known[field])[:SHOWN]


routes = [Route("/data/runs", listed)]
