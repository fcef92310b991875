"""Runs a command from its arguments, and turns its outcome into an exit code: 0 done, 1 failed, 2 bad arguments."""

import errno
import io
import json
import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.cli._parsing import parsed
from grokscope.errors import GrokscopeError
from grokscope.registry import LONGEST, component, names, shortened, unknown

if TYPE_CHECKING:
    from rich.console import Console

    from grokscope.runs.run import Run
    from grokscope.studies.study import Study

GROUPS = ("Train", "Look", "Judge", "Keep", "Exchange", "Machine and shell")  # in the order of a day's work
MORE = "More"
FIRST = "grokscope run"
MESSAGE = 1900  # characters of a message; the list of all fields has 1,500


def main(args: Sequence[str] | None = None) -> int:  # noqa: PLR0911  one way out for each outcome
    """Runs a command. A mistake or a failure is one line on stderr."""
    arguments = list(sys.argv[1:] if args is None else args)
    arguments = [*arguments[1:2], "--help"] if arguments[:1] == ["help"] else arguments
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


def overview() -> str:
    """All commands with their first lines, by what one does with them: the `GROUP` of a command's file."""
    width = max(map(len, names("cli")))
    groups: dict[str, list[str]] = {group: [] for group in GROUPS}
    for name in names("cli"):
        command = component("cli", name)
        group = getattr(sys.modules[command.__module__], "GROUP", MORE)
        summary = (command.__doc__ or "").strip().splitlines()[0]
        groups.setdefault(group, []).append(f"  {name:<{width}}  {summary}")
    parts = [f"{group}:\n" + "\n".join(lines) for group, lines in groups.items() if lines]
    head = "usage: grokscope COMMAND ...      (grokscope COMMAND --help says more, with an example)"
    return "\n\n".join([head, *parts, f"A first run, and its report: {FIRST}"])


def emit(value: Any) -> None:
    """One JSON object on stdout; numbers that are not finite become null."""
    from grokscope.runs.store.jsonl import finite

    print(json.dumps(finite(value), allow_nan=False, default=str), flush=True)


def plain(of: Any) -> Any:
    """An answer in JSON's types: a number as it is, another one by its fields, and the reason where there is none."""
    from grokscope.errors import Missing

    if isinstance(of, Missing):
        return of.reason
    return of if of is None or isinstance(of, float | int) else {name: plain(value) for name, value in vars(of).items()}


def require_store(store: Path) -> None:
    """StoreError unless the folder is there."""
    from grokscope.errors import StoreError

    if not store.is_dir():
        raise StoreError(f"no store at {store}: grokscope run makes one, --store PATH names another")


def find_run(name: str, store: Path, *, or_study: bool = False) -> "Run":
    """The run called `name`: an id, the start of exactly one, a name that it was given, a path to one, or "latest".
    or_study: the message for an unknown one names studies, too."""
    from grokscope.errors import StoreError
    from grokscope.runs.keeping import called, labels
    from grokscope.runs.run import is_run, load, runs

    if Path(name).is_dir():
        return load(name)
    require_store(store)
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
    if not known:
        raise ValueError(f"store {store} has no run; make one: grokscope run --out {store}")
    given = [own for of in labels(store).values() if (own := of.get("name"))]
    studies = _studies(store) if or_study else []
    raise ValueError(unknown("run or study" if or_study else "run", name, {*known, *given, *studies, "latest"}))


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
    from grokscope.studies.study import load_study

    folder = Path(name)
    if (folder / "plan.json").is_file():
        return load_study(folder.parent.parent, folder.name)  # runs/studies/<id>: the packs lie beside the studies
    return load_study(store, name) if any(id_.startswith(name) for id_ in _studies(store)) else None


def _studies(store: Path) -> list[str]:
    """The ids of the studies of a store."""
    from grokscope.studies.study import FOLDER

    return [path.parent.name for path in (store / FOLDER).glob("*/plan.json")]


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
