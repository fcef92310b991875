"""Weights on disk: stacked tensors in safetensors, so loading a file can never run code.

Each file has its own SHA-256 in its metadata, and the whole file is checked before a tensor is read. Here `folder` is
the pack's folder; while it trains, a checkpoint is a file in its checkpoints/, and the resume point lies beside that
folder. A finished pack has one file of all checkpoints (`bundle`).
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.errors import StoreError
from grokscope.runs.store import bundle
from grokscope.runs.store.atomic import clear_errors, write_atomic
from grokscope.runs.store.checksum import ADVICE, BLANK, checked, stamped
from grokscope.runs.store.documents import is_count, parsed

if TYPE_CHECKING:
    from torch import Tensor

_NAME = re.compile(r"step-(\d{8,})\.safetensors")


def save(folder: Path, step: int, tensors: Mapping[str, "Tensor"]) -> Path:
    """Write the checkpoint of `step`, atomically and synced; returns its path."""
    path = path_of(folder, step)
    write_atomic(path, _serialise(tensors, {}))
    return path


def steps(folder: Path) -> list[int]:
    """The steps that have a checkpoint, sorted."""
    return sorted({*files(folder), *bundle.parts(folder)})


def known_steps(folder: Path) -> list[int]:
    """`steps` for the doctor: without those of a file of all checkpoints whose header is damaged."""
    try:
        return steps(folder)
    except StoreError:
        return sorted(files(folder))


def place_of(folder: Path, step: int) -> Path:
    """The file that holds the checkpoint of a step."""
    path = path_of(folder, step)
    return path if path.exists() else folder / bundle.NAME


def files(folder: Path) -> dict[int, Path]:
    """The checkpoints that are files of their own, by step."""
    paths = (folder / "checkpoints").glob("step-*.safetensors")
    return {int(name[1]): path for path in paths if (name := _NAME.fullmatch(path.name))}


def seal(folder: Path) -> None:
    """Puts the checkpoints of a finished pack into one file. StoreError for a damaged one: then nothing changes."""
    found = files(folder)
    if not found or bundle.parts(folder):
        return
    for path in found.values():
        if checked(path) is not True:
            raise StoreError(f"truncated or damaged: {path} ({ADVICE})")
    bundle.write(folder, found)
    with suppress(OSError):
        (folder / "checkpoints").rmdir()


def unseal(folder: Path, chosen: Collection[int] | None = None) -> None:
    """Makes a file of every intact checkpoint of the one file, or of some; the one file stays."""
    for step, data in bundle.intact_steps(folder).items():
        if (chosen is None or step in chosen) and not path_of(folder, step).exists():
            from safetensors.torch import load as deserialise

            save(folder, step, deserialise(data))


def load(folder: Path, step: int, *, replica: int | None = None) -> dict[str, "Tensor"]:
    """The tensors of a checkpoint, on the CPU.

    replica: read only this row of every tensor's leading axis (scalars are read whole).
    """
    path = path_of(folder, step)
    if not path.is_file() and step in bundle.parts(folder):
        return _of_bundle(folder, step, replica)
    if not path.is_file():
        raise StoreError(f"no checkpoint at step {step} in {path.parent}: {_nearest(steps(folder), step)}")
    with _open(path, lambda: f"; {_others(steps(folder), step)}") as file:
        # The file gives its names in another order each time, and sums over tensors follow theirs.
        names = sorted(file.keys())
        if replica is None:
            return {name: file.get_tensor(name) for name in names}
        return {name: _row(file, name, replica) for name in names}


def _of_bundle(folder: Path, step: int, replica: int | None) -> dict[str, "Tensor"]:
    from safetensors import SafetensorError
    from safetensors.torch import load as deserialise

    try:
        tensors = dict(sorted(deserialise(bundle.read(folder, step)).items()))
    except SafetensorError as error:
        raise StoreError(f"truncated or damaged: {folder / bundle.NAME} ({error}; {ADVICE})") from error
    except StoreError as error:
        raise StoreError(f"{error}; {_others(steps(folder), step)}") from error
    if replica is None:
        return tensors
    return {name: _row_of(tensor, name, replica) for name, tensor in tensors.items()}


def _row_of(tensor: "Tensor", name: str, replica: int) -> "Tensor":
    if not tensor.shape:
        return tensor
    _require_replica(tensor.shape[0], name, replica)
    return tensor[replica].clone()


def remove_after(folder: Path, step: int) -> None:
    """Remove the checkpoints after `step`; a resumed run writes them again."""
    unseal(folder)
    for path in (folder / bundle.NAME, *(path for later, path in files(folder).items() if later > step)):
        with clear_errors(path):
            path.unlink(missing_ok=True)


def keep(folder: Path, chosen: Collection[int]) -> None:
    """Remove all checkpoints of a finished pack but these; killed on the way, there are some more."""
    unseal(folder, chosen)
    for step, path in files(folder).items():
        if step not in chosen:
            with clear_errors(path):
                path.unlink()
    with clear_errors(folder / bundle.NAME):
        (folder / bundle.NAME).unlink(missing_ok=True)
    seal(folder)


def save_resume(folder: Path, tensors: Mapping[str, "Tensor"], metadata: Mapping[str, Any]) -> Path:
    """Replace the resume point: tensors (weights, moments, generator states) and a little JSON."""
    path = folder / "resume.safetensors"
    write_atomic(path, _serialise(tensors, metadata))
    return path


def load_resume(folder: Path) -> tuple[dict[str, "Tensor"], dict[str, Any]] | None:
    """The resume point as (tensors, metadata); None if none was saved."""
    path = folder / "resume.safetensors"
    if not path.is_file():
        return None
    with _open(path, lambda: "; remove it to start the pack anew") as file:
        metadata = _metadata(file)
        return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118


def remove_resume(folder: Path) -> None:
    """Remove the resume point: the pack cannot go on any more."""
    (folder / "resume.safetensors").unlink(missing_ok=True)


def save_data(folder: Path, digest: str, tensors: Mapping[str, "Tensor"]) -> None:
    """Write the data that a pack is trained on, once."""
    if not (path := data_file(folder, digest)).exists():
        write_atomic(path, _serialise(tensors, {}))


def load_data(folder: Path, digest: str) -> dict[str, "Tensor"]:
    """The data of this hash that a pack keeps."""
    with _open(data_file(folder, digest), lambda: "") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def data_file(folder: Path, digest: str) -> Path:
    """Where a pack keeps the data of a hash."""
    return folder / f"data-{digest[:16]}.safetensors"


def data_files(folder: Path) -> list[Path]:
    """The files of data that a pack keeps."""
    return sorted(folder.glob("data-*.safetensors"))


def path_of(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step lies while the pack trains."""
    return folder / "checkpoints" / f"step-{step:08d}.safetensors"


