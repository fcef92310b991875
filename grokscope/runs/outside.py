"""What comes from outside: names, JSON and files. Each is looked at before it is read, and costs no more than it says.

A file is read where it is a regular one of at most LARGEST bytes: never a pipe or a device, which do not end. An
archive (torch.save, npz) is read where what it declares to hold is in proportion to its size, a table of numbers or of
tensors where its header fits what follows it. ValueError, one line, for what is refused; GrokscopeError for a file that
cannot be read.
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

# Of a file [bytes]. Lists of hundreds of checkpoints of small networks have some hundred MB.
LARGEST = 4 << 30
# JSON takes 50 times its size in memory.
LARGEST_JSON = 16 << 20
# What is small whatever it holds [bytes]: masks in an npz shrink a thousandfold. A larger archive may hold so many
# times its own size: torch.save does not compress.
SMALL, _TIMES = 64 << 20, 8
# The longest name of a file, and of a part of it, on the file systems that there are.
_PATH, _NAME = 4096, 255


class Refused(ValueError):
    """A name, a file or a text that is not read, whatever it holds."""


def named(path: str | Path) -> Path:
    """The path of that name. ValueError for one that no file can have, or that nobody means: empty, with NUL in it, no
    UTF-8 (which reports, JSON and SQL are written in), or too long."""
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
    """Whether it can be written as UTF-8: bytes of the command line that are none become lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def parsed(text: str | bytes) -> Any:
    """JSON, also where it is nested too deep to be read: ValueError, as for what is none."""
    try:
        return json.loads(text)
    except RecursionError:
        raise Refused("JSON that is nested too deep") from None


def read_file(path: str | Path, *, most: int = LARGEST, checked: str = "") -> bytes:
    """The bytes of a regular file. checked: "torch", "safetensors", "npy" or "json": what it is looked at as before.

    ValueError for what is refused, OSError where it cannot be opened.
    """
    descriptor = os.open(named(path), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    about = os.fstat(descriptor)
    if stat.S_ISDIR(about.st_mode):  # Python opens none
        os.close(descriptor)
        raise Refused(f"{path} is a folder, not a file")
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(about.st_mode):
            raise Refused(f"{path} is {kind_of(about.st_mode)}, not a file")
        most = LARGEST_JSON if checked == "json" else most
        if about.st_size > most:
            raise Refused(f"{path} has {about.st_size / 1e6:,.0f} MB; at most {most / 1e6:,.0f} MB are read")
        if look := {"torch": _torch, "safetensors": _safetensors, "npy": _npy}.get(checked):
            look(file, about.st_size, path)
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
        end = max((one["data_offsets"][1] for name, one in header.items() if name != "__metadata__"), default=0)
        fits = end == size - 8 - length
    except (ValueError, AttributeError, TypeError, KeyError, IndexError):
        fits = False
    if not fits:
        raise GrokscopeError(f"{path} is no safetensors file, or a damaged one (its header does not fit its size)")


def _npy(file: Any, size: int, path: Any) -> None:
    """An array, or an archive of some."""
    from numpy.lib import format as npy

    if file.read(2) == b"PK":
        _archive(file, size, path)
        return
    file.seek(0)
    try:
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[npy.read_magic(file)]
        shape, _, dtype = read(file)
    except (ValueError, KeyError, SyntaxError, RecursionError) as error:
        raise GrokscopeError(f"{path} cannot be read: it is no array of numpy ({str(error)[:200]})") from error
    if (needs := math.prod(shape) * dtype.itemsize) > size:
        raise Refused(f"{path} is refused: its header says {needs:.3g} bytes, the file has {size}")


def array_of(path: str | Path) -> Any:
    """What numpy reads from a file, without pickles."""
    import numpy as np

    return np.load(io.BytesIO(read_file(path, checked="npy")), allow_pickle=False)
