"""Which configs a store has trained already; a plan leaves them out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from grokscope.errors import StoreError
from grokscope.runs.identity import config_hash
from grokscope.runs.store.catalogue import packs
from grokscope.runs.store.documents import read_pack
from grokscope.runs.store.events import finished_at


@dataclass(frozen=True, kw_only=True)
class Index:
    """done: number of a config -> id of its first finished run. begun: pack -> numbers of its replicas, in order; None
    for one that nobody wants. damaged: packs whose description cannot be read."""

    done: dict[int, str] = field(default_factory=dict)
    begun: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    damaged: list[Path] = field(default_factory=list)


def index(store: Path, number: Callable[[str], int | None], *, whole: bool = False) -> Index:
    """The wanted configs among all packs of a store; empty if there is no store. number: of the config with a key
    (`RunConfig.key`); None for one that nobody wants. whole: among those that kept all of their checkpoints."""
    known = Index()
    for folder in packs(store) if store.is_dir() else []:
        try:
            about = read_pack(folder)
            runs = about["runs"]
            if whole and about.get("checkpoints") == "ends":
                continue
            # The config of curves from elsewhere is not known.
            numbers = {run["run"]: number(config_hash(run["config"])) for run in runs if run["config"] is not None}
            if not any(found is not None for found in numbers.values()):
                continue
            finished = finished_at(folder) is not None
        except StoreError:
            known.damaged.append(folder)
            continue
        if not finished:
            known.begun[folder.name] = tuple(numbers.values())
            continue
        for run, found in numbers.items():
            if found is not None:
                known.done.setdefault(found, run)
    return known
