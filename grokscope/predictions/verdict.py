"""From runs to verdicts: a scorecard of the predictions of theories.

A row's sample gives an effect with intervals. Its p-values are the levels at which its interval lies inside the
supporting and inside the refuting region (`statistics.regions.p_inside`). Holm corrects the smaller one over the rows
of its theory; rows as written and changed rows are two families, so that a changed row costs a row as written nothing.
At most .05 after correction the row is supported or refuted; else it is undecided, with the number of seeds that would
decide it with a probability of .8 at the effect seen.

Three things keep a row undecided whatever its p: fewer than five seeds with an answer, or fewer with than without; a
control that was not run; a control that shows the effect too, that is, whose effect lies in the supporting region.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ConfigDict, Field

from grokscope.errors import Missing
from grokscope.predictions.arms import Arms
from grokscope.predictions.base import Prediction, Theory
from grokscope.predictions.evidence import Evidence, evidence, p_values
from grokscope.predictions.subject import Subject
from grokscope.registry import Record
from grokscope.runs.output import write_output
from grokscope.statistics.intervals import FEWEST
from grokscope.statistics.multiplicity import holm, holm_levels
from grokscope.statistics.regions import Region

Verdict = Literal["supported", "refuted", "undecided"]
# Why: where the interval lies; or what keeps the row undecided.
Reason = Literal["inside", "between", "few", "lacking", "no_answer", "no_control", "control", "not_significant"]
LEVEL = 0.95
NOT_RUN = "not run"


class Card(Record):
    """Numbers may be infinite: open ends of intervals and of regions."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True, ser_json_inf_nan="strings")


class Control(Card):
    """A row's statistic of a control arm. shows: whether its effect lies in the supporting region; None without one.
    missing: why it has none, or why the first seed without an answer has none."""

    arm: str
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    shows: bool | None = None
    missing: str = ""


class Row(Card):
    """The verdict of one prediction.

    effect, low, high: with its 95 % interval; None where there is none. n, lacking: seeds with and without an answer.
    p, adjusted: the smaller p of the two regions, before and after Holm. needed: of an undecided row, the seeds that
    would decide, or why their number is not known.
    """

    theory: str
    id: str
    part: str
    version: int
    claim: dict[str, str]
    measured: dict[str, str]
    changed: dict[str, str] | None
    arms: tuple[str, ...]
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
    lacking: int = 0
    p: float | None = None
    adjusted: float | None = None
    needed: int | str | None = None
    controls: tuple[Control, ...] = ()
    counts: dict[str, int] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """Id, part and version in one."""
        part = f"/{self.part}" if self.part else ""
        return f"{self.id}{part}" + (f" v{self.version}" if self.version > 1 else "")


class Scorecard(Card):
    """The rows of one or several theories, how many runs each arm had, and what was read.

    segments: pack -> name of a file of its numbers -> the first 16 digits of that file's SHA-256. notes: remarks on all
    rows, such as readings that were taken with another definition of a measure.
    """

    rows: tuple[Row, ...]
    runs: dict[str, int]
    segments: dict[str, dict[str, str]] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def save(self, path: str | Path) -> Path:
        """Writes it as JSON and returns the path; `Scorecard.load` reads it."""
        return write_output(path, self.model_dump_json(indent=1).encode())

    @classmethod
    def load(cls, path: str | Path) -> "Scorecard":
        """The scorecard that `save` wrote. ValueError for another file."""
        return cls(**_json(Path(path)))

    def verdicts(self) -> dict[tuple[str, str, int], Verdict]:
        """(theory, id, version) -> the joint verdict of all parts."""
        parts: dict[tuple[str, str, int], list[Verdict]] = {}
        for row in self.rows:
            parts.setdefault((row.theory, row.id, row.version), []).append(row.verdict)
        return {key: joint(verdicts) for key, verdicts in parts.items()}

    def counts(self) -> dict[Verdict, int]:
        """How many rows have each verdict."""
        return {
            verdict: sum(row.verdict == verdict for row in self.rows)
            for verdict in ("supported", "refuted", "undecided")
        }


def judged(theory: Theory, arms: Arms[Subject]) -> list[Row]:
    """The rows of one theory, in the order of its predictions."""
    seen = [_evidence(row, arms) for row in theory.predictions]
    tests = [p_values(of, row.supports, row.refutes) for row, of in zip(theory.predictions, seen, strict=True)]
    tested: dict[int, Tested] = {}
    for changed in (False, True):
        family = {
            index: p
            for index, (row, p) in enumerate(zip(theory.predictions, tests, strict=True))
            if p is not None and (row.version > 1) == changed
        }
        smallest = [min(p) for p in family.values()]
        corrected = zip(family.items(), holm(smallest), holm_levels(smallest, 1 - LEVEL), strict=True)
        tested |= {index: Tested(p=p, adjusted=adjusted, level=level) for (index, p), adjusted, level in corrected}
    return [
        _row(theory.id, row, arms, of, tested.get(index))
        for index, (row, of) in enumerate(zip(theory.predictions, seen, strict=True))
    ]


