"""`grokscope report`: a run, or a study, as one HTML file; several runs side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from grokscope.cli._options import Flag, Json, Store
from grokscope.cli.base import emit, find_run, find_study
from grokscope.report.page.script import INLINE, Plotly
from grokscope.report.words import Lang

if TYPE_CHECKING:
    from grokscope.runs.run import Run

GROUP = "Look"
Names = Annotated[
    tuple[str, ...],
    tyro.conf.arg(metavar="RUN|STUDY", help='the id of a run or a study, the start of one, its path, or "latest"'),
]


def report(
    names: tyro.conf.Positional[Names] = ("latest",),
    *,
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE.html")] = None,
    story: Flag = False,
    evidence: Annotated[Path | None, tyro.conf.arg(metavar="LEDGER.parquet")] = None,
    lang: Lang = "en",
    plotly: Plotly = INLINE,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Write the report of a run, or of a study with its verdicts; several names are set side by side.

    For instance: grokscope report latest --lang zh -o report.html

    Args:
        output: the file; by default report.html in its folder; of several runs, comparison-….html in the store.
        story: tell the essay as an explorable page made from the run.
        evidence: a ledger whose verdicts the page of a run, or its story, tells (docs/evidence).
        lang: language of its text.
        plotly: where the page has plotly.js from. inline: in itself, so that it needs no network; cdn: from
            cdn.plot.ly; folder: from a file that is written beside it.
    """
    from grokscope.runs.output import require_output

    if output is not None:
        require_output(output)
    first, *others = [str(name) for name in names]
    how: dict[str, Any] = {"lang": lang, "plotly": plotly}
    if others:
        from grokscope.report.study.compare import write_comparison

        if story:
            raise ValueError("--story tells one run: name one")
        chosen = _runs([first, *others], store)
        about, path = {"runs": [run.id for run in chosen]}, write_comparison(chosen, output, **how)
    elif not story and (study := find_study(first, store)) is not None:
        from grokscope.report.study.page import write

        about, path = {"study": study.id}, write(study, output, **how)
    else:
        run = find_run(first, store, or_study=True)
        if evidence is not None:
            from grokscope.studies.judging import judged_ledger

            how["card"] = judged_ledger(evidence)
        about, path = {"run": run.id}, _written(run, output, story=story, how=how)
    if json:
        emit(about | {"report": str(path)})
    else:
        print(path)


def _written(run: "Run", output: Path | None, *, story: bool, how: dict[str, Any]) -> Path:
    if story:
        from grokscope.report.study.story import write_story

        return write_story(run, output, **how)
    from grokscope.report.run.page import write_report

    return write_report(run, output, **how)


def _runs(names: Sequence[str], store: Path) -> "list[Run]":
    """The runs of all names, each once; a study stands for its runs that have ended."""
    from grokscope.predictions.arms import runs_of

    chosen: dict[str, Run] = {}
    for name in names:
        study = find_study(name, store)
        found = [find_run(name, store, or_study=True)] if study is None else runs_of(study.runs())
        chosen |= {run.id: run for run in found}
    return list(chosen.values())
