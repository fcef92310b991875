"""`grokscope report`: a run as one HTML file."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from grokscope.cli.base import Json, RunName, Store, emit, find_run


def report(
    run: tyro.conf.Positional[RunName] = "latest",
    *,
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE.html")] = None,
    lang: Literal["en", "zh"] = "en",
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Write a run's report: one HTML file that needs no network.

    Args:
        output: the file; by default report.html in the run's folder.
        lang: language of its text.
    """
    from grokscope.report.html import write_report

    found = find_run(run, store)
    path = write_report(found, output, lang=lang)
    if json:
        emit({"run": found.id, "report": str(path)})
    else:
        print(path)
