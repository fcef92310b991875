"""`grokscope report`: a run, or a study, as one HTML file."""

from pathlib import Path
from typing import Annotated

import tyro

from grokscope.cli._options import Json, Store
from grokscope.cli.base import emit, find_run, find_study
from grokscope.report.words import Lang

GROUP = "Look"

Name = Annotated[
    str, tyro.conf.arg(metavar="RUN|STUDY", help='the id of a run or a study, the start of one, its path, or "latest"')
]


def report(
    name: tyro.conf.Positional[Name] = "latest",
    *,
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE.html")] = None,
    lang: Lang = "en",
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Write the report of a run, or of a study with its verdicts: one HTML file that needs no network.

    For instance: grokscope report latest --lang zh -o report.html

    Args:
        output: the file; by default report.html in its folder.
        lang: language of its text.
    """
    from grokscope.report.run.page import write_report
    from grokscope.report.study.page import write
    from grokscope.runs.output import require_output

    if output is not None:
        require_output(output)
    study = find_study(name, store)
    if study is not None:
        about, path = {"study": study.id}, write(study, output, lang)
    else:
        run = find_run(name, store, or_study=True)
        about, path = {"run": run.id}, write_report(run, output, lang=lang)
    if json:
        emit(about | {"report": str(path)})
    else:
        print(path)
