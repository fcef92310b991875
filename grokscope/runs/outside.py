"""Names, JSON and files from outside. Each is checked before it is read, and costs no more than its size suggests.

Only regular files of at most LARGEST bytes are read: a pipe or a device may never end. An archive (torch.save, npz) is
read if its declared content is in proportion to its size, a table of numbers or tensors if its header fits the rest.
ValueError, one line, for what is refused; GrokscopeError for a file that cannot be read.
"""

import io
import json
import math
import os
import stat
import struct
import zipfile
from pathlib import Path
from typing import Any

from grokscope.errors import GrokscopeError
from grokscope.registry import shortened
from grokscope.runs.store.atomic import kind_of

LARGEST = 4 << 30  # a file [bytes]; lists of hundreds of checkpoints of small networks have some hundred MB
LARGEST_JSON = 16 << 20  # [bytes]; JSON takes 50 times its size in memory
# An archive may unpack to SMALL [bytes], since masks in an npz shrink a thousandfold; or to _TIMES its own size, since
# torch.save does not compress.
SMALL, _TIMES = 64 << 20, 8
# The longest path, and the longest part of one, on common file systems.
_PATH, _NAME = 4096, 255


class Refused(ValueError):
    """A name, a file or a text is not read, whatever it holds."""


def named(path: str | Path) -> Path:
    """The path of that name. ValueError for a name that no file can have, or that nobody means: empty, with NUL in it,
    not UTF-8 (the encoding of reports, JSON and SQL), or too long."""
    text = str(path)
    wrong = None
    if not isinstance(path, str | Path):
        wrong = f"expected a path, got {type(path).__name__}"
    elif not text.strip():
        wrong = "the name of a file or a folder is empty"
    elif "\0" in text:
        wrong = f"no file can be called {shortened(text)}: there is a NUL in it"
    elif not is_utf8(text):
        wrong = f"the name {shortened(text)} is no UTF-8; rename it"
    elif len(text) > _PATH or any(len(os.fsencode(part)) > _NAME for part in Path(text).parts):
        wrong = f"the name {shortened(text)} is too long: at most {_NAME} bytes between two slashes, {_PATH} in all"
    if wrong:
        raise Refused(wrong)
    return Path(path)


def is_utf8(text: str) -> bool:
    """Whether it can be written as UTF-8; other bytes of the command line become lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def parsed(text: str | bytes) -> Any:
    """The value of a JSON text; ValueError for a wrong one, also for one that is nested too deep."""
    try:
        return json.loads(text)
    except RecursionError:
        raise Refused("JSON that is nested too deep") from None


def read_file(path: str | Path, *, most: int = LARGEST, checked: str = "") -> bytes:
    """The bytes of a regular file. checked: check it first as "torch", "safetensors", "npy" or "json".

    ValueError for a refused file, OSError for one that cannot be opened.
    """
    descriptor = os.open(named(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    about = os.fstat(descriptor)
    if stat.S_ISDIR(about.st_mode):  # Python opens no folders
        os.close(descriptor)
        raise Refused(f"{path} is a folder, not a file")
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(about.st_mode):
            raise Refused(f"{path} is {kind_of(about.st_mode)}, not a file")
        most = LARGEST_JSON if checked == "json" else most
        if about.st_size > most:
            raise Refused(f"{path} has {about.st_size / 1e6:,.0f} MB; at most {most / 1e6:,.0f} MB are read")
        if check := {"torch": _torch, "safetensors": _safetensors, "npy": _npy}.get(checked):
            check(file, about.st_size, path)
            file.seek(0)
        return file.read(about.st_size)


def _torch(file: Any, size: int, path: Any) -> None:
    """An archive, or a pickle as torch.save wrote it before version 1.6."""
    if file.read(2) == b"PK":
        _archive(file, size, path)
        return
    file.seek(0)
    if file.read(1) not in (b"\x80", b"("):
        raise GrokscopeError(f"{path} cannot be read as tensors: it is not a file of torch.save, or a damaged one")


def _archive(file: Any, size: int, path: Any) -> None:
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            held = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, struct.error, NotImplementedError) as error:
        raise GrokscopeError(f"{path} cannot be read: it is a damaged archive ({error})") from error
    if held > max(SMALL, _TIMES * size):
        raise Refused(
            f"{path} is refused: {size / 1e6:,.1f} MB that would unpack to {held / 1e6:,.0f} MB; save it uncompressed"
        )


def _safetensors(file: Any, size: int, path: Any) -> None:
    length = int.from_bytes(file.read(8), "little") if size >= 8 else 0
    fits = 2 <= length <= min(size - 8, LARGEST_JSON)
    try:
        header: Any = parsed(file.read(length)) if fits else None
        tensors = [tensor for name, tensor in header.items() if name != "__metadata__"]
        end = max((tensor["data_offsets"][1] for tensor in tensors), default=0)
        fits = end == size - 8 - length
    except (ValueError, AttributeError, TypeError, KeyError, IndexError):
        fits = False
    if not fits:
        raise GrokscopeError(f"{path} is no safetensors file, or a damaged one (its header does not fit its size)")


def _npy(file: Any, size: int, path: Any) -> None:
    """An array, or an archive of arrays."""
    from numpy.lib import format as npy

    if file.read(2) == b"PK":
        _archive(file, size, path)
        return
    file.seek(0)
    try:
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[npy.read_magic(file)]
        shape, _, dtype = read(file)
    except Exception as error:  # the header is Python: damaged, it can raise anything
        raise GrokscopeError(f"{path} cannot be read: it is no array of numpy ({str(error)[:200]})") from error
    if (needs := math.prod(shape) * dtype.itemsize) > size:
        raise Refused(f"{path} is refused: its header says {needs:.3g} bytes, the file has {size}")


def array_of(path: str | Path) -> Any:
    """The array, or arrays, in a file of numpy, without pickles."""
    import numpy as np

    return np.load(io.BytesIO(read_file(path, checked="npy")), allow_pickle=False)
