"""`grokscope completion`: what bash offers on TAB; the scripts of the other shells name every command and option."""

import re
import subprocess
from pathlib import Path

import pytest

from grokscope.cli._words import options
from grokscope.cli.base import main
from grokscope.registry import component, names

TAB = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_grokscope
printf '%s\\n' "${COMPREPLY[@]}"
"""


def script(capsys: pytest.CaptureFixture, shell: str) -> str:
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (("grokscope", "swe"), {"sweep"}),
        (("grokscope", "run", "na"), {"nanda2023"}),
        (("grokscope", "run", "--devi"), {"--device"}),
        (("grokscope", "run", "--device", ""), {"auto", "cpu", "cuda"}),
        (("grokscope", "run", "--seeds", ""), set()),  # a number is not offered
        (("grokscope", "show", "la"), {"latest"}),
        (("grokscope", "report", "latest", "--lang", "z"), {"zh"}),
        (("grokscope", "figure", "latest", "-o", ""), set()),  # files, by the shell
    ],
)
def test_bash_completes(
    capsys: pytest.CaptureFixture, tmp_path: Path, typed: tuple[str, ...], offered: set[str]
) -> None:
    path = tmp_path / "grokscope.bash"
    path.write_text(script(capsys, "bash"))
    done = subprocess.run(["bash", "-c", TAB, "-", str(path), *typed], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == offered
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_option_is_known(capsys: pytest.CaptureFixture, shell: str) -> None:
    text = script(capsys, shell)
    for name in names("cli"):
        assert re.search(rf"\b{name}\b", text)
        for flag in (flag for option in options(component("cli", name)) for flag in option.flags):
            spelt = flag if shell != "fish" else f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
            assert re.search(rf"(?<![\w-]){re.escape(spelt)}(?![\w-])", text), (name, flag)


def test_zsh_loads_what_it_borrows(capsys: pytest.CaptureFixture) -> None:
    assert script(capsys, "zsh").startswith("autoload -U +X compinit && compinit\nautoload -U +X bashcompinit")


def test_another_shell_is_a_mistake(capsys: pytest.CaptureFixture) -> None:
    assert main(["completion", "bsh"]) == 2
    assert "did you mean bash?" in capsys.readouterr().err
