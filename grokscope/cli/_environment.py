"""What grokscope finds on this machine: versions, processor, device, disk, browser."""

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "firefox")
GIGA = 1e9


def environment(store: Path) -> dict[str, Any]:
    """All of it, by name; sizes in bytes. None where there is none."""
    import torch

    from grokscope.training.memory import CPU, machine_bytes

    cuda = torch.cuda.is_available()
    place = next(folder for folder in (store.absolute(), *store.absolute().parents) if folder.exists())
    return {
        "grokscope": version("grokscope"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "libraries": {name: installed(name) for name in _needed("")},
        "extras": {extra: missing(extra) for extra in _extras()},
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory": machine_bytes(CPU),
        "device": torch.cuda.get_device_name() if cuda else None,
        "disk": shutil.disk_usage(place).free,
        "browser": next(filter(None, map(shutil.which, BROWSERS)), None),
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The same for people; what is lacking is said with what to type."""
    libraries = found["libraries"]
    yield f"grokscope {found['grokscope']}, Python {found['python']} ({sys.executable}), {found['system']}"
    yield "libraries " + ", ".join(f"{name} {known}" for name, known in libraries.items() if known)
    if lacking := [name for name, known in libraries.items() if known is None]:
        yield f"  missing: {', '.join(lacking)}; pip install {' '.join(lacking)}"
    whole = [extra for extra, lacking in found["extras"].items() if not lacking]
    others = [extra for extra, lacking in found["extras"].items() if lacking]
    yield f"extras    {', '.join(whole) or 'none'}"
    if others:
        yield f'  not installed, each by pip install "grokscope[NAME]": {", ".join(others)}'
    yield f"processor {found['cores']} cores, {found['threads']} threads, {found['memory'] / GIGA:.0f} GB of memory"
    yield f"device    {found['device'] or 'no GPU that torch can use: everything runs on the processor'}"
    yield f"disk      {found['disk'] / GIGA:.0f} GB free for the store"
    yield f"browser   {found['browser'] or 'none on the path; a report opens in any browser, here or elsewhere'}"


def installed(name: str) -> str | None:
    """The version of a distribution; None if it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def missing(extra: str) -> list[str]:
    """What an extra needs and is not installed."""
    return [name for name in _needed(extra) if installed(name) is None]


def _extras() -> list[str]:
    found = (re.search(r"extra == ['\"]([\w-]+)", one) for one in requires("grokscope") or ())
    return sorted({match[1] for match in found if match} - {"test", "check", "docs"})


def _needed(extra: str) -> list[str]:
    """Names of the distributions that grokscope needs, or that one of its extras does."""
    found = []
    for one in requires("grokscope") or ():
        of = re.search(r"extra == ['\"]([\w-]+)", one)
        if (of[1] if of else "") == extra:
            found.append(re.match(r"[\w.-]+", one)[0])  # type: ignore[index]
    return found
