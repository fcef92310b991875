"""`grokscope tag`: words by which runs are found again."""

from pathlib import Path
from typing import Annotated

import tyro

from grokscope.cli._options import Json, RunName, Store
from grokscope.cli.base import emit, find_run

GROUP = "Keep"


def tag(
    name: tyro.conf.Positional[RunName],
    tags: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="TAG ...")] = (),
    *,
    remove: Annotated[tuple[str, ...], tyro.conf.arg(metavar="TAG ...")] = (),
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Give a run tags; `grokscope list runs --tag TAG` lists the runs that have one. Without TAG: those it has.

    For instance: grokscope tag latest paper seed-0

    Args:
        tags: words, as many as you like.
        remove: tags to take away.
    """
    from grokscope.runs.keeping import tag as tagged

    run = find_run(name, store)
    now = tagged(run.folder.parent, run.id, tags, remove)
    if json:
        emit({"run": run.id, "tags": now})
    else:
        print(f"{run.id}: {', '.join(now) or 'no tags'}")
