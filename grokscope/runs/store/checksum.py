"""Files that carry their own SHA-256 and are checked before a number in them is believed.

The digest is in the file's own metadata, so it cannot be lost without the file: the text
`grokscope-checksum=sha256:<64 digits>`, over all bytes of the file with zeros in the place of the digits. Two words
mark it, so no single damage makes a file look as if it never had a checksum.
"""

import errno
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import FileIO
from pathlib import Path

from grokscope.errors import StoreError

_WORDS = (b"grokscope-checksum", b"sha256:")
BLANK = "grokscope-checksum=sha256:" + "0" * 64  # what a writer puts into the metadata before `stamped`
ADVICE = "grokscope doctor says what can be done"
_MARK = re.compile(rb"grokscope-checksum=sha256:([0-9a-f]{64})")
# A file system's clock ticks every 1 to 10 ms: a file written more recently than this may change unnoticed [ns].
FRESH = 100_000_000
_MENDABLE = 8_192  # bytes up to which every bit is tried: a second or two
_known: dict[Path, tuple[tuple[int, ...], bool | None]] = {}


def stamped(data: bytes) -> bytes:
    """The bytes with the digest in the place of BLANK, which they must hold once."""
    start, end = _place(data)
    return data[:start] + _digest(data, start, end) + data[end:]


def stamp(path: Path) -> None:
    """`stamped` for a file that nobody else knows yet; waits until it is on the disk."""
    data = path.read_bytes()
    start, end = _place(data)
    with open(path, "r+b") as file:
        file.seek(start)
        file.write(_digest(data, start, end))
        file.flush()
        os.fsync(file.fileno())


def intact(data: bytes) -> bool | None:
    """Whether the bytes are those that were stamped; None if they have no checksum."""
    mark = _MARK.match(data, max(0, data.find(_WORDS[0])))  # a search for a word takes half as long as for a pattern
    if mark is None:
        return False if any(word in data for word in _WORDS) else None
    return mark[1] == _digest(data, *mark.span(1))


def read_file(path: Path) -> bytes:
    """The bytes of a regular file; OSError for anything else, such as a pipe, which may never end."""
    with _opened(path) as (file, _):
        return file.readall()


def checked(path: Path) -> bool | None:
    """`intact` of a file, read once a process while nobody writes it; StoreError if it cannot be read."""
    try:
        with _opened(path) as (file, about):
            key = (about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
            known = _known.get(path)
            if known is not None and known[0] == key:
                return known[1]
            fits = intact(file.readall())
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    if fits is not False and time.time_ns() - max(about.st_mtime_ns, about.st_ctime_ns) > FRESH:
        _known[path] = key, fits
    return fits


def forget() -> None:
    """Forget which files have been checked in this process."""
    _known.clear()


def mended(data: bytes) -> bytes | None:
    """The bytes with the one flipped bit put back; None if one bit is not the damage.

    Tries every bit: a second for files of a few kilobytes.
    """
    if len(data) > _MENDABLE:
        return None
    trial = bytearray(data)
    for place in range(len(trial)):
        for bit in range(8):
            trial[place] ^= 1 << bit
            if intact(bytes(trial)):
                return bytes(trial)
            trial[place] ^= 1 << bit
    return None


def require(path: Path, what: str = "truncated or damaged:") -> None:
    """StoreError, which begins with `what` and names the file, if it does not fit its checksum."""
    if checked(path) is False:
        raise StoreError(f"{what} {path} (it does not fit the checksum it was written with; {ADVICE})")


@contextmanager
def _opened(path: Path) -> Iterator[tuple[FileIO, os.stat_result]]:
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "it is not a file")
    with open(path, "rb", buffering=0) as file:
        yield file, os.fstat(file.fileno())


def _place(data: bytes) -> tuple[int, int]:
    mark = _MARK.search(data)
    assert mark is not None, "the metadata holds BLANK"
    return mark.span(1)


def _digest(data: bytes, start: int, end: int) -> bytes:
    view = memoryview(data)
    digest = sha256(view[:start])
    digest.update(b"0" * (end - start))
    digest.update(view[end:])
    return digest.hexdigest().encode()
