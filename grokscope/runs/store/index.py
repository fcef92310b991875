"""Which runs a store has already, found by their configs: what a plan leaves out."""

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
    """done: key of a config -> id of the first finished run of it. begun: pack -> keys of its replicas, in order.

    damaged: packs whose description cannot be read; nothing is known of them.
    """

    done: dict[str, str] = field(default_factory=dict)
    begun: dict[str, tuple[str, ...]] = field(default_factory=dict)
    damaged: list[Path] = field(default_factory=list)


def index(store: Path, wanted: Set[str]) -> Index:
    """The wanted configs (`RunConfig.key`) among all packs of a store; empty where there is none."""
    found = Index()
    for folder in packs(store) if store.is_dir() else []:
        try:
            # Of curves from elsewhere the config is not known.
            about = [one for one in read_pack(folder)["runs"] if one["config"] is not None]
            keys = {one["run"]: config_hash(one["config"]) for one in about}
            if wanted.isdisjoint(keys.values()):
                continue
            finished = finished_at(folder) is not None
        except StoreError:
            found.damaged.append(folder)
            continue
        if not finished:
            found.begun[folder.name] = tuple(keys.values())
            continue
        for run, key in keys.items():
            found.done.setdefault(key, run)
    return found
