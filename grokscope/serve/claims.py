"""The claims of a scorecard for a page: theory by theory, the open ones first to be seen, with the looks taken."""

from collections import Counter
from itertools import groupby
from typing import Any

from grokscope.predictions.cards import VERDICTS, Claim, Scorecard
from grokscope.report.study import claims, wording
from grokscope.report.words import Lang, told

OPEN = ("open", "undecided")


def claims_of(card: Scorecard, lang: Lang) -> list[dict[str, Any]]:
    """A group a theory: its id, and of each present claim its text, state, what it rests on, and its looks."""
    present = sorted(wording.present(card), key=lambda claim: claim.theory)
    return [
        {"theory": theory, "claims": [_claim(card, claim, lang) for claim in group]}
        for theory, group in groupby(present, key=lambda claim: claim.theory)
    ]


def tally(card: Scorecard) -> dict[str, int]:
    """How many present claims stand where, the decided ones first."""
    found = Counter(wording.state(card, claim) for claim in wording.present(card))
    return {state: found[state] for state in (*VERDICTS, "open") if found[state]}


def _claim(card: Scorecard, claim: Claim, lang: Lang) -> dict[str, Any]:
    state = wording.state(card, claim)
    return {
        "id": claim.id,
        "anchor": claims.anchor(claim.theory, claim.id),
        "text": told(claim.claim, lang),
        "state": state,
        "open": state in OPEN,
        "rests": wording.together(card, claim, lang),
        "n": claim.n,
        "looks": claim.looks,
    }
