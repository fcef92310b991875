"""`grokscope completion`: what a shell needs to complete words on TAB."""

import shlex
from collections.abc import Iterator
from string import Template
from typing import Annotated

import tyro

from grokscope.cli._options import Json, one_of
from grokscope.cli._words import Option, options
from grokscope.cli.base import emit
from grokscope.registry import component, names

GROUP = "Machine and shell"


class _Script(Template):
    delimiter = "@"  # "$" is the shell's


# Where nothing is offered the shell completes files.
BASH = _Script("""\
_grokscope() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} offers=
    if [ "$COMP_CWORD" = 1 ]; then
        offers=@commands
    else
        case "${COMP_WORDS[1]} $before" in
@values
        *)
            case "${COMP_WORDS[1]}" in
@flags
            esac ;;
        esac
    fi
    COMPREPLY=($(compgen -W "$offers" -- "$word"))
}
complete -o bashdefault -o default -F _grokscope grokscope
""")
ZSH = "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"
COMMON = ("--plugin", "--help")
SHELLS = ("bash", "zsh", "fish")


def completion(
    shell: tyro.conf.Positional[Annotated[str, one_of(SHELLS), tyro.conf.arg(metavar="bash|zsh|fish")]],
    *,
    json: Json = False,
) -> None:
    """A script with which a shell completes commands, options and their values on TAB.

    For instance: grokscope completion bash

    For bash and zsh, in the start-up file of the shell: eval "$(grokscope completion bash)". For fish the script is a
    file of ~/.config/fish/completions. A new version of grokscope is known after the next start.

    Args:
        shell: the shell that is to complete.
    """
    script = {"bash": _bash, "zsh": lambda: ZSH + _bash(), "fish": _fish}[shell]()
    if json:
        emit({"shell": shell, "script": script})
    else:
        print(script, end="")


def _offers(option: Option) -> tuple[str, ...]:
    """The values that are known beforehand."""
    known = {"RECIPE": names("recipes"), "RUN": ("latest",)}
    return option.choices or known.get(option.metavar, ())


def _commands() -> Iterator[tuple[str, list[Option]]]:
    for name in names("cli"):
        yield name, options(component("cli", name))


def _bash() -> str:
    after: dict[str, list[str]] = {}  # what is offered -> the commands and options after which it is
    flags = []
    for command, known in _commands():
        words = [word for one in known if not one.flags for word in _offers(one)]
        words += [flag for one in known for flag in one.flags] + [*COMMON]
        flags.append(f"            {command}) offers={shlex.quote(' '.join(words))} ;;")
        for one in known:
            if one.kind is not bool:
                after.setdefault(" ".join(_offers(one)), []).extend(f'"{command} {flag}"' for flag in one.flags)
    values = [f"        {'|'.join(cases)}) offers={shlex.quote(offers)} ;;" for offers, cases in after.items() if cases]
    commands = shlex.quote(" ".join(names("cli")))
    return BASH.substitute(commands=commands, values="\n".join(values), flags="\n".join(flags))


def _fish() -> str:
    lines = []
    for command, known in _commands():
        summary = (component("cli", command).__doc__ or "").strip().splitlines()[0]
        lines.append(f"complete -c grokscope -n __fish_use_subcommand -f -a {command} -d {shlex.quote(summary)}")
        here = f'complete -c grokscope -n "__fish_seen_subcommand_from {command}"'
        for one in known:
            spelt = " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in one.flags)
            takes = "" if one.kind is bool or not one.flags else " -r"
            offers = f" -a {shlex.quote(' '.join(_offers(one)))}" if _offers(one) else ""
            if spelt or offers:
                lines.append(f"{here} {spelt}{takes}{offers}".replace('"  ', '" '))
    return "\n".join(lines) + "\n"
