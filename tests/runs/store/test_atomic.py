"""write_atomic: the old content or the new one, and errors of one line that say what to do."""

import errno
import os

import pytest

from grokscope.errors import StoreError
from grokscope.runs.store import atomic


def test_replaces_the_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "new" / "folder" / "file.json"
    atomic.write_atomic(path, b"old")
    atomic.write_atomic(path, b"new", durable=False)
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("place", ["fsync", "replace"])
def test_keeps_the_old_content_when_writing_fails(tmp_path, monkeypatch, place):
    path = tmp_path / "file.json"
    atomic.write_atomic(path, b"old")

    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, place, fail)
    with pytest.raises(StoreError, match="the disk is full"):
        atomic.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_named_with_what_it_needs(tmp_path, code):
    path = tmp_path / "missing" / "file.json"
    with pytest.raises(StoreError) as caught, atomic.clear_errors(path, 3_500_000):
        raise OSError(code, os.strerror(code))
    message = str(caught.value)
    assert f"the disk is full while writing {path} (needs 3.5 MB, " in message
    assert " MB free" in message
    assert "--resume" in message
    assert "\n" not in message


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_read_only_folder_is_named(tmp_path, code):
    with pytest.raises(StoreError, match="read-only") as caught, atomic.clear_errors(tmp_path / "file.json"):
        raise OSError(code, os.strerror(code))
    assert f"cannot write to {tmp_path}: " in str(caught.value)


def test_another_error_keeps_its_own_reason(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=r"cannot write .*below: (Not a directory|File exists)"):
        atomic.write_atomic(tmp_path / "file" / "below", b"data")


def test_the_sweep_takes_temporary_files_only(tmp_path):
    kept = tmp_path / "journal.jsonl"
    kept.write_bytes(b"{}")
    left = atomic.temporary_beside(kept)
    left.write_bytes(b"half")
    atomic.sweep_temporaries(tmp_path)
    assert list(tmp_path.iterdir()) == [kept]
    atomic.sweep_temporaries(tmp_path / "missing")
