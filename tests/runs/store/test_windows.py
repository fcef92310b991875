"""Series of one run between two steps: those that `read_rows` has, sealed or not, each step once."""

from pathlib import Path

import numpy as np
import pytest

from grokscope.errors import StoreError
from grokscope.runs.store.rows import read_rows
from grokscope.runs.store.segments import recover, seal, segment_path
from grokscope.runs.store.windows import read_windows, series_of

VIEWS = {"weights.norm": [""], "attention.entropy": ["head=0", "head=1"]}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Two runs; their rows lie in two segments and in the journal."""
    journal = recover(tmp_path)
    for step in range(0, 90, 10):
        journal.append(
            {"run": run, "step": step, "measure": measure, "view": view, "value": step + number + 0.5}
            for number, run in enumerate(("a-0", "a-1"))
            for measure, views in VIEWS.items()
            for view in views
        )
        if step in (20, 50):
            seal(tmp_path, journal)
    return tmp_path


def test_all_steps_are_those_of_read_rows(pack: Path) -> None:
    found = read_windows(pack, "a-1", list(VIEWS))
    assert list(found) == [("attention.entropy", "head=0"), ("attention.entropy", "head=1"), ("weights.norm", "")]
    for (measure, view), (steps, values) in found.items():
        rows = read_rows(pack, run="a-1", measure=measure, view=view)
        np.testing.assert_array_equal(steps, rows.steps)
        np.testing.assert_array_equal(values, rows.values)


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [(20, 40, [10, 20, 30, 40, 50]), (21, 39, [20, 30, 40]), (0, 5, [0, 10]), (81, 99, [80]), (200, 300, [80])],
)
def test_a_window_has_its_steps_and_the_nearest_outside(pack: Path, start: int, stop: int, expected: list) -> None:
    steps, values = read_windows(pack, "a-0", ["weights.norm"], start=start, stop=stop)["weights.norm", ""]
    assert steps.tolist() == expected
    assert values.tolist() == [step + 0.5 for step in expected]


def test_a_value_that_was_measured_again_counts_once(pack: Path) -> None:
    recover(pack).append([{"run": "a-0", "step": 30, "measure": "weights.norm", "view": "", "value": -1.0}])
    steps, values = read_windows(pack, "a-0", ["weights.norm"])["weights.norm", ""]
    assert steps.tolist() == list(range(0, 90, 10))
    assert values[3] == -1.0


def test_the_series_of_a_run_are_counted(pack: Path) -> None:
    assert series_of(pack, "a-0") == {
        ("attention.entropy", "head=0"): (9, 80),
        ("attention.entropy", "head=1"): (9, 80),
        ("weights.norm", ""): (9, 80),
    }
    assert series_of(pack, "b") == {}


def test_a_name_is_no_sql(pack: Path) -> None:
    assert read_windows(pack, "a-0' OR '1'='1", ["weights.norm"]) == {}
    assert read_windows(pack, "a-0", ["x') OR true --"]) == {}


def test_a_damaged_segment_is_named(pack: Path) -> None:
    path = segment_path(pack, 2)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"seg-000002\.parquet"):
        read_windows(pack, "a-0", ["weights.norm"])
