"""State dicts under TransformerLens's names, from torch.save or safetensors, also of Nanda's own repositories."""

from pathlib import Path

from grokscope.runs.foreign.files import File, open_safetensors, open_torch
from grokscope.runs.foreign.formats.base import Format
from grokscope.runs.foreign.formats.safetensors import plainly


def _open(path: Path) -> tuple[bytes, File]:
    return (open_safetensors if path.suffix == ".safetensors" else open_torch)(path)


transformer_lens = Format(open=_open, understand=plainly)
