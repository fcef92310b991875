"""Sealing: no row lost and none twice, whenever the writer dies and however full the disk is."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import grokscope.errors
from grokscope.errors import StoreError
from grokscope.runs.store import segments
from grokscope.runs.store.journal import Journal
from grokscope.runs.store.rows import read_rows

ROOT = Path(grokscope.errors.__file__).parents[1]


def rows(*steps, value=None):
    return [
        {"run": f"a-{replica}", "step": step, "measure": "test_loss", "view": "", "value": step + replica / 3}
        for step in steps
        for replica in (0, 1)
    ]


def steps_of(folder):
    return read_rows(folder, run="a-1").steps.tolist()


def die(*arguments, **options):
    raise KeyboardInterrupt


@pytest.fixture
def pack(tmp_path):
    """A folder whose name is SQL and a pattern, beside one that the pattern fits."""
    decoy = tmp_path / "it's another"
    journal = segments.recover(decoy)
    for step in (100, 200):
        journal.append(rows(step))
        if step == 100:
            segments.seal(decoy, journal)
    return tmp_path / "it's a*"


def test_a_sealed_row_is_the_row_bit_for_bit(pack):
    values = [0.1, -0.0, 5e-324, 1.7976931348623157e308, 1 / 3, 2.0**-1074 * 3, 123456789.123456789]
    journal = segments.recover(pack)
    given = [{"run": "ü\n'", "step": i, "measure": "m", "view": '"', "value": x} for i, x in enumerate(values)]
    journal.append(given)
    path = segments.seal(pack, journal)
    assert path == pack / "metrics" / "seg-000001.parquet"
    assert journal.read().rows == []
    assert journal.read().segment == 2
    read = read_rows(pack)
    assert read.values.tobytes() == np.array(values).tobytes()
    assert set(read.runs) == {"ü\n'"}
    assert set(read.views) == {'"'}


def test_sealing_nothing_makes_no_segment(pack):
    journal = segments.recover(pack)
    assert segments.seal(pack, journal) is None
    assert segments.sealed_numbers(pack) == []


def test_killed_between_rename_and_reset_nothing_is_lost_or_doubled(pack, monkeypatch):
    journal = segments.recover(pack)
    journal.append(rows(1, 2))

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "reset", die)
        with pytest.raises(KeyboardInterrupt):
            segments.seal(pack, journal)
    assert journal.read().rows == rows(1, 2), "the crash left the journal as it was"
    assert steps_of(pack) == [1, 2], "a reader counts the rows once before the recovery"
    with pytest.raises(StoreError, match="immutable"):
        segments.seal(pack, journal)
    journal = segments.recover(pack)
    assert steps_of(pack) == [1, 2]
    journal.append(rows(3))
    segments.seal(pack, journal)
    assert steps_of(pack) == [1, 2, 3]
    assert segments.sealed_numbers(pack) == [1, 2]


def test_killed_before_the_rename_the_rows_stay_in_the_journal(pack, monkeypatch):
    journal = segments.recover(pack)
    journal.append(rows(1))

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", die)
        patch.setattr(Path, "unlink", die)  # a killed process tidies nothing
        with pytest.raises(KeyboardInterrupt):
            segments.seal(pack, journal)
    assert len(list((pack / "metrics").iterdir())) == 1
    assert steps_of(pack) == [1]
    segments.recover(pack)
    assert list((pack / "metrics").iterdir()) == []
    assert steps_of(pack) == [1]


def test_recovery_repairs_a_torn_line_and_a_second_one_changes_nothing(pack):
    journal = segments.recover(pack)
    journal.append(rows(1))
    with open(journal.path, "ab") as file:
        file.write(b'{"run": "a-0"')
    segments.recover(pack)
    content = journal.path.read_bytes()
    assert content.endswith(b"}\n")
    segments.recover(pack)
    assert journal.path.read_bytes() == content


@pytest.mark.parametrize(("step", "left", "sealed"), [(5, [1, 2, 3, 4, 5], 2), (3, [1, 2, 3], 2), (2, [1, 2], 1)])
def test_rewinding_reaches_into_the_segments_where_it_must(pack, step, left, sealed):
    journal = segments.recover(pack)
    for part in (rows(1, 2), rows(3, 4)):
        journal.append(part)
        segments.seal(pack, journal)
    journal.append(rows(5, 6))
    before = (pack / "metrics" / "seg-000001.parquet").stat().st_mtime_ns
    segments.rewind(pack, journal, step)
    assert steps_of(pack) == left
    assert len(segments.sealed_numbers(pack)) == sealed
    assert (pack / "metrics" / "seg-000001.parquet").stat().st_mtime_ns == before, "untouched where nothing is beyond"
    journal = segments.recover(pack)
    journal.append(rows(7))
    segments.seal(pack, journal)
    assert steps_of(pack) == [*left, 7]


def test_a_damaged_segment_is_named(pack):
    journal = segments.recover(pack)
    journal.append(rows(1))
    path = segments.seal(pack, journal)
    assert path is not None
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError, match=r"truncated or damaged segment in .*seg-000001\.parquet") as caught:
        read_rows(pack)
    assert "\n" not in str(caught.value)


FULL_DISK = """
import resource, sys
from pathlib import Path
from grokscope.errors import StoreError
from grokscope.runs.store import atomic, checkpoints, segments
import torch

def refuse(act):
    try:
        act()
    except StoreError as error:
        print(error)
    else:
        raise SystemExit("no StoreError")

def rows(step, n):
    return [{"run": f"a-{i}", "step": step, "measure": "m", "view": "", "value": hash((i, step)) / 7} for i in range(n)]

pack = Path(sys.argv[1])
journal = segments.recover(pack)
journal.append(rows(1, 1000))
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))  # Python ignores SIGXFSZ: writing beyond it fails with EFBIG
refuse(lambda: journal.append(rows(2, 1000)))
refuse(lambda: segments.seal(pack, journal))
refuse(lambda: checkpoints.save(pack, 1, {"W": torch.zeros(2000)}))
"""


def test_on_a_full_disk_the_error_is_clear_and_the_store_opens_again(pack):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(pack)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    messages = done.stdout.splitlines()
    assert len(messages) == 3
    for message, name in zip(messages, ("journal.jsonl", "seg-000001.parquet", "step-00000001"), strict=True):
        assert message.startswith("the disk is full while writing ")
        assert name in message
        assert "--resume" in message
    assert len(read_rows(pack)) == 1000
    assert sorted(path.name for path in pack.rglob("*") if path.is_file()) == ["journal.jsonl"]
    journal = segments.recover(pack)
    journal.append(rows(2))
    segments.seal(pack, journal)
    assert len(read_rows(pack)) == 1002
