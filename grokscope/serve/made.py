"""The process that makes one page and ends: `python -m grokscope.serve.made '{"kind": ...}' FILE`.

report: the report of a run. study: the report of a study. sweep: the maps of a sweep, as a part of a page. A failure is
one line on stderr.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from grokscope.errors import GrokscopeError
from grokscope.registry import use
from grokscope.report.words import Lang, require_language

GENTLE = 10  # a training on the same machine goes first
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def main(arguments: list[str]) -> int:
    """Makes the page that the first argument describes, in the file that the second names."""
    asked, path = json.loads(arguments[0]), Path(arguments[1])
    if hasattr(os, "nice"):
        os.nice(GENTLE)
    os.environ.update(ONE_THREAD)
    try:
        for plugin in asked["plugins"]:
            use(**plugin)
        require_language(asked["lang"])
        KINDS[asked["kind"]](Path(asked["store"]), asked["name"], asked["lang"], path)
    except (GrokscopeError, ValueError, OSError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    return 0


def report(store: Path, name: str, lang: Lang, path: Path) -> None:
    """The report of a run, as `grokscope report` writes it."""
    from grokscope.report.run.page import write_report
    from grokscope.runs.run import load

    write_report(load(store / name), path, lang=lang)


def study(store: Path, name: str, lang: Lang, path: Path) -> None:
    """The report of a study, as `grokscope report` writes it."""
    from grokscope.report.study.page import write
    from grokscope.studies.study import load_study

    write(load_study(store, name), path, lang)


def sweep(store: Path, name: str, lang: Lang, path: Path) -> None:
    """The maps of a sweep: what its report shows, without a page around it."""
    from grokscope.report.study.sweep import sections, trained
    from grokscope.runs.run import phases_of
    from grokscope.serve.frame import render
    from grokscope.studies.study import load_study

    of = load_study(store, name)
    runs = trained(of)
    phases = dict(zip([run.id for run in runs], phases_of(runs), strict=True))
    parts = sections(of.axes, runs, phases, lang) if runs else []
    path.write_text(render("sections.html", lang, sections=parts), encoding="utf-8")


KINDS: dict[str, Any] = {make.__name__: make for make in (report, study, sweep)}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
