"""Files of weights, read as tensors alone, and what else they say: steps, the optimizer's settings, the split."""

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grokscope.errors import GrokscopeError
from grokscope.runs.outside import read_file
from grokscope.runs.split import NAMES as SPLITS
from grokscope.runs.weights import require_whole

# Under which training scripts keep the state dict beside the optimizer's; many of them, and their steps.
STATE = ("model", "state_dict", "model_state_dict")
STATES = ("state_dicts", "checkpoints", "model_checkpoints", "snapshots", "models")
STEPS = ("steps", "epochs", "checkpoint_steps", "checkpoint_epochs", "iterations")
STEP = ("global_step", "step", "iteration", "epoch")
OPTIMIZERS = ("optimizer", "optimizer_state_dict", "optimizer_state", "optimizer_states", "optim", "opt")
CONFIGS = ("config", "cfg", "args", "hparams", "hyper_parameters", "optim_config")
# Our fields, and what optimizers' groups and configs of training scripts call them.
GROUP = {
    "learning_rate": ("initial_lr", "lr"),
    "weight_decay": ("weight_decay",),
    "betas": ("betas",),
    "eps": ("eps",),
    "momentum": ("momentum",),
}
CONFIG = {
    "learning_rate": ("lr", "learning_rate"),
    "weight_decay": ("weight_decay", "wd"),
    "p": ("p",),
    "seed": ("seed",),
    "train_fraction": ("frac_train", "train_fraction"),
    "max_steps": ("num_epochs", "max_steps"),
}


@dataclass(frozen=True, kw_only=True)
class File:
    """states: state dicts by step, None where the file says none. facts: fields of a run's config, as the file has
    them. split: which inputs were trained on, as `runs.split` reads it. notes: what to know of how it was read."""

    states: Sequence[tuple[int | None, Mapping[str, Tensor]]]
    facts: dict[str, Any] = field(default_factory=dict)
    split: Any = None
    notes: list[str] = field(default_factory=list)


def bytes_of(path: Path, kind: str) -> bytes:
    """The bytes of a file, looked at first as `outside.read_file` does. kind: torch, safetensors or json."""
    try:
        return read_file(path, checked=kind)
    except OSError as error:
        raise GrokscopeError(f"cannot read {path}: {error.strerror or error}") from error


def safetensors_of(path: str | Path, data: bytes) -> dict[str, Tensor]:
    """The tensors in the bytes of a safetensors file; path: for the message where they are none."""
    import safetensors.torch

    try:
        return safetensors.torch.load(data)
    except safetensors.SafetensorError as error:
        raise GrokscopeError(f"{path} is no safetensors file, or a damaged one ({error})") from error


def open_safetensors(path: Path) -> tuple[bytes, File]:
    """The bytes of a safetensors file, and what they hold. GrokscopeError for a file that cannot be read so."""
    data = bytes_of(path, "safetensors")
    return data, File(states=[(None, safetensors_of(path, data))])


def open_torch(path: Path) -> tuple[bytes, File]:
    """The bytes of a file of torch.save, and what they hold; nothing in them is run.

    GrokscopeError for a file that cannot be read so.
    """
    data = bytes_of(path, "torch")
    return data, _held(path, data)


def _held(path: Path, data: bytes) -> File:
    found = _loaded(path, data)
    if not isinstance(found, Mapping):
        return File(states=[(None, _state(path, found))])
    notes = list[str]()
    facts, step = _facts(found, notes)
    key = next((key for key in STATES if key in found and _is_many(found[key])), None)
    states = [(step, _state(path, _inner(found)))] if key is None else _many(path, found, key, step, notes)
    split = next((found[name] for name in SPLITS if name in found), None)
    return File(states=states, facts=facts, split=split, notes=notes)


def _loaded(path: Path, data: bytes) -> Any:
    try:
        with warnings.catch_warnings():  # on pickles of another kind, which are refused below
            warnings.simplefilter("ignore")
            return torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    except Exception as error:  # bytes that are no pickle can raise anything
        if asked := re.search(r"GLOBAL (\S+)", str(error)):
            raise GrokscopeError(
                f"{path} is refused: loading it would run {asked[1]}, and only tensors are read, never code; "
                f"save the weights anew with torch.save(model.state_dict(), ...), or as safetensors"
            ) from error
        raise GrokscopeError(
            f"{path} cannot be read as tensors: it is not a file of torch.save, damaged, or wants to run code"
        ) from error


def _inner(found: Mapping[str, Any]) -> Any:
    """The state dict beside other things: by its name, or because it alone is tensors by name."""
    inside = [
        one for one in found.values() if isinstance(one, Mapping) and one and all(map(torch.is_tensor, one.values()))
    ]
    return next((found[key] for key in STATE if key in found), inside[0] if len(inside) == 1 else found)


