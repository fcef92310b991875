"""MNIST: the first n_samples of its 60,000 training images, from the user's own files.

The files are the published ones, gzipped or not, in the folder `path` or in torchvision's place below it
(`path`/MNIST/raw). Pixels 0..255 are scaled to [0, 1]. `Task.split` divides the first n_samples images into training
and test inputs.

Source: LeCun, Bottou, Bengio & Haffner 1998, Proc. IEEE 86:2278; the IDX format: big-endian, two zero bytes, a type
(8: unsigned byte), the number of axes, their sizes (4 bytes each), the values. Grokking on its first 1,000 images: Liu,
Michaud & Tegmark 2023, arXiv:2210.01117.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from grokscope.registry import Options
from grokscope.tasks.base import Task, TaskFamily, Truth

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
LARGEST_ENTRY = 10_000  # bytes of an image; MNIST's have 784. The header of a damaged file may claim any number
MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"  # torchvision downloads from here


class Mnist(Options):
    path: str = Field(description="folder with MNIST's files")
    n_samples: int = Field(1000, ge=2, le=60_000, description="the first images, for training and test together [1]")


def build(options: Mnist) -> Task:
    n = options.n_samples
    images, labels = read_idx(_find(options.path, IMAGES), n), read_idx(_find(options.path, LABELS), n)
    if images.ndim != 3 or labels.ndim != 1 or labels.max() > 9:
        raise ValueError(
            f"{options.path}: expected images of two axes and labels 0..9, got shapes {images.shape} and "
            f"{labels.shape} and a label {labels.max()}; are the two files swapped?"
        )
    return Task(
        inputs=torch.from_numpy(images.reshape(n, -1) / 255).float(),
        labels=torch.from_numpy(labels).long(),
        orbits=torch.arange(n),
        n_classes=10,
        truth=Truth(manifold="points", intrinsic_dimension=0, embedding_dimension=1, betti=(10,)),
    )


def read_idx(path: Path, count: int) -> NDArray[np.uint8]:
    """The first `count` entries along the first axis of an IDX file of unsigned bytes; ValueError if it has fewer."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            start = file.read(4)
            if len(start) < 4 or start[:3] != b"\0\0\x08" or start[3] == 0:
                raise ValueError(f"{path} is no IDX file of unsigned bytes: it begins with {start!r}")
            header = file.read(4 * start[3])
            if len(header) < 4 * start[3]:
                raise ValueError(f"{path} ends within its header; get it again")
            sizes = np.frombuffer(header, dtype=">u4").tolist()
            if sizes[0] < count:
                raise ValueError(f"{path} holds {sizes[0]} entries; n_samples = {count} asks for more")
            if (entry := math.prod(sizes[1:])) > LARGEST_ENTRY:
                raise ValueError(f"{path} says {entry} bytes an entry, MNIST's images have 784: it is another file")
            length = count * entry
            values = file.read(length)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if len(values) < length:
        raise ValueError(
            f"{path} ends after {len(values)} of {length} bytes of its first {count} entries; get it again"
        )
    return np.frombuffer(values, dtype=np.uint8).reshape(count, *sizes[1:]).copy()


def _find(folder: str, name: str) -> Path:
    root = Path(folder).expanduser()
    places = [place / file for place in (root, root / "MNIST" / "raw") for file in (name, f"{name}.gz")]
    for place in places:
        if place.is_file():
            return place
    raise ValueError(
        f"MNIST's {name} was not found; looked for {', '.join(map(str, places))}. Download it from {MIRROR}{name}.gz"
    )


mnist = TaskFamily(options=Mnist, build=build)
