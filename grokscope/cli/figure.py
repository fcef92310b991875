"""`grokscope figure`: one figure as a file, for a paper or for the screen."""

from pathlib import Path
from typing import Annotated

import tyro

from grokscope.cli._options import Integer, Json, Store
from grokscope.cli.base import emit, find_run, find_study
from grokscope.errors import GrokscopeError, Missing
from grokscope.report.words import Lang

GROUP = "Look"

Subject = Annotated[
    str, tyro.conf.arg(metavar="RUN|STUDY", help='the id of a run or a study, the start of one, its path, or "latest"')
]
Name = Annotated[
    str,
    tyro.conf.arg(
        metavar="NAME", help="a figure (grokscope list figures), or the end of its address on the page of a study"
    ),
]


def figure(
    subject: tyro.conf.Positional[Subject],
    name: tyro.conf.Positional[Name],
    *,
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FILE.pdf|svg|png|tex|html")],
    width: Annotated[str | None, tyro.conf.arg(metavar="column|page|INCHES")] = None,
    height: Annotated[float | None, tyro.conf.arg(metavar="INCHES")] = None,
    step: Integer = None,
    lang: Lang = "en",
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Write one figure of a run or a study to a file: vectors for a paper, or the interactive figure.

    For instance: grokscope figure latest grokking-curve -o figure.pdf

    Args:
        output: the file; its ending says what it is.
        width: of a figure on paper: column (3.25 inches), page (6.75 inches, the default) or a number of inches.
        height: of a figure on paper, in inches; by default as its panels ask.
        step: the checkpoint that a figure with a slider shows on paper; by default the last.
        lang: language of its text.
    """
    from grokscope.report.static.write import inches, kind_of, write
    from grokscope.runs.output import require_output

    kind_of(output)
    require_output(output)
    wide = None if width is None else inches(width)
    study = find_study(subject, store)
    if study is not None:
        from grokscope.report.study.drawing import figure as of_study

        section = of_study(study, name, lang)
        drawn, title, caption = section.figure, section.title, section.caption
        shown, about = section.id, {"study": study.id}
    else:
        from grokscope.report.run.drawing import figure as of_run
        from grokscope.report.run.drawing import named

        drawing, run = named(name), find_run(subject, store, or_study=True)
        drawn, title, caption = of_run(run, drawing.id, lang), drawing.title(lang), drawing.caption(lang)
        shown, about = drawing.id, {"run": run.id}
    assert drawn is not None
    if isinstance(drawn, Missing):
        raise GrokscopeError(drawn.reason)
    path = write(drawn, output, width=wide, height=height, step=step, title=title, lang=lang)
    if json:
        emit(about | {"figure": shown, "file": str(path), "title": title, "caption": caption})
    else:
        print(path)
