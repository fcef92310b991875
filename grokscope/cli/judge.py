"""`grokscope judge`: the verdicts on the predictions of a theory, or of all, from trained runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from grokscope.cli._options import Json, Store
from grokscope.cli.base import emit, find_run, find_study, wide_console
from grokscope.registry import unknown

if TYPE_CHECKING:
    from grokscope.predictions.cards import Scorecard
    from grokscope.runs.run import Run
    from grokscope.studies.study import Study

GROUP = "Judge"

KINDS = (".json", ".html", ".md", ".tex")


def judge(
    names: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="STUDY|LEDGER|RUN ...")],
    *,
    theory: Annotated[str | None, tyro.conf.arg(metavar="ID")] = None,
    table: Annotated[str | None, tyro.conf.arg(metavar="ID")] = None,
    output: Annotated[str | None, tyro.conf.arg(aliases=["-o"], metavar="FILE|DIR/")] = None,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Judge the predictions of a theory, or of all of them, on runs: effect, interval, verdict, and what is missing.

    For instance: grokscope judge manifold-tiny -o verdicts.md

    A ledger (FILE.parquet) gives the scorecard of the study that it was written from, without any run.

    A run's arm is how its config differs from the grokking baseline. A study is named by its id, the start of one, or
    its folder, and its plan names its arms; a pack's id stands for all of its runs.

    Args:
        names: a study, a ledger, or runs and packs.
        theory: one theory (grokscope list theories); by default all.
        table: one table of a study instead of the verdicts (a wrong ID lists all tables).
        output: also write the scorecard to FILE.json, to FILE.html as a page, or to FILE.md or FILE.tex as tables;
            to DIR/, a folder, as pages of Markdown with figures: a summary, a page a theory, an answer to the essay.
    """
    from grokscope.studies.judging import judge as judged

    if output is not None:
        _require(output)
    ledger = _ledger(names)
    study = find_study(names[0], store) if len(names) == 1 and ledger is None else None
    if table is not None:
        if study is None:
            raise ValueError(f"--table is of a study, and {' '.join(names)} is none")
        _tabulate(study, table, json=json)
        return
    card = judged(ledger or study or _runs(names, store), theory)
    if output is not None:
        _write(card, output, ledger)
    if json:
        emit(card.model_dump())
    else:
        print_card(card)


def _is_folder(name: str) -> bool:
    """Whether pages are asked for: a name that ends in "/", or a folder that has no name of a file."""
    return name.endswith("/") or (Path(name).suffix not in KINDS and Path(name).is_dir())


def _require(output: str) -> None:
    """ValueError for a file of another kind, and for what cannot be written."""
    from grokscope.runs.output import require_output

    path = Path(output)
    if _is_folder(output):
        if path.exists() and not path.is_dir():
            raise ValueError(f"cannot write pages into {output}: it is no folder")
        return
    if path.suffix not in KINDS:
        kinds = f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"
        raise ValueError(f"--output must end in {kinds}, or in / for a folder of pages, got {output}")
    require_output(path)


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
        runs |= {run.id: run for run in (load_pack(folder) if folder else [find_run(name, store, or_study=True)])}
    return list(runs.values())


def _write(card: "Scorecard", output: str, ledger: Path | None) -> None:
    from grokscope.report.study import exploratory, pages, scorecard, text

    path, explored = Path(output), exploratory.beside(ledger) if ledger else {}
    if _is_folder(output):
        pages.write(card, path, explored)
    elif path.suffix == ".html":
        scorecard.write(card, path, explored=explored)
    elif path.suffix == ".json":
        card.save(path)
    else:
        text.write(card, path)


def print_card(card: "Scorecard") -> None:
    """Prints a scorecard: each claim with its verdict, and beneath it its parts."""
    from rich.table import Table

    from grokscope.report.study.scorecard import lead
    from grokscope.report.study.wording import effect, present, rows_of, state, verdict, why

    colours = {"supported": "green", "falls_short": "yellow", "refuted": "red"}
    shown = Table(box=None, header_style="dim", padding=(0, 1))
    for column in ("claim", "effect", "verdict", "why"):
        shown.add_column(column, overflow="fold", no_wrap=column in ("claim", "verdict"))
    for claim in present(card):
        said = verdict(card, claim)
        shown.add_row(f"[b]{claim.id}[/]", "", f"[{colours.get(claim.verdict, 'dim')}]{said}[/]", "")
        for row in rows_of(card, claim):
            shown.add_row(f"  {row.name}", effect(row), "", "" if state(card, claim) == "open" else why(row))
    console = wide_console()
    console.print(shown)
    for sentence in lead(card)[:-1]:  # the rule is on the pages
        console.print(sentence)
    for note in card.notes:
        console.print(f"note: {note}", highlight=False)
