"""`grokscope doctor`: what this machine has, the damage in a store, and its repair."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from grokscope.cli._options import Flag, Json, Store
from grokscope.cli.base import emit

if TYPE_CHECKING:
    from grokscope.runs.doctor import Examination
    from grokscope.runs.repair import Repaired

GROUP = "Machine and shell"


DEFAULT = Path("runs")


def doctor(*, store: Store = DEFAULT, repair: Flag = False, json: Json = False) -> None:
    """Say what grokscope finds on this machine, and check every file of a store; exit code 1 for damaged files.

    For instance: grokscope doctor --store runs --repair

    Args:
        repair: move damaged files to STORE/.quarantine, and recover what is possible: numbers from checkpoints, events
            and states from numbers.
    """
    from grokscope.cli._environment import environment, lines
    from grokscope.errors import GrokscopeError
    from grokscope.runs.doctor import Examination, examine

    found = environment(store)
    if not json:
        print("\n".join(lines(found)))
    none_yet = store == DEFAULT and not store.exists()  # a new user has no store
    before, done = Examination() if none_yet else examine(store), None
    left = before
    if repair and before.damages:
        done = _repaired(store, before)
        left = examine(store)
    if json:
        damages = [
            {"pack": damage.pack.name, "file": str(damage.file), "what": damage.what, "remedy": damage.remedy}
            for damage in before.damages
        ]
        moved = [str(path) for path in done.moved] if done else []
        not_repaired = [str(damage.file) for damage in left.damages] if done else []
        about = {"store": str(store), "packs": before.packs, "damages": damages, "notes": before.notes}
        emit({"environment": found} | about | {"repaired": bool(done), "moved": moved, "left": not_repaired})
    elif none_yet:
        print(f"store     none yet at {store}: grokscope run makes one")
    else:
        print(f"store     {store}")
        _print(before, done)
    if left.damages:
        packs = len({damage.pack for damage in left.damages})
        advice = "they could not be repaired" if done else "grokscope doctor --repair mends what can be mended"
        raise GrokscopeError(f"{len(left.damages)} damaged files in {packs} packs or studies of {store}; {advice}")


def _repaired(store: Path, examination: "Examination") -> "Repaired":
    """Repairs the damages, and measures again the packs that lost numbers."""
    from grokscope.errors import GrokscopeError
    from grokscope.measures.analyses.checkpoints import measure_checkpoints
    from grokscope.measures.base import measures
    from grokscope.runs.repair import repair
    from grokscope.runs.run import load_pack
    from grokscope.runs.store.mirror import address, opened

    done = repair(store, examination.damages)
    opened(address(store))  # a mirror fetches the intact files again
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


def _print(examination: "Examination", done: "Repaired | None") -> None:
    for damage in examination.damages:
        print(f"{damage.file}\n  damage  {damage.what}\n  {'done' if done else 'remedy'}  {damage.remedy}")
    for path in done.moved if done else ():
        print(f"moved   {path}")
    for folder in done.remeasure if done else ():
        print(f"measured again: cheap measures of {folder.name}; the others: grokscope measure")
    for note in examination.notes:
        print(f"note    {note}")
    print(f"packs: {examination.packs}, damages: {len(examination.damages)}")
