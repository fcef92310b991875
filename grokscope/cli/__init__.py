"""The command line: one file a command; the file's name is the command."""

from grokscope.cli.base import main

__all__ = ["main"]
