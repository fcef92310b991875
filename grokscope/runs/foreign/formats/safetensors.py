"""Safetensors, under TransformerLens's names or this project's own (W_E, W_Q, ...)."""

from pathlib import Path

from grokscope.runs.foreign.files import File, open_safetensors
from grokscope.runs.foreign.formats.base import Asked, Format
from grokscope.runs.foreign.networks import Source, plain


def plainly(path: Path, file: File, asked: Asked, notes: list[str]) -> Source:  # noqa: ARG001  all is in the tensors
    """As the names and shapes of the tensors say."""
    return plain(file, asked.layout)


safetensors = Format(open=open_safetensors, understand=plainly)
