"""Attach grokscope to a training that it does not run.

The public function `gs.watch(model, ...)` makes a `grokscope.watch.watch.Watch`. Importing this package replaces it:
the attribute `gs.watch` is then the package. So the package itself can be called.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Watch(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        return import_module("grokscope.watch.watch").Watch(*args, **options)


sys.modules[__name__].__class__ = _Watch
