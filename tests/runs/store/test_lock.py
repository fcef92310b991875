"""One writer a pack; the lock goes when its holder dies, however it dies."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

import grokscope.errors
from grokscope.errors import StoreError
from grokscope.runs.store.lock import hold

ROOT = Path(grokscope.errors.__file__).parents[1]
HOLDER = """
import sys, time
from pathlib import Path
from grokscope.runs.store.lock import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_writer_is_told_who_writes_until_that_one_is_killed(tmp_path):
    pack = tmp_path / "pack"
    command = [sys.executable, "-c", HOLDER, str(pack)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match=f"pack is being written by process {holder.pid};"), hold(pack):
            pass
        holder.kill()
    (pack / "lock").write_text("9" * 20)  # an earlier holder's number may be longer
    with hold(pack):
        assert (pack / "lock").read_text() == f"{os.getpid()}\n{platform.node()}"


def test_released_at_the_end_of_the_block_and_held_within(tmp_path):
    for _ in range(2):
        with hold(tmp_path):
            with pytest.raises(StoreError, match=f"written by process {os.getpid()};"), hold(tmp_path):
                pass
            with pytest.raises(StoreError, match="is being written"), hold(tmp_path):
                pass  # the one who was refused took nothing with it


WITHOUT = "import sys; sys.modules['fcntl'] = None\n"  # as on a system that has no such locks


def run_without(code: str, *words: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-W", "ignore", "-c", WITHOUT + code, *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_without_the_systems_locks_there_is_one_writer_all_the_same(tmp_path):
    ask = (
        "from pathlib import Path\nfrom grokscope.errors import StoreError\n"
        "from grokscope.runs.store.lock import hold, is_held\nfolder = Path(sys.argv[1])\nprint(is_held(folder))\n"
        "try:\n    with hold(folder): print('held', is_held(folder))\nexcept StoreError as error: print(error)\n"
    )
    with run_without(HOLDER, tmp_path / "pack") as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        said, errors = run_without(ask, tmp_path / "pack").communicate()
        assert (errors, said.decode().splitlines()[0]) == (b"", "True")
        assert f"is being written by process {holder.pid};" in said.decode()
        holder.kill()
        holder.wait()
        said, errors = run_without(ask, tmp_path / "pack").communicate()
        assert (errors, said.split()) == (b"", [b"False", b"held", b"True"])
    assert sorted(path.name for path in (tmp_path / "pack").iterdir()) == ["lock"]


def test_without_the_systems_locks_a_run_trains_and_is_read(tmp_path):
    train = (
        "import grokscope as gs\n"
        "config = gs.recipe('quickstart', p=7, d_model=8, n_heads=2, d_mlp=8, train_fraction=0.5, max_steps=3)\n"
        "run = gs.train(config, store=sys.argv[1], progress=False)\n"
        "print(gs.load(run.folder).status['state'], run.steps)\n"
    )
    said, errors = run_without(train, tmp_path / "store").communicate()
    assert said.split() == [b"done", b"3"], errors.decode()
