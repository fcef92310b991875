"""`grokscope doctor`: what is damaged in a store, and its repair."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from grokscope.cli.base import Json, Store, emit

if TYPE_CHECKING:
    from grokscope.runs.doctor import Examination
    from grokscope.runs.repair import Repaired


def doctor(
    *,
    store: Store = Path("runs"),
    repair: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    json: Json = False,
) -> None:
    """Read and check every file of a store, and name what is damaged; exit code 1 where something is.

    Args:
        repair: move what is damaged to STORE/.quarantine, and take again what can be: numbers from checkpoints, events
            and states from numbers.
    """
    from grokscope.errors import GrokscopeError
    from grokscope.runs.doctor import examine

    found, done = examine(store), None
    left = found
    if repair and found.damages:
        done = _repaired(store, found)
        left = examine(store)
    damages = [
        {"pack": one.pack.name, "file": str(one.file), "what": one.what, "remedy": one.remedy} for one in found.damages
    ]
    if json:
        moved = [str(path) for path in done.moved] if done else []
        not_repaired = [str(one.file) for one in left.damages] if done else []
        about = {"store": str(store), "packs": found.packs, "damages": damages, "notes": found.notes}
        emit(about | {"repaired": bool(done), "moved": moved, "left": not_repaired})
    else:
        _print(found, done)
    if left.damages:
        packs = len({one.pack for one in left.damages})
        advice = "they could not be repaired" if done else "grokscope doctor --repair mends what can be mended"
        raise GrokscopeError(f"{len(left.damages)} damaged files in {packs} packs or studies of {store}; {advice}")


def _repaired(store: Path, found: "Examination") -> "Repaired":
    from grokscope.errors import GrokscopeError
    from grokscope.measures.base import measures
    from grokscope.runs.repair import repair
    from grokscope.runs.run import load_pack
    from grokscope.runs.store.mirror import address, opened
    from grokscope.studies.measuring import measure_checkpoints

    done = repair(store, found.damages)
    opened(address(store))  # of a mirror, what the other end has whole is fetched again
    cheap = [name for name, measure in measures().items() if measure.cost == "cheap"]
    for folder in done.remeasure:
        try:
            for run in load_pack(folder):
                measure_checkpoints(run, only=cheap)
        except (GrokscopeError, ValueError) as error:
            done.kept_out.append(f"{folder}: its checkpoints cannot be measured: {error}")
    for reason in done.kept_out:
        print(f"warning: {reason}", file=sys.stderr)
    return done


def _print(found: "Examination", done: "Repaired | None") -> None:
    for one in found.damages:
        print(f"{one.file}\n  damage  {one.what}\n  {'done' if done else 'remedy'}  {one.remedy}")
    for path in done.moved if done else ():
        print(f"moved   {path}")
    for folder in done.remeasure if done else ():
        print(f"measured again: cheap measures of {folder.name}; the others: grokscope measure")
    for note in found.notes:
        print(f"note    {note}")
    print(f"{found.packs} packs, {len(found.damages)} damages")
