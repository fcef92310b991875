"""A store to damage: one pack that is done, one that was killed, and one that must never notice."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from grokscope.runs import writer
from grokscope.runs.run import Run
from grokscope.studies import experiment
from grokscope.studies.experiment import train
from tests.conftest import tiny

END, KILLED, SAVED = 60, 37, 30


@dataclass(frozen=True, kw_only=True)
class Place:
    """A copy of the store. done, other: finished packs; begun: one that goes on from step SAVED."""

    store: Path
    done: Path
    other: Path
    begun: Path


def killed(config, store: Path, *, at: int = KILLED, every: int = 10) -> Path:
    """Trains a config until it is killed, with a resume point every so many steps; the pack's folder."""
    loop, advance = experiment.Loop, experiment.Pack.advance

    def dies(pack, keep=False):
        if pack.step == at:
            raise KeyboardInterrupt
        return advance(pack, keep)

    before = set(store.glob("*/pack.json"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "Loop", lambda **fields: loop(**fields, save_every=every))
        patch.setattr(experiment.Pack, "advance", dies)
        with pytest.raises(KeyboardInterrupt):
            train(config, store=store, progress=False)
    return (set(store.glob("*/pack.json")) - before).pop().parent


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resume point every 10 steps, and a seal every few evaluations."""
    loop = experiment.Loop
    monkeypatch.setattr(experiment, "Loop", lambda **fields: loop(**fields, save_every=10))
    monkeypatch.setattr(writer, "SEALED_AT", 4_000)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    store = tmp_path_factory.mktemp("drill") / "store"
    done = train([tiny(seed=0), tiny(seed=1)], store=store, progress=False)[0].folder
    other = train(tiny(seed=2), store=store, progress=False).folder
    begun = killed(tiny(seed=3), store)
    yield Place(store=store, done=done, other=other, begun=begun)
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def undisturbed(original: Place) -> Run:
    """The begun pack as it ends where nobody kills it."""
    return train(tiny(seed=3), store=original.store.parent / "undisturbed", progress=False)


@pytest.fixture
def place(original: Place, tmp_path: Path) -> Place:
    """A copy for one test."""
    return copy_of(original, tmp_path / "store")


def copy_of(original: Place, store: Path) -> Place:
    shutil.copytree(original.store, store)
    names = (original.done.name, original.other.name, original.begun.name)
    return Place(store=store, **dict(zip(("done", "other", "begun"), (store / name for name in names), strict=True)))