def _state(path: Path, inner: Any) -> dict[str, Tensor]:
    if not isinstance(inner, Mapping) or not inner or not all(isinstance(value, Tensor) for value in inner.values()):
        held = f"a {type(inner).__name__}" + (f" of {', '.join(map(str, inner))}" if isinstance(inner, Mapping) else "")
        raise GrokscopeError(f"{path} holds {held}; expected tensors by name, as model.state_dict() gives them")
    for name, tensor in inner.items():
        require_whole(str(name), tensor)
    return {str(name): tensor for name, tensor in inner.items()}


def _is_many(value: Any) -> bool:
    """A list of state dicts, or state dicts by step."""
    if isinstance(value, Mapping):
        return bool(value) and all(isinstance(one, Mapping) for one in value.values())
    return isinstance(value, Sequence) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _many(
    path: Path, found: Mapping[str, Any], key: str, last: int | None, notes: list[str]
) -> list[tuple[int | None, Mapping[str, Tensor]]]:
    """The listed state dicts at their steps, ascending, and the final one where the file says its step."""
    steps: Any = list(found[key]) if isinstance(found[key], Mapping) else None
    states = [_state(path, one) for one in (found[key].values() if steps else found[key])]
    if steps is None:
        steps = next((found[name] for name in STEPS if name in found), None)
    if steps is None:
        raise GrokscopeError(
            f"{path} holds {len(states)} state dicts in {key}, and no {' or '.join(STEPS[:2])} of them"
        )
    if isinstance(steps, Tensor):
        require_whole("steps", steps)
        steps = steps.flatten().tolist()
    counts = [_count(step) for step in steps]
    if len(counts) != len(states) or None in counts or len(set(counts)) < len(counts):
        raise GrokscopeError(
            f"{path} holds {len(states)} state dicts in {key} and {len(counts)} steps of them; expected one step each, "
            f"whole numbers of at least 0, no two alike"
        )
    pairs = sorted(zip(counts, states, strict=True), key=lambda pair: pair[0] or 0)
    if final := next((found[name] for name in STATE if name in found), None):
        if last is not None and last > (pairs[-1][0] or 0):
            pairs.append((last, _state(path, final)))
        else:
            notes.append("the final weights beside the checkpoints are left out: no step says when they were reached")
    return list(pairs)


def _count(value: Any) -> int | None:
    """A whole number of at least 0, from what torch.save keeps; None for anything else."""
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1 or value < 0:
        return None
    return int(value)


def _facts(found: Mapping[str, Any], notes: list[str]) -> tuple[dict[str, Any], int | None]:
    """Fields of a config that the file states, and its step. The optimizer's own settings go before a config's."""
    optimizer = next((found[name] for name in OPTIMIZERS if name in found), None)
    if isinstance(optimizer, Sequence) and not isinstance(optimizer, str) and optimizer:
        optimizer = optimizer[0]
    groups = optimizer.get("param_groups", []) if isinstance(optimizer, Mapping) else []
    facts = dict(_settings(groups, notes))
    for config in (found[name] for name in CONFIGS if isinstance(found.get(name), Mapping)):
        for ours, names in CONFIG.items():
            value = next((_number(config[name]) for name in names if name in config), None)
            if value is None:
                continue
            if facts.setdefault(ours, value) != value:
                notes.append(f"the file's config says {ours} {value:g}; taken is {facts[ours]:g}, the optimizer's own")
    step = next((count for name in STEP if (count := _count(found.get(name))) is not None), None)
    if step is None and isinstance(optimizer, Mapping):
        states = [one for one in (optimizer.get("state") or {}).values() if isinstance(one, Mapping)]
        step = max((count for one in states if (count := _count(one.get("step"))) is not None), default=None)
    return facts, step


def _settings(groups: Any, notes: list[str]) -> Iterator[tuple[str, Any]]:
    """Of an optimizer's param_groups what is the same in all of them."""
    groups = [group for group in groups if isinstance(group, Mapping)] if isinstance(groups, Sequence) else []
    for ours, names in GROUP.items():
        values = [next((_number(group[name]) for name in names if name in group), None) for group in groups]
        kinds = list(dict.fromkeys(value for value in values if value is not None))
        if len(kinds) > 1:
            notes.append(
                f"the optimizer's groups differ in {names[-1]} ({', '.join(map(str, kinds))}): taken as not known"
            )
        elif kinds and not (ours == "learning_rate" and not kinds[0]):
            yield ours, kinds[0]


def _number(value: Any) -> Any:
    """A number or a tuple of numbers; None for anything else."""
    if isinstance(value, list | tuple):
        numbers = tuple(_number(one) for one in value)
        return None if None in numbers or not numbers else numbers
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
