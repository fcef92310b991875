"""Files of every kind that is read, with bytes flipped, cut, doubled or put in: an answer, or one clear line."""

import io
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save

from grokscope.errors import GrokscopeError
from grokscope.predictions.cards import Scorecard
from grokscope.predictions.ledger_file import read_ledger, write_ledger
from grokscope.runs.curves.importing import import_curves
from grokscope.runs.foreign.files import open_safetensors, open_torch
from grokscope.runs.outside import array_of
from tests.predictions.lines import small

FEW, MANY = 40, 400
STEPS = [{"step": step, "train_loss": 2.0 / (1 + step), "test_accuracy": step / 400} for step in range(0, 400, 10)]
COLUMNS = {name: [row[name] for row in STEPS] for name in STEPS[0]}
TENSORS = {"embed.W_E": torch.arange(24.0).reshape(6, 4), "unembed.W_U": torch.ones(4, 6)}


def _npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, **{name: np.array(values) for name, values in COLUMNS.items()})
    return file.getvalue()


def _npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(60.0).reshape(20, 3))
    return file.getvalue()


def _torch() -> bytes:
    file = io.BytesIO()
    torch.save({"model": TENSORS, "config": {"p": 5}, "step": 7}, file)
    return file.getvalue()


def _csv() -> bytes:
    lines = [",".join(COLUMNS), *(",".join(map(str, row.values())) for row in STEPS)]
    return "\n".join(lines).encode()


def _curves(path: Path) -> None:
    import_curves(path, store=path.parent / "store")


def _tensorboard() -> bytes:
    return (Path(__file__).parents[1] / "data" / "tensorboard" / "events.out.tfevents.1.fixture.0").read_bytes()


def _ledger(folder: Path) -> bytes:
    return write_ledger(small(range(20)), folder / "whole.parquet").read_bytes()


KINDS: dict[str, tuple[Callable[[Path], bytes], Callable[[Path], Any]]] = {
    "ledger.parquet": (_ledger, read_ledger),
    "curves.csv": (lambda _: _csv(), _curves),
    "curves.jsonl": (lambda _: "\n".join(map(json.dumps, STEPS)).encode(), _curves),
    "curves.json": (lambda _: json.dumps(COLUMNS).encode(), _curves),
    "curves.npz": (lambda _: _npz(), _curves),
    "events.out.tfevents.1.fixture.0": (lambda _: _tensorboard(), _curves),
    "weights.safetensors": (lambda _: save(TENSORS), open_safetensors),
    "weights.pt": (lambda _: _torch(), open_torch),
    "cloud.npy": (lambda _: _npy(), array_of),
    "scorecard.json": (lambda _: b'{"format": 1, "claims": [], "rows": [], "runs": {"base": 3}}', Scorecard.load),
}


def damaged(data: bytes, draw: random.Random) -> bytes:
    place, length = draw.randrange(len(data)), draw.randint(1, 40)
    match draw.randrange(5):
        case 0:
            return data[:place] + bytes([data[place] ^ 1 << draw.randrange(8)]) + data[place + 1 :]
        case 1:
            return data[:place]
        case 2:
            return data[:place] + data[place + length :]
        case 3:
            return data[:place] + draw.randbytes(length) + data[place:]
        case _:
            return data[:place] + data[place : place + length] * draw.randint(2, 5) + data[place + length :]


def drilled(kind: str, folder: Path, count: int) -> Counter[str]:
    made, read = KINDS[kind]
    data, draw, found = made(folder), random.Random(20), Counter[str]()
    (folder / kind).write_bytes(data)
    if kind != "scorecard.json":
        read(folder / kind)  # whole it can be read
    for number in range(count):
        (folder / kind).write_bytes(damaged(data, draw))
        found[answer(read, folder / kind, number)] += 1
    return found


def answer(read: Callable[[Path], Any], path: Path, number: int) -> str:
    try:
        read(path)
    except (GrokscopeError, ValueError) as error:
        line = str(error)
    except Exception as error:
        return f"{number}: {type(error).__name__}: {error}"
    else:
        return "read"
    return "refused" if "\n" not in line and 0 < len(line) < 2_000 else f"{number}: not one line: {line[:300]!r}"


@pytest.mark.parametrize("kind", KINDS)
def test_no_damaged_file_is_a_fault(kind: str, tmp_path: Path) -> None:
    found = drilled(kind, tmp_path, FEW)
    assert found.keys() <= {"read", "refused"}
    assert found["refused"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_damaged_file_of_many_is_a_fault(kind: str, tmp_path: Path) -> None:
    found = drilled(kind, tmp_path, MANY)
    assert found.keys() <= {"read", "refused"}


def test_a_ledger_that_was_changed_is_never_read(tmp_path: Path) -> None:
    """It has a checksum."""
    assert drilled("ledger.parquet", tmp_path, FEW).keys() == {"refused"}
