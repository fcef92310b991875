"""The package is imported, and a run trained, where the modules that only POSIX has are not there."""

import subprocess
import sys
from pathlib import Path

POSIX = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline", "spwd", "nis")
# Finds of importlib that fail for these modules; those that Python itself has loaded already stay out of reach, too.
CODE = f"""
import importlib.abc, os, pkgutil, sys
import torch, numpy, scipy, pydantic, tyro, rich, duckdb, plotly, gudhi, sklearn, fsspec, filelock  # theirs is theirs

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {POSIX!r}:
            raise ImportError(f"{{name}} is not on this system")

for name in {POSIX!r}:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Blocked())
import grokscope as gs

OPTIONAL = ("submitit", "ray", "lightning", "transformers", "wandb", "mlflow", "tensorboard", "starlette", "uvicorn")
for found in pkgutil.walk_packages(gs.__path__, "grokscope."):
    if found.name != "grokscope.__main__":
        try:
            __import__(found.name)
        except ImportError as error:
            if not str(error.name or "").startswith(OPTIONAL):
                raise
del os.sysconf, os.sched_getaffinity  # what Windows' os has not
run = gs.train(gs.recipe("quickstart", p=7, d_model=8, n_heads=2, d_mlp=8, max_steps=5), store="runs", progress=False)
print(run.steps)
"""


def test_nothing_that_only_posix_has_is_imported(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "USERNAME": "somebody", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["5"]
