"""The modules that make the documentation site, in scripts/site: they are part of no package."""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[2] / "scripts" / "site"


@cache
def site(name: str) -> ModuleType:
    """One of them by its name."""
    spec = importlib.util.spec_from_file_location(f"grokscope_site_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
