"""Runs as things one keeps: names, tags and notes, removal that can be undone, fewer checkpoints.

Names, tags and notes stand in <store>/.labels/labels.json, beside the packs: they decide nothing. A removed pack lies
in <store>/.trash until somebody empties it.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from grokscope.errors import GrokscopeError, StoreError
from grokscope.registry import shortened
from grokscope.runs.identity import PACK
from grokscope.runs.store import checkpoints
from grokscope.runs.store.atomic import clear_errors, move_aside, sync_folder
from grokscope.runs.store.documents import read_document, write_document
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.lock import hold

LABELS, TRASH = ".labels", ".trash"
# A name or a tag: letters of any script, digits and a few signs, which no shell takes for its own.
_WORD = re.compile(r"[\w.+@:=-]{1,60}")
LONGEST_NOTE = 2_000  # characters: a paragraph, not a file
_ID = re.compile(rf"{PACK.pattern}(-\d+)?|latest")


def labels(store: Path) -> dict[str, dict[str, Any]]:
    """Run -> its "name", "tags" and "note", of runs that have some. StoreError for a damaged file."""
    try:
        found = read_document(store / LABELS / "labels.json")[0].get("runs", {})
    except FileNotFoundError:
        return {}
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise StoreError(f"{store / LABELS / 'labels.json'} holds no names of runs; remove it to do without them")
    return found


def rename(store: Path, run: str, name: str) -> None:
    """Gives a run a name, by which commands find it. ValueError for one that is an id, or is taken."""
    require_word("name", name)
    if _ID.fullmatch(name):
        raise ValueError(f"a run cannot be called {name}: that is how ids look; choose a word")
    with hold(store / LABELS):
        known = labels(store)
        if owner := next((one for one, of in known.items() if of.get("name") == name and one != run), None):
            raise ValueError(f"the run {owner} is called {name} already; give another name")
        _write(store, known | {run: known.get(run, {}) | {"name": name}})


def tag(store: Path, run: str, add: Iterable[str], remove: Iterable[str] = ()) -> list[str]:
    """Adds and removes tags of a run; those that it has now. ValueError for a tag to remove that it does not have."""
    wanted, unwanted = list(add), set(remove)
    for word in wanted:
        require_word("tag", word)
    with hold(store / LABELS):
        known = labels(store)
        before = known.get(run, {}).get("tags", [])
        if lacking := sorted(unwanted - set(before)):
            raise ValueError(f"run {run} has no tag {lacking[0]}; it has {', '.join(before) or 'none'}")
        tags = [word for word in dict.fromkeys((*before, *wanted)) if word not in unwanted]
        _write(store, known | {run: known.get(run, {}) | {"tags": tags}})
    return tags


def note(store: Path, run: str, text: str) -> str:
    """Writes a note on a run, in the place of the one before; "" takes it away. Returns it without outer spaces.
    ValueError for one that is too long."""
    kept = "".join(sign for sign in text if sign == "\n" or sign.isprintable()).strip()
    if len(kept) > LONGEST_NOTE:
        raise ValueError(f"a note has at most {LONGEST_NOTE} characters, got {len(kept)}")
    with hold(store / LABELS):
        known = labels(store)
        _write(store, known | {run: known.get(run, {}) | {"note": kept}})
    return kept


def trash(store: Path) -> list[str]:
    """The packs that `restore` can bring back, the last removed first."""
    lying = sorted((store / TRASH).glob("*"), key=lambda path: path.stat().st_ctime_ns, reverse=True)
    return list(dict.fromkeys(path.name.partition(".")[0] for path in lying if (path / "pack.json").is_file()))


def called(store: Path, name: str) -> str | None:
    """The id of the run that has this name."""
    return next((run for run, of in labels(store).items() if of.get("name") == name), None)


def remove(folder: Path) -> Path:
    """Moves a pack to the trash of its store; where it lies now. StoreError while somebody writes it."""
    with hold(folder):
        return move_aside(folder, folder.parent / TRASH / folder.name)


def restore(store: Path, pack: str) -> Path:
    """Moves a pack, the last that was removed under this id, back from the trash. GrokscopeError where it cannot."""
    lying = [path for path in (store / TRASH).glob("*") if re.fullmatch(rf"{re.escape(pack)}(\.\d+)?", path.name)]
    removed = sorted(lying, key=lambda path: path.stat().st_ctime_ns)
    if not removed:
        raise GrokscopeError(f"the trash of {store} has no pack {pack}; it has {_listed(store)}")
    target = store / pack
    if target.exists():
        raise GrokscopeError(f"{target} is there again: it was trained anew since; remove that one first")
    with clear_errors(target):
        os.rename(removed[-1], target)
        sync_folder(store)
    return target


def prune(folder: Path, keep: int) -> list[int]:
    """Keeps so many checkpoints of a finished pack: the first, the last, and others evenly between them by their place;
    those that are left. The state of the optimizer goes too: such a run cannot be extended. ValueError below 2."""
    if keep < 2:
        raise ValueError(f"the first and the last checkpoint stay, so keep at least 2, got {keep}")
    with hold(folder):
        if finished_at(folder) is None:
            raise GrokscopeError(f"pack {folder.name} is not finished: its checkpoints are needed to go on")
        steps = checkpoints.steps(folder)
        spread = {round(place * (len(steps) - 1) / (keep - 1)) for place in range(keep)} if len(steps) > keep else set()
        kept = [steps[place] for place in sorted(spread)] if spread else steps
        checkpoints.remove_resume(folder)
        if kept != steps:
            checkpoints.keep(folder, kept)
    return kept


def require_word(kind: str, word: str) -> None:
    """ValueError for what is no name or tag."""
    if not _WORD.fullmatch(word):
        raise ValueError(f"a {kind} is a word of letters, digits and . + @ : = - _, got {shortened(word)}")


def _write(store: Path, known: Mapping[str, Any]) -> None:
    kept = {run: of for run, of in known.items() if any(map(of.get, ("name", "tags", "note")))}
    write_document(store / LABELS / "labels.json", {"runs": kept})


def _listed(store: Path) -> str:
    names = sorted(path.name for path in (store / TRASH).glob("*"))
    return f"{', '.join(names[:5])}{' and others' if len(names) > 5 else ''}" if names else "none"
