"""`grokscope prune`: fewer checkpoints of finished runs."""

from pathlib import Path
from typing import Annotated

import tyro

from grokscope.cli._options import Json, Store
from grokscope.cli.base import emit, find_pack

GROUP = "Keep"


def prune(
    names: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="RUN|PACK ...")],
    *,
    keep_checkpoints: int = 2,
    store: Store = Path("runs"),
    json: Json = False,
) -> None:
    """Delete checkpoints of finished runs; numbers, events and reports stay.

    For instance: grokscope prune latest --keep-checkpoints 5

    Args:
        names: of runs or packs.
        keep_checkpoints: how many stay: the first, the last, and others evenly between. The state of the optimizer goes
            too, so such a run cannot be extended [1].
    """
    if not names:
        raise ValueError("name one run or pack at least")
    from grokscope.runs.keeping import prune as pruned

    folders = [find_pack(name, store) for name in names]
    kept = {folder.name: pruned(folder, keep_checkpoints) for folder in folders}
    if json:
        emit({"checkpoints": kept})
        return
    for pack, steps in kept.items():
        print(f"{pack}: {len(steps)} checkpoints, at steps {', '.join(map(str, steps))}")
