"""What a reader may change: names, tags, notes and the trash, by the functions that the commands use."""

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grokscope.runs import keeping
from grokscope.serve.asking import body, wrong
from grokscope.serve.data.answer import answer
from grokscope.serve.served import found, served

MOST = 500  # runs at a time
KEYS = {"runs", "name", "note", "add", "remove"}


async def label(request: Request) -> Response:
    """Sets what is given: name and note of one run, or tags of several."""
    sent, store = await body(request), served(request).store
    if more := sorted(sent.keys() - KEYS):
        raise wrong(f"unknown field {more[0][:40]!r}; expected {', '.join(sorted(KEYS))}")
    runs = await run_in_threadpool(lambda: [found(request, run).id for run in _strings(sent, "runs")])
    if len(runs) != 1 and ("name" in sent or "note" in sent):
        raise wrong("a name and a note are of one run")
    add, remove = (_strings(sent, name) if name in sent else [] for name in ("add", "remove"))

    def act() -> None:
        if "name" in sent:
            keeping.rename(store, runs[0], _string(sent, "name"))
        if "note" in sent:
            keeping.note(store, runs[0], _string(sent, "note"))
        for run in runs if add or remove else ():
            keeping.tag(store, run, add, remove)

    return await _done(request, act)


async def remove(request: Request) -> Response:
    """Moves the packs of some runs to the trash, as `grokscope rm` does."""
    runs = _strings(await body(request), "runs")
    folders = await run_in_threadpool(lambda: list(dict.fromkeys(found(request, run).folder for run in runs)))
    return await _done(request, lambda: [keeping.remove(folder) for folder in folders])


async def restore(request: Request) -> Response:
    """Moves packs back from the trash."""
    packs, store = _strings(await body(request), "packs"), served(request).store
    lying = await run_in_threadpool(keeping.trash, store)
    if unknown := [pack for pack in packs if pack not in lying]:
        raise wrong(f"the trash has no pack {unknown[0][:40]!r}")
    return await _done(request, lambda: [keeping.restore(store, pack) for pack in packs])


async def _done(request: Request, act: Callable[[], Any]) -> Response:
    await run_in_threadpool(act)
    served(request).index.forget()
    return answer({"done": True})


def _strings(sent: dict[str, Any], name: str) -> list[str]:
    given = sent.get(name)
    if not isinstance(given, list) or not 1 <= len(given) <= MOST or not all(isinstance(one, str) for one in given):
        raise wrong(f"{name} must be a list of 1 to {MOST} texts")
    return given


def _string(sent: dict[str, Any], name: str) -> str:
    if not isinstance(sent[name], str):
        raise wrong(f"{name} must be a text")
    return sent[name]


routes = [
    Route("/data/label", label, methods=["POST"]),
    Route("/data/remove", remove, methods=["POST"]),
    Route("/data/restore", restore, methods=["POST"]),
]
