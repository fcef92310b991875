"""The training inputs as others give them: a mask, indices, the inputs themselves, or a file of one of these."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from grokscope.errors import GrokscopeError
from grokscope.runs.outside import Refused, array_of, parsed, read_file

# The most symbols that may follow the operands in a row, such as "=" and the answer.
BEYOND = 16
# The names of a split in files.
NAMES = ("train_mask", "train_indices", "train_idx", "train_data", "train_pairs", "train")


def read_split(path: str | Path) -> Any:
    """A split for `split_mask` from .json, .npy, .pt or .pth (tensors alone); of a mapping, the first of NAMES."""
    path = Path(path)
    try:
        if path.suffix == ".json":
            split = parsed(read_file(path, checked="json"))
        elif path.suffix == ".npy":
            split = array_of(path)
        elif path.suffix in (".pt", ".pth"):
            split = torch.load(io.BytesIO(read_file(path, checked="torch")), weights_only=True, map_location="cpu")
        else:
            raise Refused(f"{path}: a split is a file of .json, .npy, .pt or .pth")
    except (Refused, GrokscopeError):
        raise
    except OSError as error:
        raise GrokscopeError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:
        raise GrokscopeError(f"{path} cannot be read as a split: {error}".splitlines()[0]) from error
    if not isinstance(split, Mapping):
        return split
    name = next((name for name in NAMES if name in split), None)
    if name is None:
        raise GrokscopeError(f"{path} holds {', '.join(map(str, split))}; expected one of {', '.join(NAMES)}")
    return split[name]


def packed(mask: Bool[Tensor, " pair"]) -> str:
    """One bit an input, as hexadecimal digits."""
    return np.packbits(mask.numpy()).tobytes().hex()


def unpacked(text: str, n_inputs: int) -> Bool[Tensor, " pair"]:
    """The mask that `packed` wrote."""
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(text), dtype=np.uint8), count=n_inputs)
    return torch.from_numpy(bits.astype(bool))


def split_mask(split: Any, inputs: Tensor) -> Bool[Tensor, " pair"]:
    """The training inputs as a mask, from one bool an input, indices of inputs, or inputs (symbols after the operands,
    such as "=", are not read). ValueError for anything else."""
    if isinstance(split, np.ma.MaskedArray) and np.ma.is_masked(split):
        raise ValueError("train_mask has masked cells: whether these inputs were trained on is not known")
    try:
        # A copy: torch warns of an array that cannot be written to.
        given, n = torch.as_tensor(np.array(split) if isinstance(split, np.ndarray) else split).cpu(), len(inputs)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"train_mask is no array of numbers: {error}") from None
    if given.layout != torch.strided or given.is_meta or (given.ndim and len(given) > n):
        raise ValueError(f"train_mask has shape {tuple(given.shape)} ({given.layout}), inputs are {n}")
    if given.dtype == torch.bool or (given.shape == (n,) and n > 2 and _is_zeros_and_ones(given)):
        if given.shape != (n,):
            raise ValueError(f"train_mask has shape {tuple(given.shape)}, expected ({n},): one bool an input")
        mask = given.bool()
    else:
        mask = torch.zeros(n, dtype=torch.bool)
        mask[_places(given, inputs)] = True
    if not mask.any():
        raise ValueError("train_mask leaves no input to train on")
    return mask


def _is_zeros_and_ones(given: Tensor) -> bool:
    return not given.is_complex() and bool(((given == 0) | (given == 1)).all())


def _places(given: Tensor, inputs: Tensor) -> Int[Tensor, " chosen"]:
    """The indices of inputs, from indices or from inputs."""
    n, width = inputs.shape
    if given.is_floating_point() or given.is_complex() or given.ndim not in (1, 2) or not given.numel():
        raise ValueError(
            f"train_mask is {given.dtype} of shape {tuple(given.shape)}, expected one bool an input, indices of "
            f"inputs, or inputs"
        )
    places = given.long()
    if given.ndim == 2:
        if not width <= given.shape[1] <= width + BEYOND or inputs.is_floating_point():
            raise ValueError(f"train_mask has rows of {given.shape[1]}, inputs are {width} symbols")
        index = {tuple(symbols): place for place, symbols in enumerate(inputs.tolist())}
        rows = [tuple(row) for row in given[:, :width].tolist()]
        if strange := [row for row in rows if row not in index]:
            raise ValueError(f"train_mask names {strange[0]}, which is no input of the task")
        places = torch.tensor([index[row] for row in rows])
    if int(places.min()) < 0 or int(places.max()) >= n:
        raise ValueError(f"train_mask has indices {int(places.min())} to {int(places.max())}; inputs are 0 to {n - 1}")
    if len(places.unique()) < len(places):
        raise ValueError("train_mask names an input twice")
    return places
