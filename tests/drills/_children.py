"""Runs commands and lines of Python in forks of a process that has imported everything, under a watchdog.

Time is the processor's, of the case alone: a loaded machine fails no drill. What only waits (a fifo) is killed by
the clock. Memory is VmHWM, the most that the process ever held, Python with torch (about 300 MB) among it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = os.environ.get("GROKSCOPE_UNDER_TEST", str(Path(__file__).parents[2]))
SECONDS, MEBIBYTES = 2.0, 1024

_PARENT = r"""
import json, os, signal, sys, time
import grokscope as gs
import grokscope.cli.base as base, grokscope.studies.experiment, grokscope.studies.plan, grokscope.recipes.base
import grokscope.recipes.quickstart, grokscope.runs.export, grokscope.runs.foreign.importing, numpy, duckdb
import tyro, rich.console, grokscope.studies.grid, grokscope.studies.executors.local, torch
import grokscope.report.run.page, grokscope.report.study.sweep
from grokscope.registry import component, names
for name in names("cli"): component("cli", name)
gs.measures()

def child(case):
    if "code" in case:
        try: exec(case["code"], {"gs": gs, "torch": torch})
        except BaseException as error:
            kind = "ValueError" if isinstance(error, ValueError) else type(error).__name__
            print(f"{kind}: {error}", file=sys.stderr); return 1
        return 0
    return base.main([os.fsdecode(bytes.fromhex(word)) for word in case["words"]])

def peak(pid):
    try:
        with open(f"/proc/{pid}/status") as file:
            return next((int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM")), 0)
    except OSError: return 0

def drill(number, case):
    out, err = f"{number}.out", f"{number}.err"
    if not (pid := os.fork()):
        code = 99
        try:
            for path, stream in ((out, 1), (err, 2)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
            import traceback
            try: code = child(case)
            except BaseException: traceback.print_exc()
            sys.stdout.flush(); sys.stderr.flush()
        finally: os._exit(code)
    began, killed, most = time.monotonic(), "", 0
    while not killed:
        most = max(most, peak(pid))
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done: break
        waited = time.monotonic() - began
        with open(f"/proc/{pid}/stat") as file: ticks = file.read().rpartition(")")[2].split()[11:13]
        late = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK") > case["seconds"] or waited > 15 * case["seconds"]
        killed = "memory" if most > case["mebibytes"] else "time" if late else ""
        time.sleep(0.005)
    if killed:
        os.kill(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
    text = {name: open(path, errors="replace").read() for name, path in (("out", out), ("err", err))}
    return text | {"code": os.waitstatus_to_exitcode(status), "seconds": usage.ru_utime + usage.ru_stime,
                   "mebibytes": most, "killed": killed}

print(json.dumps({name: drill(number, case) for number, (name, case) in enumerate(json.load(sys.stdin).items())}))
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """code: of the exit. seconds: of the processor. mebibytes: the most held. killed: by which limit, if by one."""

    code: int
    out: str
    err: str
    seconds: float
    mebibytes: int
    killed: str


def drilled(
    cases: Mapping[str, list[str | bytes] | str], folder: Path, *, seconds: float = SECONDS, mebibytes: int = MEBIBYTES
) -> dict[str, Outcome]:
    """Name -> outcome. cases: words of a command line, or lines of Python that know `gs` and `torch`."""
    said: dict[str, dict[str, Any]] = {}
    for name, case in cases.items():
        words = {"code": case} if isinstance(case, str) else {"words": [os.fsencode(word).hex() for word in case]}
        said[name] = words | {"seconds": seconds, "mebibytes": mebibytes}
    environment = os.environ | {"PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PARENT], input=json.dumps(said), capture_output=True, text=True, cwd=folder,
        env=environment, check=True,
    )  # fmt: skip
    return {name: Outcome(**found) for name, found in json.loads(done.stdout).items()}


def refused(outcome: Outcome) -> str:
    """What is wrong with a refusal: it is one clear line, exit code 2, in time and memory. Empty: nothing."""
    if outcome.killed:
        return f"killed: {outcome.killed} ({outcome.seconds:.1f} s, {outcome.mebibytes} MiB)"
    if outcome.code != 2 or outcome.err.count("\n") != 1 or not outcome.err.startswith("error: "):
        return f"exit code {outcome.code}: {outcome.err[-300:]!r}"
    if len(outcome.err) > 2000:
        return f"{len(outcome.err)} characters: {outcome.err[:300]!r}"
    return ""
