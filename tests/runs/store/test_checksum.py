"""Checksums: every bit of every kind of file is covered, and nothing that was checked once is believed for ever."""

import os

import pytest
import torch
from safetensors.torch import load

from grokscope.errors import StoreError
from grokscope.runs.store import checkpoints, checksum, documents, events, jsonl, segments
from grokscope.runs.store.journal import Journal, read_journal


def flipped(data: bytes):
    for bit in range(8 * len(data)):
        bad = bytearray(data)
        bad[bit // 8] ^= 1 << bit % 8
        yield bytes(bad)


def test_every_bit_of_a_file_that_carries_its_own_sum_is_covered(tmp_path):
    checkpoint = checkpoints.save(tmp_path, 1, {"W": torch.ones(3)}).read_bytes()
    for data in (checkpoint, documents.document({"a": 1})):
        assert checksum.intact(data) is True
        assert not any(map(checksum.intact, flipped(data)))
        assert None not in map(checksum.intact, flipped(data)), "none looks as if it never had a sum"
    assert torch.equal(load(checkpoint)["W"], torch.ones(3)), "others read it as before"


def test_every_bit_of_a_segment_is_covered(tmp_path):
    journal = segments.recover(tmp_path)
    journal.append([{"run": "a", "step": 1, "measure": "m", "view": "", "value": 0.5}])
    path = segments.seal(tmp_path, journal)
    assert path is not None
    data = path.read_bytes()
    assert checksum.intact(data) is True
    assert not any(map(checksum.intact, flipped(data)))


def test_every_bit_of_a_journal_and_of_events_is_covered(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.prepare()
    contents = [journal.path.read_bytes()]
    rows = [{"run": "a", "step": step, "measure": "m", "view": "", "value": 0.5} for step in range(2)]
    journal.append(rows)
    for data in [*contents, journal.path.read_bytes()]:
        for bad in flipped(data):
            journal.path.write_bytes(bad)
            with pytest.raises(StoreError, match=r"journal\.jsonl"):
                read_journal(journal.path)
    events.append_event(tmp_path, {"run": "a", "step": 1, "event": "onset"})
    path = tmp_path / "events.jsonl"
    for bad in flipped(path.read_bytes()):
        path.write_bytes(bad)
        with pytest.raises(StoreError, match=r"events\.jsonl"):
            events.read_events(tmp_path)


def test_lines_that_are_gone_or_moved_are_damage(tmp_path):
    path = tmp_path / "lines.jsonl"
    jsonl.append(path, [{"a": number} for number in range(4)])
    assert [record["a"] for record in jsonl.read_lines(path).body()] == [0, 1, 2, 3]
    header, *lines = path.read_bytes().splitlines(keepends=True)
    for bad in ([*lines[:1], *lines[2:]], [lines[1], lines[0], *lines[2:]], [*lines, lines[3]]):
        path.write_bytes(b"".join([header, *bad]))
        with pytest.raises(StoreError, match="does not fit its checksum"):
            jsonl.read_lines(path)
    path.write_bytes(b"".join([header, *lines[:2]]))  # a shorter file was whole once: who knows how long says so
    assert len(jsonl.read_lines(path).body()) == 2


def test_a_line_of_old_gets_its_sum_before_the_next_append(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"run": "a", "step": 1, "event": "onset"}\n')
    events.append_event(tmp_path, {"run": "a", "step": 2, "event": "generalized"})
    assert [event["step"] for event in events.read_events(tmp_path)] == [1, 2]
    assert jsonl.read_lines(path).checked
    path.write_text('{"run": "a", "step": 1, "event": "onset"}\n')
    with pytest.raises(StoreError, match="must be repaired before"):
        jsonl.append(path, [{"a": 1}])


def test_a_file_that_changes_is_checked_again(tmp_path, monkeypatch):
    path = tmp_path / "a"
    data = documents.document({"a": 1})
    path.write_bytes(data)
    monkeypatch.setattr(checksum, "FRESH", -1)  # remembered at once
    read = []
    intact = checksum.intact
    monkeypatch.setattr(checksum, "intact", lambda data: read.append(1) or intact(data))
    assert [checksum.checked(path) for _ in range(3)] == [True] * 3
    assert len(read) == 1
    about = path.stat()
    path.write_bytes(data[:-2] + b" }")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))  # what ctime still shows
    assert checksum.checked(path) is False


def test_a_pipe_is_no_file_and_holds_nobody_up(tmp_path):
    os.mkfifo(tmp_path / "pack.json")
    os.mkfifo(tmp_path / "events.jsonl")
    with pytest.raises(StoreError, match="it is not a file"):
        documents.read_pack(tmp_path)
    with pytest.raises(StoreError, match="it is not a file"):
        events.read_events(tmp_path)
    with pytest.raises(StoreError, match="it is not a file"):
        checksum.checked(tmp_path / "pack.json")


def test_one_flipped_bit_is_found_and_more_are_not():
    data = documents.document({"weight_decay": 1.0})
    assert checksum.mended(data.replace(b"1.0", b"9.0")) == data, "1 and 9 differ in one bit"
    assert checksum.mended(data.replace(b"1.0", b"2.0")) is None
    assert checksum.mended(b"x" * 10_000) is None


def test_rows_that_are_measured_anew_are_not_missed(tmp_path):
    journal = segments.recover(tmp_path)
    rows = [{"run": "a", "step": step, "measure": "m", "view": "", "value": 0.5} for step in range(4)]
    journal.append(rows)
    segments.forget(tmp_path, journal, run="a", measures=["m"], steps=[1, 2])
    assert segments.count_rows(tmp_path, 10) == 4
    assert read_journal(tmp_path / "journal.jsonl").forgotten == 2
    journal = segments.recover(tmp_path)
    journal.append(rows[1:2])
    segments.seal(tmp_path, journal)
    assert segments.count_rows(tmp_path, 10) == 5
    assert segments.count_rows(tmp_path, 0) == 3