def _metadata(file: Any) -> dict[str, Any]:
    from safetensors import SafetensorError

    try:
        about = parsed((file.metadata() or {}).get(bundle.METADATA, "{}").encode())
    except ValueError as error:
        raise SafetensorError(str(error)) from error
    if not isinstance(about, dict) or not is_count(about.get("step")):
        raise SafetensorError("its metadata hold no step")
    about.pop("checksum", None)
    return about


def _serialise(tensors: Mapping[str, "Tensor"], metadata: Mapping[str, Any]) -> bytes:
    import torch
    from safetensors.torch import save as serialise

    def own(tensor: "Tensor") -> "Tensor":  # safetensors refuses tensors that share memory, such as rows of a stack
        return tensor.detach().cpu().clone(memory_format=torch.contiguous_format)

    about = json.dumps({**metadata, "checksum": BLANK})
    return stamped(serialise({name: own(tensor) for name, tensor in tensors.items()}, {bundle.METADATA: about}))


@contextmanager
def _open(path: Path, advice: Callable[[], str]) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        if checked(path) is False:
            raise SafetensorError("it does not fit the checksum it was written with")
        with safe_open(path, framework="pt") as file:
            yield file
    except SafetensorError as error:
        raise StoreError(f"truncated or damaged: {path} ({error}; {ADVICE}){advice()}") from error
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error


def _row(file: Any, name: str, replica: int) -> "Tensor":
    part = file.get_slice(name)
    shape = part.get_shape()
    if not shape:
        return file.get_tensor(name)
    _require_replica(shape[0], name, replica)
    return part[replica].clone()  # to where its address starts a line of the cache: a product rounds by it


def _require_replica(count: int, name: str, replica: int) -> None:
    if not 0 <= replica < count:
        raise ValueError(f"replica {replica} of {name}: it has replicas 0 to {count - 1}")


def _nearest(existing: list[int], step: int) -> str:
    if not existing:
        return "it has no checkpoints"
    return f"the nearest is at step {min(existing, key=lambda other: abs(other - step))}"


def _others(existing: list[int], step: int) -> str:
    others = [str(other) for other in existing if other != step]
    shown = others if len(others) <= 8 else [*others[:4], "...", *others[-4:]]  # one line, whatever the schedule
    return f"other checkpoints at steps {', '.join(shown)}" if others else "there are no other checkpoints"
