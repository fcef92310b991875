"""Files of weights, of which only tensors are read, and what else they say: steps, optimizer settings, the split."""

import io
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from grokscope.errors import GrokscopeError
from grokscope.runs.foreign.state_dict import require_whole
from grokscope.runs.outside import read_file
from grokscope.runs.split import NAMES as SPLITS

# Keys of training scripts for one state dict beside the optimizer's, for many state dicts, and for their steps.
STATE = ("model", "state_dict", "model_state_dict")
STATES = ("state_dicts", "checkpoints", "model_checkpoints", "snapshots", "models")
STEPS = ("steps", "epochs", "checkpoint_steps", "checkpoint_epochs", "iterations")
STEP = ("global_step", "step", "iteration", "epoch")
OPTIMIZERS = ("optimizer", "optimizer_state_dict", "optimizer_state", "optimizer_states", "optim", "opt")
CONFIGS = ("config", "cfg", "args", "hparams", "hyper_parameters", "optim_config")
# Our field -> its names in the groups of optimizers, and in the configs of training scripts.
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
    """states: (step, state dict), with step None if the file does not say it. facts: fields of a run's config that the
    file states. split: the training inputs, as `runs.split` reads them. notes: remarks on the reading."""

    states: Sequence[tuple[int | None, Mapping[str, Tensor]]]
    facts: dict[str, Any] = field(default_factory=dict)
    split: Any = None
    notes: list[str] = field(default_factory=list)


def bytes_of(path: Path, kind: str) -> bytes:
    """The bytes of a file, checked first by `outside.read_file`. kind: torch, safetensors or json."""
    try:
        return read_file(path, checked=kind)
    except OSError as error:
        raise GrokscopeError(f"cannot read {path}: {error.strerror or error}") from error


def safetensors_of(path: str | Path, data: bytes) -> dict[str, Tensor]:
    """The tensors in the bytes of a safetensors file; path: for the message."""
    import safetensors.torch

    try:
        return safetensors.torch.load(data)
    except safetensors.SafetensorError as error:
        raise GrokscopeError(f"{path} is no safetensors file, or a damaged one ({error})") from error


def open_safetensors(path: Path) -> tuple[bytes, File]:
    """The bytes and the contents of a safetensors file. GrokscopeError for a file that cannot be read so."""
    data = bytes_of(path, "safetensors")
    return data, File(states=[(None, safetensors_of(path, data))])


def open_torch(path: Path) -> tuple[bytes, File]:
    """The bytes and the contents of a file of torch.save; no code in it is run.

    GrokscopeError for a file that cannot be read so.
    """
    data = bytes_of(path, "torch")
    return data, _contents(path, data)


def _contents(path: Path, data: bytes) -> File:
    content = _loaded(path, data)
    if not isinstance(content, Mapping):
        return File(states=[(None, _state(path, content))])
    notes = list[str]()
    facts, step = _facts(content, notes)
    key = next((key for key in STATES if _is_many(content.get(key))), None)
    states = [(step, _state(path, _inner(content)))] if key is None else _many(path, content, key, step, notes)
    return File(states=states, facts=facts, split=_first(content, SPLITS), notes=notes)


def _first(content: Mapping[str, Any], names: Iterable[str]) -> Any:
    """The value under the first of the names that is there; None if none is."""
    return next((content[name] for name in names if name in content), None)


def _loaded(path: Path, data: bytes) -> Any:
    try:
        with warnings.catch_warnings():  # about other kinds of pickles, which are refused below
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


def _inner(content: Mapping[str, Any]) -> Any:
    """The state dict beside other things: the one of that name, or the only mapping to tensors."""
    if (state := _first(content, STATE)) is not None:
        return state
    mappings = [value for value in content.values() if isinstance(value, Mapping) and value]
    states = [mapping for mapping in mappings if all(map(torch.is_tensor, mapping.values()))]
    return states[0] if len(states) == 1 else content


