"""Runs as things one keeps: names, tags, removal that can be undone, fewer checkpoints; and the list of runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from grokscope.cli.base import find_pack, find_run, main
from grokscope.errors import GrokscopeError, StoreError
from grokscope.runs.keeping import labels, note, prune, remove, rename, restore, tag, trash
from grokscope.runs.run import Run, load, runs
from grokscope.runs.store.lock import hold
from grokscope.studies.experiment import train
from tests.conftest import tiny


@pytest.fixture
def three(store: Path) -> list[Run]:
    """A pack of two and a run alone."""
    pair = train([tiny(seed=seed, max_steps=30, weight_decay=0.5) for seed in (0, 1)], store=store, progress=False)
    return [*pair, train(tiny(max_steps=30), store=store, progress=False)]


def test_a_name_finds_its_run_and_is_nobody_elses(three: list[Run], store: Path) -> None:
    rename(store, three[1].id, "first-try")
    assert find_run("first-try", store).id == three[1].id
    with pytest.raises(ValueError, match=f"the run {three[1].id} is called first-try already"):
        rename(store, three[0].id, "first-try")
    rename(store, three[1].id, "second")
    rename(store, three[0].id, "first-try")
    assert labels(store) == {three[1].id: {"name": "second"}, three[0].id: {"name": "first-try"}}


@pytest.mark.parametrize("name", ["", "a b", "../x", "latest", "0123456789ab", "0123456789ab-3", "x" * 61, "a\n"])
def test_a_name_is_a_word_and_no_id(three: list[Run], store: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"a name is a word|cannot be called"):
        rename(store, three[0].id, name)
    assert labels(store) == {}


def test_tags_come_and_go(three: list[Run], store: Path) -> None:
    assert tag(store, three[0].id, ["paper", "ok", "paper"]) == ["paper", "ok"]
    assert tag(store, three[0].id, ["later"], ["paper"]) == ["ok", "later"]
    with pytest.raises(ValueError, match="has no tag paper; it has ok, later"):
        tag(store, three[0].id, [], ["paper"])
    assert tag(store, three[0].id, [], ["ok", "later"]) == []
    assert labels(store) == {}


def test_a_damaged_file_of_names_is_named(three: list[Run], store: Path) -> None:
    rename(store, three[0].id, "mine")
    path = store / ".labels" / "labels.json"
    path.write_text(path.read_text().replace("mine", "mime"))
    with pytest.raises(StoreError, match=r"labels\.json"):
        find_run("mine", store)
    assert [run.id for run in runs(store)] == [run.id for run in three]


def test_what_is_removed_can_be_brought_back(three: list[Run], store: Path) -> None:
    alone = three[2]
    before = {path.name: path.read_bytes() for path in alone.folder.iterdir() if path.is_file()}
    remove(find_pack(alone.id, store))
    assert [run.id for run in runs(store)] == [run.id for run in three[:2]]
    restore(store, alone.id)
    assert {path.name: path.read_bytes() for path in alone.folder.iterdir() if path.name in before} == before
    remove(alone.folder)
    again = train(tiny(max_steps=30), store=store, progress=False)
    with pytest.raises(GrokscopeError, match="it was trained anew since"):
        restore(store, alone.id)
    remove(again.folder)
    assert sorted(path.name for path in (store / ".trash").iterdir()) == [alone.id, f"{alone.id}.1"]
    restore(store, alone.id)
    with pytest.raises(GrokscopeError, match="has no pack nobody"):
        restore(store, "nobody")


def test_a_run_that_is_written_and_one_of_a_pack_stay(three: list[Run], store: Path) -> None:
    with hold(three[2].folder), pytest.raises(StoreError, match="is being written"):
        remove(three[2].folder)
    with pytest.raises(
        ValueError, match=rf"{three[0].id} is one of the 2 runs of a pack, .* name {three[0].folder.name}"
    ):
        find_pack(three[0].id, store)
    assert find_pack(three[0].folder.name, store) == three[0].folder


@pytest.mark.parametrize("keep", [2, 3, 50])
def test_the_first_and_the_last_checkpoint_stay(three: list[Run], store: Path, keep: int) -> None:
    run = three[2]
    steps, rows, weights = run.checkpoints, len(run.rows()), run.snapshot().params["W_E"].clone()
    kept = prune(run.folder, keep)
    assert load(run.folder).checkpoints == kept
    assert len(kept) == min(keep, len(steps))
    assert {kept[0], kept[-1]} == {0, 30}
    assert set(kept) <= set(steps)
    assert len(run.rows()) == rows
    assert (load(run.folder).snapshot().params["W_E"] == weights).all()
    with pytest.raises(GrokscopeError, match="cannot go on"):
        train(tiny(max_steps=40), store=store, extend=True, progress=False)
    with pytest.raises(ValueError, match="keep at least 2"):
        prune(run.folder, 1)


def listed(store: Path, capsys: pytest.CaptureFixture, *more: str) -> Any:
    capsys.readouterr()
    assert main(["list", "runs", "--store", str(store), "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)["runs"]


def test_the_list_shows_what_differs_and_what_is_asked_for(
    three: list[Run], store: Path, capsys: pytest.CaptureFixture
) -> None:
    ids = [run.id for run in three]
    assert main(["tag", ids[0], "paper", "--store", str(store)]) == 0
    assert main(["rename", ids[2], "mine", "--store", str(store)]) == 0
    capsys.readouterr()
    assert main(["list", "--store", str(store)]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split()[:5] == ["run", "seed", "weight", "decay", "name"], "they differ in nothing else"
    assert [line.split()[1:3] for line in lines[:3]] == [["0", "0.5"], ["1", "0.5"], ["0", "1"]]
    assert [one["run"] for one in listed(store, capsys, "--where", "weight_decay < 1", "--sort=-seed")] == ids[1::-1]
    (chosen,) = listed(store, capsys, "--where", "seed = 1", "--columns", "weight_decay,p")
    assert chosen["columns"] == {"weight_decay": 0.5, "p": tiny().p}
    assert [one["run"] for one in listed(store, capsys, "--tag", "paper")] == ids[:1]
    assert [one["name"] for one in listed(store, capsys)] == [None, None, "mine"]
    assert main(["list", "runs", "--store", str(store), "--where", "nosuch > 1"]) == 2
    assert "nosuch" in capsys.readouterr().err


def test_by_command_a_run_goes_to_the_trash_and_back(
    three: list[Run], store: Path, capsys: pytest.CaptureFixture
) -> None:
    def run(*words: str) -> int:
        return main([*words, "--store", str(store)])

    assert run("rm", three[2].id, three[0].id) == 2, "all are known, or none is touched"
    assert len(list(runs(store))) == 3
    assert run("rm", three[2].id, three[0].folder.name) == 0
    assert list(runs(store)) == []
    assert run("rm", "--undo", three[2].id) == 0
    assert run("prune", three[2].id, "--keep-checkpoints", "2") == 0
    assert load(three[2].folder).checkpoints == [0, 30]
    assert run("rm", "--undo", "../outside") == 1


def test_a_note_is_kept_beside_name_and_tags(three: list[Run], store: Path) -> None:
    run = three[0].id
    tag(store, run, ["paper"])
    assert note(store, run, "  slower\nthan the \x00\x1bother  ") == "slower\nthan the other"
    assert labels(store) == {run: {"tags": ["paper"], "note": "slower\nthan the other"}}
    rename(store, run, "slow")
    assert labels(store)[run]["note"] == "slower\nthan the other"
    note(store, run, "")
    assert labels(store) == {run: {"tags": ["paper"], "note": "", "name": "slow"}}
    note(store, three[1].id, "alone")
    note(store, three[1].id, " ")
    assert three[1].id not in labels(store)


def test_a_note_has_an_end(three: list[Run], store: Path) -> None:
    with pytest.raises(ValueError, match="at most 2000 characters, got 2001"):
        note(store, three[0].id, "x" * 2001)


def test_the_trash_lists_what_can_come_back(three: list[Run], store: Path) -> None:
    assert trash(store) == []
    pack = three[0].folder
    remove(pack)
    remove(three[2].folder)
    assert trash(store) == [three[2].folder.name, pack.name]
    restore(store, pack.name)
    assert trash(store) == [three[2].folder.name]


def test_a_note_from_the_command_line(three: list[Run], store: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["tag", three[0].id, "--note", "looks odd", "--store", str(store)]) == 0
    assert "looks odd" in capsys.readouterr().out
    assert main(["tag", three[0].id, "--store", str(store), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"run": three[0].id, "tags": [], "note": "looks odd"}
