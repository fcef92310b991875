"""What is written, and where: nothing outside the store, nothing through its links, nothing where it has moved to."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from grokscope.cli.base import main
from grokscope.errors import StoreError
from grokscope.measures.analyses.checkpoints import measure_checkpoints
from grokscope.runs.output import write_output
from grokscope.runs.run import Run
from grokscope.runs.store.lock import hold, is_held
from grokscope.studies.experiment import train
from grokscope.training.loop import Loop
from tests.conftest import tiny

Said = pytest.CaptureFixture[str]


def walked(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything below a folder: kind and rights, inode, content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        plain = path.is_file() and not path.is_symlink()
        found[str(path.relative_to(folder))] = about.st_mode, about.st_ino, path.read_bytes() if plain else b""
    return found


@pytest.fixture
def place(tmp_path: Path, tiny_run: Run) -> Path:
    """A folder with a store of one run, and the user's own files beside it."""
    shutil.copytree(tiny_run.folder, tmp_path / "store" / tiny_run.id)
    mine = tmp_path / "mine"
    (mine / "folder").mkdir(parents=True)
    (mine / "file").write_text("important")
    (mine / "folder" / ".resume.safetensors.1a2b3c4d.tmp").write_text("mine, too")
    (mine / "folder" / "step-00000000.safetensors").write_text("weights")
    return tmp_path


def _link(name: str, target: str) -> Callable[[Path], None]:
    def plant(pack: Path) -> None:
        path = pack / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.symlink_to(pack.parents[1] / "mine" / target)

    return plant


def _pack(pack: Path) -> None:
    pack.rename(pack.parents[1] / "mine" / "pack")
    pack.symlink_to(pack.parents[1] / "mine" / "pack")


def _second_name(name: str) -> Callable[[Path], None]:
    def plant(pack: Path) -> None:
        (pack / name).unlink(missing_ok=True)
        os.link(pack.parents[1] / "mine" / "file", pack / name)

    return plant


def _pipe(pack: Path) -> None:
    (pack / "lock").unlink(missing_ok=True)
    os.mkfifo(pack / "lock")


