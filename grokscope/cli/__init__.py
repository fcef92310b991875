"""The command line: one file a command; the file's name is the command."""

import sys

from grokscope.cli.base import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
