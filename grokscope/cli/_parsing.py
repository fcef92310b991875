"""From the words of a command to the command with its options; the help of a command."""

import contextlib
import functools
import inspect
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, fields, make_dataclass
from typing import Annotated, Any, get_type_hints

import tyro

from grokscope.cli._options import GROUPS, Plugins
from grokscope.cli._words import check, options
from grokscope.registry import component, shortened, use

KEYWORD = inspect.Parameter.KEYWORD_ONLY
FEW = 3  # options make a group in the help
UNSAID = ("None", "False", "''")  # what happens without them stands in the help of the option
EXAMPLE = re.compile(r"^ *For instance: (grokscope .*)$", re.MULTILINE)


def parsed(name: str, words: Sequence[str]) -> Callable[[], None]:
    """The command with its options. ValueError of one sentence for words that it does not take; --help ends the
    process."""
    if name.startswith("-"):
        raise ValueError(f"expected a command before {shortened(name)}; grokscope --help lists them")
    command: Callable[..., None] = component("cli", name)
    if not {"-h", "--help"} & set(words):
        check(name, options(_with_plugin(command)), words, example(command))
    config = (tyro.conf.AvoidSubcommands, tyro.conf.UseAppendAction)
    try:
        with contextlib.redirect_stderr(io.StringIO()) as box:
            return tyro.cli(_grouped(command), args=words, prog=f"grokscope {name}", config=config)
    except SystemExit as end:
        if end.code in (0, None):
            raise
    # Of tyro's box the first part: the text after its title, without border, down to the next rule.
    parts = re.split(r"\n[\s│├╭╰─-]*\n", "\n".join(line.strip(" │") for line in box.getvalue().splitlines()[1:]))
    mistake = next(filter(None, (" ".join(part.split()) for part in parts)), "these options cannot be read")
    raise ValueError(f"{mistake.rstrip('.')}; grokscope {name} --help says more")


def example(command: Callable[..., Any]) -> str:
    """The first example in what a command says of itself; empty if there is none."""
    found = EXAMPLE.search(command.__doc__ or "")
    return found.group(1) if found else ""


def _with_plugin(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with the option that all commands have."""

    @functools.wraps(command)
    def bound(*args: Any, plugin: Iterable[str] = (), **options: Any) -> None:
        for one in plugin:
            use(one)
        command(*args, **options)

    about = inspect.signature(command)
    more = inspect.Parameter("plugin", KEYWORD, default=[], annotation=Plugins)
    vars(bound)["__signature__"] = about.replace(parameters=[*about.parameters.values(), more])
    bound.__annotations__ = get_type_hints(command, include_extras=True) | {"plugin": Plugins}
    del vars(bound)["__wrapped__"]  # hints would be read of the command itself
    return bound


def _grouped(command: Callable[..., Any]) -> Callable[..., Callable[[], None]]:
    """The command as tyro is to see it: it returns what calls it, and its options stand in groups."""
    whole = _with_plugin(command)
    hints, parameters = whole.__annotations__, dict(inspect.signature(whole).parameters)
    shown = {name: Annotated[hints[name], _said(one.default)] for name, one in parameters.items()}
    groups: dict[str, Any] = {}
    for group, (title, members) in GROUPS.items():
        mine = [name for name in members if name in parameters]
        if len(mine) >= FEW or group == "common":
            groups[group] = _group(title, {name: (shown[name], parameters.pop(name).default) for name in mine})

    @functools.wraps(command)
    def bound(*args: Any, **options: Any) -> Callable[[], None]:
        records = [options.pop(group) for group in groups]
        more = {one.name: getattr(record, one.name) for record in records for one in fields(record)}
        return functools.partial(whole, *args, **options, **more)

    kinds = {group: tyro.conf.OmitArgPrefixes[kind] for group, kind in groups.items()}
    added = [inspect.Parameter(group, KEYWORD, default=groups[group](), annotation=kinds[group]) for group in groups]
    vars(bound)["__signature__"] = inspect.Signature([*parameters.values(), *added])
    bound.__annotations__ = {name: shown[name] for name in parameters} | kinds
    del vars(bound)["__wrapped__"]
    return bound


def _group(title: str, members: Mapping[str, tuple[Any, Any]]) -> type:
    made = make_dataclass(
        title,
        [
            (name, kind, field(default_factory=list) if default == [] else field(default=default))
            for name, (kind, default) in members.items()
        ],
    )
    made.__doc__ = f"{title}."
    return made


def _said(default: Any) -> Any:
    """What the help says of a default."""
    if default in ([], ()):
        return tyro.conf.arg(help_behavior_hint="")
    if default is inspect.Parameter.empty:
        return tyro.conf.arg(help_behavior_hint="(required)")
    return tyro.conf.arg(help_behavior_hint=lambda text: "" if text in UNSAID else f"(default: {text})")
