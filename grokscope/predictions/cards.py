"""A scorecard: claims with their verdicts, and the rows, one a part, that these rest on."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import ConfigDict, Field

from grokscope.registry import Record
from grokscope.runs.output import write_output

Verdict = Literal["supported", "falls_short", "refuted", "undecided", "not_tested"]
# Why: all parts lie in their regions; a part lies outside; a control keeps up. Or what keeps the claim open: an
# interval that crosses an edge, too few seeds, no answer at all, a control without an answer. Or what was not run.
Reason = Literal["inside", "outside", "control", "between", "few", "no_answer", "no_control", "untested", "not_run"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


class Card(Record):
    """Numbers may be infinite: open ends of intervals and of regions."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True, ser_json_inf_nan="strings")


class Control(Card):
    """What a row's statistic is in a control arm, and how far the row is ahead of it in the direction of the claim.

    effect, low, high, values: the control's own, with its 95 % interval and seeds; n: their number. ahead, ahead_low,
    ahead_high: of the contrast, seed by seed. missing: why it has none, or why the first seed without an answer has
    none.
    """

    arm: str
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    values: tuple[float, ...] = ()
    n: int = 0
    ahead: float | None = None
    ahead_low: float | None = None
    ahead_high: float | None = None
    missing: str = ""


class Row(Card):
    """One part of a claim: its effect, with its 95 % interval where there is one, and what it says of the claim.

    current: whether the claim is judged by it; earlier wordings stand beside it. along: families of which it reads
    every arm. n, lacking: seeds with and without an answer; values: of the seeds. ideal: what an ideal network would
    score; clock: the same statistic of an ideal clock in the place of each network. p: of the effect lying in the
    supporting region. needed: of an undecided row, the seeds that would decide, or why their number is not known.
    """

    theory: str
    id: str
    part: str
    version: int
    current: bool
    claim: dict[str, str]
    measured: dict[str, str]
    changed: dict[str, str] | None
    untested: dict[str, str] | None
    ideal: float | None = None
    arms: tuple[str, ...]
    along: tuple[str, ...] = ()
    measures: tuple[str, ...]
    supports: tuple[tuple[float, float], ...]
    refutes: tuple[tuple[float, float], ...]
    verdict: Verdict
    reason: Reason
    missing: str = ""
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    values: tuple[float, ...] = ()
    lacking: int = 0
    p: float | None = None
    needed: int | str | None = None
    clock: Control | None = None
    controls: tuple[Control, ...] = ()
    counts: dict[str, int] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """Id, part and version in one."""
        part = f"/{self.part}" if self.part else ""
        return f"{self.id}{part}" + (f" v{self.version}" if self.version > 1 else "")


class Look(Card):
    """One look at a claim: p of support and of falling short, and the level that Holm left it."""

    n: int
    supports: float
    falls: float
    level: float


class Claim(Card):
    """The verdict on one sentence of a theory; parts: the names of its rows. n: seeds at the look that decided it, or
    at the last one."""

    theory: str
    id: str
    version: int
    current: bool
    claim: dict[str, str]
    verdict: Verdict
    reason: Reason
    missing: str = ""
    n: int = 0
    looks: tuple[Look, ...] = ()
    parts: tuple[str, ...]
    seeds: dict[str, int] = Field(default_factory=dict)


class Scorecard(Card):
    """Claims and rows of one or several theories, how many runs each arm had, and what was read.

    segments: pack -> name of a file of its numbers -> the first 16 digits of that file's SHA-256. ledger: the digest of
    the ledger that it was made of; empty where it was made of runs. looks: the numbers of seeds of the looks; none for
    one look at all seeds. notes: remarks on all rows, such as readings that were taken with another definition of a
    measure.
    """

    claims: tuple[Claim, ...]
    rows: tuple[Row, ...]
    runs: dict[str, int]
    segments: dict[str, dict[str, str]] = Field(default_factory=dict)
    ledger: str = ""
    looks: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def save(self, path: str | Path) -> Path:
        """Writes it as JSON and returns the path; `Scorecard.load` reads it."""
        return write_output(path, self.model_dump_json(indent=1).encode())

    @classmethod
    def load(cls, path: str | Path) -> "Scorecard":
        """The scorecard that `save` wrote. ValueError for another file."""
        return cls(**_json(Path(path)))

    def verdicts(self) -> dict[tuple[str, str], Verdict]:
        """(theory, id) -> the verdict on each claim in its present wording."""
        return {(claim.theory, claim.id): claim.verdict for claim in self.claims if claim.current}

    def counts(self) -> dict[Verdict, int]:
        """How many claims have each verdict."""
        found = Counter(self.verdicts().values())
        return {verdict: found[verdict] for verdict in VERDICTS}


def _json(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is no scorecard: {error}") from error
    if not isinstance(about, dict):
        raise ValueError(f"{path} is no scorecard: it holds no object")
    return about
