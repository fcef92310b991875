"""A journal that is cut anywhere: the pack is refused, or ends as if nothing had happened. Never with a hole."""

import random
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from grokscope.cli.base import main
from grokscope.errors import StoreError
from grokscope.runs.run import Run, load_pack
from grokscope.runs.store.rows import read_rows
from grokscope.studies.experiment import train
from tests.drills.conftest import SAVED, Place, copy_of


def same(folder: Path, whole: Run) -> bool:
    """Whether each number is there once, and is the one of the run that nobody disturbed."""
    rows = [read_rows(one) for one in (folder, whole.folder)]
    if len(rows[0]) != len(rows[1]):
        return False
    keys = [np.lexsort((one.views, one.measures, one.steps)) for one in rows]
    return all(
        (getattr(rows[0], name)[keys[0]] == getattr(rows[1], name)[keys[1]]).all()
        for name in ("steps", "measures", "views", "values")
    )


def cut_and_resumed(original: Place, whole: Run, tmp_path: Path, count: int) -> Counter[str]:
    data = (original.begun / "journal.jsonl").read_bytes()
    lines = [place + 1 for place, byte in enumerate(data) if byte == 10]
    draw, found = random.Random(20), Counter()
    for number in range(count):
        store = tmp_path / str(number)
        place = copy_of(original, store)
        at = draw.choice(lines) if number % 2 else draw.randrange(len(data))
        (place.begun / "journal.jsonl").write_bytes(data[:at])
        try:
            train(whole.config, store=store, progress=False, resume=True)
        except StoreError as error:
            found["refused" if place.begun.name in str(error) and "doctor --repair" in str(error) else str(error)] += 1
        else:
            found["the same rows" if same(place.begun, whole) else "a hole, silently"] += 1
        shutil.rmtree(store)
    return found


def test_no_cut_journal_leaves_a_hole(original: Place, undisturbed: Run, tmp_path: Path) -> None:
    found = cut_and_resumed(original, undisturbed, tmp_path, 10)
    assert found.keys() <= {"refused", "the same rows"}
    assert found["refused"]


@pytest.mark.slow
def test_no_cut_journal_of_a_hundred_leaves_a_hole(original: Place, undisturbed: Run, tmp_path: Path) -> None:
    found = cut_and_resumed(original, undisturbed, tmp_path, 100)
    assert found.keys() == {"refused", "the same rows"}


def test_events_that_are_gone_are_missed_too(place: Place) -> None:
    path = place.begun / "events.jsonl"
    config = load_pack(place.begun)[0].config
    train_until = {"run": place.begun.name, "step": 5, "event": "memorized"}
    from grokscope.runs.store import checkpoints, events

    events.append_event(place.begun, train_until)
    point = checkpoints.load_resume(place.begun)
    assert point is not None
    checkpoints.save_resume(place.begun, point[0], point[1] | {"events": 1})
    path.unlink()
    with pytest.raises(StoreError, match=f"has lost 1 of the 1 events that it had at step {SAVED}"):
        train(config, store=place.store, progress=False, resume=True)


def test_after_a_repair_it_starts_anew_and_ends_the_same(place: Place, undisturbed: Run) -> None:
    path = place.begun / "journal.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:40]))
    assert main(["doctor", "--store", str(place.store)]) == 1
    assert main(["doctor", "--repair", "--store", str(place.store)]) == 0
    train(undisturbed.config, store=place.store, progress=False, resume=True)
    assert same(place.begun, undisturbed)


def test_a_segment_that_is_gone_is_missed(place: Place) -> None:
    (place.done / "metrics" / "seg-000001.parquet").unlink()
    with pytest.raises(StoreError, match=r"has lost seg-000001\.parquet"):
        read_rows(place.done)
