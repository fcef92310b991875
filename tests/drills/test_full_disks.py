"""The disk is full at any byte, also within a seal: one line says so, and with space the run ends the same."""

import os
import random
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grokscope.errors import StoreError
from grokscope.runs.doctor import examine
from grokscope.studies.experiment import train
from tests.conftest import tiny
from tests.drills.test_truncated_journals import same

SIZE, TRIES, MANY = 1 << 20, 12, 60


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of a mebibyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def filled(disk: Path, free: int) -> None:
    """Leaves so many bytes, in whole pages."""
    about = os.statvfs(disk)
    (disk / "ballast").write_bytes(bytes(max(0, about.f_bavail * about.f_frsize - free)))


def drilled(disk: Path, tmp_path: Path, count: int) -> Counter[str]:
    draw, found = random.Random(20), Counter[str]()
    config = tiny(seed=3)
    whole = train(config, store=tmp_path / "undisturbed", progress=False)
    needed = sum(path.stat().st_size for path in (tmp_path / "undisturbed").rglob("*") if path.is_file())
    for number in range(count):
        store = disk / str(number)
        filled(disk, draw.randrange(8_192, 2 * needed))
        found[_full(config, store)] += 1
        (disk / "ballast").unlink()
        if store.exists():
            assert examine(store).damages == [], number
        assert same(train(config, store=store, progress=False, resume=True).folder, whole), number
        subprocess.run(["rm", "-r", str(store)], check=True)
    return found


def _full(config: Any, store: Path) -> str:
    """Trains until the disk is full: what was written then; "enough" where all had room."""
    try:
        train(config, store=store, progress=False)
    except StoreError as error:
        said = str(error)
    else:
        return "enough"
    found = re.fullmatch(r"the disk is full while writing .*?/\d+/\w+/(\w+).*", said)
    assert found is not None, said  # one line
    return found[1]


@pytest.mark.usefixtures("often")
def test_a_full_disk_damages_nothing(small: Path, tmp_path: Path) -> None:
    found = drilled(small, tmp_path, TRIES)
    assert sum(found.values()) - found["enough"] >= TRIES // 2


@pytest.mark.slow
@pytest.mark.usefixtures("often")
def test_a_disk_that_is_full_at_many_places(small: Path, tmp_path: Path) -> None:
    found = drilled(small, tmp_path, MANY)
    print(dict(found))
    assert found["metrics"]  # in the middle of a seal
