"""What a pack says of the plugins that its components came from, and configs with components that are not known here.

pack.json: "plugins": [{"name": "my_plugin.py", "sha256": ..., "version": ..., "components": {"tasks": ["my_task"]}}],
where there are any. It is no part of a run's identity: the config names the components.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from grokscope.errors import MissingPlugin
from grokscope.registry import FAMILIES, Options, came_from, component, missing, names, origin
from grokscope.runs.config import RunConfig, named, transform_options
from grokscope.runs.fields import COMPONENTS, TRANSFORMS

T = TypeVar("T")
Plugins = Sequence[Mapping[str, Any]]  # as in pack.json
PLURAL = {family: plural for plural, family in FAMILIES.items()}


class Incomplete(RunConfig):
    """A config with components that this process does not know. Their fields are kept as they are; whoever asks for one
    of these components gets `MissingPlugin`."""

    _open: ClassVar[bool] = True

    @classmethod
    def _parts(cls, chosen: Mapping[str, Any]) -> list[type[Options]]:
        known = [component(family, id_).options for family, id_ in named(chosen) if id_ in names(family)]
        return [*transform_options().values(), *known]


def config_of(fields: Mapping[str, Any], plugins: Plugins) -> RunConfig:
    """The config of a stored run; an `Incomplete` one where a component is not known. ValueError for fields that are no
    config."""
    noted = _noted(plugins)
    used = {(family, fields[field]) for field, family in COMPONENTS.items() if isinstance(fields.get(field), str)}
    unknown = [one for one in used | {one for one in noted if one[0] == TRANSFORMS} if not _is_known(one)]
    for one in unknown:
        came_from(*one, noted.get(one))
    return Incomplete(**fields) if unknown else RunConfig(**fields)


def absent(config: RunConfig, plugins: Plugins) -> list[str]:
    """A sentence about each component of a stored run that is not known here, with the plugin that has it."""
    if not isinstance(config, Incomplete):
        return []
    used = [*named(config.__dict__), *(one for one in _noted(plugins) if one[0] == TRANSFORMS)]
    return [str(missing(*one)) for one in used if not _is_known(one)]


def or_absent(of: Callable[[], T]) -> Any:
    """What a function gives; where that needs a plugin that is not loaded, an object that says so when it is asked."""
    try:
        return of()
    except MissingPlugin as error:
        return _Absent(error)


class _Absent:
    """Stands for a task or a network that cannot be built here."""

    def __init__(self, error: MissingPlugin) -> None:
        self._error = error

    def of_checkpoint(self, tensors: Any) -> tuple[Any, dict[str, Any], None]:
        """As `Model.of_checkpoint`: the weights are there, whatever network they are of."""
        return self, dict(tensors), None

    def __getattr__(self, name: str) -> Any:
        raise self._error


def as_trained(config: RunConfig) -> dict[str, Any]:
    """What a snapshot knows of its training, as keywords of `Snapshot`; less where a component is not known."""
    known = not isinstance(config, Incomplete)
    options = or_absent(lambda: config.options("loss"))
    return {
        "loss": config.loss,
        "loss_options": options.model_dump() if isinstance(options, Options) else {},
        "learning_rate": config.rate if known else None,
        "plain_descent": known and config.is_plain_descent,
        "output_scale": config.output_scale,
        "centred": config.centred,
    }


def described(configs: Sequence[RunConfig | None]) -> list[dict[str, Any]]:
    """What pack.json says of the plugins of these configs."""
    found: dict[str, dict[str, Any]] = {}
    for config in filter(None, configs):
        used = named(config.__dict__)
        used += [(TRANSFORMS, name) for name, options in config.transforms.items() if options.is_on]
        for family, name in used:
            if plugin := origin(family, name):
                about = {"name": plugin.name, "sha256": plugin.sha256, "version": plugin.version, "components": {}}
                ids = found.setdefault(plugin.name, about)["components"].setdefault(PLURAL[family], [])
                ids += [] if name in ids else [name]
    return list(found.values())


def changed(then: Plugins, configs: Sequence[RunConfig | None]) -> dict[str, list[str]]:
    """The plugins of these configs that are other files now than when a pack was begun: name -> [then, now]."""
    before = {one.get("name"): one.get("sha256") or "" for one in then}
    now = {one["name"]: one["sha256"] or "" for one in described(configs)}
    return {
        name: [before[name][:12], digest[:12]]
        for name, digest in now.items()
        if digest and before.get(name) and digest != before[name]
    }


def _is_known(one: tuple[str, str]) -> bool:
    return one[1] in names(one[0])


def _noted(plugins: Plugins) -> dict[tuple[str, str], str]:
    """Family and id of the components of plugins -> the plugin's name. An error for damage."""
    noted = {
        (FAMILIES[plural], name): plugin["name"]
        for plugin in plugins
        for plural, ids in plugin["components"].items()
        for name in ids
    }
    if not all(
        isinstance(text, str) and text.isprintable() for one, plugin in noted.items() for text in (*one, plugin)
    ):
        raise TypeError("a plugin or a component has a name that is no plain text")
    return noted
