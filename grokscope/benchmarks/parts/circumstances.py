"""The circumstances of a benchmark: machine, threads, versions and date."""

import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_info

from grokscope.training.memory import CPU, machine_bytes

PACKAGE = Path(__file__).parents[2]
# What changes from one call to the next on the same machine.
PASSING = ("date", "load")


def circumstances() -> dict[str, Any]:
    """machine: its processor, cores that this process may use, memory [GiB], load at start (processes that run, mean
    over a minute; None where the system does not say). threads: of torch and of each BLAS. versions, date."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    pools = {pool["internal_api"]: pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    return {
        "machine": {
            "processor": _processor(),
            "cores": cores,
            "memory_gib": round(machine_bytes(CPU) / 2**30, 1),
            "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        },
        "threads": {"torch": torch.get_num_threads()} | pools,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "numpy", "grokscope")},
            "commit": _commit(),
        },
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def of_answer(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The circumstances that a saved answer records; older ones only have the threads and version of torch."""
    known = answer.get("circumstances")
    if isinstance(known, Mapping):
        return dict(known)
    old = {"threads": {"torch": answer.get("threads")}, "versions": {"torch": answer.get("torch")}}
    return {name: value for name, value in old.items() if None not in value.values()}


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each circumstance in which the two differ, and one for those that only the later one says."""
    unsaid = []
    for kind, values in now.items():
        before = then.get(kind)
        for name, value in values.items() if isinstance(values, Mapping) else ():
            if name in PASSING:
                continue
            if not isinstance(before, Mapping) or name not in before:
                unsaid.append(name)
            elif before[name] != value:
                yield f"{kind}: {name} was {_said(before[name])}, is {_said(value)}"
    if unsaid:
        yield f"the saved file does not say its {', '.join(unsaid)}"


def head(about: Mapping[str, Any]) -> Iterator[str]:
    """The circumstances as lines for people."""
    machine, versions = about["machine"], dict(about["versions"])
    load = "unknown" if machine["load"] is None else machine["load"]
    yield (
        f"machine   {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB of memory, "
        f"load {load} at start"
    )
    yield "threads   " + ", ".join(f"{name} {count}" for name, count in about["threads"].items())
    commit = versions.pop("commit")
    yield "versions  " + ", ".join(f"{name} {number}" for name, number in versions.items()) + f" ({_said(commit)})"
    yield f"date      {about['date']}"


def _said(value: Any) -> str:
    return "unknown" if value is None else str(value)[:80]


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str | None:
    """The commit of the sources that run, with "changed" where files differ from it; None outside a repository."""
    if not (PACKAGE.parent / ".git").exists():
        return None
    try:
        asked = [
            "git",
            "-C",
            str(PACKAGE.parent),
            "describe",
            "--always",
            "--abbrev=12",
            "--exclude=*",
            "--dirty= changed",
        ]
        return subprocess.run(asked, capture_output=True, text=True, check=True, timeout=20).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None
