"""Runs a command from its arguments, and turns its outcome into an exit code: 0 done, 1 failed, 2 bad arguments."""

import contextlib
import errno
import functools
import inspect
import io
import itertools
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import tyro

from grokscope.errors import GrokscopeError
from grokscope.registry import LONGEST, component, names, shortened, unknown, use

if TYPE_CHECKING:
    from rich.console import Console

    from grokscope.runs.run import Run
    from grokscope.studies.study import Study

Plugins = Annotated[
    list[str],
    tyro.conf.arg(metavar="FILE|MODULE", help="components from outside, in a file such as my_plugin.py or a module"),
]
MESSAGE = 1900  # characters of a message; the list of all fields has 1,500


def main(args: Sequence[str] | None = None) -> int:  # noqa: PLR0911  one way out for each outcome
    """Runs a command. A mistake or a failure is one line on stderr."""
    arguments = list(sys.argv[1:] if args is None else args)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a locale without "–" or "≤" must not end a run
    if not arguments or arguments[0] in ("-h", "--help", "--version"):
        print(version("grokscope") if "--version" in arguments else overview())
        return 0
    name, rest = arguments[0], arguments[1:]
    try:
        for place, text in enumerate(arguments):
            if "\udc80" <= max(text, default="") <= "\udcff":  # Python's stand-ins for bytes that are not UTF-8
                raise ValueError(f"argument {place} is not UTF-8: {shortened(text)}")
        parsed(name, rest)()
    except ValueError as error:
        return fail(error, 2)
    except GrokscopeError as error:
        return fail(error, 1)
    except BrokenPipeError:  # the reader has gone, as in `| head`: nobody would read a message
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return fail(error, 2 if error.errno in (errno.ENAMETOOLONG, errno.ELOOP) else 1)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "alloc" not in str(error):
            raise
        return fail("the memory does not suffice for this: smaller p, d_model, d_mlp or fewer seeds may fit", 1)
    except KeyboardInterrupt:
        return fail(f"interrupted{_go_on(arguments)}", 1)
    return 0


def _go_on(arguments: Sequence[str]) -> str:
    """The command that goes on from what an interrupted one has kept; empty where there is none."""
    resume = {"run": ["--resume"], "sweep": [], "study": []}.get(arguments[0])
    if resume is None:
        return ""
    command = shlex.join(["grokscope", *arguments, *(word for word in resume if word not in arguments)])
    if len(command) > MESSAGE // 2 or max(map(len, command.split())) > LONGEST or command != " ".join(command.split()):
        command = "the same command" + "".join(f" with {word}" for word in resume)  # one line could not hold it
    return f"; to go on from what was kept: {command}"


def parsed(name: str, words: Sequence[str]) -> Callable[[], None]:
    """The command with its options. ValueError of one line instead of tyro's box; --help ends the process."""
    command: Callable[..., None] = component("cli", name)

    @functools.wraps(command)
    def bound(*args: Any, plugin: Sequence[str] = (), **options: Any) -> Callable[[], None]:
        return functools.partial(_with_plugins, plugin, functools.partial(command, *args, **options))

    about = inspect.signature(command)
    parameter = inspect.Parameter("plugin", inspect.Parameter.KEYWORD_ONLY, default=[], annotation=Plugins)
    vars(bound)["__signature__"] = about.replace(parameters=[*about.parameters.values(), parameter])
    bound.__annotations__ = get_type_hints(command, include_extras=True) | {"plugin": Plugins}
    del vars(bound)["__wrapped__"]  # tyro would read the hints of the command itself
    config = (tyro.conf.AvoidSubcommands, tyro.conf.UseAppendAction)
    try:
        with contextlib.redirect_stderr(io.StringIO()) as box:
            return tyro.cli(bound, args=words, prog=f"grokscope {name}", config=config)
    except SystemExit as end:
        if end.code in (0, None):
            raise
    # The lines of a box down to its first rule, without its border.
    lines = [line.strip(" │╭╮╰╯─") for line in box.getvalue().splitlines()[1:]]
    mistake = " ".join(itertools.takewhile(bool, lines)) or "these options cannot be read"
    setting = _setting(words) if "set" in about.parameters else ""
    raise ValueError(f"{mistake.rstrip('.')}; {setting}grokscope {name} --help says more")


