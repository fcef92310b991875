"""Finds components. A component is a file; its id is the file's name, and the object of that name is the component.
A component of several files is a package that has a file of the package's name.

`grokscope/tasks/modular_addition.py` defines `modular_addition`; `grokscope/measures/circuits/restricted_loss.py`
defines `restricted_loss`, whose id is `circuits.restricted_loss`. Adding a component is adding a file: no list is
edited. Listing imports nothing; a component's module is imported at its first use.

Components of plugins (`grokscope.plugins`) are known beside those of the tree: those of `use`, and, once a family is
asked for that plugins can have, those of installed distributions.
"""

import difflib
import importlib
import importlib.util
import inspect
import pkgutil
import shlex
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from grokscope.errors import MissingPlugin
from grokscope.plugins import KINDS, Plugin, installed, load

F = TypeVar("F", bound=Callable[..., Any])
NOT_COMPONENTS = {"base", "analyses", "parts"}
# Families whose components tell what else people call them: `also_called`, name -> the fields that are set, too.
ALSO_CALLED = {"tasks", "models", "losses", "training.optimizers"}
PER_REPLICA = "per_replica"  # the mark of a field
LONGEST = 80  # characters of a value in a message
NAMED = 5  # known names in a message
NEAR = 0.6  # share of letters that two near names have in common, difflib's default: half offers 'list' for 'cite'
# What there are components of: the plural, as users say it, and the package. Kinds are added by hand; components never.
FAMILIES = {
    "tasks": "tasks",
    "models": "models",
    "losses": "losses",
    "optimizers": "training.optimizers",
    "transforms": "training.transforms",
    "measures": "measures",
    "recipes": "recipes",
    "theories": "theories",
    "tables": "studies.tables",
    "methods": "studies.race.methods",
    "settings": "studies.race.settings",
    "executors": "studies.executors",
    "sinks": "watch.sinks",
    "figures": "report.figures",
    "sections": "report.run.sections",
    "weight-formats": "runs.foreign.formats",
    "curve-formats": "runs.curves.formats",
    "benchmarks": "benchmarks",
    "commands": "cli",
}


