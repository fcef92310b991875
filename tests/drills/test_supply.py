"""What the program takes from others and leaves to others: no network, no pickles, licences, permissions of files."""

import os
import re
import stat
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.drills._children import ROOT

WORDS = "run quickstart --set p=7 --set d_model=8 --set n_heads=2 --set d_mlp=8 --set max_steps=40 --store runs"
ALL = """
ran(sys.argv[1])
ran("measure latest --only weights.effective_rank --store runs")
ran("report latest --store runs")
ran("show latest --store runs")
ran("export latest --to csv --store runs -o curves.csv")
ran("study goldilocks --scale tiny --dry-run --store runs")
"""
# Everything that leaves the machine, or runs what a file says, ends the process; sockets of the machine itself do not.
GUARDED = """
import sys
from pathlib import Path

def guard(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        of_address = event in ("socket.connect", "socket.sendto")
        where = args[1] if of_address else args
        if not isinstance(where, str) and where[0] not in ("127.0.0.1", "::1", "localhost"):  # str: of Unix
            raise SystemExit(f"network: {event} {where}")
    if event == "pickle.find_class" and torch_is_there:
        raise SystemExit(f"pickle: {args}")

torch_is_there = False
sys.addaudithook(guard)
import torch, scipy, sklearn, plotly  # what they load while they are imported is theirs
torch_is_there = True
import grokscope as gs
from grokscope.cli.base import main

def ran(words):
    if main(words.split()) != 0:
        raise SystemExit(words)

print("through")
"""
# Whose metadata say nothing; the licence file of each says this. Of gudhi the modules without CGAL are used.
SAID = {"axe-playwright-python": "MIT", "gudhi": "MIT", "huey": "MIT", "skops": "MIT"}
FREE = r"MIT|BSD|Apache|Python Software Foundation|PSF|MPL|Mozilla|ISC|HPND|Unlicense|zlib|CC0|0BSD|Public Domain"


def guarded(folder: Path, does: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1"}
    code = GUARDED.replace('print("through")', f'{does}\nprint("through")')
    return subprocess.run(
        [sys.executable, "-P", "-c", code, WORDS], cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_nothing_leaves_the_machine_and_no_pickle_is_read(tmp_path: Path) -> None:
    done = guarded(tmp_path, ALL)
    assert done.returncode == 0, done.stderr[-1500:]
    assert done.stdout.splitlines()[-1] == "through"
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if path.read_bytes()[:2] in (b"\x80\x03", b"\x80\x04", b"\x80\x05")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import socket; socket.create_connection(('192.0.2.1', 80), 1)", "network: socket"),
        ("import socket; socket.getaddrinfo('example.org', 80)", "network: socket.getaddrinfo"),
        ("import pickle; pickle.loads(pickle.dumps(Path('a')))", "pickle:"),
    ],
)
def test_the_guard_would_tell(line: str, said: str, tmp_path: Path) -> None:
    done = guarded(tmp_path, line)
    assert done.returncode != 0
    assert said in done.stderr


def requirements(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """All that a distribution needs, as far as it is installed."""
    found, left = set[str](), [(name, extras)]
    seen = set[tuple[str, frozenset[str]]]()
    while left:
        one, of = left.pop()
        if (one, of) in seen:
            continue
        seen.add((one, of))
        try:
            needs = distribution(one).requires or []
        except PackageNotFoundError:
            continue
        found.add(re.sub(r"[-_.]+", "-", one).lower())
        for need in map(Requirement, needs):
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in (*of, "")):
                left.append((need.name, frozenset(need.extras)))
    return found


def licence(name: str) -> str:
    about = distribution(name).metadata
    listed = [line for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
    return "; ".join(filter(None, [about.get("License-Expression"), *listed, (about.get("License") or "")[:200]]))


def test_all_that_is_needed_is_free_to_use_with_an_mit_program() -> None:
    extras = frozenset(distribution("grokscope").metadata.get_all("Provides-Extra") or [])
    needed = requirements("grokscope", extras) - {"grokscope"}
    assert {"torch", "numpy", "plotly", "duckdb"} <= needed
    told = {name: SAID.get(name) or licence(name) for name in sorted(needed)}
    unknown = {name: said for name, said in told.items() if not re.search(FREE, said)}
    assert not unknown
    copyleft = {name: said for name, said in told.items() if re.search(r"\bA?GPL|\bGPLv|General Public", said)}
    assert not {name for name, said in copyleft.items() if not re.search("Lesser|LGPL|MIT|BSD|Apache", said)}


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_files_have_the_permissions_that_the_user_wants(mask: int, tmp_path: Path) -> None:
    """Also those that were written under another name first, such as by DuckDB."""
    assert guarded(tmp_path, f"import os; os.umask({mask}); ran(sys.argv[1])").returncode == 0
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "runs").rglob("*")}
    wrong = {
        path.relative_to(tmp_path): oct(mode)
        for path, mode in modes.items()
        if mode != (0o777 if path.is_dir() else 0o666) & ~mask
    }
    assert not wrong
