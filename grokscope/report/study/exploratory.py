"""The verdicts that rows got on the exploratory seeds, 0 to 9: a table beside the ledger, for their store is gone."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from grokscope.errors import StoreError
from grokscope.report.words import Lang, say, with_interval

FILE = "exploratory.csv"
COLUMNS = ["theory", "id", "part", "version", "effect", "low", "high", "n", "verdict"]
Key: TypeAlias = tuple[str, str, str, int]  # theory, id, part, version


@dataclass(frozen=True, kw_only=True)
class Explored:
    """What a row came to on the exploratory seeds. The ends of the interval are None where it had none."""

    effect: float | None
    low: float | None
    high: float | None
    n: int | None
    verdict: str

    def said(self, lang: Lang) -> str:
        """Its effect with interval and seeds; empty where no seed had an answer."""
        if self.effect is None or self.n is None:
            return ""
        return say("explored.effect", lang, effect=with_interval(self.effect, self.low, self.high), n=self.n)


Table: TypeAlias = dict[Key, Explored]


def beside(ledger: Path) -> Table:
    """The table that lies beside a ledger; empty where none does. StoreError for another table."""
    path = ledger.with_name(FILE)
    return read(path) if path.is_file() else {}


def read(path: Path) -> Table:
    """The table in a file."""
    found: Table = {}
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file)
        if lines.fieldnames != COLUMNS:
            raise StoreError(f"{path}: its columns are {lines.fieldnames}, expected {COLUMNS}")
        try:
            for line in lines:
                key = (line["theory"], line["id"], line["part"], int(line["version"]))
                effect, low, high = (float(line[name]) if line[name] else None for name in ("effect", "low", "high"))
                n = int(line["n"]) if line["n"] else None
                found[key] = Explored(effect=effect, low=low, high=high, n=n, verdict=line["verdict"])
        except (ValueError, TypeError) as error:
            raise StoreError(f"{path}, line {lines.line_num}: {error}") from error
    return found
