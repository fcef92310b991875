"""After Ctrl-C the last line is the command that goes on, and it does."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from grokscope.cli.base import LONGEST, _go_on, main
from grokscope.runs.run import load_pack
from grokscope.runs.store.events import finished_at
from tests.studies.test_conduct import until

ROOT = str(Path(__file__).parents[2])
SMALL = "--set p=7 --set d_model=8 --set n_heads=2 --set d_mlp=16 --set max_steps=600 --set stop_after=1000"
THEORY = """
from grokscope.predictions.base import Theory
from grokscope.predictions.families import Family
from grokscope.recipes.base import recipe

CONFIG = recipe("quickstart", p=7, d_model=8, n_heads=2, d_mlp=16, max_steps=600, stop_after=1000)
my_theory = Theory(
    id="my_theory", title={"en": "None"}, source="here", predictions=(),
    arms=(Family(id="base", network=lambda scale: CONFIG),),
)
"""
COMMANDS = {
    f"run quickstart {SMALL} --no-report --out store": " --resume",
    f"sweep quickstart --grid 'betas=[0.9, 0.98]' {SMALL} --workers 1 --store store": "",
    "study my_theory --plugin my_theory.py --scale tiny --seeds 1 --workers 1 --store store": "",
}


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda text: text.split(" ")[0])
def test_the_command_that_is_said_goes_on(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", ROOT)
    (tmp_path / "my_theory.py").write_text(THEORY)
    words = [sys.executable, "-m", "grokscope", *shlex.split(command)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def in_the_middle() -> bool:
        begun = [path.parent for path in tmp_path.glob("store/*/resume.safetensors")]
        return any(finished_at(pack) is None for pack in begun)

    until(in_the_middle, 120)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the workers too
    said = process.communicate()[1].splitlines()[-1]
    assert process.returncode == 1
    assert said == f"error: interrupted; to go on from what was kept: grokscope {command}{COMMANDS[command]}"
    program, *again = shlex.split(said.partition("kept: ")[2])
    assert program == "grokscope"
    assert main(again) == 0
    capsys.readouterr()
    (pack,) = (path.parent for path in tmp_path.glob("store/*/pack.json"))
    events = [event["event"] for event in load_pack(pack)[0].events]
    assert (events.count("resumed"), events.count("finished")) == (1, 1)


def test_a_command_that_no_line_holds_is_not_cut() -> None:
    for long in (["sweep", "--set", "x" * (LONGEST + 1)], ["sweep", *["word"] * 300], ["sweep", "two  spaces"]):
        assert _go_on(long) == "; to go on from what was kept: the same command"
    assert _go_on(["run", "x" * 1000]) == "; to go on from what was kept: the same command with --resume"
    assert _go_on(["run", "--resume"]) == "; to go on from what was kept: grokscope run --resume"
    assert _go_on(["judge", "all"]) == ""
