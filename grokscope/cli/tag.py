"""`grokscope tag`: words by which runs are found again, and a note."""

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
    note: Annotated[str | None, tyro.conf.arg(metavar="TEXT")] = None,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Give a run tags; `grokscope list runs --tag TAG` lists the runs that have one. Without TAG: those it has.

    For instance: grokscope tag latest paper seed-0

    Args:
        tags: words, as many as you like.
        remove: tags to take away.
        note: a note on the run, in the place of the one before; "" takes it away.
    """
    from grokscope.runs import keeping

    run = find_run(name, store)
    place = run.folder.parent
    now = keeping.tag(place, run.id, tags, remove)
    if note is not None:
        keeping.note(place, run.id, note)
    said = keeping.labels(place).get(run.id, {}).get("note", "")
    if json:
        emit({"run": run.id, "tags": now, "note": said})
    else:
        print(f"{run.id}: {', '.join(now) or 'no tags'}" + f"\n{said}" * bool(said))
