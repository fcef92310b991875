"""`grokscope rename`: a name for a run."""

from pathlib import Path
from typing import Annotated

import tyro

from grokscope.cli._options import Json, RunName, Store
from grokscope.cli.base import emit, find_run

GROUP = "Keep"


def rename(
    name: tyro.conf.Positional[RunName],
    to: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")],
    *,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Give a run a name, by which every command finds it; its id stays.

    For instance: grokscope rename latest first-grok

    Args:
        to: the name: letters, digits and . + @ : = - _
    """
    from grokscope.runs.keeping import rename as renamed

    run = find_run(name, store)
    renamed(run.folder.parent, run.id, to)
    if json:
        emit({"run": run.id, "name": to})
    else:
        print(f"{run.id} is called {to}")
