"""One file of all checkpoints: the same tensors, read alone, with their checksums; and killed while it is made."""

import contextlib
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from grokscope.errors import StoreError
from grokscope.runs.store import bundle, checkpoints


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    for step in (0, 25, 1000):
        checkpoints.save(tmp_path, step, weights(step))
    return tmp_path


def weights(step: int) -> dict[str, torch.Tensor]:
    drawn = torch.Generator().manual_seed(step)
    return {
        "W_E": torch.randn(3, 5, 2, generator=drawn),
        "b": torch.randn(3, 1, generator=drawn).double(),
        "half": torch.randn(3, 3, generator=drawn).bfloat16(),
        "count": torch.tensor(step),
        "none": torch.zeros(3, 0),
    }


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)
        for a, b in ((one[name], other[name]) for name in one)
    )


def test_the_tensors_are_those_of_the_files(pack: Path) -> None:
    before = {step: checkpoints.load(pack, step) for step in (0, 25, 1000)}
    row = checkpoints.load(pack, 25, replica=1)
    checkpoints.seal(pack)
    assert not (pack / "checkpoints").exists()
    assert checkpoints.steps(pack) == [0, 25, 1000]
    for step, tensors in before.items():
        assert same(checkpoints.load(pack, step), tensors)
        assert same(tensors, weights(step))
    assert same(checkpoints.load(pack, 25, replica=1), row)
    with pytest.raises(ValueError, match=r"replica 3 of .*: it has replicas 0 to 2"):
        checkpoints.load(pack, 25, replica=3)
    with pytest.raises(StoreError, match=r"no checkpoint at step 30 .*nearest is at step 25"):
        checkpoints.load(pack, 30)


def test_any_reader_of_safetensors_opens_it(pack: Path) -> None:
    checkpoints.seal(pack)
    with safe_open(pack / bundle.NAME, framework="pt") as file:
        assert torch.equal(file.get_tensor("step-00000025/W_E"), weights(25)["W_E"])


def test_a_checkpoint_is_read_by_its_own_bytes(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints.seal(pack)
    part = bundle.parts(pack)[25]
    data = bytearray((pack / bundle.NAME).read_bytes())
    data[: part.start], data[part.end :] = b"\0" * part.start, b"\0" * (len(data) - part.end)
    index = bundle.parts(pack)
    (pack / bundle.NAME).write_bytes(data)
    monkeypatch.setattr(bundle, "parts", lambda folder: index)
    assert same(checkpoints.load(pack, 25), weights(25))


def test_a_flipped_bit_is_seen_by_who_reads_it(pack: Path) -> None:
    checkpoints.seal(pack)
    path, parts = pack / bundle.NAME, bundle.parts(pack)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        bad = bytearray(whole)
        bad[place] ^= 1 << place % 8
        path.unlink()
        path.write_bytes(bad)
        hit = [step for step, part in parts.items() if part.start <= place < part.end] or list(parts)
        for step in parts:
            if step in hit:
                with pytest.raises(StoreError, match=r"checkpoints\.safetensors"):
                    checkpoints.load(pack, step)
            else:
                assert same(checkpoints.load(pack, step), weights(step))


@pytest.mark.parametrize("act", ["replace", "unlink"])
@pytest.mark.parametrize("after", range(4))
def test_killed_while_it_is_made_no_checkpoint_is_lost(
    pack: Path, monkeypatch: pytest.MonkeyPatch, act: str, after: int
) -> None:
    calls = []

    def dies(real):
        def killed(*given, **options):
            calls.append(given)
            if len(calls) > after:
                raise KeyboardInterrupt
            return real(*given, **options)

        return killed

    with monkeypatch.context() as patch:
        place = os if act == "replace" else Path
        patch.setattr(place, act, dies(getattr(place, act)))
        with contextlib.suppress(KeyboardInterrupt):
            checkpoints.seal(pack)
    assert checkpoints.steps(pack) == [0, 25, 1000]
    assert all(same(checkpoints.load(pack, step), weights(step)) for step in (0, 25, 1000))


def test_a_damaged_checkpoint_is_not_put_into_it(pack: Path) -> None:
    path = pack / "checkpoints" / "step-00000025.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match="step-00000025"):
        checkpoints.seal(pack)
    assert not (pack / bundle.NAME).exists()
    assert len(checkpoints.files(pack)) == 3