def _setting(words: Sequence[str]) -> str:
    """How an option that is a field of the run, such as --weight-decay .5, is typed; empty where there is none."""
    from grokscope.runs.config import every_field

    fields = {name for name, *_ in every_field()}
    for word, after in itertools.pairwise((*words, "")):
        option, equals, value = word.partition("=")
        field = option.removeprefix("--").replace("-", "_")
        if word.startswith("--") and field in fields:
            return f"{field} is a field of the run: --set {field}={value if equals else after}; "
    return ""


def _with_plugins(plugins: Iterable[str], command: Callable[[], None]) -> None:
    for plugin in plugins:
        use(plugin)
    command()


def overview() -> str:
    """All commands with their first lines."""
    lines = ["usage: grokscope COMMAND ...      (grokscope COMMAND --help says more)", ""]
    for name in names("cli"):
        summary = (component("cli", name).__doc__ or "").strip().splitlines()[0]
        lines.append(f"  {name:<9} {summary}")
    return "\n".join(lines)


def emit(value: Any) -> None:
    """One JSON object on stdout; numbers that are not finite become null."""
    from grokscope.runs.store.jsonl import finite

    print(json.dumps(finite(value), allow_nan=False, default=str), flush=True)


def find_run(name: str, store: Path) -> "Run":
    """The run called `name`: an id, the start of exactly one, a name that it was given, a path to one, or "latest"."""
    from grokscope.errors import StoreError
    from grokscope.runs.keeping import called
    from grokscope.runs.run import is_run, load, runs

    if Path(name).is_dir():
        return load(name)
    if not store.is_dir():
        raise StoreError(f"no store at {store}; give one with --store")
    if is_run(name, store):  # no other pack is opened
        return load(store / name)
    if (owner := called(store, name)) is not None:
        return load(store / owner)
    damage: list[StoreError] = []
    known = {run.id: run for run in runs(store, on_damage=damage.append)}
    asked = [error for error in damage if str(store / name.partition("-")[0]) in str(error)]
    if asked and name != "latest":
        raise asked[0]
    warn_of(damage)
    if name == "latest" and known:
        return list(known.values())[-1]
    near = [run for run_id, run in known.items() if run_id.startswith(name)]
    if len(near) == 1:
        return near[0]
    if near:
        raise ValueError(f"{name!r} is the start of {len(near)} runs: {', '.join(run.id for run in near)}")
    if (path := Path(name)).parent != Path() and path.parent.is_dir():
        return load(path)
    raise ValueError(unknown("run", name, known) if known else f"store {store} has no run; make one: grokscope run")


def find_pack(name: str, store: Path) -> Path:
    """The folder of a pack, by its id or by its one run. ValueError for one of several runs."""
    from grokscope.runs.run import load_pack
    from grokscope.runs.store.documents import is_name

    if is_name(name) and (store / name / "pack.json").is_file():
        return store / name
    run = find_run(name, store)
    if (n_runs := len(load_pack(run.folder))) > 1:
        raise ValueError(
            f"{run.id} is one of the {n_runs} runs of a pack, which stay or go together: name {run.folder.name}"
        )
    return run.folder


def warn_of(damage: Iterable[Exception]) -> None:
    """Names the packs that are left out, on stderr."""
    for error in damage:
        print(f"warning: left out: {' '.join(str(error).split())}", file=sys.stderr)


def find_study(name: str, store: Path) -> "Study | None":
    """The study called `name`: its folder, its id, or the start of exactly one id; None if there is none."""
    from grokscope.studies.study import FOLDER, load_study

    folder = Path(name)
    if (folder / "plan.json").is_file():
        return load_study(folder.parent.parent, folder.name)  # runs/studies/<id>: the packs lie beside the studies
    known = [path.parent.name for path in (store / FOLDER).glob("*/plan.json")]
    return load_study(store, name) if any(id_.startswith(name) for id_ in known) else None


def wide_console() -> "Console":
    """The console for tables: as wide as the terminal; a file has no width, and gets one."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=160)


def fail(error: BaseException | str, code: int) -> int:
    """Prints one line on stderr; returns the exit code."""
    words = (word if len(word) <= 2 * LONGEST else f"{word[:LONGEST]}…" for word in str(error).split())
    print(f"error: {' '.join(words)[:MESSAGE]}", file=sys.stderr)
    return code
