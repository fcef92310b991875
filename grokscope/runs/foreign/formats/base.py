"""What a format of weights is: how its file is opened, and whose names and axes its tensors have.

`formats/transformer_lens.py` defines `transformer_lens`, which users call "transformer-lens".
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grokscope.registry import component, names, unknown
from grokscope.runs.foreign.files import File
from grokscope.runs.foreign.networks import Source
from grokscope.runs.foreign.weights import Layout

FAMILY = "runs.foreign.formats"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was said beside the path: the task, the JSON beside the weights, and the layout of matrices."""

    task: str
    config: str | Path | None
    layout: Layout


@dataclass(frozen=True, kw_only=True)
class Format:
    """open: the bytes at a path, and what they hold; nothing in them is run. understand: path, what it holds, what was
    asked, notes to add to -> the tensors in our axes, with what else is known of them."""

    open: Callable[[Path], tuple[bytes, File]]
    understand: Callable[[Path, File, Asked, list[str]], Source]


def called() -> dict[str, str]:
    """What users call a format -> its id."""
    return {name.replace("_", "-"): name for name in names(FAMILY)}


def format_called(name: str) -> Format:
    """ValueError, naming the nearest, where there is none."""
    if name not in called():
        raise ValueError(unknown("format", name, called()))
    return component(FAMILY, called()[name])
