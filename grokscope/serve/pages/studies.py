"""Studies: how far they are, their claims open and closed with the looks, and the maps of sweeps."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from grokscope.registry import shortened
from grokscope.report.words import Lang, say
from grokscope.serve.cards import card_of
from grokscope.serve.claims import claims_of, tally
from grokscope.serve.frame import language, page
from grokscope.serve.guard import OF_REPORTS
from grokscope.serve.served import served
from grokscope.studies.outline import CARD, Outline, outlines


def studies(request: Request) -> Response:
    """All studies of the store."""
    lang, problems = language(request), list[str]()
    known = outlines(served(request).store, on_damage=lambda error: problems.append(str(error)))
    rows = [_row(study, lang) for study in known]
    return page(request, "studies", title=say("live.studies", lang), rows=rows, problems=problems)


def study(request: Request) -> Response:
    """One study: its claims, or the place of its maps, and its runs."""
    one, lang = _found(request), language(request)
    card, other = (None, False) if one.axes else card_of(one)
    about = _row(one, lang)
    groups = [] if card is None else claims_of(card, lang)
    return page(
        request, "study", title=one.id, depth=1, study=one, about=about, card=card, other=other, groups=groups,
        arms=_arms(request, one),
    )  # fmt: skip


async def maps(request: Request) -> Response:
    """The maps of a sweep, a part of its page."""
    one = _found(request)
    path = await served(request).making.made(
        "sweep", one.id, language(request), (_state(one), one.folder.stat().st_mtime)
    )
    return FileResponse(path, media_type="text/html")


def waiting(request: Request) -> Response:
    """Says that the report is being made, and leads to it."""
    one, lang = _found(request), language(request)
    title = say("live.report_of", lang, name=one.id)
    return page(request, "waiting", title=title, depth=2, target="report.html", back="../" + one.id)


async def report(request: Request) -> Response:
    """The report of a study, as `grokscope report` writes it."""
    one = _found(request)
    path = await served(request).making.made("study", one.id, language(request), _state(one))
    return FileResponse(path, media_type="text/html", headers={"Content-Security-Policy": OF_REPORTS})


def _found(request: Request) -> Outline:
    name = request.path_params["study"]
    for one in outlines(served(request).store):
        if one.id == name:
            return one
    raise HTTPException(404, f"this store has no study {shortened(name)}")


def _state(study: Outline) -> tuple[int, int]:
    """What its pages depend on: how many packs have ended, and its verdicts."""
    card = study.folder / CARD
    return study.trained(), card.stat().st_mtime_ns if card.exists() else 0


def _row(study: Outline, lang: Lang) -> dict[str, object]:
    card = None if study.axes else card_of(study)[0]
    return {
        "study": study,
        "trained": study.trained(),
        "runs": len({run for runs in study.arms.values() for run in runs}),
        "counts": {} if card is None else tally(card),
        "over": (" × " if lang == "en" else "×").join(study.axes),
    }


def _arms(request: Request, study: Outline) -> list[dict[str, object]]:
    """The arms with their runs; those that the store has are links."""
    known = {row["run"]: row for row in served(request).index.rows()}
    return [
        {"name": name, "runs": [(run, known[run]["state"] if run in known else "") for run in runs]}
        for name, runs in study.arms.items()
    ]


routes = [
    Route("/studies", studies),
    Route("/studies/{study}", study),
    Route("/studies/{study}/maps", maps),
    Route("/studies/{study}/report", waiting),
    Route("/studies/{study}/report.html", report),
]
