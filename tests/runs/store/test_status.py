"""status.json: what was written comes back with a heartbeat; a spoilt file is no status."""

import json
import math
import time

import pytest

from grokscope.runs.store.status import read_status, write_status


def test_round_trip_with_a_heartbeat(tmp_path):
    assert read_status(tmp_path) == {}
    before = time.time()
    write_status(tmp_path, state="running", step=1)
    write_status(tmp_path, state="done", runs={"a-0": {"grokked": True, "loss": math.nan}})
    status = read_status(tmp_path)
    assert before <= status.pop("heartbeat") <= time.time()
    assert status == {"state": "done", "runs": {"a-0": {"grokked": True, "loss": None}}}
    json.loads((tmp_path / "status.json").read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize("content", [b"", b'{"state": "ru', b"[]", b"\0\0"])
def test_a_spoilt_file_is_no_status(tmp_path, content):
    (tmp_path / "status.json").write_bytes(content)
    assert read_status(tmp_path) == {}
