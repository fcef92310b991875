"""The sites of somebody's network: which of its modules' outputs, or of its weights, are looked at."""

import fnmatch
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor, nn

from grokscope.registry import unknown
from grokscope.watch.attention import Attention, of_multihead

OUT = "outputs"
RESERVED = ("logits", OUT)
PATTERN = "pattern"
Call = tuple[tuple, dict, Any]  # arguments, keywords and output


class Heard:
    """A site of modules' calls. modules: their names. caught(module, call): what is kept of a call, at once, as a copy:
    later layers may write into its output. taken: the site's tensor, from what was caught by module."""

    def __init__(
        self,
        modules: Iterable[str],
        caught: Callable[[str, Call], Any],
        taken: Callable[[Mapping[str, Any]], Any] = lambda kept: next(iter(kept.values())),
    ) -> None:
        self.modules = tuple(modules)
        self.caught = caught
        self._taken = taken

    def tensor(self, name: str, kept: Mapping[str, Any]) -> Tensor:
        """ValueError where it is none."""
        tensor = self._taken(kept)
        if not isinstance(tensor, Tensor) or not tensor.ndim:
            raise ValueError(f"site {name!r} gives a {type(tensor).__name__}, expected a tensor with a row a point")
        return tensor


def resolved(module: nn.Module, sites: Any) -> tuple[dict[str, str], dict[str, Heard]]:
    """The sites that are weights, and those of modules' calls. sites: {name: where}, or a list of places, which may
    have wildcards and are their own names; None: the table of symbols and the parts of the network."""
    modules = {name: part for name, part in module.named_modules() if name}
    weights = dict(module.named_parameters())
    tables: dict[str, str] = {}
    heard: dict[str, Heard] = {}
    named = sites if isinstance(sites, Mapping) else {place: place for place in _places(modules, weights, sites)}
    for name, where in named.items():
        if name in RESERVED:
            raise ValueError(f"a site cannot be called {name!r}: that is what the network gives out")
        if isinstance(where, str) and where in weights:
            tables[name] = where
        else:
            heard[name] = _heard(name, where, modules)
    if sites is None and "embed" not in named and (table := _only_table(modules)):
        tables["embed"] = table
    return tables, heard


def _heard(name: str, where: Any, modules: Mapping[str, nn.Module]) -> Heard:
    if isinstance(where, Attention):
        for place in where.names.values():
            _require(place, modules)
        return _attention(where)
    usual = last_query if name.partition(".")[0] == PATTERN else last_position
    place, take = where if isinstance(where, tuple) else (where, usual)
    keep: Any = take
    if not isinstance(place, str) or not callable(take):
        raise ValueError(f"site {name!r}: expected a module's name, (name, function) or Attention(...)")
    found = _require(place, modules)
    if take is last_query and isinstance(found, nn.MultiheadAttention):
        of = of_multihead(found)
        return Heard([place], lambda _, call: _copied(of(*call)))
    return Heard([place], lambda _, call: _copied(keep(call[2])))


def _attention(of: Attention) -> Heard:
    def caught(module: str, call: Call) -> Any:
        args, kwargs, output = call
        return _copied((args[0] if args else next(iter(kwargs.values()))) if module == of.out else output)

    def taken(kept: Mapping[str, Any]) -> Tensor:
        return of.pattern({part: kept[module] for part, module in of.names.items()})

    return Heard(of.names.values(), caught, taken)


def _places(modules: Mapping[str, nn.Module], weights: Mapping[str, Any], sites: Any) -> list[str]:
    if sites is None:
        return _parts_of(modules)
    places: list[str] = []
    for pattern in [sites] if isinstance(sites, str) else sites:
        found = [name for name in (*modules, *weights) if fnmatch.fnmatchcase(name, pattern)]
        places += [name for name in (found or [_require(pattern, modules) and pattern]) if name not in places]
    return places


def _parts_of(modules: Mapping[str, nn.Module]) -> list[str]:
    """The direct parts of the network; of a network of one part its parts."""
    prefix = ""
    while True:
        parts = [name for name in modules if name.startswith(prefix) and "." not in name[len(prefix) :]]
        if len(parts) != 1 or not any(name.startswith(f"{parts[0]}.") for name in modules):
            return [name for name in parts if not isinstance(modules[name], nn.Embedding | nn.ModuleList)]
        prefix = f"{parts[0]}."


def _only_table(modules: Mapping[str, nn.Module]) -> str | None:
    return next((f"{name}.weight" for name, part in modules.items() if isinstance(part, nn.Embedding)), None)


def _require(place: str, modules: Mapping[str, nn.Module]) -> nn.Module:
    if place not in modules:
        raise ValueError(unknown("module", place, modules))
    return modules[place]


def last_position(output: Any) -> Any:
    """What is kept of a site by default: (point, channel) as it is; of (point, position, channel) the last position; of
    images the mean over the picture. More than a tensor: its first part."""
    tensor = first_tensor(output)
    if tensor is None or tensor.ndim < 3:
        return tensor
    return tensor[:, -1] if tensor.ndim == 3 else tensor.flatten(2).mean(-1)


def last_query(output: Any) -> Any:
    """What is kept of a pattern: (point, head, key) as it is; of (point, head, query, key) the last query."""
    tensor = first_tensor(output)
    return tensor[:, :, -1] if tensor is not None and tensor.ndim == 4 else tensor


def first_tensor(output: Any) -> Tensor | None:
    while not isinstance(output, Tensor):
        if isinstance(output, Mapping) and output:
            output = next(iter(output.values()))
        elif isinstance(output, tuple | list) and output:
            output = output[0]
        else:
            return None
    return output


def _copied(kept: Any) -> Any:
    return kept.detach().clone() if isinstance(kept, Tensor) else kept