def _state(path: Path, inner: Any) -> dict[str, Tensor]:
    if not isinstance(inner, Mapping) or not inner or not all(isinstance(value, Tensor) for value in inner.values()):
        held = f"a {type(inner).__name__}" + (f" of {', '.join(map(str, inner))}" if isinstance(inner, Mapping) else "")
        raise GrokscopeError(f"{path} holds {held}; expected tensors by name, as model.state_dict() gives them")
    for name, tensor in inner.items():
        require_whole(str(name), tensor)
    return {str(name): tensor for name, tensor in inner.items()}


def _is_many(value: Any) -> bool:
    """Whether it is a list of state dicts, or state dicts by step."""
    states = value.values() if isinstance(value, Mapping) else value if isinstance(value, Sequence) else ()
    return bool(states) and all(isinstance(state, Mapping) for state in states)


def _many(
    path: Path, content: Mapping[str, Any], key: str, last: int | None, notes: list[str]
) -> list[tuple[int | None, Mapping[str, Tensor]]]:
    """The listed state dicts at their steps, ascending, and the final one if the file says its step."""
    listed = content[key]
    by_step = isinstance(listed, Mapping)
    states = [_state(path, state) for state in (listed.values() if by_step else listed)]
    steps: Any = list(listed) if by_step else _first(content, STEPS)
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
    if final := _first(content, STATE):
        if last is not None and last > (pairs[-1][0] or 0):
            pairs.append((last, _state(path, final)))
        else:
            notes.append("the final weights beside the checkpoints are left out: the file does not say their step")
    return list(pairs)


def _count(value: Any) -> int | None:
    """A whole number of at least 0, from what torch.save keeps; None for anything else."""
    number = int(value) if isinstance(value, str) and value.isdigit() else _number(value)
    whole = isinstance(number, int | float) and number == number // 1 and number >= 0
    return int(number) if whole else None


def _facts(content: Mapping[str, Any], notes: list[str]) -> tuple[dict[str, Any], int | None]:
    """Fields of a config that the file states, and its step. Settings of the optimizer win over those of a config."""
    optimizer = _first(content, OPTIMIZERS)
    if isinstance(optimizer, Sequence) and not isinstance(optimizer, str) and optimizer:
        optimizer = optimizer[0]
    groups = optimizer.get("param_groups", []) if isinstance(optimizer, Mapping) else []
    facts = dict(_settings(groups, notes))
    for config in (content[name] for name in CONFIGS if isinstance(content.get(name), Mapping)):
        for ours, names in CONFIG.items():
            value = next((_number(config[name]) for name in names if name in config), None)
            if value is None:
                continue
            if facts.setdefault(ours, value) != value:
                notes.append(f"the file's config says {ours} {value:g}; used is the optimizer's, {facts[ours]:g}")
    step = next((count for name in STEP if (count := _count(content.get(name))) is not None), None)
    if step is None and isinstance(optimizer, Mapping):
        states = [state for state in (optimizer.get("state") or {}).values() if isinstance(state, Mapping)]
        step = max((count for state in states if (count := _count(state.get("step"))) is not None), default=None)
    return facts, step


def _settings(groups: Any, notes: list[str]) -> Iterator[tuple[str, Any]]:
    """The settings that all param_groups of an optimizer share."""
    groups = [group for group in groups if isinstance(group, Mapping)] if isinstance(groups, Sequence) else []
    for ours, names in GROUP.items():
        numbers = [next((_number(group[name]) for name in names if name in group), None) for group in groups]
        values = list(dict.fromkeys(number for number in numbers if number is not None))
        if len(values) > 1:
            notes.append(
                f"the optimizer's groups differ in {names[-1]} ({', '.join(map(str, values))}): taken as not known"
            )
        elif values and not (ours == "learning_rate" and not values[0]):
            yield ours, values[0]


def _number(value: Any) -> Any:
    """A number or a tuple of numbers; None for anything else."""
    if isinstance(value, list | tuple):
        numbers = tuple(map(_number, value))
        return None if None in numbers or not numbers else numbers
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
