"""What the plan of a study says of it, without its runs and without torch: for lists of studies."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.store.catalogue import OnDamage
from grokscope.runs.store.documents import is_name, read_document
from grokscope.runs.store.events import is_finished

CARD = "scorecard.json"  # in the folder of a study
FOLDER = "studies"  # beside the packs; no pack's id, which is twelve hexadecimal digits


@dataclass(frozen=True, kw_only=True)
class Outline:
    """axes: fields of a sweep with their values; empty for a study of named arms. arms: names -> ids of their runs.
    packs: the packs planned for it. looks: the numbers of seeds at which its claims are judged, if at several."""

    id: str
    name: str
    folder: Path
    axes: dict[str, list[Any]]
    arms: dict[str, list[str]]
    packs: list[str]
    looks: list[int]

    def trained(self) -> int:
        """How many of its packs have ended."""
        store = self.folder.parent.parent
        return sum(is_finished(store / pack) for pack in self.packs)


def outlines(store: Path, *, on_damage: OnDamage = lambda _: None) -> list[Outline]:
    """The studies of a store, the newest plan first. One that cannot be read is left out, and reported to on_damage."""
    plans = sorted((store / FOLDER).glob("*/plan.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    found = []
    for path in plans:
        try:
            found.append(_outline(path))
        except StoreError as error:
            on_damage(error)
    return found


def _outline(path: Path) -> Outline:
    try:
        about, _ = read_document(path)
        arms = about["arms"]
        named = (
            {name: list(runs) for name, runs in arms.items()}
            if isinstance(arms, dict)
            else {str(arm["name"]): list(arm["runs"]) for arm in arms}
        )
        made = Outline(
            id=path.parent.name,
            name=str(about["name"]),
            folder=path.parent,
            axes={str(axis): list(values) for axis, values in about["axes"].items()},
            arms=named,
            packs=[pack["id"] for pack in about["packs"]],
            looks=[int(size) for size in (about.get("looks") or {}).get("sizes", ())],
        )
        if not all(map(is_name, [*made.packs, *(run for runs in named.values() for run in runs)])):
            raise ValueError("a name in it is none of a run or a pack")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} cannot be read ({error}); remove it to have the study planned anew") from error
    return made
