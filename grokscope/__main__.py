"""`python -m grokscope` is the command line."""

import sys

from grokscope.cli.base import main

if __name__ == "__main__":
    sys.exit(main())
