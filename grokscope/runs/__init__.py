"""Configs, snapshots and runs: what was trained, and where it is kept.

The public function `gs.runs(store)` gives the runs of a store. Importing this package replaces it: the attribute
`gs.runs` is then the package. So the package itself can be called.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Runs(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        return import_module("grokscope.runs.asking").runs(*args, **options)  # as the public face does it


sys.modules[__name__].__class__ = _Runs
