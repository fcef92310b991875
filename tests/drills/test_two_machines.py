"""Two machines on a shared folder: processes with other host names, of which one has the lock of a pack.

With locks of the system the holder's end frees the pack everywhere. Without them (ENOSYS) a file names the holder. On
its own machine the next removes it when the process is gone; on another nobody can know, and is told what to do.
"""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.drills._children import ROOT

# Prints whether the pack is held, and whether it could be taken. Waits if told to, with the lock.
CODE = """
import errno, fcntl, os, sys, time
from pathlib import Path
if sys.argv[2] == "none":
    def missing(*_): raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    fcntl.flock = fcntl.lockf = missing
from grokscope.errors import StoreError
from grokscope.runs.store.lock import hold, is_held
pack = Path(sys.argv[1])
print(is_held(pack))
try:
    with hold(pack):
        print("taken", flush=True)
        if sys.argv[3] == "wait": time.sleep(600)
except StoreError as error: print(error)
"""


def command(pack: Path, locks: str, what: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-P", "-c", CODE, str(pack), locks, what]


def asked(pack: Path, locks: str, *, elsewhere: bool) -> list[str]:
    there = ["unshare", "-u", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"] if elsewhere else []
    done = subprocess.run(
        there + command(pack, locks, "go"), env={"PYTHONPATH": ROOT}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture(autouse=True)
def _another_name() -> None:
    if not shutil.which("unshare") or subprocess.run(["unshare", "-u", "true"], check=False).returncode:
        pytest.skip("this process may not have another host name")


@pytest.mark.parametrize("locks", ["flock", "none"])
def test_a_lock_of_another_machine_is_kept(locks: str, tmp_path: Path) -> None:
    pack, here = tmp_path / "pack", platform.node()
    with subprocess.Popen(command(pack, locks, "wait"), env={"PYTHONPATH": ROOT}, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert [holder.stdout.readline() for _ in range(2)] == [b"False\n", b"taken\n"]
            held, said = asked(pack, locks, elsewhere=True)
            assert held == "True"
            assert f"pack is being written by process {holder.pid} on {here}" in said
            assert asked(pack, locks, elsewhere=False)[1].startswith(
                f"{pack} is being written by process {holder.pid}; "
            )
        finally:
            holder.kill()
    if locks == "flock":
        assert asked(pack, locks, elsewhere=True) == ["False", "taken"]
        return
    held, said = asked(pack, locks, elsewhere=True)
    assert held == "True"
    assert f"process {holder.pid} on {here} (if that machine is gone, remove {pack / 'lock.held'}); wait" in said
    assert asked(pack, locks, elsewhere=False) == ["False", "taken"]
    assert asked(pack, locks, elsewhere=True) == ["False", "taken"]
