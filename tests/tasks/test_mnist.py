"""MNIST's files, made small in the test: the IDX format, plain and gzipped, and what can be wrong with it."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from grokscope.tasks.base import Task
from grokscope.tasks.mnist import IMAGES, LABELS, Mnist, build

PIXELS = np.random.default_rng(0).integers(256, size=(30, 28, 28), dtype=np.uint8)
DIGITS = np.arange(30, dtype=np.uint8) % 10


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def written(folder: Path, *, zipped: bool = False, images: bytes = idx(PIXELS), labels: bytes = idx(DIGITS)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in ((IMAGES, images), (LABELS, labels)):
        (folder / (f"{name}.gz" if zipped else name)).write_bytes(gzip.compress(content) if zipped else content)
    return folder


def built(path: Path, n_samples: int = 20) -> Task:
    return build(Mnist(path=str(path), n_samples=n_samples))


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("place", [".", "MNIST/raw"])
def test_the_first_images_are_read_from_either_place_and_form(tmp_path: Path, place: str, zipped: bool) -> None:
    written(tmp_path / place, zipped=zipped)
    task = built(tmp_path)
    assert (task.inputs.shape, task.n_classes, task.n_symbols) == ((20, 784), 10, 0)
    np.testing.assert_array_equal((task.inputs * 255).round().numpy(), PIXELS[:20].reshape(20, -1))
    assert float(task.inputs.max()) == 1
    assert task.labels.tolist() == DIGITS[:20].tolist()
    assert task.labels.dtype == torch.int64
    assert task.orbits.tolist() == list(range(20))


def test_missing_files_are_named_with_where_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError) as error:
        built(tmp_path)
    message = str(error.value)
    assert all(str(tmp_path / place / IMAGES) in message for place in (".", "MNIST/raw"))
    assert f"/mnist/{IMAGES}.gz" in message
    assert "\n" not in message


def test_the_path_must_be_given() -> None:
    with pytest.raises(ValueError, match=r"^path: field required, path=\.\.\.: folder with MNIST's files$"):
        Mnist()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"images": b"not an idx file"}, "no IDX file of unsigned bytes: it begins with b'not '"),
        ({"images": b""}, "no IDX file of unsigned bytes"),
        ({"images": idx(PIXELS)[:6]}, "ends within its header"),
        ({"images": idx(PIXELS[:10])}, "holds 10 entries; n_samples = 20 asks for more"),
        ({"images": idx(PIXELS)[:5000]}, "ends after 4984 of 15680 bytes"),
        ({"labels": idx(DIGITS[:10])}, "holds 10 entries"),
        ({"labels": idx(PIXELS), "images": idx(DIGITS)}, "two files swapped?"),
        ({"labels": idx(DIGITS + 1)}, "a label 10"),
    ],
    ids=range(8),
)
def test_other_files_are_refused_in_one_line(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    with pytest.raises(ValueError) as error:
        built(written(tmp_path, **files))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"no gzip at all", gzip.compress(idx(PIXELS))[:2000]], ids=["plain", "torn"])
def test_a_broken_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    written(tmp_path, zipped=True)
    (tmp_path / f"{IMAGES}.gz").write_bytes(content)
    with pytest.raises(ValueError, match="cannot be read"):
        built(tmp_path)


def test_a_spoilt_archive_is_refused(tmp_path: Path) -> None:
    written(tmp_path, zipped=True)
    content = bytearray((tmp_path / f"{LABELS}.gz").read_bytes())
    content[10:14] = b"\xff\xff\xff\xff"
    (tmp_path / f"{LABELS}.gz").write_bytes(content)
    with pytest.raises(ValueError, match="cannot be read"):
        built(tmp_path)
