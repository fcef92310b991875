"""One writer a pack; the lock goes when its holder dies, however it dies."""

import os
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
        assert (pack / "lock").read_text() == str(os.getpid())


def test_released_at_the_end_of_the_block_and_held_within(tmp_path):
    for _ in range(2):
        with hold(tmp_path):
            with pytest.raises(StoreError, match=f"written by process {os.getpid()};"), hold(tmp_path):
                pass
            with pytest.raises(StoreError, match="is being written"), hold(tmp_path):
                pass  # the one who was refused took nothing with it
