"""Names, tags, notes and the trash: what the commands do, asked for by a page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grokscope.runs.keeping import labels, trash
from grokscope.runs.store.lock import hold
from tests.serve.conftest import SAME, config, opened, write


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    """A pack of two, and one of one."""
    pair = write(tmp_path, [config(seed=1), config(seed=2)], until=200)
    return [*pair, *write(tmp_path, [config(seed=0)], until=200)]


@pytest.fixture
def post(tmp_path: Path, runs: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr("grokscope.serve.index.AGAIN", 0.0)
    with opened(tmp_path) as client:

        def act(path: str, **sent: Any) -> Any:
            return client.post(f"/data/{path}", json=sent, headers=SAME)

        yield act


def test_names_tags_and_notes_are_those_of_the_commands(post: Any, runs: list[str], tmp_path: Path) -> None:
    hostile = '<script>alert("1")</script>\n\u202e"\''
    assert post("label", runs=[runs[0]], name="first", note=hostile).status_code == 200
    assert post("label", runs=runs, add=["paper", "标签"]).status_code == 200
    assert post("label", runs=[runs[2]], remove=["paper"]).status_code == 200
    assert labels(tmp_path) == {
        runs[0]: {"name": "first", "note": hostile.replace("\u202e", ""), "tags": ["paper", "标签"]},
        runs[1]: {"tags": ["paper", "标签"]},
        runs[2]: {"tags": ["标签"]},
    }


def test_removed_runs_lie_in_the_trash_and_come_back(post: Any, runs: list[str], tmp_path: Path) -> None:
    pack = runs[0].partition("-")[0]
    before = {path.name: path.read_bytes() for path in (tmp_path / pack).iterdir() if path.is_file()}
    assert post("remove", runs=[runs[0], runs[1]]).status_code == 200  # one pack, moved once
    assert trash(tmp_path) == [pack]
    assert not (tmp_path / pack).exists()
    assert post("remove", runs=[runs[0]]).status_code == 404
    assert post("restore", packs=[pack]).status_code == 200
    assert {path.name: path.read_bytes() for path in (tmp_path / pack).iterdir() if path.is_file()} == before
    assert trash(tmp_path) == []


def test_a_pack_that_is_written_stays(post: Any, runs: list[str], tmp_path: Path) -> None:
    with hold(tmp_path / runs[2]):
        answer = post("remove", runs=[runs[2]])
    assert answer.status_code == 409
    assert "is being written" in answer.text
    assert (tmp_path / runs[2] / "pack.json").exists()


@pytest.mark.parametrize(
    "case",
    [
        ("label", {}, 400),
        ("label", {"runs": []}, 400),
        ("label", {"runs": "x"}, 400),
        ("label", {"runs": ["x"] * 501}, 400),
        ("label", {"runs": ["../x"], "name": "a"}, 404),
        ("label", {"runs": [0], "name": "b", "more": 1}, 400),
        ("label", {"runs": [2], "name": "a b"}, 400),
        ("label", {"runs": [2], "name": ["a"]}, 400),
        ("label", {"runs": [2], "note": "x" * 2001}, 400),
        ("label", {"runs": [2], "remove": ["nothing"]}, 400),
        ("label", {"runs": [0, 2], "name": "two"}, 400),
        ("label", {"runs": [2], "note": "x" * 30_000}, 413),
        ("remove", {"runs": ["..", "/etc"]}, 404),
        ("restore", {"packs": ["../../etc"]}, 400),
        ("restore", {"packs": ["nothing"]}, 400),
    ],
)
def test_what_cannot_be_is_one_line_and_changes_nothing(
    post: Any, runs: list[str], tmp_path: Path, case: tuple[str, dict[str, Any], int]
) -> None:
    path, sent, status = case
    if isinstance(sent.get("runs"), list):
        sent = sent | {"runs": [runs[run] if isinstance(run, int) else run for run in sent["runs"]]}
    answer = post(path, **sent)
    assert answer.status_code == status
    assert answer.text.count("\n") == 1
    assert labels(tmp_path) == {}
    assert trash(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 20_000, b'{"runs": NaN}'])
def test_a_body_that_is_no_object(post: Any, tmp_path: Path, content: bytes) -> None:
    with opened(tmp_path) as client:
        assert client.post("/data/label", content=content, headers=SAME).status_code == 400
