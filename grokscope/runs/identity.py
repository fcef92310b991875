"""The identity of runs and packs: hashes of configs, as pack.json holds them. Needs no torch."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

# Later fields -> their value for all earlier networks; at this value they change no id.
LATER = {"d_head": None, "extra_outputs": 0, "unembed_bias": False, "output_bias": None, "tf32": False}
# Where a run ends. It is part of the id of a planned pack, whose verdicts rest on its end, and not of other runs.
ENDS = ("max_steps", "stop_accuracy", "stop_after")
FILES = ("start", "path")  # fields that name a file; beside them stands its hash
PACK = re.compile(r"[0-9a-f]{12}")  # a pack's id


def pack_hash(configs: Iterable[Mapping[str, Any]], *, ends: bool = True) -> str:
    """The id of the pack of these configs, in order. ends: with the rules that end it, as planned packs have it."""
    left = () if ends else ENDS
    return pack_of_identities(
        identity({name: value for name, value in config.items() if name not in left}) for config in configs
    )


def pack_of_identities(identities: Iterable[str]) -> str:
    """The id of the pack of configs with these `identity`."""
    return hash_of(f"[{', '.join(identities)}]")[:12]


def config_hash(config: Mapping[str, Any]) -> str:
    """A hash of one config: a run has the same hash in every pack that trains it."""
    return hash_of(identity(config))


def hash_of(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def identity(config: Mapping[str, Any]) -> str:
    """The fields that identify a run, as JSON."""
    return json.dumps(_identity(config), sort_keys=True)


def around_seed(config: Mapping[str, Any]) -> tuple[str, str]:
    """What stands in `identity` before and behind the seed: the same for all seeds."""
    known = _identity(config)
    before = json.dumps({name: value for name, value in known.items() if name < "seed"}, sort_keys=True)
    behind = json.dumps({name: value for name, value in known.items() if name > "seed"}, sort_keys=True)
    return f'{before[:-1]}, "seed": ', f", {behind[1:]}"


def run_ids(pack: str, n_replicas: int) -> list[str]:
    """The ids of a pack's replicas: the pack's own id for a pack of one, otherwise numbered."""
    return [pack] if n_replicas == 1 else [f"{pack}-{replica}" for replica in range(n_replicas)]


def _identity(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that identify a run. A file counts by its hash (start_hash, path_hash), not by its path."""
    later: dict[str, Any] = dict(LATER)
    if fields.get("model") in ("transformer", "decoder"):
        later["tied"] = True
    by_hash = [name for name in FILES if fields.get(f"{name}_hash") is not None]
    return {
        name: value
        for name, value in fields.items()
        if name not in by_hash and (name not in later or value != later[name])
    }
