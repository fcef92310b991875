"""A store is data: what stands in it is not believed without reason, and never obeyed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from grokscope.cli.base import main
from grokscope.errors import StoreError
from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.runs.listing import summaries
from grokscope.runs.run import load_pack
from grokscope.runs.store import mirror
from grokscope.runs.store.query import query
from grokscope.studies.experiment import train
from grokscope.studies.plan import plan
from tests.conftest import tiny
from tests.drills.conftest import Place

DEEP = b"[" * 20_000 + b"]" * 20_000
NESTED = b'{"run": "x", "step": 1, "event": "e", "more": ' + b"[" * 500 + b"]" * 500 + b"}\n"
CONTENTS = {
    "empty": b"",
    "null": b"null\n",
    "a list": b"[]\n",
    "a number": b"1\n",
    "no keys": b"{}\n",
    "wrong types": b'{"runs": 3, "run": [], "step": "x", "event": {}, "state": [], "segment": "a", "arms": 1}\n',
    "more wrong types": b'{"runs": [[]], "run": null, "step": true, "event": 1, "state": {"a": []}, "segment": -1}\n',
    "nothing but a run": b'{"runs": [{"run": "../../x", "config": {}}], "run": "a"}\n',
    "deep": DEEP,
    "deep in an event": NESTED,
    "not UTF-8": b'{"run": "\xff\xfe"}\n',
    "zeros": b"\0" * 100,
    "a huge number": b'{"run": "a", "step": 1' + b"0" * 400 + b', "event": "e", "runs": [], "segment": 1}\n',
    "a number beyond floats": b'{"segment": 1}\n{"run": "a", "step": 0, "measure": "m", "view": "", "value": 1e999}\n',
}
FILES = ("pack.json", "status.json", "events.jsonl", "journal.jsonl", "metrics/seg-000001.parquet")


def walk(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*")
    }


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "contents", [("wrong types", "deep"), pytest.param(tuple(CONTENTS), marks=pytest.mark.slow)], ids=["two", "all"]
)
def test_whatever_a_file_holds_the_other_packs_answer(
    place: Place, file: str, contents: tuple[str, ...], capsys: pytest.CaptureFixture
) -> None:
    store = ["--store", str(place.store)]
    for content in (CONTENTS[name] for name in contents):
        (place.done / file).write_bytes(content)
        for command in (
            ["list", "--json"],
            ["query", "select pack, run from runs", "--json"],
            ["query", "select pack, run from metrics", "--json"],
            ["query", "select pack, run from events", "--json"],
            ["show", place.other.name, "--json"],
        ):
            assert main([*command, *store]) == 0, (content[:40], command)
            out = capsys.readouterr().out
            assert place.other.name in out, (content[:40], command)
            json.loads(out)
        assert main(["show", f"{place.done.name}-0", *store]) in (0, 1)
        assert main(["doctor", "--json", *store]) in (0, 1)
        capsys.readouterr()


def edited(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    about = json.loads(path.read_text())
    change(about)
    path.write_text(json.dumps(about, indent=1))


@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        lambda about: about["runs"][0]["config"].update(weight_decay=9.0),
        lambda about: about["runs"].reverse(),
        lambda about: about["runs"].pop(),
        lambda about: about["runs"][1].update(run="../../elsewhere"),
        lambda about: about.update(pack="0123456789ab"),
    ],
)
def test_an_edited_description_is_refused(
    place: Place, capsys: pytest.CaptureFixture, change: Callable, checksum: bool
) -> None:
    """Also one that takes the checksum away, as descriptions of old had none: the id is a hash of the configs."""
    edited(place.done / "pack.json", change)
    if not checksum:
        edited(place.done / "pack.json", lambda about: about.pop("checksum"))
    with pytest.raises(StoreError, match=r"pack\.json cannot be read: .*grokscope doctor"):
        load_pack(place.done)
    assert main(["list", "--store", str(place.store)]) == 0
    out, err = capsys.readouterr()
    assert "pack.json cannot be read" in err
    assert place.other.name in out
    assert place.done.name not in out


def test_an_edited_status_is_not_believed(place: Place) -> None:
    def lie(status: dict[str, Any]) -> None:
        for one in status["runs"].values():
            one.update(generalized_at=7, grokked=True)

    true = list(summaries(place.store))
    edited(place.done / "status.json", lie)
    sql = "select count(*) from runs where generalized_at = 7 or grokked"
    assert query(place.store, sql)[1] == [(0,)]
    phases = [{name: one[name] for name in ("run", "grokked", "generalized_at", "final", "steps")} for one in true]
    after = list(summaries(place.store))
    assert [{name: one[name] for name in phases[0]} for one in after] == phases
    edited(place.done / "status.json", lambda status: status.pop("checksum"))
    assert query(place.store, sql)[1] == [(0,)]
    assert list(summaries(place.store)) == true
    assert main(["doctor", "--store", str(place.store)]) == 1


def test_a_url_in_a_store_from_elsewhere_is_not_obeyed(place: Place, tmp_path: Path) -> None:
    home = tmp_path / "home"
    victim = home / place.done.name
    victim.mkdir(parents=True)
    (victim / "thesis.txt").write_text("years of work")
    (place.store / ".url").write_text(f"file://{home}")
    before = walk(home)
    measure_checkpoints(load_pack(place.done)[0], only=("weights.effective_rank",))
    train(tiny(max_steps=3, seed=9), store=place.store, progress=False)
    assert mirror.address(place.store) == str(place.store)
    plan("study", {"a": [tiny(seed=0)]}, place.store)
    assert walk(home) == before


def test_a_mirror_removes_nothing_there_that_it_did_not_put_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run = train(tiny(max_steps=3), store=f"file://{tmp_path}/there", progress=False)
    there = tmp_path / "there" / run.id
    (there / "thesis.txt").write_text("years of work")
    (run.folder / "note.txt").write_text("mine")
    mirror.publish(run.folder)
    assert (there / "note.txt").exists()
    (run.folder / "note.txt").unlink()
    mirror.publish(run.folder)
    assert not (there / "note.txt").exists()
    assert (there / "thesis.txt").read_text() == "years of work"


def test_names_from_elsewhere_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    MemoryFileSystem.store.clear()
    files = MemoryFileSystem()
    for name in ("pack.json", "../../../escaped", ".url", ".sent/x.txt", "metrics/../../../../escaped"):
        files.store[f"/hostile/abc/{name}"] = files.open(f"/x{len(name)}", "wb")
        files.pipe_file(f"/hostile/abc/{name}", b"{}")
    files.pipe_file("/hostile/.url", b"file:///")
    root = mirror.opened("memory://hostile")
    assert (root / ".url").read_text() == "memory://hostile"
    assert sorted(path.name for path in (root / "abc").rglob("*")) == ["pack.json"]
    assert not list(tmp_path.rglob("escaped"))
    MemoryFileSystem.store.clear()


def test_a_plan_that_names_other_folders_is_refused(place: Place, tmp_path: Path) -> None:
    from grokscope.studies.study import load_study

    folder = place.store / "studies" / "bad"
    folder.mkdir(parents=True)
    about = {"study": "bad", "name": "bad", "axes": {}, "packs": [], "measures": [], "arms": {"a": ["../../home-0"]}}
    (folder / "plan.json").write_text(json.dumps(about))
    with pytest.raises(StoreError, match=r"plan\.json cannot be read"):
        load_study(place.store, "bad")


def test_a_study_leaves_out_a_damaged_pack_and_says_so(place: Place, capsys: pytest.CaptureFixture) -> None:
    found = plan("study", {"a": [tiny(seed=seed) for seed in range(3)]}, place.store)
    assert found.todo == []
    path = place.done / "metrics" / "seg-000001.parquet"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(bytes(data))
    runs = found.study.runs()["a"]
    assert [run.id for run in runs] == [place.other.name]
    assert str(path) in capsys.readouterr().err
