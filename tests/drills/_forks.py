"""Kills a process at random instants of what it does, or where it kills itself, many times: each is a fork of one that
has imported all."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.drills._children import ROOT

_PARENT = r"""
import os, random, signal, sys, time
exec(sys.argv[1])
def forked(act, number):
    if not (pid := os.fork()):
        code = 1
        try:
            act(number)
            code = 0
        except BaseException:
            import traceback; traceback.print_exc()
        finally:
            sys.stdout.flush(); sys.stderr.flush(); os._exit(code)
    return pid
def done(act, number):
    assert os.waitpid(forked(act, number), 0)[1] == 0
began = time.monotonic(); done(act, -1); needs = time.monotonic() - began
draw = random.Random(20)
for number in range(int(sys.argv[2])):
    pid, after = forked(act, number), draw.uniform(0, 1.1) * needs
    if len(sys.argv) == 3:
        time.sleep(after)
        os.kill(pid, signal.SIGKILL)
    if os.WIFEXITED(os.waitpid(pid, 0)[1]):  # the first time may have had more to load, or a busier machine
        needs = min(needs, after)
        assert len(sys.argv) == 3, "it goes on to its end"
    done(look, number)
"""


def killed(code: str, folder: Path, count: int, *, itself: bool = False) -> list[object]:
    """What `look` prints, a line of JSON a kill. code: of Python, which defines act(number) and look(number); act(-1)
    goes to its end, and says how long it takes. itself: act(number) kills its own process; nobody else does."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PARENT, code, str(count), *["itself"] * itself], capture_output=True,
        text=True, cwd=folder, env=os.environ | {"PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(("{", "["))]
