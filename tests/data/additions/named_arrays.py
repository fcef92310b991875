"""Weights as arrays of numpy by name."""

import io

import numpy as np
import torch

from grokscope.runs.foreign.files import File
from grokscope.runs.foreign.formats.base import Format
from grokscope.runs.foreign.formats.safetensors import plainly
from grokscope.runs.outside import read_file


def _open(path):
    data = read_file(path, checked="npy")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return data, File(states=[(None, {name: torch.from_numpy(arrays[name]) for name in arrays.files})])


named_arrays = Format(open=_open, understand=plainly)
