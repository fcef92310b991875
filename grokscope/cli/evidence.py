"""`grokscope evidence`: the readings that verdicts rest on, and somebody else's seeds added to them."""

import csv as _csv
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from grokscope.cli._options import Flag, Json, Store
from grokscope.cli.base import emit, find_study

if TYPE_CHECKING:
    from grokscope.predictions.ledger import Ledger, Line
    from grokscope.statistics.looks import Looks

GROUP = "Judge"


def evidence(
    action: Annotated[tyro.conf.Positional[Literal["show", "add"]], tyro.conf.arg(metavar="show|add")],
    ledger: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="LEDGER")],
    others: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="OTHER ...")] = (),
    *,
    theory: Annotated[str | None, tyro.conf.arg(metavar="ID")] = None,
    claim: Annotated[str | None, tyro.conf.arg(metavar="ID")] = None,
    csv: Flag = False,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """The readings that verdicts rest on: show a ledger, or add seeds of other ledgers and studies to it.

    For instance: grokscope evidence add mine.parquet manifold-tiny

    A ledger is one file, FILE.parquet, a line a reading of a run. `grokscope judge LEDGER` gives the verdicts again.
    `add` writes nothing if one of the others contradicts the ledger; a ledger that is not there yet is made of them,
    with the looks of the first one.

    Args:
        action: show, or add.
        ledger: the file.
        others: of `add`, ledgers and studies; a study is named by its id, the start of one, or its folder.
        theory: of `show`, the lines of this theory alone.
        claim: of `show`, the lines of this claim alone.
        csv: of `show`, the lines themselves, as comma-separated values.
    """
    if action == "show":
        if others:
            raise ValueError("show takes one ledger, with --theory, --claim, --csv or --json")
        _show(ledger, theory, claim, csv=csv, json=json)
        return
    if not others:
        raise ValueError("add needs what is to be added: grokscope evidence add LEDGER OTHER ...")
    if theory is not None or claim is not None or csv:
        raise ValueError("--theory, --claim and --csv are of show")
    _add(ledger, others, store, json=json)


def _show(path: Path, theory: str | None, claim: str | None, *, csv: bool, json: bool) -> None:
    from grokscope.predictions.ledger import told
    from grokscope.predictions.ledger_file import COLUMNS, file_digest, read_ledger
    from grokscope.registry import unknown

    ledger = read_ledger(path)
    for what, name, known in (
        ("theory", theory, {line.theory for line in ledger.lines}),
        ("claim", claim, {line.claim for line in ledger.of(theory)}),
    ):
        if name is not None and name not in known:
            raise ValueError(f"{path} has no lines of it: {unknown(what, name, known)}")
    lines = ledger.of(theory, claim)
    if csv and not json:
        table = _csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows([getattr(line, name) for name in COLUMNS] for line in lines)
        return
    about: dict[str, Any] = {
        "ledger": file_digest(path),
        "looks": None if ledger.looks is None else asdict(ledger.looks),
        "arms": _arms(ledger, lines),
        "claims": _claims(lines),
    }
    if json:
        emit(about | ({"lines": [asdict(line) for line in lines]} if csv else {}))
        return
    print(f"{path}: {len(lines)} lines, digest {about['ledger']}; {told(ledger.looks)}")
    _table(about["arms"])
    _table(about["claims"])
    _warn(ledger)


def _add(path: Path, others: Sequence[str], store: Path, *, json: bool) -> None:
    from grokscope.predictions.ledger import ranges
    from grokscope.predictions.ledger_file import alone, file_digest, read_ledger, write_ledger

    with alone(path):
        before = read_ledger(path) if path.exists() else None
        ledger = _with(before, others, store)
        write_ledger(ledger, path)
    counts = [(sum(map(len, one.arms.values())), len(one.lines)) if one else (0, 0) for one in (before, ledger)]
    runs, lines = (after - was for was, after in zip(*counts, strict=True))
    whole = _added(before, ledger)
    _warn(ledger)
    if json:
        about = {"runs": runs, "lines": lines, "whole seeds": whole, "lacking": ledger.lacking()}
        emit({"ledger": file_digest(path)} | about)
    else:
        print(f"{path}: {runs} runs and {lines} lines were added; digest {file_digest(path)}")
        for claim, seeds in whole.items():
            print(f"{claim}: {len(seeds)} whole seeds were added, {ranges(seeds)}")


