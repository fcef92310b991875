"""The run that a name means, and what is opened to find it."""

from pathlib import Path

import pytest

from grokscope.cli.base import find_run
from grokscope.runs.store import documents
from grokscope.studies.experiment import train


@pytest.fixture
def others(store: Path, tiny) -> tuple[Path, list[str]]:
    """A store of a pack of two, and of another pack whose description cannot be read."""
    runs = train([tiny(seed=seed, max_steps=2) for seed in range(2)], store=store, progress=False)
    (store / "abcdefabcdef").mkdir()
    (store / "abcdefabcdef" / "pack.json").write_text("{")
    return store, [run.id for run in runs]


def test_an_exact_id_opens_no_other_pack(
    others: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    store, ids = others
    opened, read_file = [], documents.read_file

    def noted(path: Path, *args: object, **more: object) -> bytes:
        opened.append(path.parent.name)
        return read_file(path, *args, **more)  # pyright: ignore

    monkeypatch.setattr(documents, "read_file", noted)
    assert [find_run(id_, store).id for id_ in ids] == ids
    assert set(opened) == {ids[0].partition("-")[0]}
    assert capsys.readouterr().err == ""  # nothing is said of the damaged one
    assert find_run(ids[1][:6] + ids[1][6:-1] + "1", store).replica == 1


def test_the_start_of_an_id_reads_the_store_and_names_what_is_left_out(
    others: tuple[Path, list[str]], capsys: pytest.CaptureFixture
) -> None:
    store, ids = others
    with pytest.raises(ValueError, match=f"is the start of 2 runs: {ids[0]}, {ids[1]}"):
        find_run(ids[0][:5], store)
    assert "abcdefabcdef" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nobody", "nobody-0"])
def test_what_names_no_run_is_said(others: tuple[Path, list[str]], name: str) -> None:
    with pytest.raises(ValueError, match=r"unknown run '"):
        find_run(name, others[0])
