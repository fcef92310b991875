"""The journal: whatever byte a crash cuts it at, a prefix of its rows is read and appending works again."""

import math
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grokscope.errors import StoreError
from grokscope.runs.store import jsonl
from grokscope.runs.store.journal import Journal

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
ROW = st.fixed_dictionaries(
    {
        "run": TEXT,
        "step": st.integers(0, 2**62),
        "measure": TEXT,
        "view": TEXT,
        "value": st.floats(allow_nan=False, allow_infinity=False),
    }
)


def row(step, value=1.0, measure="test_loss"):
    return {"run": "a-0", "step": step, "measure": measure, "view": "", "value": value}


@settings(deadline=None)  # each example syncs to the disk, which may be busy
@given(evaluations=st.lists(st.lists(ROW, max_size=3), max_size=4), data=st.data())
def test_cut_at_any_byte_it_reads_a_prefix_and_appends_again(evaluations, data):
    rows = [one for evaluation in evaluations for one in evaluation]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal.jsonl")
        journal = Journal(path, segment=7)
        journal.prepare()
        for evaluation in evaluations:
            assert journal.append(evaluation) == []
        assert journal.read().rows == rows
        whole = path.read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:cut])

        after = Journal(path, segment=7)
        contents = after.read()
        assert contents.rows == rows[: max(0, whole[:cut].count(b"\n") - 1)]
        assert contents.torn == (cut > 0 and not whole[:cut].endswith(b"\n"))
        assert path.read_bytes() == whole[:cut], "reading must not write"
        after.append([row(1)])
        assert after.read().rows == [*contents.rows, row(1)]
        assert after.read().segment == 7
        assert not after.read().torn


def test_a_last_line_of_zeros_is_torn(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append([row(1)])
    with open(journal.path, "ab") as file:
        file.write(b"\0" * 50 + b"\n")  # what a power cut leaves where the length was written and the data was not
    assert journal.read().torn
    assert journal.read().rows == [row(1)]
    Journal(journal.path).append([row(2)])
    assert journal.read().rows == [row(1), row(2)]


def test_values_that_are_not_finite_are_left_out_and_told(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    bad = [row(2, math.nan), row(2, math.inf), row(2, -math.inf)]
    assert journal.append([row(1), *bad, row(3)]) == bad
    assert journal.read().rows == [row(1), row(3)]
    assert b"NaN" not in journal.path.read_bytes()


def test_numpy_numbers_are_written_as_numbers(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append([row(np.int64(3), np.float32(0.5))])
    assert journal.read().rows == [row(3, 0.5)]


@pytest.mark.parametrize("containing", [(), (b"test_loss",)])
def test_a_bad_line_in_the_middle_is_damage_with_file_and_line(tmp_path, containing):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append([row(1), row(2), row(3)])
    lines = journal.path.read_bytes().split(b"\n")
    lines[2] = lines[2][:-3]
    journal.path.write_bytes(b"\n".join(lines))
    with pytest.raises(StoreError, match=r"journal\.jsonl is damaged: line 3 "):
        jsonl.read_lines(journal.path).records(start=1, containing=containing)


def test_a_foreign_file_is_not_a_journal(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_text('{"run": "a"}\n{"run": "b"}\n')
    with pytest.raises(StoreError, match="is not a journal"):
        Journal(path).read()


def test_reading_what_does_not_exist_makes_nothing(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    assert journal.read().rows == []
    assert journal.size == 0
    assert not journal.path.exists()


def test_truncation_keeps_the_step_itself_and_the_header(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl", segment=4)
    journal.append([row(step, measure=measure) for step in (0, 10, 20, 30) for measure in ("a", "b")])
    journal.truncate_after(10)
    assert [one["step"] for one in journal.read().rows] == [0, 0, 10, 10]
    assert journal.read().segment == 4
    before = journal.path.read_bytes()
    journal.truncate_after(10)
    assert journal.path.read_bytes() == before


@pytest.mark.parametrize("taken", [0, 30])
def test_a_write_that_fails_midway_is_taken_back(tmp_path, monkeypatch, taken):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append([row(1)])
    before = journal.path.read_bytes()
    calls = []
    write = os.write

    def fills_up(descriptor, data):
        calls.append(len(data))
        if len(calls) > 1 or not taken:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:taken])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fills_up)
        with pytest.raises(StoreError, match="the disk is full"):
            journal.append([row(2), row(3)])
    assert journal.path.read_bytes() == before
    journal.append([row(4)])
    assert journal.read().rows == [row(1), row(4)]
