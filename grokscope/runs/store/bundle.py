"""One file of all checkpoints of a finished pack: checkpoints.safetensors.

It is a safetensors file as any other; its tensors are called `step-00000250/W_E`, and those of one step lie together.
So a checkpoint is read alone: the header, then the bytes of its step. The header has its own SHA-256 and that of each
step in its metadata; both are checked before a tensor is made. The tensors are those of the files it replaces, bit for
bit.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from grokscope.errors import StoreError
from grokscope.runs.store.atomic import clear_errors, refuse_links, sync_folder, temporary_beside
from grokscope.runs.store.checksum import ADVICE, BLANK, intact, stamped
from grokscope.runs.store.documents import parsed

NAME = "checkpoints.safetensors"
METADATA = "grokscope"  # safetensors holds strings only: our JSON lies under this one key
_TENSOR = re.compile(r"step-(\d{8,})/(.+)", re.DOTALL)
_LENGTH = 8  # bytes of the number before the header
_LARGEST_HEADER = 100_000_000  # as safetensors itself has it


@dataclass(frozen=True, kw_only=True)
class Part:
    """One checkpoint. start, end: of its bytes in the file. tensors: name -> dtype, shape and offsets from start."""

    start: int
    end: int
    digest: str
    tensors: Mapping[str, Mapping[str, Any]]


def parts(folder: Path) -> Mapping[int, Part]:
    """Step -> its checkpoint, of a pack's bundle; empty if it has none. StoreError for a damaged header."""
    path = folder / NAME
    try:
        about = os.stat(path)
    except OSError:
        return {}
    return _index(path, (about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns))


def read(folder: Path, step: int) -> bytes:
    """The checkpoint of a step, as the safetensors file that it was. StoreError if it does not fit its checksum."""
    path, part = folder / NAME, parts(folder)[step]
    try:
        with open(path, "rb") as file:
            file.seek(part.start)
            data = file.read(part.end - part.start)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    if sha256(data).hexdigest() != part.digest:
        raise _damaged(path, f"the checkpoint of step {step} does not fit the checksum it was written with")
    return _framed(json.dumps(part.tensors).encode()) + data


def write(folder: Path, files: Mapping[int, Path]) -> None:
    """Puts files of checkpoints, by step, into one, and removes them; killed at any instant, all checkpoints are there.

    The caller holds the pack's lock, and has checked the files.
    """
    path = folder / NAME
    refuse_links(path, folder.parent)
    header: dict[str, Any] = {}
    digests, end = {}, 0
    for step, file in sorted(files.items()):
        tensors, data = _split(file.read_bytes(), file)
        for name, about in tensors.items():
            offsets = [end + offset for offset in about["data_offsets"]]
            header[f"step-{step:08d}/{name}"] = {**about, "data_offsets": offsets}
        digests[step] = sha256(data).hexdigest()
        end += len(data)
    ours = json.dumps({"steps": digests, "checksum": BLANK})
    temporary = temporary_beside(path)
    with clear_errors(path, end):
        try:
            with open(temporary, "xb") as out:
                out.write(_framed(json.dumps({"__metadata__": {METADATA: ours}, **header}).encode(), stamped))
                for _, file in sorted(files.items()):
                    out.write(_split(file.read_bytes(), file)[1])
                out.flush()
                os.fsync(out.fileno())
            os.replace(temporary, path)
            sync_folder(folder)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        for file in files.values():
            file.unlink()


def intact_steps(folder: Path) -> dict[int, bytes]:
    """The checkpoints of a bundle that can be believed; none if its header cannot."""
    found: dict[int, bytes] = {}
    with suppress(StoreError):
        for step in parts(folder):
            with suppress(StoreError):
                found[step] = read(folder, step)
    return found


@lru_cache(maxsize=256)
def _index(path: Path, key: tuple[int, ...]) -> Mapping[int, Part]:  # noqa: ARG001  another file has another key
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(_LENGTH), "little")
            raw = file.read(length) if length <= _LARGEST_HEADER else b""
        if not raw or intact(raw) is not True:
            raise ValueError("its header does not fit its checksum")
        header = parsed(raw)
        digests = parsed(header.pop("__metadata__")[METADATA].encode())["steps"]
        return _parts(header, {int(step): digest for step, digest in digests.items()}, _LENGTH + length)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, str(error)) from error


def _parts(header: Mapping[str, Any], digests: Mapping[int, str], base: int) -> dict[int, Part]:
    by_step: dict[int, dict[str, Any]] = {step: {} for step in sorted(digests)}
    for name, about in header.items():
        match = _TENSOR.fullmatch(name)
        if match is None:
            raise ValueError(f"{name[:80]} is no tensor of a checkpoint")
        by_step[int(match[1])][match[2]] = about
    found = {}
    for step, tensors in by_step.items():
        start = min(about["data_offsets"][0] for about in tensors.values())
        end = max(about["data_offsets"][1] for about in tensors.values())
        own = {
            name: {**about, "data_offsets": [offset - start for offset in about["data_offsets"]]}
            for name, about in tensors.items()
        }
        found[step] = Part(start=base + start, end=base + end, digest=digests[step], tensors=own)
    return found


def _split(data: bytes, path: Path) -> tuple[dict[str, Any], bytes]:
    """The tensors of a safetensors file, in the order of their bytes, and these bytes."""
    length = int.from_bytes(data[:_LENGTH], "little")
    try:
        header = parsed(data[_LENGTH : _LENGTH + length])
        header.pop("__metadata__", None)
        ordered = sorted(header.items(), key=lambda item: item[1]["data_offsets"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, str(error)) from error
    return dict(ordered), data[_LENGTH + length :]


def _framed(header: bytes, seal: Callable[[bytes], bytes] = bytes) -> bytes:
    """A header with its length; spaces fill it up to a multiple of eight, as safetensors does. seal: adds its sum."""
    padded = seal(header + b" " * (-len(header) % 8))
    return len(padded).to_bytes(_LENGTH, "little") + padded


def _damaged(path: Path, what: str) -> StoreError:
    return StoreError(f"truncated or damaged: {path} ({what}; {ADVICE})")
