"""All verdicts of the store: every claim, and what each study that judged it says."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from grokscope.predictions.cards import VERDICTS
from grokscope.report.study import wording
from grokscope.report.words import say, told
from grokscope.serve.cards import card_of
from grokscope.serve.frame import language, page
from grokscope.serve.served import served
from grokscope.studies.outline import outlines


def verdicts(request: Request) -> Response:
    """A line a claim; the newest study that judged it comes first."""
    lang = language(request)
    by_claim: dict[tuple[str, str], dict[str, Any]] = {}
    problems, judged = list[str](), list[str]()
    for study in outlines(served(request).store):
        card, other = card_of(study)
        problems += [say("live.card_other", lang, study=study.id)] if other else []
        if card is None:
            continue
        judged.append(study.id)
        for claim in wording.present(card):
            known = by_claim.setdefault(
                (claim.theory, claim.id),
                {"theory": claim.theory, "id": claim.id, "text": told(claim.claim, lang), "said": []},
            )
            state = wording.state(card, claim)
            known["said"].append(
                {"study": study.id, "state": state, "n": claim.n, "why": wording.together(card, claim, lang)}
            )
    rows = [by_claim[key] for key in sorted(by_claim)]
    newest = [row["said"][0]["state"] for row in rows]
    counts = {state: newest.count(state) for state in (*VERDICTS, "open") if state in newest}
    title = say("live.verdicts", lang)
    return page(request, "verdicts", title=title, rows=rows, counts=counts, studies=judged, problems=problems)


routes = [Route("/verdicts", verdicts)]
