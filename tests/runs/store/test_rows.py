"""Reading a pack's rows: the right ones, in order, from segments and journal, also while a writer seals."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import grokscope.errors
from grokscope.errors import StoreError
from grokscope.runs.store import rows as module
from grokscope.runs.store import segments
from grokscope.runs.store.rows import read_rows

ROOT = Path(grokscope.errors.__file__).parents[1]


def row(run, step, measure, view, value):
    return {"run": run, "step": step, "measure": measure, "view": view, "value": value}


def everything():
    return [
        row(run, step, measure, view, hash((run, step, measure, view)) / 2**64)
        for step in range(0, 60, 10)
        for run in ("a-0", "a-1")
        for measure in ("test_loss", "loss")
        for view in ("", "embed/all")
    ]


@pytest.fixture(params=["journal", "segments", "both"])
def pack(request, tmp_path):
    journal = segments.recover(tmp_path)
    rows = everything()
    half = len(rows) // 2
    for part in (rows[:half], rows[half:]):
        journal.append(part)
        if request.param == "segments" or (request.param == "both" and part[0]["step"] == 0):
            segments.seal(tmp_path, journal)
    return tmp_path


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"run": "a-1"},
        {"measure": "loss"},
        {"view": ""},
        {"run": "a-0", "measure": "test_loss"},
        {"run": "a-0", "measure": "loss", "view": "embed/all"},
        {"measure": "nothing"},
        {"run": "test_loss"},
    ],
)
def test_a_filter_gives_what_a_loop_gives(pack, wanted):
    expected = [one for one in everything() if all(one[key] == text for key, text in wanted.items())]
    read = read_rows(pack, **wanted)
    columns = (read.runs, read.steps, read.measures, read.views, read.values)
    found = [row(*cells) for cells in zip(*(column.tolist() for column in columns), strict=True)]
    assert (np.diff(read.steps) >= 0).all()

    def key(one):
        return one["step"], one["run"], one["measure"], one["view"]

    assert sorted(found, key=key) == sorted(expected, key=key)
    assert (read.steps.dtype, read.values.dtype) == (np.int64, np.float64)
    assert len(read) == len(expected)


def test_an_empty_pack_has_no_rows_and_no_pack_is_an_error(tmp_path):
    read = read_rows(tmp_path)
    assert [len(column) for column in (read.steps, read.values, read.runs, read.measures, read.views)] == [0] * 5
    with pytest.raises(StoreError, match="no pack at"):
        read_rows(tmp_path / "missing")


def test_a_torn_last_line_is_not_read_and_not_repaired(tmp_path):
    journal = segments.recover(tmp_path)
    journal.append([row("a-0", 1, "loss", "", 0.5)])
    torn = journal.path.read_bytes() + b'{"run": "a-0", "step": 2, "measure": "loss", "view": "", "value": 0.'
    journal.path.write_bytes(torn)
    assert read_rows(tmp_path, measure="loss").steps.tolist() == [1]
    assert journal.path.read_bytes() == torn


@pytest.mark.parametrize("missed", [(), (1,), (1, 2)])
def test_seals_between_reading_and_listing_count_once(tmp_path, monkeypatch, missed):
    journal = segments.recover(tmp_path)
    journal.append([row("a-0", 1, "loss", "", 0.5)])
    sealed_numbers = segments.sealed_numbers

    def let_the_writer_go_on_and_list(folder):
        for step in (2, 3):
            segments.seal(tmp_path, journal)
            journal.append([row("a-0", step, "loss", "", 0.25)])
        return [number for number in sealed_numbers(folder) if number not in missed]  # names that came during listing

    monkeypatch.setattr(segments, "sealed_numbers", let_the_writer_go_on_and_list)
    assert read_rows(tmp_path).steps.tolist() == [1]


def test_a_segment_that_a_rewind_removes_under_the_reader_is_read_around(tmp_path, monkeypatch):
    journal = segments.recover(tmp_path)
    for step in (1, 2):
        journal.append([row("a-0", step, "loss", "", 0.5)])
        segments.seal(tmp_path, journal)

    at_one_instant = module.at_one_instant

    def look_and_let_the_writer_rewind(folder, **options):
        seen = at_one_instant(folder, **options)
        segments.rewind(folder, journal, 1)
        return seen

    monkeypatch.setattr(module, "at_one_instant", look_and_let_the_writer_rewind)
    assert read_rows(tmp_path).steps.tolist() == [1]


WRITER = """
import sys
from pathlib import Path
from grokscope.runs.store import rows as module
from grokscope.runs.store import segments

pack = Path(sys.argv[1])
journal = segments.recover(pack)
print("ready", flush=True)
for step in range(400):
    journal.append([{"run": f"a-{r}", "step": step, "measure": "m", "view": "", "value": step} for r in range(8)])
    if step % 5 == 4:
        segments.seal(pack, journal)
"""


def test_a_reader_beside_a_sealing_writer_sees_every_row_once(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        seen, reads = 0, 0
        while writer.poll() is None:
            read = read_rows(tmp_path, run="a-3")
            assert read.steps.tolist() == list(range(len(read)))
            assert len(read) >= seen, "a row that was seen is seen again"
            seen, reads = len(read), reads + 1
    assert writer.returncode == 0
    assert reads > 3
    assert len(read_rows(tmp_path)) == 3200
