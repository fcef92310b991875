"""Published quantities, each a function of a snapshot: one file a quantity, one folder a family.

The public face has `gs.measures()`, every measure by id; but importing this package makes the package the attribute
`gs.measures`, whatever the face put there. So the package itself can be called.
"""

import sys
from types import ModuleType
from typing import Any


class _Measures(ModuleType):
    def __call__(self) -> dict[str, Any]:
        from grokscope.measures.base import measures

        return measures()


sys.modules[__name__].__class__ = _Measures
