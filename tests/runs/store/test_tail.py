"""What is new in a journal: every row once, and a word when rows may have come and gone."""

from pathlib import Path

import pytest

from grokscope.errors import StoreError
from grokscope.runs.store.journal import Journal, Measured
from grokscope.runs.store.segments import recover, rewind, seal
from grokscope.runs.store.tail import NOWHERE, cursor, since


def row(step: int, value: float = 1.0) -> Measured:
    return {"run": "a-0", "step": step, "measure": "test_loss", "view": "", "value": value}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = recover(tmp_path)
    made.append([row(0), row(1)])
    return made


def test_each_row_comes_once_and_in_order(journal: Journal, tmp_path: Path) -> None:
    at, seen = cursor(tmp_path), []
    for step in range(2, 8):
        journal.append([row(step), row(step, 2.0)])
        news = since(tmp_path, at)
        assert not news.again
        seen += [(one["step"], one["value"]) for one in news.rows]
        at = news.cursor
    assert seen == [(step, value) for step in range(2, 8) for value in (1.0, 2.0)]
    assert since(tmp_path, at).rows == []
    assert since(tmp_path, at).cursor == at == cursor(tmp_path)


def test_half_a_line_is_left_for_later(journal: Journal, tmp_path: Path) -> None:
    at = cursor(tmp_path)
    journal.append([row(2)])
    path = tmp_path / "journal.jsonl"
    whole = path.read_bytes()
    for cut in range(int(at.partition(".")[0]), len(whole)):
        path.write_bytes(whole[:cut])
        assert since(tmp_path, at).rows == []
        assert cursor(tmp_path) == at
    path.write_bytes(whole)
    assert [one["step"] for one in since(tmp_path, at).rows] == [2]


def test_a_sealed_journal_asks_to_read_anew(journal: Journal, tmp_path: Path) -> None:
    at = cursor(tmp_path)
    journal.append([row(2)])
    seal(tmp_path, journal)
    journal.append([row(3), row(4), row(5)])  # longer than it was before
    news = since(tmp_path, at)
    assert (news.again, news.rows, news.cursor) == (True, [], cursor(tmp_path))


def test_a_rewound_journal_asks_to_read_anew(journal: Journal, tmp_path: Path) -> None:
    at = cursor(tmp_path)
    rewind(tmp_path, journal, 0)
    for step in range(1, 5):
        journal.append([row(step, 3.0)])
    assert since(tmp_path, at).again


def test_a_changed_row_is_damage(journal: Journal, tmp_path: Path) -> None:
    at = cursor(tmp_path)
    journal.append([row(2)])
    path = tmp_path / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"step": 2', b'"step": 9'))
    with pytest.raises(StoreError, match="does not fit its checksum"):
        since(tmp_path, at)


def test_a_journal_that_is_not_there_yet(tmp_path: Path) -> None:
    assert cursor(tmp_path) == NOWHERE
    assert not since(tmp_path, NOWHERE).again
    recover(tmp_path).append([row(0)])
    assert since(tmp_path, NOWHERE).again
    (tmp_path / "journal.jsonl").unlink()
    assert since(tmp_path, "99.0123abcd").again


@pytest.mark.parametrize("text", ["", "7", "-1.01234567", "x.01234567", "9" * 30 + ".01234567", "7.0123456", "../x"])
def test_a_text_that_is_no_cursor(journal: Journal, tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="a cursor is"):
        since(tmp_path, text)
