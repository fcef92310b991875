"""Pages that another process makes: the report of a run, the maps of a sweep, and what happens when it fails."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from grokscope.errors import GrokscopeError
from grokscope.runs.run import Run
from grokscope.serve.guard import OF_REPORTS
from grokscope.serve.making import Making
from tests.conftest import alone
from tests.serve.conftest import opened


def test_the_report_is_that_of_the_command(tiny_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tiny_run.folder.parent) as client:
        answer = client.get(f"/runs/{tiny_run.id}/report.html", params={"lang": "zh"})
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"] == OF_REPORTS
        assert tiny_run.id in answer.text
        assert 'lang="zh-CN"' in answer.text
        monkeypatch.delattr(Making, "_make")  # it was kept
        assert client.get(f"/runs/{tiny_run.id}/report.html", params={"lang": "zh"}).text == answer.text
    assert not (tiny_run.folder / "report.html").exists()  # a look writes nothing into the store


def test_what_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    making = Making(tmp_path)
    with pytest.raises(GrokscopeError, match=r"^lang must be one of en, zh, got 'xx'$"):
        alone(making.made("report", "x", "xx", 1))
    making.close()


def test_a_page_that_nobody_waits_for_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends with the one who asked."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))

    async def asked() -> None:
        making = Making(tmp_path)
        task = asyncio.create_task(making.made("report", "x", "en", 1))
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        making.close()

    alone(asked())
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_the_command_serves_until_it_is_interrupted(tiny_run: Run) -> None:
    """Also that the server imports no torch: it has to stay small beside a training."""
    command = [
        sys.executable,
        "-X",
        "importtime",
        "-m",
        "grokscope",
        "serve",
        "--port",
        "0",
        "--json",
        "--store",
        str(tiny_run.folder.parent),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        assert address.startswith("http://127.0.0.1:")
        for path in ("", "data/runs", f"runs/{tiny_run.id}", f"runs/{tiny_run.id}/state", "studies", "verdicts"):
            assert httpx.get(address + path).status_code == 200
        assert httpx.get(address, headers={"host": "evil.example"}).status_code == 421
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 0
    assert not [line for line in said.splitlines() if line.endswith(" torch")]
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("given", "code"), [(["--port", "99999"], 2), (["--store", "nowhere"], 1), (["--host", "no.such.host.invalid"], 1)]
)
def test_a_server_that_cannot_begin_says_why(
    capsys: pytest.CaptureFixture, tmp_path: Path, given: list[str], code: int
) -> None:
    from grokscope.cli.base import main

    store = [] if "--store" in given else ["--store", str(tmp_path)]
    assert main(["serve", *store, *given]) == code
    assert capsys.readouterr().err.startswith("error: ")