@dataclass(frozen=True, kw_only=True)
class Tested:
    """p of the supporting and of the refuting region; the smaller after Holm; and the level that Holm asks of it."""

    p: tuple[float, float]
    adjusted: float
    level: float


def _evidence(row: Prediction, arms: Arms[Subject]) -> Evidence | Missing:
    lacking = [arm for arm in row.arms if not arms.get(arm)]
    if lacking:
        return Missing(f"no run of the arm {lacking[0]}" + (f" and {len(lacking) - 1} more" if lacking[1:] else ""))
    return evidence(row.statistic(row.answers(arms)))


def _row(theory: str, row: Prediction, arms: Arms[Subject], seen: Evidence | Missing, tested: Tested | None) -> Row:
    about: dict[str, Any] = {
        "theory": theory,
        "id": row.id,
        "part": row.part,
        "version": row.version,
        "claim": dict(row.claim),
        "measured": dict(row.measured),
        "changed": dict(row.changed) if row.changed else None,
        "arms": row.arms,
        "measures": row.measures,
        "supports": row.supports.parts,
        "refutes": row.refutes.parts,
    }
    if isinstance(seen, Missing):
        return Row(**about, verdict="undecided", reason="no_answer", missing=seen.reason)
    controls = tuple(_control(row, arm, arms) for arm in row.controls)
    about |= {"effect": seen.value, "n": seen.n, "lacking": seen.lacking, "controls": controls}
    if row.counts:
        about["counts"] = dict(row.counts(row.answers(arms)))
    if seen.missing:
        about["missing"] = seen.missing
    if tested is None:
        return Row(**about, verdict="undecided", reason="few" if seen.n < FEWEST else "lacking")
    low, high = seen.intervals(LEVEL) if seen.intervals else (None, None)
    about |= {"low": low, "high": high, "p": min(tested.p), "adjusted": tested.adjusted}
    verdict, reason = _decided(seen, tested, controls)
    needed = None
    if verdict == "undecided" and reason in ("between", "not_significant"):
        needed = _needed(seen, row, tested.level)
    return Row(**about, verdict=verdict, reason=reason, needed=needed)


def _decided(seen: Evidence, tested: Tested, controls: Sequence[Control]) -> tuple[Verdict, Reason]:
    if tested.adjusted > 1 - LEVEL:
        if seen.accepts is None:
            return "undecided", "between"
        return ("refuted" if seen.accepts else "undecided"), "not_significant"
    if tested.p[1] < tested.p[0]:
        return "refuted", "inside"
    if any(control.shows for control in controls):
        return "undecided", "control"
    if any(control.missing == NOT_RUN for control in controls):
        return "undecided", "no_control"
    return "supported", "inside"


def _control(row: Prediction, arm: str, arms: Arms[Subject]) -> Control:
    if not arms.get(arm):
        return Control(arm=arm, missing=NOT_RUN)
    seen = evidence(row.controls[arm](row.answers(arms)))
    if isinstance(seen, Missing):
        return Control(arm=arm, missing=seen.reason)
    low, high = seen.intervals(LEVEL) if seen.intervals and seen.n >= FEWEST else (None, None)
    shows = row.supports.contains(seen.value, seen.value)
    if seen.test is not None:
        shows = seen.test <= 1 - LEVEL
    return Control(arm=arm, effect=seen.value, low=low, high=high, n=seen.n, shows=shows, missing=seen.missing)


def _needed(seen: Evidence, row: Prediction, a: float) -> int | str | None:
    """Seeds that would decide at the level that Holm asks of this row, in the region in which the effect lies."""
    if seen.needed is None:
        return None
    seeds = seen.needed(Region((*row.supports.parts, *row.refutes.parts)), a)
    return seeds.reason if isinstance(seeds, Missing) else int(np.ceil(seeds))


def joint(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict of a claim: supported if all its parts are, refuted if any is."""
    if "refuted" in verdicts:
        return "refuted"
    return "supported" if set(verdicts) == {"supported"} else "undecided"


def _json(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is no scorecard: {error}") from error
    if not isinstance(about, dict):
        raise ValueError(f"{path} is no scorecard: it holds no object")
    return about
