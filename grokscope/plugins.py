"""Plugins: components from outside the tree, in a file, a module, or a distribution with entry points.

A plugin is a file of Python or a module. Its components are the names in small letters that it gives to objects of the
kinds below: a task is a `TaskFamily`, a measure a `Measure`, ...; a model, an optimizer and a transform are classes; a
recipe is a function that says that it returns a `RunConfig`. The name is the id. What a plugin imports from grokscope
is not its own. So a file of the tree is a plugin as it stands, and a file may hold several components.

`words`, a dict such as {"en": {"figure.mine": "My figure"}}, are texts of the reports.
"""

import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from types import ModuleType
from typing import Any

GROUP = "grokscope"  # of entry points
# Family -> what its components are: instances of a class, subclasses of an abstract one, or functions that return it.
KINDS = {
    "tasks": "tasks.base:TaskFamily",
    "models": "models.base:Model",
    "losses": "losses.base:Loss",
    "training.optimizers": "training.optimizers.base:Optimizer",
    "training.transforms": "training.transforms.base:Transform",
    "measures": "measures.base:Measure",
    "recipes": "runs.config:RunConfig",
    "theories": "predictions.base:Theory",
    "watch.sinks": "watch.sinks.base:Service",
    "report.figures": "report.figures.base:Drawing",
    "studies.race.methods": "studies.race.base:Method",
    "studies.race.settings": "studies.race.base:Setting",
}
_loading: set[str] = set()


@dataclass(frozen=True, kw_only=True, repr=False)
class Plugin:
    """What a plugin holds. name: of the file, or of the module. place: what loads it again, an absolute path or the
    module's name; folder: where that module is found. sha256: of the one file that it is; version: of the distribution.
    components: family -> id -> object. words: language -> key -> text."""

    name: str
    place: str
    folder: str | None
    sha256: str | None
    version: str | None
    module: ModuleType
    components: Mapping[str, Mapping[str, Any]]
    words: Mapping[str, Mapping[str, str]]

    def __repr__(self) -> str:
        held = ", ".join(id_ for ids in self.components.values() for id_ in ids)
        return f"Plugin({self.name}: {held})"

    @property
    def again(self) -> dict[str, Any]:
        """What another process needs to load it, in JSON's own types: the arguments of `load`."""
        return {"given": self.place, "folder": self.folder, "sha256": self.sha256}


def load(
    given: str | Path | ModuleType,
    *,
    folder: str | None = None,
    sha256: str | None = None,
    accept: Callable[["Plugin"], None] = lambda _: None,
) -> Plugin:
    """The plugin in a file (a path, which has a separator or ends in .py) or in a module (its name, or itself).

    folder: where the module is looked for if it is nowhere else. sha256: that the file must have. accept: a further
    test. ValueError, of one line, for a plugin that cannot be loaded, or is not accepted; its module is forgotten, so
    that a mended file can be tried again.
    """
    before = set(sys.modules)
    module, name = _module(given, folder)
    try:
        found = _plugin(module, name)
        if sha256 is not None and found.sha256 != sha256:
            raise ValueError(f"plugin {name} is another file here than where the work was planned")
        accept(found)
    except ValueError:
        if module.__name__ not in before:
            sys.modules.pop(module.__name__, None)
        raise
    return found


def _module(given: str | Path | ModuleType, folder: str | None) -> tuple[ModuleType, str]:
    """The module that is given, and the plugin's name."""
    if isinstance(given, ModuleType):
        return given, given.__name__
    path = Path(given).expanduser()
    if isinstance(given, Path) or path.suffix == ".py" or len(path.parts) > 1:
        return _of_file(path), path.name
    return _of_module(given, folder), given


def installed() -> Iterator[tuple[str, str]]:
    """Module and distribution of each entry point of the group."""
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.module, point.name)):
        yield point.module, "an unknown distribution" if point.dist is None else point.dist.name


def _plugin(module: ModuleType, name: str) -> Plugin:
    file = getattr(module, "__file__", None)
    if file is None or module.__name__ == "__main__":
        raise ValueError(f"{name} is no plugin: expected a file of Python or a module that other processes can import")
    components = _components(module)
    words = getattr(module, "words", {})
    if not components:
        raise ValueError(_nothing(module, name))
    if not isinstance(words, Mapping) or not all(isinstance(texts, Mapping) for texts in words.values()):
        raise ValueError(f'plugin {name}: words must be a dict such as {{"en": {{"figure.mine": "My figure"}}}}')
    path, parts = Path(file).resolve(), module.__name__.split(".")
    package = path.name == "__init__.py"
    by_path = name == path.name
    return Plugin(
        name=name,
        place=str(path) if by_path else module.__name__,
        folder=None if by_path else str(path.parents[len(parts) - (not package)]),
        sha256=None if package else hashlib.sha256(path.read_bytes()).hexdigest(),
        version=_version(parts[0]),
        module=module,
        components=components,
        words=words,
    )


