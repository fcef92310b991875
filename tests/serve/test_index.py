"""The list in memory: it follows the store, and reads again only what changed."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grokscope.errors import StoreError
from grokscope.runs.keeping import remove, restore
from grokscope.runs.listing import summaries
from grokscope.serve import index as module
from grokscope.serve.index import Index
from tests.serve.conftest import config, write


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The packs that were read, in order; the index looks at every question."""
    read: list[str] = []
    monkeypatch.setattr(module, "AGAIN", 0.0)
    monkeypatch.setattr(module, "of_pack", lambda folder, of=module.of_pack: read.append(folder.name) or of(folder))
    return read


def test_only_what_changed_is_read_again(tmp_path: Path, reads: list[str]) -> None:
    (one,), (other,) = (write(tmp_path, [config(seed=seed)], until=400) for seed in (1, 2))
    index = Index(tmp_path)
    assert [row["run"] for row in index.rows()] == [other, one]  # the newest first
    assert sorted(reads) == sorted([one, other])
    for _ in range(5):
        index.rows()
        index.find(one)
    assert len(reads) == 2
    os.utime(tmp_path / one / "status.json", (1, 1))
    index.rows()
    assert len(reads) == 2  # read a moment ago
    assert index.behind
    index._entries[one].read_at -= module.REST
    index.rows()
    assert reads[2:] == [one]
    assert not index.behind


def test_many_packs_are_read_at_once_and_are_the_same(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        write(tmp_path, [config(seed=seed), config(seed=seed, weight_decay=3.0)], until=400)
    alone = Index(tmp_path).rows()
    assert len(reads) == 3
    monkeypatch.setattr(module, "MANY", 2)
    assert Index(tmp_path).rows() == alone
    assert len(reads) == 3
    known = {row["run"]: row for row in summaries(tmp_path)}
    assert {row["run"]: {name: row[name] for name in known[row["run"]]} for row in alone} == known


def test_a_pack_that_is_gone_is_no_longer_found(tmp_path: Path, reads: list[str]) -> None:
    (run,) = write(tmp_path, [config(seed=1)], until=400)
    index = Index(tmp_path)
    found: Any = index.find(run)
    assert found.id == run
    remove(tmp_path / run)
    assert (index.find(run), index.rows()) == (None, [])
    with pytest.raises(StoreError, match="was removed a moment ago"):
        index.row(found)
    restore(tmp_path, run)
    assert index.find(run) is not None


def test_a_run_that_was_killed_is_not_training(tmp_path: Path, reads: list[str]) -> None:
    """No file changes; nobody holds the lock. And what it had written is whole."""
    code = (
        "import sys, time; from pathlib import Path; from tests.serve.conftest import *\n"
        "configs = [config(seed=1)]; folder = Path(sys.argv[1]) / pack_id(configs)\n"
        "with open_writer(folder, configs, resume=False) as writer:\n"
        "    begin(writer, 400); writer.status('running', 400, max_steps=4000)\n"
        "    print('ready', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    index = Index(tmp_path)
    (row,) = index.rows()
    assert (row["state"], row["memorized_at"]) == ("running", 120)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    found: Any = index.find(row["run"])
    assert index.row(found)["state"] == "stopped"
    assert index.rows()[0]["state"] == "stopped"
