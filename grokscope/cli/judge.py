"""`grokscope judge`: the verdicts on the predictions of a theory, or of all, from trained runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from grokscope.cli._options import Json, Output, Store
from grokscope.cli.base import emit, find_run, find_study
from grokscope.registry import unknown

if TYPE_CHECKING:
    from grokscope.predictions.cards import Scorecard
    from grokscope.runs.run import Run
    from grokscope.studies.study import Study


def judge(
    names: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="STUDY|LEDGER|RUN ...")],
    *,
    theory: Annotated[str | None, tyro.conf.arg(metavar="ID")] = None,
    table: Annotated[str | None, tyro.conf.arg(metavar="ID")] = None,
    output: Output = None,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Judge the predictions of a theory, or of all of them, on runs: effect, interval, verdict, and what is missing.

    A ledger (FILE.parquet) gives the scorecard of the study that it was written from, without any run.

    A run's arm is how its config differs from the grokking baseline. A study is named by its id, the start of one, or
    its folder, and its plan names its arms; a pack's id stands for all of its runs.

    Args:
        names: a study, a ledger, or runs and packs.
        theory: one theory (grokscope list theories); by default all.
        table: one table of a study instead of the verdicts (a wrong ID lists all tables).
        output: also write the scorecard to FILE.json, to FILE.html as a page, or to FILE.md as tables.
    """
    from grokscope.runs.output import require_output
    from grokscope.studies.judging import judge as judged

    if output is not None:
        if output.suffix not in (".json", ".html", ".md"):
            raise ValueError(f"--output must end in .json, .html or .md, got {output}")
        require_output(output)
    ledger = _ledger(names)
    study = find_study(names[0], store) if len(names) == 1 and ledger is None else None
    if table is not None:
        if study is None:
            raise ValueError(f"--table is of a study, and {' '.join(names)} is none")
        _tabulate(study, table, json=json)
        return
    card = judged(ledger or study or _runs(names, store), theory)
    if output is not None:
        _write(card, output)
    if json:
        emit(card.model_dump())
    else:
        print_card(card)


def _tabulate(study: "Study", name: str, *, json: bool) -> None:
    from grokscope.errors import Missing
    from grokscope.studies.judging import readings_of
    from grokscope.studies.tables.base import plain, shown, tables

    known = tables()
    if name not in known:
        raise ValueError(unknown("table", name, known))
    arms = study.runs()
    rows = known[name].rows(arms, readings_of(arms))
    missing = rows.reason if isinstance(rows, Missing) else None
    listed = [] if isinstance(rows, Missing) else rows
    if json:
        emit({"table": name, "missing": missing, "rows": [{k: plain(v) for k, v in row.items()} for row in listed]})
    elif missing is not None:
        print(missing)
    else:
        columns = list(listed[0]) if listed else []
        print("\t".join(columns))
        for row in listed:
            print("\t".join(shown(row[column]) for column in columns))


def _ledger(names: tuple[str, ...]) -> Path | None:
    """The path of the ledger, if one is named. ValueError for a ledger beside others."""
    from grokscope.predictions.ledger_file import SUFFIX

    ledgers = [name for name in names if Path(name).suffix == SUFFIX]
    if ledgers and names[1:]:
        raise ValueError(
            f"a ledger is judged alone, got {' '.join(names)}; grokscope evidence add {ledgers[0]} OTHER adds to it"
        )
    return Path(ledgers[0]) if ledgers else None


def _runs(names: tuple[str, ...], store: Path) -> "list[Run]":
    from grokscope.runs.run import load_pack

    runs: dict[str, Run] = {}
    for name in names:
        folder = next((path for path in (Path(name), store / name) if (path / "pack.json").is_file()), None)
        runs |= {run.id: run for run in (load_pack(folder) if folder else [find_run(name, store)])}
    return list(runs.values())


def _write(card: "Scorecard", path: Path) -> None:
    if path.suffix == ".html":
        from grokscope.report.study.scorecard import write

        write(card, path)
    elif path.suffix == ".md":
        from grokscope.report.study.text import write

        write(card, path)
    else:
        card.save(path)


def print_card(card: "Scorecard") -> None:
    """Prints a scorecard: each claim with its verdict, and beneath it its parts."""
    from rich.console import Console
    from rich.table import Table

    from grokscope.report.study.scorecard import effect, lead, rows_of, verdict, why

    colours = {"supported": "green", "falls_short": "yellow", "refuted": "red"}
    shown = Table(box=None, header_style="dim", padding=(0, 1))
    for column in ("claim", "effect", "verdict", "why"):
        shown.add_column(column, overflow="fold", no_wrap=column in ("claim", "verdict"))
    for claim in (claim for claim in card.claims if claim.current):
        shown.add_row(f"[b]{claim.id}[/]", "", f"[{colours.get(claim.verdict, 'dim')}]{verdict(claim)}[/]", "")
        for row in rows_of(card, claim):
            shown.add_row(f"  {row.name}", effect(row), "", why(row))
    console = Console()
    if not console.is_terminal:  # a file has no width
        console = Console(width=160)
    console.print(shown)
    console.print(lead(card)[0])
    for note in card.notes:
        console.print(f"note: {note}", highlight=False)
