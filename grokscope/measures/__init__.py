"""Published quantities, each a function of a snapshot: one file per quantity, one folder per family.

The public function `gs.measures()` gives every measure by id. Importing this package replaces it: the attribute
`gs.measures` is then the package. So the package itself can be called.
"""

import sys
from types import ModuleType
from typing import Any


class _Measures(ModuleType):
    def __call__(self) -> dict[str, Any]:
        from grokscope.measures.base import measures

        return measures()


sys.modules[__name__].__class__ = _Measures
