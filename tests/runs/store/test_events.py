"""Events: appended in order, truncated on resume, torn lines dropped."""

import json
import math

import pytest

from grokscope.runs.store import events


def event(step, name="memorized", **more):
    return {"run": "a-0", "step": step, "event": name, **more}


def test_round_trip_after_a_torn_line(tmp_path):
    assert events.read_events(tmp_path) == []
    events.append_event(tmp_path, event(3, accuracy=0.99))
    path = tmp_path / "events.jsonl"
    path.write_bytes(path.read_bytes() + b'{"run": "a-0", "st')
    assert events.read_events(tmp_path) == [event(3, accuracy=0.99)]
    events.append_event(tmp_path, event(5, "onset"))
    assert events.read_events(tmp_path) == [event(3, accuracy=0.99), event(5, "onset")]


def test_truncation_keeps_the_step_itself(tmp_path):
    for step in (1, 2, 3):
        events.append_event(tmp_path, event(step))
    events.truncate_events_after(tmp_path, 2)
    assert events.read_events(tmp_path) == [event(1), event(2)]
    events.truncate_events_after(tmp_path / "missing", 2)
    assert not (tmp_path / "missing").exists()


def test_a_number_that_is_not_finite_is_null_so_that_every_reader_can_read_it(tmp_path):
    events.append_event(tmp_path, event(1, "non-finite", loss=math.nan, norms=[1.0, math.inf]))
    _, line = (tmp_path / "events.jsonl").read_text().splitlines()
    written = json.loads(line, parse_constant=pytest.fail)
    assert len(written.pop("crc")) == 8
    assert written == event(1, "non-finite", loss=None, norms=[1.0, None])


def test_an_event_without_its_fields_is_refused(tmp_path):
    with pytest.raises(ValueError, match="run, step missing"):
        events.append_event(tmp_path, {"event": "onset"})
