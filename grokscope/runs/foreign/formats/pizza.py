"""The released pairs of Zhong et al. 2023 (arXiv:2306.17844): model_ID.pt with config_ID.json beside it."""

from pathlib import Path

from grokscope.runs.foreign.files import File, open_torch
from grokscope.runs.foreign.formats.base import Asked, Format
from grokscope.runs.foreign.networks import Source, released


def _understand(path: Path, file: File, asked: Asked, notes: list[str]) -> Source:
    return released(path, asked.config, file, asked.task, notes)


pizza = Format(open=open_torch, understand=_understand)
