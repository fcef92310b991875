"""Arrays of numpy by name, one value a step; others in the file are left out."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from grokscope.errors import GrokscopeError
from grokscope.runs.curves.formats.base import Columns, Format, ending, one_length


def _columns(path: Path, files: Sequence[tuple[Path, bytes]]) -> tuple[Columns, list[str]]:
    try:
        with np.load(io.BytesIO(files[0][1]), allow_pickle=False) as archive:
            arrays = dict(archive)
    except Exception as error:  # a damaged header can raise anything
        raise GrokscopeError(f"{path} cannot be read as arrays: {' '.join(str(error).split())}") from error
    return one_length(path, {name: array.tolist() for name, array in arrays.items() if array.ndim == 1}), []


npz = Format(what="npz", files=ending(".npz"), columns=_columns)
