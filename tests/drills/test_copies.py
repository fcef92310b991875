"""A store is copied while it is written: the copy ends as the run did, or is refused by name. Never with a hole."""

import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from grokscope.errors import StoreError
from grokscope.runs.run import Run
from grokscope.studies.experiment import train
from tests.conftest import tiny
from tests.drills.test_kills import ROOT, TRAINER
from tests.drills.test_truncated_journals import same

COPIES, MANY = 4, 60


def drilled(tmp_path: Path, count: int, steps: int) -> Counter[str]:
    config = tiny(max_steps=steps, stop_after=10_000)
    store, found = tmp_path / "store", Counter[str]()
    command = [sys.executable, "-c", TRAINER, str(store), config.model_dump_json()]
    copies, draw = list[Path](), random.Random(20)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        while process.poll() is None:
            time.sleep(draw.uniform(0, steps / 500 / count))
            if len(copies) < count and list(store.glob("*/resume.safetensors")):
                copies.append(tmp_path / f"copy {len(copies)}")
                with suppress(shutil.Error):  # a file that is gone by the time it is read
                    shutil.copytree(store, copies[-1])
    run = train(config, store=store, progress=False, resume=True)
    for copy in copies:
        found[_ended(config, copy, run)] += 1
    return found


def _ended(config: Any, copy: Path, run: Run) -> str:
    try:
        again = train(config, store=copy, progress=False, resume=True)
    except StoreError as error:
        return "refused" if run.folder.name in str(error) else str(error)
    return "the same rows" if same(again.folder, run) else "a hole, silently"


def test_a_copy_of_a_store_that_is_written(tmp_path: Path) -> None:
    found = drilled(tmp_path, COPIES, 600)
    assert found.keys() <= {"the same rows", "refused"}
    assert found["the same rows"]


@pytest.mark.slow
def test_many_copies_of_a_store_that_is_written(tmp_path: Path) -> None:
    found = drilled(tmp_path, MANY, 2_000)
    print(dict(found))
    assert found.keys() <= {"the same rows", "refused"}
    assert found["the same rows"]
