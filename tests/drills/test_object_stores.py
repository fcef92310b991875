"""An object store that fails: once, for ever, with errors of its own, late, or with half of a file.

Nothing that was trained is lost; the command says what was not carried up; the next one carries it up.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from grokscope.cli.base import main
from grokscope.errors import StoreError
from grokscope.runs.doctor import examine
from grokscope.runs.run import Run, load_pack
from grokscope.runs.store import mirror
from grokscope.runs.store.events import finished_at
from grokscope.runs.store.mirror import opened
from grokscope.studies import experiment
from grokscope.studies.experiment import train
from tests.conftest import tiny
from tests.drills.test_truncated_journals import same

URL = "memory://bucket/runs"
Trouble = Callable[[bytes], bytes]


class ForeignError(Exception):
    """As botocore's and azure's: neither of Python's own kinds."""


def away(_: bytes) -> bytes:
    raise OSError("away")


def strange(_: bytes) -> bytes:
    raise ForeignError("no credentials")


def half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def late(body: bytes) -> bytes:
    time.sleep(0.01)
    return body


class Faulty:
    """Puts and gets fail from a call on, as many as `times`, in a way. calls: all that there were."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls, self.after, self.times, self.trouble = 0, 0, 0, away
        for name in ("pipe_file", "cat_file"):
            patch.setattr(
                MemoryFileSystem, name, self._wrapped(getattr(MemoryFileSystem, name), put=name == "pipe_file")
            )

    def set(self, trouble: Trouble, *, after: int = 0, times: int = 1_000_000) -> None:
        self.calls, self.after, self.times, self.trouble = 0, after, times, trouble

    def _wrapped(self, real: Callable[..., Any], *, put: bool) -> Callable[..., Any]:
        def call(system: Any, path: str, *given: Any, **named: Any) -> Any:
            self.calls += 1
            bad = self.after < self.calls <= self.after + self.times
            if put:
                return real(system, path, self.trouble(given[0]) if bad else given[0])
            body = real(system, path, *given, **named)
            return self.trouble(body) if bad else body

        return call


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    on_machine("one", tmp_path, monkeypatch)
    MemoryFileSystem.store.clear()
    monkeypatch.setattr(mirror, "SECONDS", 0.0)
    loop = experiment.Loop
    monkeypatch.setattr(experiment, "Loop", lambda **fields: loop(**fields, save_every=20))
    yield Faulty(monkeypatch)
    MemoryFileSystem.store.clear()


def on_machine(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(tiny(), store=tmp_path_factory.mktemp("undisturbed"), progress=False)


@pytest.mark.parametrize("trouble", [away, strange], ids=["errors of the network", "errors of a package"])
def test_a_store_that_is_away_costs_nothing_and_gets_it_later(
    trouble: Trouble, faulty: Faulty, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty.set(trouble)
    with pytest.raises(StoreError) as error:
        train(tiny(), store=URL, progress=False)
    folder = next((tmp_path / "one").glob("grokscope/*/*/pack.json")).parent
    assert "cannot reach the store" in str(error.value)
    assert f"{folder} is whole, and is sent by the next command" in str(error.value)
    assert "\n" not in str(error.value)
    assert same(folder, whole)
    faulty.set(trouble, times=0)  # it is back
    assert main(["list", "runs", "--store", URL]) == 0
    on_machine("other", tmp_path, monkeypatch)
    assert same(opened(URL) / whole.id, whole)
    assert examine(opened(URL)).damages == []


def test_a_call_that_fails_once_at_any_place(
    faulty: Faulty, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tiny(), store=URL, progress=False)
    calls = faulty.calls
    for after in (*range(0, calls, 16), calls - 2):  # the last is of the end, which no later sending repeats
        MemoryFileSystem.store.clear()
        on_machine(f"one-{after}", tmp_path, monkeypatch)
        faulty.set(away, after=after, times=1)
        try:
            train(tiny(), store=URL, progress=False)
        except StoreError:
            opened(URL)
        faulty.set(away, times=0)
        on_machine(f"other-{after}", tmp_path, monkeypatch)
        assert same(opened(URL) / whole.id, whole), after


@pytest.mark.parametrize("trouble", [half, away], ids=["half of a file", "none"])
def test_what_does_not_come_whole_is_not_taken(
    trouble: Trouble, faulty: Faulty, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tiny(), store=URL, progress=False)
    faulty.set(away, times=0)
    on_machine("counts", tmp_path, monkeypatch)
    opened(URL)
    gets = faulty.calls
    for place in range(gets):
        on_machine(f"other-{place}", tmp_path, monkeypatch)
        faulty.set(trouble, after=place, times=1)
        with pytest.raises(StoreError, match="bytes of .* came" if trouble is half else "away"):
            opened(URL)
        folder = opened(URL) / whole.id
        assert same(folder, whole), place
        assert examine(folder.parent).damages == []
    assert gets > 5


def test_a_fetch_that_was_cut_off_takes_the_newer_state(
    faulty: Faulty, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it goes on from the state of then, or from a resume point of now with a journal of then."""
    advance = experiment.Pack.advance

    def dies_at(step: int) -> None:
        def advanced(pack: Any, keep: bool = False) -> Any:
            if pack.step == step:
                raise KeyboardInterrupt
            return advance(pack, keep)

        monkeypatch.setattr(experiment.Pack, "advance", advanced)
        with pytest.raises(KeyboardInterrupt):
            train(tiny(), store=URL, progress=False, resume=True)

    dies_at(25)
    on_machine("other", tmp_path, monkeypatch)
    faulty.set(lambda body: away(body) if b"versions" in body else body)  # pack.json, which comes last but for events
    with pytest.raises(StoreError, match="away"):
        opened(URL)
    faulty.set(away, times=0)
    on_machine("one", tmp_path, monkeypatch)
    dies_at(45)
    monkeypatch.setattr(experiment.Pack, "advance", advance)
    on_machine("other", tmp_path, monkeypatch)
    again = train(tiny(), store=URL, progress=False, resume=True)
    assert [event["step"] for event in again.events if event["event"] == "resumed"][-1] >= 40
    assert same(again.folder, whole)


def test_what_another_machine_went_on_with_is_not_written_over(
    faulty: Faulty, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = experiment.Pack.advance

    def dies(pack: Any, keep: bool = False) -> Any:
        if pack.step == 45:
            faulty.set(away)
            raise KeyboardInterrupt
        return advance(pack, keep)

    with monkeypatch.context() as patch:
        patch.setattr(experiment.Pack, "advance", dies)
        with pytest.raises(KeyboardInterrupt):
            train(tiny(), store=URL, progress=False)
    faulty.set(away, times=0)
    before = {name: bytes(file.getbuffer()) for name, file in MemoryFileSystem.store.items()}
    opened(URL)  # it owes the end of what it did, but has no end
    assert {name: bytes(file.getbuffer()) for name, file in MemoryFileSystem.store.items()} == before
    on_machine("other", tmp_path, monkeypatch)
    assert same(train(tiny(), store=URL, progress=False, resume=True).folder, whole)
    on_machine("one", tmp_path, monkeypatch)
    assert finished_at(opened(URL) / whole.id) == whole.steps


def test_late_answers_change_nothing(faulty: Faulty, whole: Run) -> None:
    faulty.set(late)
    run = train(tiny(), store=URL, progress=False)
    assert same(run.folder, whole)
    assert len(load_pack(run.folder)) == 1