PLANTED = {
    "pack": _pack,
    "lock": _link("lock", "file"),
    "lock to nothing": _link("lock", "new"),
    "journal": _link("journal.jsonl", "file"),
    "events": _link("events.jsonl", "file"),
    "status": _link("status.json", "file"),
    "checkpoints": _link("checkpoints", "folder"),
    "metrics": _link("metrics", "folder"),
    "temporary": _link(".pack.json.00000000.tmp", "file"),
    "lock, a hard link": _second_name("lock"),
    "journal, a hard link": _second_name("journal.jsonl"),
    "lock, a pipe": _pipe,
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_store_is_not_written_through_its_links(name: str, place: Path, tiny_run: Run, capsys: Said) -> None:
    pack = place / "store" / tiny_run.id
    PLANTED[name](pack)
    before = walked(place)
    with suppress(StoreError):  # done already: may read alone
        train(tiny(), store=place / "store", progress=False, resume=True)
    with pytest.raises(StoreError) as raised:
        measure_checkpoints(Run(pack), only=["weights.norm"], again=True)
    assert str(pack) in str(raised.value)
    assert "\n" not in str(raised.value)
    with pytest.raises(StoreError, match=r"not written through links|is a pipe|several names|is a link"), hold(pack):
        pass
    assert not is_held(pack)
    assert walked(place) == before


def test_a_pack_that_is_a_link_is_not_begun_in_its_target(place: Path) -> None:
    from grokscope.runs.config import pack_id

    config = tiny(seed=1)
    (place / "store" / pack_id([config], ends=False)).symlink_to(place / "mine" / "folder")
    before = walked(place)
    with pytest.raises(StoreError, match="is a link to"):
        train(config, store=place / "store", progress=False)
    assert walked(place) == before


def test_a_store_that_is_a_link_is_the_users_own(place: Path, tiny_run: Run) -> None:
    (place / "short").symlink_to(place / "store")
    assert train(tiny(seed=1, max_steps=2), store=place / "short", progress=False).steps == 2


@pytest.mark.parametrize("name", ["report.html", "export"])
def test_what_lies_in_a_pack_by_default_is_no_link(name: str, place: Path, tiny_run: Run, capsys: Said) -> None:
    pack = place / "store" / tiny_run.id
    (pack / (f"{tiny_run.id}.csv" if name == "export" else name)).symlink_to(place / "mine" / "file")
    before = walked(place)
    words = ["export", tiny_run.id, "--to", "csv"] if name == "export" else ["report", tiny_run.id]
    assert main([*words, "--store", str(place / "store")]) == 1
    assert "is a link to" in capsys.readouterr().err
    assert walked(place) == before


COMMANDS = {
    "report": ["report", "latest"],
    "export csv": ["export", "latest", "--to", "csv"],
    "export weights": ["export", "latest", "--to", "safetensors"],
    "judge": ["judge", "latest", "--theory", "circuits"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_an_output_replaces_no_device_pipe_or_folder(command: str, place: Path, capsys: Said) -> None:
    """Devices are made here: on a build without the mend, those of the machine would be replaced."""
    os.mkfifo(place / "pipe.json")
    (place / "folder.json").mkdir()
    os.mknod(place / "socket.json", stat.S_IFSOCK | 0o644)
    with suppress(PermissionError):  # only root makes them
        os.mknod(place / "full.json", stat.S_IFCHR | 0o666, os.makedev(1, 7))
        os.mknod(place / "null.json", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    links = {"to a pipe": "pipe.json", "out": "/proc/self/fd/1", "lost": "nowhere", "itself": "itself.json"}
    for name, to in links.items():
        (place / f"{name}.json").symlink_to(to)
    outputs = sorted(place.glob("*.json"))
    assert len(outputs) >= 7
    before = walked(place)
    for output in ("", *map(str, outputs)):
        words = [*COMMANDS[command], "-o", output, "--store", str(place / "store")]
        if command == "judge" and not output:
            continue  # its name says the format
        assert main(words) == 2, output
        err = capsys.readouterr().err
        assert err.startswith("error: cannot write")
        assert err.count("\n") == 1
    assert walked(place) == before


def test_an_output_follows_the_users_own_links(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").symlink_to("elsewhere")
    write_output(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"
    write_output(tmp_path / "folder" / "deep" / "file", b"new")
    assert (tmp_path / "elsewhere" / "deep" / "file").read_bytes() == b"new"


def _moved(folder: Path) -> Path:
    return folder.rename(folder.parents[folder.parent.name == "store"] / "moved")


MOVED: dict[str, Callable[[Path], object]] = {
    "store moved": lambda pack: _moved(pack.parent),
    "pack moved": _moved,
    "store removed": lambda pack: shutil.rmtree(pack.parent),
    "pack replaced": lambda pack: shutil.copytree(_moved(pack), pack),
    "lock removed": lambda pack: (pack / "lock").unlink(),
    "lock replaced": lambda pack: Path(shutil.copy(pack / "lock", pack / "new")).replace(pack / "lock"),
}


@pytest.mark.parametrize("how", MOVED)
def test_a_run_notices_that_its_store_is_gone(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    after: dict[str, tuple[int, int, bytes]] = {}
    advance = Loop._advance

    def move(loop: Loop) -> None:
        advance(loop)
        if loop.pack.step == 20:
            MOVED[how](loop.writer.folder)
            after.update({"": (0, 0, b"")} | walked(tmp_path))

    monkeypatch.setattr(Loop, "_advance", move)
    with pytest.raises(StoreError, match="was moved, removed or replaced while this process wrote") as raised:
        train(tiny(), store=tmp_path / "store", progress=False)
    assert "\n" not in str(raised.value)
    assert after.pop("")
    assert walked(tmp_path) == after, "something was written after the move"


def test_a_run_notices_that_the_process_has_gone_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative store means another place after a change of folder."""
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    advance = Loop._advance

    def move(loop: Loop) -> None:
        advance(loop)
        if loop.pack.step == 20:
            os.chdir("other")

    monkeypatch.setattr(Loop, "_advance", move)
    with pytest.raises(StoreError, match="was moved"):
        train(tiny(), store="store", progress=False)
    assert not any((tmp_path / "other").iterdir())


@pytest.mark.slow
def test_a_sweep_makes_no_store_anew(tmp_path: Path) -> None:
    """The command, its workers and all: moved while it trains, it ends, and nothing is at the old place."""
    store = tmp_path / "store"
    words = ["sweep", "quickstart", "--grid", "p=31,37,41,43,47,53", "--set", "max_steps=4000", "--workers", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "grokscope", *words, "--store", str(store)], stderr=subprocess.PIPE, text=True
    ) as command:  # fmt: skip
        while not list(store.glob("*/journal.jsonl")):
            assert command.poll() is None
        store.rename(tmp_path / "moved")
        err = command.communicate(timeout=120)[1]
    assert command.returncode == 1
    assert "was moved" in err
    assert [path.name for path in tmp_path.iterdir()] == ["moved"]
