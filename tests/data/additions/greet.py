"""`grokscope greet`: hello."""

import tyro

from grokscope.cli._options import Json
from grokscope.cli.base import emit


def greet(name: tyro.conf.Positional[str], *, json: Json = False) -> None:
    """Say hello."""
    emit({"hello": name}) if json else print(f"hello, {name}")
