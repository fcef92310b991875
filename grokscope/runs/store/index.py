"""Which configs a store has trained already; a plan leaves them out."""

from collections.abc import Set
from dataclasses import dataclass, field
from pathlib import Path

from grokscope.errors import StoreError
from grokscope.runs.identity import config_hash
from grokscope.runs.store.catalogue import packs
from grokscope.runs.store.documents import read_pack
from grokscope.runs.store.events import finished_at


@dataclass(frozen=True, kw_only=True)
class Index:
    """done: key of a config -> id of its first finished run. begun: pack -> keys of its replicas, in order. damaged:
    packs whose description cannot be read."""

    done: dict[str, str] = field(default_factory=dict)
    begun: dict[str, tuple[str, ...]] = field(default_factory=dict)
    damaged: list[Path] = field(default_factory=list)


def index(store: Path, wanted: Set[str], *, whole: bool = False) -> Index:
    """The wanted configs (`RunConfig.key`) among all packs of a store; empty if there is no store. whole: among those
    that kept all of their checkpoints."""
    known = Index()
    for folder in packs(store) if store.is_dir() else []:
        try:
            about = read_pack(folder)
            runs = about["runs"]
            if whole and about.get("checkpoints") == "ends":
                continue
            # The config of curves from elsewhere is not known.
            keys = {run["run"]: config_hash(run["config"]) for run in runs if run["config"] is not None}
            if wanted.isdisjoint(keys.values()):
                continue
            finished = finished_at(folder) is not None
        except StoreError:
            known.damaged.append(folder)
            continue
        if not finished:
            known.begun[folder.name] = tuple(keys.values())
            continue
        for run, key in keys.items():
            known.done.setdefault(key, run)
    return known