def _with(ledger: "Ledger | None", others: Sequence[str], store: Path) -> "Ledger":
    """A ledger with what others bring, of which there is one at least."""
    from grokscope.errors import StoreError
    from grokscope.predictions.merging import merged
    from grokscope.predictions.recorded import require_theories, unknown_rows
    from grokscope.theories.base import theories

    for name in others:
        other = _other(name, store, None if ledger is None else ledger.looks)
        try:
            require_theories(other, theories())
            if rows := unknown_rows(other, theories().values()):
                more = f" and {len(rows) - 1} more" if rows[1:] else ""
                raise StoreError(f"it has lines of {rows[0]}{more}, which no theory here has: another version wrote it")
            ledger = other if ledger is None else merged(ledger, other)
        except StoreError as error:
            raise StoreError(f"{name} cannot be added: {error}") from error
    assert ledger is not None
    return ledger


def _added(before: "Ledger | None", after: "Ledger") -> dict[str, list[int]]:
    """Claim -> the seeds that every arm has which it reads, and had not before; claims without one are left out."""
    from grokscope.predictions.recorded import whole_seeds
    from grokscope.theories.base import theories

    found: dict[str, list[int]] = {}
    for theory in theories().values():
        had = {} if before is None else whole_seeds(before, theory)
        found |= {claim: sorted(seeds - had.get(claim, set())) for claim, seeds in whole_seeds(after, theory).items()}
    return {claim: seeds for claim, seeds in found.items() if seeds}


def _other(name: str, store: Path, looks: "Looks | None") -> "Ledger":
    """A ledger by its path, or of a study by its name; looks: of a study that has none of its own."""
    from grokscope.predictions.ledger_file import SUFFIX, read_ledger
    from grokscope.studies.judging import ledger_of

    if Path(name).suffix == SUFFIX:
        return read_ledger(name)
    study = find_study(name, store)
    if study is None:
        raise ValueError(f"{name} is neither a ledger (FILE{SUFFIX}) nor a study of the store {store}")
    return ledger_of(study, looks)


def _arms(ledger: "Ledger", lines: Iterable["Line"]) -> list[dict[str, Any]]:
    """The arms that have lines, each with its seeds."""
    asked, lacking = {line.arm for line in lines}, ledger.lacking()
    return [
        {
            "arm": arm.name,
            "seeds": len(arm),
            "first": arm[0].seed if len(arm) else None,
            "last": arm[-1].seed if len(arm) else None,
            "lacking": lacking.get(arm.name, []),
        }
        for arm in ledger.arms.values()
        if arm.name in asked
    ]


def _claims(lines: Iterable["Line"]) -> list[dict[str, Any]]:
    """The wordings of claims, each with its lines."""
    found = []
    for (theory, claim, version), group in groupby(
        sorted(lines, key=lambda line: (line.theory, line.claim, line.version)),
        key=lambda line: (line.theory, line.claim, line.version),
    ):
        of = list(group)
        found.append(
            {
                "theory": theory,
                "claim": claim,
                "version": version,
                "parts": len({line.part for line in of}),
                "seeds": len({line.seed for line in of}),
                "lines": len(of),
                "without an answer": sum(line.value is None for line in of),
            }
        )
    return found


def _table(rows: Sequence[dict[str, Any]]) -> None:
    from grokscope.predictions.ledger import ranges

    print()
    print("\t".join(rows[0]) if rows else "nothing")
    for row in rows:
        print("\t".join(ranges(value) if isinstance(value, list) else str(value) for value in row.values()))


def _warn(ledger: "Ledger") -> None:
    from grokscope.predictions.ledger import told_absent

    for gap in told_absent(ledger.lacking()):
        print(f"warning: {gap}", file=sys.stderr)
