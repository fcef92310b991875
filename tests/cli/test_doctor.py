"""`grokscope doctor`: what it says of the machine, and to somebody who has no store yet."""

import json
import os
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch

from grokscope.cli import _environment
from grokscope.cli._environment import environment, lines, missing
from grokscope.cli.base import main


def test_a_new_user_without_a_store_is_told_of_the_machine(
    capsys: pytest.CaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert f"grokscope {version('grokscope')}, Python {platform.python_version()}" in text
    assert f"torch {version('torch')}" in text
    assert "none yet at runs: grokscope run makes one" in text
    assert list(tmp_path.iterdir()) == []


def test_json_has_the_same(capsys: pytest.CaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    about = told["environment"]
    assert about["threads"] == torch.get_num_threads()
    assert about["libraries"]["numpy"] == version("numpy")
    assert about["disk"] == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.05)
    assert told["damages"] == []


def test_a_store_that_was_named_must_be_there(capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    assert main(["doctor", "--store", str(tmp_path / "nowhere")]) == 1
    assert "no store at" in capsys.readouterr().err


def test_what_is_lacking_is_said_with_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    needs = ["numpy>=2", "no-such-library>=1", 'nothing-of-the-kind>=3; extra == "ray"']
    monkeypatch.setattr(_environment, "requires", lambda _: needs)
    assert missing("ray") == ["nothing-of-the-kind"]
    found: dict[str, Any] = environment(tmp_path)
    assert found["extras"] == {"ray": ["nothing-of-the-kind"]}
    text = "\n".join(lines(found))
    assert "missing: no-such-library; pip install no-such-library" in text
    assert 'not installed, each by pip install "grokscope[NAME]": ray' in text


def test_a_machine_without_a_browser_is_no_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = environment(tmp_path)
    assert found["browser"] is None
    assert "a report opens in any browser" in "\n".join(lines(found))
    browser = tmp_path / "firefox"
    browser.write_text("#!/bin/sh\n")
    os.chmod(browser, 0o755)
    assert environment(tmp_path)["browser"] == str(browser)
