"""docs/guide/follow_a_log.md is tried as it is printed, in an empty folder: its file, its commands, what it shows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_guide import ROOT, blocks

PAGE = ROOT / "docs" / "guide" / "follow_a_log.md"


@pytest.fixture
def shell(tmp_path: Path):
    """Runs lines in a shell that knows the command."""
    (program := tmp_path / "bin" / "grokscope").parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m grokscope "$@"\n')
    program.chmod(0o755)
    (work := tmp_path / "work").mkdir()
    for _, name, text in blocks(PAGE):
        if name:
            (work / name).write_text(text)
    path = os.pathsep.join((str(program.parent), os.environ["PATH"]))
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}

    def run(lines: str) -> str:
        done = subprocess.run(
            ["sh", "-c", lines], cwd=work, env=environment, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr
        return done.stdout

    return run


def test_the_page_on_logs_does_what_it_says(shell) -> None:
    follow, stop, columns = [text for language, name, text in blocks(PAGE) if language == "sh" and not name]
    (shown,) = [text for language, _, text in blocks(PAGE) if language == "text"]
    assert shell(follow) == shown
    assert shell(stop) == "it has grokked: the job is stopped\n"
    made, code = shell(columns).splitlines()
    assert code == "code 3"
    made = json.loads(made)
    assert (made["outcome"], made["memorized_at"], made["last_at"]) == ("idle", None, 0)
    assert made["columns"] == {"step": "it", "train_loss": "fit/loss", "test_loss": "unseen/loss"}