def _version(package: str) -> str | None:
    """Of a distribution that is called like its package; most are."""
    try:
        return version(package)
    except (PackageNotFoundError, ValueError):
        return None


def _of_file(path: Path) -> ModuleType:
    """The module of a file; its name is the file's. A module of that name from elsewhere must not be hidden."""
    if not path.is_file():
        raise ValueError(f"there is no plugin at {path}")
    path, name = path.resolve(), path.stem
    if not name.isidentifier():
        raise ValueError(f"plugin {path.name}: the file's name must be a name in Python, such as my_plugin.py")
    if name in _loading:
        raise ValueError(
            f"plugin {path.name} is used while it is loaded: put gs.use(__file__) below `if __name__ == '__main__':`"
        )
    known = sys.modules.get(name)
    spec = getattr(known, "__spec__", None) if known else _spec(name)
    there = getattr(known, "__file__", None) or getattr(spec, "origin", None)
    if (known or there) and (there is None or Path(there).resolve() != path):
        raise ValueError(f"plugin {path.name}: there is another module {name} ({there}); give the file another name")
    return known or _loaded(path.name, lambda: _executed(name, path))


def _spec(name: str) -> Any:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def _executed(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    _loading.add(name)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        _loading.discard(name)
    return module


def _of_module(name: str, folder: str | None) -> ModuleType:
    def act() -> ModuleType:
        if folder is not None and folder not in sys.path and _spec(name.partition(".")[0]) is None:
            sys.path.append(folder)
        return importlib.import_module(name)

    if not all(part.isidentifier() for part in name.split(".")):
        raise ValueError(f"plugin {name!r}: expected a file that ends in .py, or the name of a module")
    if folder is None and name not in sys.modules and _spec(name.partition(".")[0]) is None:
        raise ValueError(f"there is no module {name}; a plugin in a file is given by its path, such as {name}.py")
    return _loaded(name, act)


def _loaded(name: str, act: Callable[[], ModuleType]) -> ModuleType:
    """What `act` loads; a mistake in a plugin becomes one line."""
    try:
        return act()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, and what test tools raise to skip a file, are no Exception
        steps = traceback.extract_tb(error.__traceback__)
        lines = [step.lineno for step in steps if Path(step.filename).name == name]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        where = f" in line {line}" if line else ""
        what = " ".join(str(error).split())
        raise ValueError(f"plugin {name} cannot be loaded: {type(error).__name__}{where}: {what}") from error


def _components(module: ModuleType) -> dict[str, dict[str, Any]]:
    """Family -> id -> component of a module."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in vars(module).items():
        if name.startswith("_") or name != name.lower() or (family := _family(value, module)) is None:
            continue
        if not _is_of_the_tree(value):
            id_ = name if isinstance(value, type) else getattr(value, "id", name)
            found.setdefault(family, {})[id_] = value
    return found


def _family(value: Any, module: ModuleType) -> str | None:
    """The family of a component; None for what is none. Where the class of a family is not loaded, there is none."""
    for family, place in KINDS.items():
        file, _, name = place.partition(":")
        kind = getattr(sys.modules.get(f"grokscope.{file}"), name, None)
        if kind is None:
            continue
        if family == "recipes":
            if inspect.isfunction(value) and value.__module__ == module.__name__ and _returns(value, kind):
                return family
        elif inspect.isabstract(kind):
            if isinstance(value, type) and issubclass(value, kind) and not inspect.isabstract(value):
                return family
        elif isinstance(value, kind):
            return family
    return None


def _returns(function: Any, kind: type) -> bool:
    """Whether it says that it returns it, and needs no argument."""
    said = function.__annotations__.get("return")
    named = isinstance(said, str) and said.rpartition(".")[2] == kind.__name__
    needed = [one for one in inspect.signature(function).parameters.values() if one.default is one.empty]
    return (said is kind or named) and not needed


def _is_of_the_tree(value: Any) -> bool:
    """Whether a module of grokscope holds this very object: then the plugin has imported it."""
    tree = [one for name, one in list(sys.modules.items()) if name.startswith("grokscope.")]
    return any(value is held for one in tree for held in vars(one).values())


def _nothing(module: ModuleType, name: str) -> str:
    classes = [value for value in vars(module).values() if isinstance(value, type) and _family(value, module)]
    own = [value.__name__ for value in classes if value.__module__ == module.__name__]
    if own:
        return f"plugin {name} gives its class {own[0]} no id: add the line {own[0].lower()} = {own[0]}"
    return (
        f"plugin {name} holds no component: expected a name in small letters for a TaskFamily, a Loss, a Measure, a "
        "Theory, a figure, a method or setting of a race, a class of models, optimizers or transforms, or a function "
        "-> RunConfig"
    )