class Record(BaseModel):
    """Frozen, validated fields. A wrong field raises a ValueError of one line."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, /, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            known = type(self).model_fields
            raise ValueError("; ".join(_sentence(mistake, known) for mistake in error.errors())) from None
        for name, value in self:
            if isinstance(value, int) and abs(value) >= 2**63:
                raise ValueError(f"{name}: whole numbers lie below 2^63 (got {shortened(value)})")


class Options(Record):
    """The options of a component; each field is described with its unit."""


def called(*names: str, **fields: Any) -> dict[str, dict[str, Any]]:
    """Other names of a component, for its `also_called`: the fields that each means."""
    return dict.fromkeys(names, fields)


def per_replica(default: Any, **rules: Any) -> Any:
    """A field that may differ between the replicas of a pack; the rules are those of `pydantic.Field`."""
    return Field(default, json_schema_extra={PER_REPLICA: True}, **rules)


@cache
def may_differ(options: type[Record]) -> frozenset[str]:
    """Names of the fields that `per_replica` made."""
    extras = {name: field.json_schema_extra for name, field in options.model_fields.items()}
    return frozenset(name for name, extra in extras.items() if isinstance(extra, dict) and PER_REPLICA in extra)


_plugins: dict[str, Plugin] = {}  # by the name of their module
_former: dict[tuple[str, str], dict[str, None]] = {}  # family and id -> plugins that runs of a store had it from
_caches: list[Any] = []
_asked: list[bool] = []  # whether the entry points have been looked at


def kept(function: F) -> F:
    """`functools.cache`, emptied when a plugin brings components."""
    _caches.append(cache(function))
    return cast(F, _caches[-1])


@kept
def names(family: str) -> tuple[str, ...]:
    """Ids of all components of a family (`tasks`, `models`, `losses`, `measures`, `recipes`, ...), sorted."""
    return tuple(sorted({*_in_the_tree(family), *_outside(family)}))


def component(family: str, name: str) -> Any:
    """The component `name` of a family.

    Raises ValueError, naming the nearest match, when there is no such component; MissingPlugin for one that a run of
    a store has.
    """
    if not isinstance(name, str):  # such as a list, in a config
        raise ValueError(f"expected the name of a {_singular(family)}, got {shortened(name)}")
    if name in (outside := _outside(family)):
        return outside[name]
    if name not in _in_the_tree(family):
        raise missing(family, name) if (family, name) in _former else _no_such(family, name)
    return getattr(importlib.import_module(place(family, name)), name.rpartition(".")[2])


def place(family: str, name: str) -> str:
    """The module that a component is the object of: its own file, not that of its class."""
    if (plugin := origin(family, name)) is not None:
        return plugin.module.__name__
    own = f"grokscope.{family}.{name}"
    return f"{own}.{name.rpartition('.')[2]}" if _is_component(own) else own


def use(given: str | Path | ModuleType, **again: Any) -> Plugin:
    """Makes the components of a plugin known to this process: those of a file, or of a module. `again`: as in
    `plugins.load`.

    ValueError for a plugin that cannot be loaded, and for a component whose id is taken.
    """
    _look_for_installed()
    found = load(given, **again, accept=_require_free)
    if (before := _plugins.get(found.module.__name__)) is not None:
        return before
    _plugins[found.module.__name__] = found
    for cached in _caches:
        cached.cache_clear()
    return found


def used() -> tuple[dict[str, Any], ...]:
    """What another process gives to `use`, plugin by plugin, to know what this one knows."""
    return tuple(plugin.again for plugin in _plugins.values())


def origin(family: str, name: str) -> Plugin | None:
    """The plugin that a component comes from; None for one of the tree."""
    if name not in _outside(family):
        return None
    return next(one for one in _plugins.values() if name in one.components.get(family, ()))


def summary(family: str, name: str) -> str:
    """The first line of what a component, or its file, says of itself."""
    plugin = origin(family, name)
    if plugin is None:
        text = importlib.import_module(f"grokscope.{family}.{name}").__doc__
    else:
        value, text = plugin.components[family][name], plugin.module.__doc__
        alone = sum(map(len, plugin.components.values())) == 1
        parts = (value, getattr(value, "function", None), getattr(value, "build", None))
        own = next((part.__doc__ for part in parts if isinstance(part, type | FunctionType)), None)
        text = text or own if alone else own or text
    return next(iter(inspect.cleandoc(text or "").splitlines()), "")


def words() -> dict[str, Mapping[str, Mapping[str, str]]]:
    """The texts of each plugin: language -> key -> text."""
    return {plugin.name: plugin.words for plugin in _plugins.values()}


def came_from(family: str, name: str, plugin: str | None) -> None:
    """Notes that a run of a store has a component, and the plugin that it had it from, for messages about it."""
    _former.setdefault((family, name), {}).update({} if plugin is None else {plugin: None})


def missing(family: str, name: str) -> MissingPlugin:
    """The error for a component that a run has and this process has not."""
    what = f"{_singular(family)} {shortened(name)}"
    plugins = list(_former.get((family, name), ()))
    if not plugins:
        return MissingPlugin(f"{what} is not known to this process: give the plugin that has it with --plugin FILE")
    return MissingPlugin(
        f"{what} comes from the plugin {' or '.join(plugins)}, which this process has not loaded; give --plugin "
        f"{plugins[0]}"
    )


def near(name: str, known: Iterable[str], cutoff: float = NEAR) -> list[str]:
    """The known names that are written nearly so, the nearest first, or else begin so; capitals and hyphens make no
    difference."""
    spelt, own = {_spelt(one): one for one in sorted(known, reverse=True)}, _spelt(name)
    begun = sorted(one for one in spelt if len(own) >= 3 and one.startswith(own))
    return [spelt[one] for one in difflib.get_close_matches(own, spelt, n=NAMED, cutoff=cutoff) or begun]


def unknown(kind: str, name: Any, known: Iterable[str], *, nearest: str | None = None) -> str:
    """The message for an unknown name: what came, the nearest known name, and NAMED known ones, near ones first.
    nearest: a known name that is meant, whatever is written nearly so."""
    name, known = str(name), sorted(known)
    short = len(name) <= LONGEST
    alike = ([] if nearest is None else [nearest]) + (near(name, known) if short else [])
    parts = {other: set(_spelt(other).replace(".", "_").split("_")) for other in known}
    own = set(_spelt(name).split("_")) if short else set()
    akin = [other for other in known if own & parts[other]]
    alike = alike or [other for other in akin if own <= parts[other] or parts[other] <= own]
    told = list(dict.fromkeys((*alike, *akin, *known)))[:NAMED]
    offer = f" Did you mean {alike[0]!r}?" if alike else ""
    others = f" and {len(known) - len(told)} others" if len(known) > len(told) else ""
    listed = sorted(told) if not others else told
    return f"unknown {kind} {repr(name) if short else shortened(name)}.{offer} Known: {', '.join(listed)}{others}."


def _spelt(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")


def shortened(value: Any) -> str:
    """The repr of a value, cut to LONGEST characters, for a message of one line."""
    if isinstance(value, int) and abs(value) >= 10**LONGEST:  # Python refuses to write very long ones
        return "a number of more than 80 digits"
    try:
        text = repr(value)
    except RecursionError:
        return f"a {type(value).__name__} nested too deep"
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}… ({len(text):,} characters)"


def _singular(family: str) -> str:
    """What one component of a family is called."""
    plural = next((plural for plural, place in FAMILIES.items() if place == family), family)
    return "theory" if plural == "theories" else "loss" if plural == "losses" else plural.removesuffix("s")


def _sentence(error: Any, known: Mapping[str, FieldInfo]) -> str:
    """An error of pydantic as a sentence: the field, what was expected, what came."""
    field = ".".join(str(part)[:LONGEST] for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return unknown("field", field, known)
    if error["type"] == "missing" and field in known:  # a list that is too short lacks `field.0`
        return f"{field}: field required, {field}=...: {known[field].description}"
    message = error["msg"].removeprefix("Value error, ")
    if not field:
        return message
    message = message.partition(", unable to parse")[0]
    given = f" (got {shortened(error['input'])})" if not isinstance(error["input"], Mapping) else ""
    return f"{field}: {message[0].lower()}{message[1:]}{given}{_per_cent(error)}"


def _per_cent(error: Any) -> str:
    """Advice for a share of 1 that was given in per cent; empty for any other mistake."""
    given, ctx = error["input"], error.get("ctx", {})
    text = str(given).strip() if isinstance(given, int | float | str) else ""
    of_one = 1 in (ctx.get("lt"), ctx.get("le")) or (error["type"] == "float_parsing" and text.endswith("%"))
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        return ""
    return f"; {share * 100:g} % is {share:g}" if of_one and 0.01 < share < 1 else ""


@cache
def _is_component(place: str) -> bool:
    """Whether a module is a package that holds one component: a package with a file of its own name."""
    spec = importlib.util.find_spec(place)
    folders = spec.submodule_search_locations if spec else None
    return any((Path(folder) / f"{place.rpartition('.')[2]}.py").is_file() for folder in folders or ())


def _walk(package_name: str, prefix: str = "") -> Iterable[str]:
    package = importlib.import_module(package_name)
    for info in pkgutil.iter_modules(package.__path__):
        if info.name in NOT_COMPONENTS or info.name.startswith("_"):
            continue
        if info.ispkg and not _is_component(f"{package_name}.{info.name}"):
            yield from _walk(f"{package_name}.{info.name}", f"{prefix}{info.name}.")
        else:
            yield prefix + info.name


@cache
def _in_the_tree(family: str) -> frozenset[str]:
    if importlib.util.find_spec(f"grokscope.{family}") is None:
        return frozenset()
    return frozenset(_walk(f"grokscope.{family}"))


@kept
def _outside(family: str) -> Mapping[str, Any]:
    """The components of a family that plugins have, by id."""
    if family in KINDS:
        _look_for_installed()
    return {name: value for one in _plugins.values() for name, value in one.components.get(family, {}).items()}


def _look_for_installed() -> None:
    """Uses the plugins of installed distributions, once. One that cannot be used is left out, with a warning."""
    if _asked:
        return
    _asked.append(True)
    for module, distribution in installed():
        try:
            use(module)
        except ValueError as error:
            warnings.warn(f"left out of grokscope: {error} ({distribution})", stacklevel=2)


def _require_free(plugin: Plugin) -> None:
    """ValueError for an id that the tree or another plugin has (that one may hand on the same object), and for a plugin
    that has changed since it was used."""
    before = _plugins.get(plugin.module.__name__)
    if before is not None and before.sha256 != plugin.sha256:
        raise ValueError(f"plugin {plugin.name} has changed since it was loaded: start a new process to use it")
    for family, components in plugin.components.items():
        for name, value in components.items():
            held = {one.name: one.components.get(family, {}).get(name, value) for one in _plugins.values()}
            others = [f"the plugin {owner}" for owner, theirs in held.items() if theirs is not value]
            if name in _in_the_tree(family) or others:
                owner, kind = next(iter(others), "grokscope"), _singular(family)
                raise ValueError(
                    f"plugin {plugin.name}: {owner} has a {kind} {name!r} already; give yours another name"
                )


def _no_such(family: str, name: str) -> ValueError:
    kind, known = _singular(family), names(family)
    for one in known if family in ALSO_CALLED else ():
        theirs = {_letters(other): fields for other, fields in component(family, one).also_called.items()}
        if (fields := theirs.get(_letters(name))) is not None:
            settings = {kind: one} | dict(fields)
            here = ", ".join(f"{field}={value!r}" for field, value in settings.items())
            typed = " ".join(f"--set {shlex.quote(f'{field}={value}')}" for field, value in settings.items())
            return ValueError(f"unknown {kind} {shortened(name)}. Here it is {here}: {typed}")
    return ValueError(unknown(kind, name, known))


def _letters(name: str) -> str:
    """A name without capitals and signs: S5, s_5 and s-5 are one."""
    return "".join(filter(str.isalnum, str(name).lower()))
