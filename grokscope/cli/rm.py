"""`grokscope rm`: runs into the trash of their store, and back."""

from pathlib import Path
from typing import Annotated

import tyro

from grokscope.cli._options import Flag, Json, Store
from grokscope.cli.base import emit, find_pack

GROUP = "Keep"


def rm(
    names: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="RUN|PACK ...")],
    *,
    undo: Flag = False,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Move runs to the trash, STORE/.trash; the runs of a pack go together.

    For instance: grokscope rm latest

    Args:
        names: of runs or packs.
        undo: move them back. Nothing is deleted: remove STORE/.trash yourself to free the disk.
    """
    if not names:
        raise ValueError("name one run or pack at least")
    from grokscope.runs.keeping import remove, restore

    # All are known, or none is touched.
    folders = [store / Path(name).name if undo else find_pack(name, store) for name in names]
    moved = {folder.name: str(restore(store, folder.name) if undo else remove(folder)) for folder in folders}
    if json:
        emit({"moved": moved})
        return
    for pack, place in moved.items():
        print(f"{pack} is in {place}" + ("" if undo else f"; grokscope rm --undo {pack} brings it back"))
