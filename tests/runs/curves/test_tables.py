"""Tables of every format give the same columns; what is damaged is said."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from grokscope.errors import GrokscopeError
from grokscope.runs.curves.formats.tensorboard import _checksum
from grokscope.runs.curves.tables import read_table

BOARD = Path(__file__).parents[2] / "data" / "tensorboard"
STEPS, ACCURACY = [0, 100, 200], [0.5, None, 1.0]


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "step,acc\n0,0.5\n100,\n200,1.0\n"),
        ("a.csv", "\ufeffstep;acc;note\r\n0;0,5;a, b\r\n100;;\r\n200;1,0;\r\n"),
        ("a.tsv", "# step\tacc\n0\t0.5\n100\n200\t1.0\n\n"),
        ("a.jsonl", '{"step": 0, "acc": 0.5}\n{"step": 100, "loss": null}\n{"step": 200, "acc": 1.0, "list": [1]}\n'),
        ("a.json", json.dumps([{"step": 0, "acc": 0.5}, {"step": 100}, {"step": 200, "acc": 1.0}])),
        ("a.json", json.dumps({"log_history": [{"step": 0, "acc": 0.5}, {"step": 100}, {"step": 200, "acc": 1.0}]})),
        ("a.json", json.dumps({"name": "x", "step": STEPS, "acc": ACCURACY})),
    ],
)
def test_every_format_gives_the_same_columns(tmp_path: Path, name: str, content: str) -> None:
    columns = read_table(written(tmp_path, name, content)).columns
    assert [float(cell) for cell in columns["step"]] == STEPS
    assert [None if cell is None else float(cell) for cell in columns["acc"]] == ACCURACY


def test_arrays_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, step=STEPS, acc=[0.5, np.nan, 1.0], about=np.zeros((2, 2)), seed=3)
    assert set(read_table(path).columns) == {"step", "acc"}
    np.savez(path, step=STEPS, acc=[0.5, 1.0])
    with pytest.raises(ValueError, match=r"unequal length \(step 3, acc 2\): .* NaN means not evaluated"):
        read_table(path)
    np.savez(path, step=np.array([None, {}], dtype=object))
    with pytest.raises(GrokscopeError, match="cannot be read as arrays"):
        read_table(path)


def test_objects_within_objects_are_paths(tmp_path: Path) -> None:
    rows = [{"step": 1, "train": {"acc": 0.5}, "eval": {"deep": {"loss": 2}}}]
    columns = read_table(written(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))).columns
    assert set(columns) == {"step", "train/acc", "eval/deep/loss"}


@pytest.mark.parametrize(
    ("name", "content", "kind", "said"),
    [
        ("a.csv", "0,1\n1,2\n", ValueError, "begins with numbers"),
        ("a.csv", "step,acc,acc\n1,2,3\n", ValueError, "has the column 'acc' twice"),
        ("a.csv", "step,acc\n1,2,3\n", ValueError, "a row of 3 cells for 2 columns"),
        ("a.csv", "", GrokscopeError, "is empty"),
        ("a.csv", "step,acc\n", GrokscopeError, "holds no numbers"),
        ("a.csv", b"\xff\xfe\x00", GrokscopeError, "no text in UTF-8"),
        ("a.jsonl", '{"a": 1}\n{"a":\n{"a": 3}\n', GrokscopeError, "line 2 is not JSON"),
        ("a.jsonl", "[1]\n", GrokscopeError, "line 1 is a list"),
        ("a.json", "{", GrokscopeError, "is not JSON"),
        ("a.xlsx", "", ValueError, "ends in .xlsx: expected csv"),
        ("events.out.tfevents.1", b"no events at all", GrokscopeError, "damaged at byte 0"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: str, kind: type, said: str) -> None:
    with pytest.raises(kind, match=said):
        read_table(written(tmp_path, name, content))


def test_a_file_that_is_not_there_and_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(GrokscopeError, match="is not there"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(GrokscopeError, match=r"holds no such file; expected csv, .* or event files"):
        read_table(tmp_path)


def test_a_torn_last_line_is_left_out_and_said(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "a.jsonl", '{"step": 1, "acc": 0.5}\n{"step": 2, "a'))
    assert table.columns["step"] == [1]
    assert table.remarks == ["the last line is torn and was left out"]


# TensorBoard: two files by torch.utils.tensorboard (tensorboard 2.21), plain scalars (acc/train) and tensors of float32
# (acc/test) and float64 (loss/test), a text and a histogram beside them; the second resumes at 4,800 of 5,000.


def test_files_of_the_real_library() -> None:
    table = read_table(BOARD)
    assert set(table.columns) == {"step", "acc/train", "acc/test", "loss/test"}
    rows = list(zip(table.columns["step"], table.columns["acc/train"], strict=True))
    known = {step: value for step, value in rows if value is not None}
    assert list(known) == list(range(0, 10_001, 100))
    assert known[100] == 0.5
    assert known[10_000] == pytest.approx(0.999 / (1 + 0.01**6), rel=1e-7)
    losses = [cell for cell in table.columns["loss/test"] if cell is not None]
    assert losses[0] == 4.7  # in float64
    single = read_table(BOARD / "events.out.tfevents.1.fixture.0")
    assert max(single.columns["step"]) == 5000


def test_a_file_that_breaks_off_and_folders_below(tmp_path: Path) -> None:
    content = (BOARD / "events.out.tfevents.1.fixture.0").read_bytes()
    for folder in ("train", "validation"):
        (tmp_path / folder).mkdir()
        written(tmp_path / folder, "events.out.tfevents.1", content[: len(content) // 2])
    table = read_table(tmp_path)
    assert {"train/acc/train", "validation/acc/test"} <= set(table.columns)
    assert "breaks off" in table.remarks[0]
    spoilt = bytearray(content)
    spoilt[0] ^= 1
    with pytest.raises(GrokscopeError, match="damaged at byte 0"):
        read_table(written(tmp_path, "events.out.tfevents.2", bytes(spoilt)))


def record(message: bytes) -> bytes:
    length = struct.pack("<Q", len(message))
    return length + struct.pack("<I", _checksum(length)) + message + struct.pack("<I", _checksum(message))


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (b"\x15" + struct.pack("<f", 0.25), 0.25),  # simple_value
        (b"\x42\x08\x08\x01\x2a\x04" + struct.pack("<f", 0.5), 0.5),  # a float in a packed list
        (b"\x42\x07\x08\x01\x2d" + struct.pack("<f", 0.5), 0.5),  # not packed
        (b"\x42\x08\x08\x01\x22\x04" + struct.pack("<f", 0.75), 0.75),  # its content (TensorFlow)
        (b"\x42\x0c\x08\x02\x22\x08" + struct.pack("<d", 0.75), 0.75),
        (b"\x42\x05\x08\x09\x52\x01\x03", 3.0),
        (b"\x42\x04\x08\x09\x50\x03", 3.0),
        (b"\x42\x05\x08\x07\x42\x01a", None),  # a text
        (b"\x42\x0c\x08\x01\x22\x08" + bytes(8), None),  # two floats
    ],
)
def test_every_way_of_writing_a_number(tmp_path: Path, value: bytes, number: float | None) -> None:
    summary = b"\x0a\x01a" + value
    inner = b"\x0a" + bytes([len(summary)]) + summary
    event = b"\x09" + bytes(8) + b"\x10\x07" + b"\x2a" + bytes([len(inner)]) + inner
    path = written(tmp_path, "events.out.tfevents.1", record(event))
    if number is None:
        with pytest.raises(GrokscopeError, match="holds no numbers"):
            read_table(path)
    else:
        assert read_table(path).columns == {"step": [7], "a": [number]}
